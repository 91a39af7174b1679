"""An import into a tune that is killed: it is whole in the ledger or not there at all, and the next one goes on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psycopg2
import pytest

from storage.session import Session
from storage.url import libpq_url
from tests.support.program import Begin, Program, answer, until

OWN = "def own(config):\n    return {'loss': (config['x'] - 2) ** 2}\n"
TUNE = """
search: tune
objective: own.py:own
score: {metric: loss, direction: minimize}
tune: {space: {x: {float: [-5, 10]}}, settings: 6, ahead: 2}
config: {x: 0.0}
"""


@pytest.mark.parametrize("table", ["studyhall_decisions", "studyhall_attempts", "studyhall_metrics"])
def test_an_import_into_a_tune_that_is_killed_leaves_nothing_half(
    program: Program, begin: Begin, tmp_path: Path, url: str, session: Session, table: str
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "xs.yaml").write_text(TUNE)
    (tmp_path / "runs.csv").write_text("x,loss\n1.5,0.25\n3,1.0\n2.5,0.25\n")
    given = ("import", tmp_path / "runs.csv", "--study", "xs", "--file", tmp_path / "xs.yaml")
    held = psycopg2.connect(libpq_url(url))
    with held.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        process = begin(*given)
        until(lambda: session.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")[0].count, seconds=60)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    held.close()
    for name in ("decisions", "points", "attempts"):
        assert session.execute(f"SELECT count(*) FROM studyhall_{name}")[0].count == 0, name
    done = program(*given)
    assert "3 results imported" in done.stdout, done.stdout + done.stderr
    ended = program("run", "xs", "--file", tmp_path / "xs.yaml")
    assert "6 settings × 1 seed are done, 3 more were imported" in ended.stderr, ended.stderr
    assert answer(program, "audit", "xs")["holds"] and answer(program, "replay", "xs")["agrees"]
