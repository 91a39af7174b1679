"""Workers that pack trials by their estimates."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.slots.leases import Span, held, holder_record, take, turn_is_taken
from tests.support.devices import FIRST, SECOND, audit, definition
from tests.support.packing import GIB, PACKED, TWO
from tests.support.program import Begin, Program, until

pytestmark = pytest.mark.usefixtures("devices")


def test_two_studies_that_pack_by_estimates_never_overlap_and_both_end(
    program: Program, begin: Begin, tmp_path: Path
) -> None:
    """Trials of 10 and 42 GiB, of an unknown need, and of more than a device's 80."""
    code = PACKED.replace("FOLDER", repr(str(tmp_path)))
    more = "  repeats: 2\nattempts: 1\n"
    files = {name: definition(tmp_path, name, "packed", code, steps=2, seconds=0.1, more=more) for name in ("a", "b")}
    arguments = ["--gpus", "all", "--gpu-memory", "auto", "--per-gpu", 8]
    workers = [begin("run", "grow", "--study", name, "--file", file, *arguments) for name, file in files.items()]
    told_by = {name: worker.communicate(timeout=180)[0] for name, worker in zip(files, workers, strict=True)}
    assert [worker.returncode for worker in workers] == [0, 0], told_by
    fractions = set()
    for name in files:
        certificate = audit(program, name)
        assert certificate["holds"] and certificate["points"]["failed"] == 0, certificate
        lines = [line.split() for line in (tmp_path / f"used-{name}").read_text().splitlines()]
        assert certificate["attempts"] == certificate["points"]["accepted"] == len(lines)
        for _, _, fraction, estimate in lines:
            size = float(fraction) * TWO[0].memory_total
            too_big = float(estimate) * 1.1 > TWO[0].memory_total
            assert float(fraction) == 1 if estimate == "0" or too_big else size >= float(estimate) * 1.1
            fractions.add(round(float(fraction), 1))
        assert told_by[name].count("returns no memory_bytes: such a trial takes a whole GPU") == 1
    assert len(fractions) >= 3 and 1.0 in fractions
    assert held(FIRST) == held(SECOND) == [] and not turn_is_taken(FIRST) and not turn_is_taken(SECOND)


def test_a_killed_worker_leaves_no_share_and_no_turn(program: Program, begin: Begin, tmp_path: Path) -> None:
    code = PACKED.replace("FOLDER", repr(str(tmp_path)))
    file = definition(tmp_path, "a", "packed", code, steps=1, seconds=60)
    lease = take(FIRST, Span(0, 75 * GIB), holder_record("other"))
    assert lease is not None
    worker = begin("run", "grow", "--study", "a", "--file", file, "--gpus", "all", "--gpu-memory", "auto")
    until(lambda: [each for each in held(SECOND) if each.holder.get("trial") == 0])
    worker.kill()
    until(lambda: not held(SECOND) and not turn_is_taken(FIRST) and not turn_is_taken(SECOND), seconds=1)
    lease.close()
