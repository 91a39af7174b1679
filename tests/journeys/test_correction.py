"""A definition is not corrected while a worker runs its study."""

from __future__ import annotations

from pathlib import Path

from tests.support.corrections import RIGHT, written
from tests.support.program import Begin, Program, answer, states, until


def test_while_a_worker_is_at_it_nothing_is_corrected(program: Program, begin: Begin, tmp_path: Path) -> None:
    file = written(tmp_path, "python slow.py {n} {run_dir}")
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(60)\n")
    run = ["run", "grid", "--study", "own", "--file", file, "--workers", 1]
    worker = begin(*run)
    until(lambda: program("show", "--study", "own").returncode == 0 and states(program, "own")["running"])
    before = answer(program, "audit", "--study", "own")
    written(tmp_path, RIGHT)
    ended = program(*run)
    assert ended.returncode == 2 and "1 worker runs 'own'" in ended.stderr and ended.stderr.count("\n") == 1
    assert answer(program, "audit", "--study", "own")["decisions"] == before["decisions"]
    worker.terminate()
    worker.communicate(timeout=30)
    assert program(*run).returncode == 0
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["points"]["accepted"] == 3 and certificate["points"]["withdrawn"] == 3
