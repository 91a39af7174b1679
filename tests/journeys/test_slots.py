"""Several workers on the slots of one host, some of them killed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from studies.slots.leases import Span, held, held_cores, holder_record, take
from studies.slots.options import allowed_cores
from tests.support.devices import FIRST, SECOND, audit, definition
from tests.support.program import Begin, Program, until

pytestmark = pytest.mark.usefixtures("devices")

ALONE = """
import os
from pathlib import Path

def alone(config):
    "The landscape, in a slot that no other trial may use meanwhile; every use of it leaves a line."
    device, slot, folder = os.environ["CUDA_VISIBLE_DEVICES"], os.environ["STUDYHALL_SLOT"], Path(FOLDER)
    taken = folder / f"{device} {slot}"
    os.close(os.open(taken, os.O_CREAT | os.O_EXCL))
    try:
        return landscape(config)
    finally:
        taken.unlink()
        with (folder / f"used-{config['who']}").open("a") as used:
            used.write(f"{device} {slot} {os.environ['STUDYHALL_MEMORY_FRACTION']}\\n")
"""


# Leases at work


def test_two_studies_on_eight_slots_of_two_devices_never_share_one(
    program: Program, begin: Begin, tmp_path: Path
) -> None:
    code = ALONE.replace("FOLDER", repr(str(tmp_path)))
    more = "  repeats: 2\nattempts: 1\n"
    files = {name: definition(tmp_path, name, "alone", code, steps=2, seconds=0.1, more=more) for name in ("a", "b")}
    arguments = ["--gpus", "all", "--per-gpu", 4]
    workers = [begin("run", "grow", "--study", name, "--file", file, *arguments) for name, file in files.items()]
    for worker in workers:
        output, _ = worker.communicate(timeout=120)
        assert worker.returncode == 0, output
    used = {name: (tmp_path / f"used-{name}").read_text().splitlines() for name in files}
    for name, lines in used.items():
        certificate = audit(program, name)
        assert certificate["holds"] and certificate["points"]["failed"] == 0
        assert certificate["attempts"] == certificate["points"]["accepted"] == len(lines)
    places = {f"{uuid} gpu{index}.{place} 0.25" for index, uuid in enumerate((FIRST, SECOND)) for place in range(4)}
    assert set(used["a"]) | set(used["b"]) == places and set(used["a"]) & set(used["b"])
    assert held(FIRST) == held(SECOND) == []


def test_a_killed_workers_slots_are_free_within_a_second(program: Program, begin: Begin, tmp_path: Path) -> None:
    file = definition(tmp_path, "a", "landscape", "", steps=1, seconds=60)
    worker = begin("run", "grow", "--study", "a", "--file", file, "--gpus", "1", "--per-gpu", 2)
    (lease,) = until(lambda: [each for each in held(SECOND) if each.holder.get("trial") == 0])
    assert lease.holder["study"] == "a" and lease.holder["pid"] == worker.pid
    first, second = json.loads(program("gpus", "--json").stdout)["devices"]
    # The other share may be held too, for a moment, while the worker asks whether there is a trial for it.
    assert [each["study"] for each in second["leases"] if each["trial"] == 0] == ["a"] and not first["leases"]
    assert re.search(r"40 GiB from 0 B: \w+, study a, trial 0, pid \d+", program("gpus").stdout)
    worker.kill()
    until(lambda: not held(SECOND), seconds=1)


def test_a_slot_that_somebody_else_has_is_waited_for_and_that_is_said_once(
    program: Program, begin: Begin, tmp_path: Path
) -> None:
    other = take(FIRST, Span(0, 10), {**holder_record("theirs", 3), "user": "alice", "pid": 4711})
    assert other is not None
    file = definition(tmp_path, "a", "landscape", "", steps=1)
    worker = begin("run", "grow", "--study", "a", "--file", file, "--gpus", "0")
    until(lambda: program("show", "--study", "a").returncode == 0)
    assert worker.poll() is None and audit(program, "a")["attempts"] == 0
    other.close()
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    assert (
        output.count("slot gpu0 is held by alice, study theirs, trial 3, pid 4711: it will be used once it is free")
        == 1
    )


def test_eight_workers_on_the_cores_of_one_host_some_of_them_killed_never_share_one(
    program: Program, begin: Begin, tmp_path: Path
) -> None:
    """Each trial is pinned to a core that it holds for itself, as long as there are any; a killed worker's are free."""
    code = (
        "\nimport os\nfrom pathlib import Path\n\n"
        "def pinned(config, trial):\n"
        "    cores = os.sched_getaffinity(0)\n"
        f"    place = Path({str(tmp_path)!r}) / f'core-{{min(cores)}}'\n"
        "    if len(cores) > 1:\n"
        "        return landscape({**config, 'seed': trial.seed})\n"
        "    import fcntl\n"
        "    with place.open('a') as core:\n"
        "        fcntl.flock(core, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "        core.write(f'{trial.number}\\n')\n"
        "        return landscape({**config, 'seed': trial.seed})\n"
    )
    more = "  repeats: 2\nattempts: 1\n"
    file = definition(tmp_path, "a", "pinned", code, steps=2, seconds=0.2, more=more)
    run = ["run", "grow", "--study", "a", "--file", file, "--workers", 2]
    workers = [begin(*run) for _ in range(8)]
    until(lambda: program("show", "--study", "a").returncode == 0 and audit(program, "a")["points"]["accepted"] >= 2)
    for worker in workers[:3]:
        worker.kill()
    dead = {worker.pid for worker in workers[:3]}
    until(lambda: not any(who.get("pid") in dead for who in held_cores().values()), seconds=1)
    for worker in workers[3:]:
        output, _ = worker.communicate(timeout=180)
        assert worker.returncode == 0, output
    certificate = audit(program, "a")
    assert certificate["holds"] and certificate["points"]["failed"] == 0, certificate
    assert certificate["duplicates"] == 0 and set(certificate["extra_attempts"]) <= {"lost"}
    if len(allowed_cores()) > 1:  # else there is nothing to choose from, and nothing is pinned
        assert list(tmp_path.glob("core-*"))
    assert held_cores() == {}
