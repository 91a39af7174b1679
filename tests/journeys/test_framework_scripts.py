"""Scripts whose parser comes with a framework: each has the values that the definition says."""

from __future__ import annotations

from pathlib import Path

import pytest

from objectives.context import TrialContext
from tests.support.cases import usual
from tests.support.scripts import SLOW, check_values, trial

__all__ = ["trial"]  # a fixture


@pytest.mark.parametrize("kind", usual(SLOW[::-1], count=1))
def test_a_script_has_the_values_that_the_definition_says(kind: str, tmp_path: Path, trial: TrialContext) -> None:
    check_values(kind, tmp_path, trial)
