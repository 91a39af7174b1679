"""`storage move`: studies in another storage are the same to the last row, and go on there."""

from __future__ import annotations

import json
from pathlib import Path

from storage.session import Session
from storage.study_rows import TABLES
from tests.support.growth_trace import CHOICES
from tests.support.program import Program, administer, refused


def test_what_was_moved_is_the_same_and_goes_on_there(
    program: Program, two_studies: Path, empty_url: str, url: str
) -> None:
    ended = program("storage", "move", empty_url)
    assert ended.returncode == 0 and ended.stdout.count("copied and verified") == 2, ended.stdout + ended.stderr
    for study in ("trace", "gitter"):
        for verb in ("show", "audit", "replay"):
            here, there = (
                program(verb, "--study", study, "--json", "--storage", each).stdout for each in (url, empty_url)
            )
            assert json.loads(here) == json.loads(there)
    again = program("storage", "move", empty_url)
    assert again.returncode == 0 and again.stdout.count("were there already") == 2
    on = program("run", "grow", "--study", "trace", "--file", two_studies, "--steps", 4, "--storage", empty_url)
    assert on.returncode == 0, on.stderr
    results = json.loads(program("show", "--study", "trace", "--json", "--storage", empty_url).stdout)
    assert [step["chosen"]["param"] for step in results["rounds"] if step["chosen"]] == CHOICES[:4]
    refused(program("storage", "move", empty_url, "--study", "trace"), "holds another study 'trace'")
    refused(program("run", "grow", "--study", "trace", "--steps", 9), "was moved to", "--storage")


def test_a_move_of_nonsense_writes_nothing(program: Program, two_studies: Path, url: str, empty_url: str) -> None:
    refused(program("storage", "move", url), "is the storage that the studies are in")
    refused(program("storage", "move", empty_url, "--study", "trce"), "no study 'trce'", "'trace'")
    refused(program("storage", "move", "mysql://me:geheim@h/d"), "PostgreSQL")
    session = Session(empty_url)
    assert session.execute("SELECT count(*) FROM studies")[0].count == 0
    session.close()


def test_a_study_that_was_renamed_after_its_move_is_not_moved_again(
    program: Program, two_studies: Path, empty_url: str
) -> None:
    assert program("storage", "move", empty_url).returncode == 0
    assert program("rename", "trace", "best").returncode == 0
    refused(program("storage", "move", empty_url, "--study", "best"), "holds this study as 'trace'")
    assert program("rename", "trace", "best", "--storage", empty_url).returncode == 0
    again = program("storage", "move", empty_url, "--study", "best")
    assert again.returncode == 0 and "were there already" in again.stdout, again.stderr


def test_a_row_that_is_missing_over_there_is_noticed(program: Program, two_studies: Path, empty_url: str) -> None:
    assert program("storage", "move", empty_url).returncode == 0
    administer(
        empty_url, "DELETE FROM studyhall_reports WHERE trial_id = (SELECT min(trial_id) FROM studyhall_reports)"
    )
    refused(program("storage", "move", empty_url), "holds another study 'gitter'")


def test_every_table_that_hangs_on_a_study_is_moved(session: Session) -> None:
    rows = session.execute(
        "SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint WHERE contype = 'f' AND confrelid IN "
        "('studies'::regclass, 'trials'::regclass, 'studyhall_studies'::regclass, 'studyhall_points'::regclass, "
        "'studyhall_workers'::regclass)"
    )
    assert {row.name for row in rows} == set(TABLES)
