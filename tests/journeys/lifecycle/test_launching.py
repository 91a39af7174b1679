"""`run --launch --wait`: what ends the following of a study beside its own end."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.errors import UsageError
from storage.store import Store
from studies.launch.launcher import Launch
from studies.lifecycle.launching import follow
from tests.support.made_studies import grid
from tests.support.program import Program


@pytest.mark.parametrize("change", [("delete", "own", "--yes"), ("rename", "own", "best")])
def test_a_study_that_is_deleted_or_renamed_is_followed_no_further(
    program: Program, url: str, tmp_path: Path, change: tuple[str, ...]
) -> None:
    grid(url, "own", [{"lr": 0.1}], lambda config: None)
    printed: list[str] = []

    def log(line: str) -> None:
        printed.append(line)
        assert program(*change).returncode == 0

    launch = Launch("slurm", "1", "own", 1, "nowhere", "here")
    with pytest.raises(UsageError, match="there is no study 'own' in this storage any more") as refused:
        follow(Store(url, tmp_path), "own", launch, log)
    assert refused.value.exit_code == 2 and len(printed) == 1
