"""Scripts as people have them, started by our command objective: each has the values that the definition says."""

from __future__ import annotations

from pathlib import Path

import pytest

from objectives.context import TrialContext
from tests.inputs.scripts import INSIDE, SCRIPTS
from tests.support.scripts import SLOW, check_values, trial

__all__ = ["trial"]  # a fixture


@pytest.mark.parametrize("kind", [kind for kind in SCRIPTS if kind not in SLOW])
def test_a_script_has_the_values_that_the_definition_says(kind: str, tmp_path: Path, trial: TrialContext) -> None:
    check_values(kind, tmp_path, trial)


def test_the_table_has_150_rows_of_scripts_and_more() -> None:
    rows = sum(len(script.rows) + len(INSIDE.get(kind, {})) for kind, script in SCRIPTS.items())
    assert rows >= 150
