"""`report` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.session import Session
from tests.support import made_studies
from tests.support.laws import WIDTHS, law
from tests.support.program import Program
from tests.support.reports import two

__all__ = ["two"]  # fixtures


def test_the_command_writes_a_report_and_says_where(two: Session, program: Program, tmp_path: Path) -> None:
    told = program("report", "--study", "one", "--study", "two", "--out", tmp_path / "out")
    assert told.returncode == 0 and told.stdout == f"{tmp_path}/out/index.html\n" and told.stderr.count("\n") == 1
    assert (tmp_path / "out" / "fits.json").exists()


def test_a_study_may_be_a_word_and_its_report_has_a_folder_by_its_name(
    session: Session, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_studies.grid(session.url, "one", WIDTHS[:2], law)
    monkeypatch.chdir(tmp_path)
    told = program("report", "one")
    assert told.stdout == "report-one/index.html\n" and (tmp_path / "report-one" / "index.html").exists(), told.stderr


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("--out OUT", "report: which study? `report lobo`"),
        ("--study ona --out OUT", "--study: there is no study 'ona' in this storage; did you mean 'one'?"),
        ("--study one --study one --out OUT", "report: --study 'one' is named twice"),
        ("--study one --out cli.py", "--out: cli.py is not a folder"),
    ],
)
def test_a_wrong_command_is_one_line_and_writes_nothing(
    session: Session, program: Program, tmp_path: Path, arguments: str, line: str
) -> None:
    made_studies.grid(session.url, "one", WIDTHS[:2], law)
    told = program("report", *(str(tmp_path / "out") if each == "OUT" else each for each in arguments.split()))
    assert told.returncode == 2 and told.stderr.strip() == f"studyhall: {line}"
    assert not (tmp_path / "out").exists()
