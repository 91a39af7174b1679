"""Slots at work: two studies on recorded devices, holders that are killed, devices that fail, and what `gpus` shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from objectives.outcome import Kind
from studies.slots.leases import END, Span, held, held_cores, holder_record, take
from studies.slots.options import allowed_cores, cpu_slots, gpu_slots
from studies.slots.pool import Ended, SlotPool, failing, failures_in_a_row
from studies.slots.survey import survey
from tests.support.devices import FIRST, RECORDED, SECOND, TWO, audit, definition
from tests.support.growth_trace import CHOICES, write_definition
from tests.support.program import Program

pytestmark = pytest.mark.usefixtures("devices")

PICKY = """
import os

def picky(config):
    "The landscape on every device but the second, where something goes wrong."
    if os.environ["CUDA_VISIBLE_DEVICES"] == SECOND:
        WRONG
    return landscape(config)
"""


def test_cpu_slots_have_cores_of_their_own_as_long_as_there_are_any() -> None:
    mine = allowed_cores()
    slots = cpu_slots(len(mine) + 1, 1)
    pool = SlotPool(slots, lambda line: None)
    leases = []
    for slot in slots:
        assert pool.take([each.name for each in slots[: len(leases)]], "a") is slot
        leases.append(pool.begun(slot, "a", 0))
    if len(mine) == 1:  # nothing to choose from
        assert leases == [None, None]
        return
    assert sorted(core for lease in leases[:-1] if lease is not None for core in lease.cores) == mine
    assert leases[-1] is None, "it runs on any core"
    assert set(held_cores()) == set(mine)
    pool.release([slots[0].name])
    assert len(held_cores()) == 1
    pool.release([])
    assert held_cores() == {}


def test_cpu_slots_work_without_a_folder_for_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDYHALL_LOCKS", "/dev/null/locks")
    (slot,) = cpu_slots(1, 1)
    pool = SlotPool([slot], lambda line: None)
    assert pool.take([], "a") is slot and pool.begun(slot, "a", 0) is None


# Devices that fail

A, B = "GPU-a", "GPU-b"


@pytest.mark.parametrize(
    ("history", "fails"),
    [
        ("a1- a2- a3-", False),  # nobody else has run them
        ("a1- b1+ a2- a3-", True),
        ("b1+ a1- a2- a3-", True),
        ("a1- b1+ a2- a3+", False),
        ("a1- b1+ a2- a3+ a4- a5-", False),
        ("a1- b1- a2- a3-", False),  # the trial is to blame
        ("a1- b1+ a2- b2- a3-", False),
        ("a1- b9+ a2- a3-", False),  # others run other trials: that tells nothing
        ("a0+ a1- b1+ b2+ a2- a1-", True),
        ("a1- b1+ a2-", False),
    ],
)
def test_a_device_fails_when_its_last_three_trials_failed_and_others_run_them(history: str, fails: bool) -> None:
    ended = [Ended(f"GPU-{word[0]}", int(word[1:-1]), word[-1] == "-") for word in history.split()]
    assert failing(ended, A) is fails and failing(ended, B) is False


def test_failures_in_a_row_are_counted_from_the_last_good_end() -> None:
    ended = [Ended(A, 1, True), Ended(A, 2, False), Ended(A, 3, True), Ended(B, 3, False), Ended(A, 4, True)]
    assert failures_in_a_row(ended, A) == 2 and failures_in_a_row(ended, B) == failures_in_a_row([], A) == 0


def test_after_a_failure_a_device_waits_until_another_has_begun_a_trial() -> None:
    first, second = gpu_slots(TWO, 1, None, 1)
    pool = SlotPool([first, second], lambda line: None)
    assert pool.take([], "a") is first
    pool.ended(first, 1, Kind.ERROR)
    assert pool.take([], "a") is second and pool.take([second.name], "a") is None
    pool.begun(second, "a", 1)
    assert pool.take([second.name], "a") is first
    pool.ended(first, 2, Kind.GIVEN_BACK)
    pool.ended(first, 3, Kind.OUT_OF_MEMORY)
    assert pool.take([second.name], "a") is first, "neither is the device's fault"
    pool.release([])


def test_a_device_alone_does_not_wait() -> None:
    (slot,) = gpu_slots(TWO[:1], 1, None, 1)
    pool = SlotPool([slot], lambda line: None)
    assert pool.take([], "a") is slot
    for trial in range(5):
        pool.ended(slot, trial, Kind.ERROR)
    assert pool.take([], "a") is slot and pool.stranded is None
    pool.release([])


def test_a_device_that_fails_what_others_run_is_set_aside_and_nothing_is_lost(program: Program, tmp_path: Path) -> None:
    code = PICKY.replace("SECOND", repr(SECOND)).replace("WRONG", "raise RuntimeError('CUDA error: unspecified')")
    file = definition(tmp_path, "a", "picky", code, steps=2, seconds=0.02)
    told = program("run", "grow", "--study", "a", "--file", file, "--gpus", "all")
    assert told.returncode == 0, told.stderr
    assert told.stderr.count("gpu1: its last 3 trials failed, others run them; it is set aside") == 1
    certificate = audit(program, "a")
    assert certificate["holds"] and certificate["points"]["failed"] == 0
    assert certificate["attempts"] == certificate["points"]["accepted"] + 3
    rounds = json.loads(program("show", "--study", "a", "--json").stdout)["rounds"]
    assert [each["chosen"]["param"] for each in rounds] == CHOICES[:2]


def test_a_device_that_the_driver_has_lost_is_set_aside_at_once(
    program: Program, tmp_path: Path, devices: Path
) -> None:
    """The device goes while a trial is on it; of one device alone nothing is left, and the worker says so."""
    lost = json.loads(devices.read_text())
    lost[1] |= {"uuid": "", "fault": "GPU is lost", "memory_total": 0}
    wrong = f"open({str(devices)!r}, 'w').write({json.dumps(lost)!r}); raise RuntimeError('CUDA error')"
    code = PICKY.replace("SECOND", repr(SECOND)).replace("WRONG", wrong)
    file = definition(tmp_path, "a", "picky", code, steps=1)
    run = ["run", "grow", "--study", "a", "--file", file, "--gpus"]
    told = program(*run, "1")
    assert told.returncode == 1, told.stderr
    assert "every GPU of this worker is set aside: gpu1: the driver does not list it any more" in told.stderr
    told = program(*run, "1")
    assert told.returncode == 2 and "gpu1 cannot be used: GPU is lost" in told.stderr
    assert program(*run, "auto").returncode == 0 and audit(program, "a")["points"]["failed"] == 0


# What `gpus` shows and `run` refuses


def test_gpus_tells_of_every_device_who_holds_and_who_uses_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mine = subprocess.Popen(["sleep", "60"])
    rows = json.loads((RECORDED / "mixed.json").read_text())
    rows[4]["processes"] = [{"pid": mine.pid, "memory": 2**30}, {"pid": 2**22 + 7, "memory": None}]
    (tmp_path / "mixed.json").write_text(json.dumps(rows))
    monkeypatch.setenv("STUDYHALL_DEVICES", str(tmp_path / "mixed.json"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    lease = take(rows[4]["uuid"], Span(0, END >> 1), holder_record("a", 5))
    assert lease is not None
    told = {each["index"]: each for each in survey().to_json()["devices"]}
    lease.close()
    mine.kill()
    mine.wait()
    assert list(told) == ["0", "1:0", "1:1", "2", "3"]
    assert [index for index, each in told.items() if each["visible"]] == ["1:0", "3"]
    assert told["0"]["foreign"] == [{"pid": 4194000, "memory": 61 * 2**30}] and told["0"]["utilization"] == 97
    assert told["2"]["fault"] == "GPU is lost" and told["1:1"]["parent"] == SECOND
    (held_by_us,) = told["3"]["leases"]
    assert (held_by_us["study"], held_by_us["trial"], held_by_us["pid"]) == ("a", 5, os.getpid())
    assert (held_by_us["from"], held_by_us["to"]) == (0, 24 * 2**30)
    assert [each["pid"] for each in told["3"]["foreign"]] == [2**22 + 7], "what runs below the holder is no stranger"


def test_gpus_in_words(program: Program, environment: dict[str, str]) -> None:
    assert re.search(r"512 MiB / 80 GiB +0% +free", program("gpus").stdout)
    environment["STUDYHALL_DEVICES"] = str(RECORDED / "mixed.json")
    told = program("gpus").stdout
    assert "no lease: process 4194000, 61 GiB" in told and "cannot be used: GPU is lost" in told
    environment["STUDYHALL_DEVICES"] = str(RECORDED / "none.json")
    told = program("gpus")
    assert told.returncode == 0 and told.stdout.startswith("no NVIDIA devices here")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--gpus 7", ["--gpus", "'7'", "0 (GPU-1f2e"]),
        ("--per-gpu 0", ["--per-gpu: 0"]),
        ("--gpu-memory 60GiB --per-gpu 2", ["more than it has"]),
    ],
)
def test_a_slot_that_cannot_be_is_one_line_and_nothing_is_written(
    program: Program, tmp_path: Path, arguments: str, words: list[str]
) -> None:
    told = program("run", "grow", "--study", "a", "--file", write_definition(tmp_path), *arguments.split())
    assert told.returncode == 2 and told.stdout == "" and told.stderr.count("\n") == 1, told.stderr
    assert all(word in told.stderr for word in words) and "Traceback" not in told.stderr
    assert program("show", "--study", "a").returncode == 2 and held(FIRST) == []


@pytest.mark.parametrize(
    ("variables", "gpus", "words"),
    [
        ({"CUDA_VISIBLE_DEVICES": "0"}, "1", "no GPU '1' here; it has 0 (GPU-1f2e8a44"),
        ({"CUDA_VISIBLE_DEVICES": FIRST}, "0,1", "only a part is granted: CUDA_VISIBLE_DEVICES is"),
        ({"SLURM_JOB_GPUS": "1"}, "0", "only a part is granted: SLURM_JOB_GPUS is '1'"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "all", "CUDA_VISIBLE_DEVICES is ''"),
    ],
)
def test_more_than_a_scheduler_left_us_is_one_line_and_nothing_is_written(
    program: Program, environment: dict[str, str], tmp_path: Path, variables: dict[str, str], gpus: str, words: str
) -> None:
    environment |= variables
    told = program("run", "grow", "--study", "a", "--file", write_definition(tmp_path), "--gpus", gpus)
    assert told.returncode == 2 and told.stdout == "" and told.stderr.count("\n") == 1 and words in told.stderr, told
    assert program("show", "--study", "a").returncode == 2
    hidden = [each["index"] for each in json.loads(program("gpus", "--json").stdout)["devices"] if not each["visible"]]
    assert hidden == {"1": ["1"], "0,1": ["1"], "0": ["0"], "all": ["0", "1"]}[gpus]
