"""Behind PgBouncer: fine where it pools by session, refused where it pools by transaction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.growth_trace import write_definition
from tests.support.pgbouncer import PGBOUNCER
from tests.support.program import Program

pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="there is no pgbouncer here")


def test_pooling_by_session_is_fine(program: Program, proxy: Callable[[str], str], tmp_path: Path) -> None:
    storage = ["--storage", proxy("session")]
    assert program("storage", "check", *storage).returncode == 0
    ended = program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1), *storage)
    assert ended.returncode == 0, ended.stderr
    assert program("audit", "--study", "trace").returncode == 0


def test_pooling_by_transaction_is_refused_before_anything_is_written(
    program: Program, proxy: Callable[[str], str], tmp_path: Path
) -> None:
    storage = ["--storage", proxy("transaction")]
    file = write_definition(tmp_path, steps=1)
    for arguments in (["run", "grow", "--study", "trace", "--file", file], ["storage", "check"]):
        ended = program(*arguments, *storage)
        assert ended.returncode == 2 and "pool_mode=session" in ended.stderr and ended.stderr.count("\n") == 1
    assert program("show", "--study", "trace").returncode == 2
