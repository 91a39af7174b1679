"""Slots: which ones `run`'s options give on recorded devices, what is refused, and what a trial finds in its slot."""

from __future__ import annotations

import json
import select
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.outcome import Kind, Outcome
from objectives.process.attempt import Assignment
from objectives.process.warm import WarmServer
from storage.errors import UsageError
from storage.home import CHECKOUT
from studies.slots.devices import Device, Process, read_devices, read_recorded, why_none
from studies.slots.leases import UNIT, Lease, Span, held, holder_record, take
from studies.slots.options import allowed_cores, cores, gpu_slots, slots_of
from studies.slots.slot import Slot
from tests.support.cases import usual

RECORDED = CHECKOUT / "tests" / "data" / "devices"
TWO = read_recorded(RECORDED / "two.json")
GIB = 1 << 30


@pytest.fixture(autouse=True)
def two_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDYHALL_DEVICES", str(RECORDED / "two.json"))
    monkeypatch.setenv("STUDYHALL_LOCKS", str(tmp_path / "locks"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def asked(
    gpus: str | None = None,
    per_gpu: int | None = None,
    gpu_memory: str | None = None,
    workers: int | None = None,
    threads: int | None = None,
) -> tuple[Slot, ...]:
    return slots_of(gpus, per_gpu, gpu_memory, workers, threads)


def names(slots: tuple[Slot, ...]) -> list[str]:
    return [slot.name for slot in slots]


@pytest.fixture
def first_gpu_is_leased() -> Iterator[Lease]:
    lease = take(TWO[0].uuid, Span(0, 10), {**holder_record("other", 3), "user": "alice"})
    assert lease is not None
    yield lease
    lease.close()


# What is given


def test_by_default_a_slot_is_a_free_gpu_and_without_gpus_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = asked()
    assert (first.name, first.device, first.gpu, first.memory_fraction) == ("gpu0", "cuda", TWO[0].uuid, 1.0)
    assert second.gpu == TWO[1].uuid and first.threads == second.threads == max(1, cores() // 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert names(asked()) == [f"cpu{core}" for core in range(cores())]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("STUDYHALL_DEVICES", str(RECORDED / "none.json"))
    assert {slot.device for slot in asked()} == {"cpu"}


def test_workers_and_none_are_cpu_slots_that_see_no_gpu() -> None:
    for slots in (asked(workers=2), asked("none", workers=2)):
        assert names(slots) == ["cpu0", "cpu1"]
        assert all(slot.environment["CUDA_VISIBLE_DEVICES"] == "" and slot.gpu is None for slot in slots)


def test_shares_of_a_gpu_are_equal_and_do_not_overlap() -> None:
    slots = asked("all", per_gpu=4, threads=3)
    assert names(slots) == [f"gpu{index}.{place}" for index in range(2) for place in range(4)]
    assert {slot.memory_fraction for slot in slots} == {0.25} and {slot.threads for slot in slots} == {3}
    shares = [slot.share for slot in slots if slot.gpu == TWO[0].uuid]
    assert shares == [Span(place * 20 * GIB // UNIT, (place + 1) * 20 * GIB // UNIT) for place in range(4)]
    environment = slots[5].environment
    assert environment["CUDA_VISIBLE_DEVICES"] == TWO[1].uuid and environment["STUDYHALL_SLOT"] == "gpu1.1"
    assert environment["STUDYHALL_MEMORY_FRACTION"] == "0.25" and environment["OMP_NUM_THREADS"] == "3"


@given(total=st.integers(GIB, 200 * GIB), count=st.integers(1, 4), sized=st.booleans())
def test_however_a_gpu_is_cut_the_shares_fit_on_it(total: int, count: int, sized: bool) -> None:
    device = Device("0", "GPU-x", "any", total, total)
    slots = gpu_slots([device], count, total // count if sized else None, 1)
    edges = [edge for slot in slots for edge in (slot.share.start, slot.share.end)]
    assert edges == sorted(edges) and edges[0] == 0 and edges[-1] * UNIT <= total
    assert all(slot.share.start < slot.share.end for slot in slots)
    assert sum(slot.memory_fraction for slot in slots) <= 1 + 1e-9


def test_memory_packs_as_many_as_fit_or_as_many_as_are_asked_for() -> None:
    slots = asked("0", gpu_memory="30GiB")
    assert names(slots) == ["gpu0.0", "gpu0.1"] and {slot.memory_fraction for slot in slots} == {30 / 80}
    assert names(asked("0", per_gpu=1, gpu_memory="30GiB")) == ["gpu0.0"]


def test_devices_by_number_and_uuid_in_the_order_asked_for_and_each_once() -> None:
    assert [slot.gpu for slot in asked(f"1,0,{TWO[1].uuid}")] == [TWO[1].uuid, TWO[0].uuid]
    assert names(asked("GPU-8c07")) == ["gpu1"]


def test_auto_takes_what_nobody_holds_or_computes_on(
    first_gpu_is_leased: Lease, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert names(asked()) == names(asked("auto")) == ["gpu1"]
    assert names(asked("all")) == ["gpu0", "gpu1"] and names(asked("0")) == ["gpu0"]  # waits for it
    monkeypatch.setenv("STUDYHALL_DEVICES", str(RECORDED / "mixed.json"))
    assert names(asked("auto")) == ["gpu1:0", "gpu1:1", "gpu3"]  # 0 computes, 2 is lost
    assert names(asked("all", per_gpu=2))[-4:] == ["gpu1:1.0", "gpu1:1.1", "gpu3.0", "gpu3.1"]
    assert asked("MIG-5d9e1c23")[0].environment["CUDA_VISIBLE_DEVICES"] == "MIG-5d9e1c23-f4b8-5b7d-a6c4-98e35f07d102"


# What is refused


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"gpus": "7"}, ["'7'", "0 (GPU-1f2e", "1 (GPU-8c07"]),
        ({"gpus": "0,GPU-nowhere"}, ["'GPU-nowhere'", "0 (GPU-1f2e"]),
        ({"gpus": ""}, ["''", "0 (GPU-1f2e"]),
        ({"gpus": "Auto"}, ["'Auto'"]),
        ({"per_gpu": 0}, ["--per-gpu: 0", "at least 1"]),
        ({"per_gpu": -2, "gpus": "none"}, ["--per-gpu: -2"]),
        ({"gpus": "all", "workers": 2}, ["--workers", "--per-gpu"]),
        ({"gpus": "none", "per_gpu": 2}, ["--per-gpu", "a GPU to share"]),
        ({"workers": 2, "gpu_memory": "6GiB"}, ["--gpu-memory", "a GPU to share"]),
        ({"gpu_memory": "81GiB"}, ["--gpu-memory", "81 GiB", "80 GiB"]),
        ({"gpu_memory": "30GiB", "per_gpu": 3}, ["more than it has", "112%"]),
        ({"gpu_memory": "6 apples"}, ["--gpu-memory", "'6 apples'"]),
        ({"gpu_memory": "0GiB"}, ["--gpu-memory"]),
        ({"gpu_memory": "1MiB"}, ["--gpu-memory", "256 MiB"]),
        ({"per_gpu": 10**6}, ["--per-gpu", "256 MiB"]),
        ({"gpus": "all", "threads": 0}, ["--threads: 0"]),
    ],
)
def test_a_wrong_order_is_one_line(order: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        asked(**order)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), caught.value


def test_gpus_that_are_asked_for_and_cannot_be_had(
    first_gpu_is_leased: Lease, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(UsageError, match="alice, study other, trial 3"):
        asked()
    with pytest.raises(UsageError, match=r"no GPU '1' here.*CUDA_VISIBLE_DEVICES.*'0'"):
        asked("1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    for order in ({"gpus": "auto"}, {"gpus": "0"}, {"per_gpu": 2}):
        with pytest.raises(UsageError, match="CUDA_VISIBLE_DEVICES is ''"):
            asked(**order)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setenv("STUDYHALL_DEVICES", str(RECORDED / "mixed.json"))
    with pytest.raises(UsageError, match="gpu2 cannot be used: GPU is lost"):
        asked("0,2")
    monkeypatch.setenv("STUDYHALL_DEVICES", str(RECORDED / "none.json"))
    with pytest.raises(UsageError, match="no GPU is available"):
        asked("auto")
    busy = replace(TWO[0], processes=(Process(4711),))
    (tmp_path / "busy.json").write_text(json.dumps([{**vars(busy), "processes": [{"pid": 4711}]}]))
    monkeypatch.setenv("STUDYHALL_DEVICES", str(tmp_path / "busy.json"))
    first_gpu_is_leased.close()
    with pytest.raises(UsageError, match="used by process 4711"):
        asked("auto")


def test_a_host_without_a_driver_has_cpu_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STUDYHALL_DEVICES")
    if read_devices():
        pytest.skip("this host has NVIDIA devices")
    assert {slot.device for slot in asked()} == {"cpu"}
    with pytest.raises(UsageError, match="no GPU is available"):
        asked("auto")
    assert why_none()


# What a trial finds in its slot

OBJECTIVE = """
import os, sys
def look(config):
    return {"cores": len(os.sched_getaffinity(0)), "core": min(os.sched_getaffinity(0)),
            "gpu": os.environ["CUDA_VISIBLE_DEVICES"] == config["gpu"],
            "fraction": float(os.environ.get("STUDYHALL_MEMORY_FRACTION", "nan"))}
def wait(config):
    import time
    time.sleep(60)
def fill(config):
    total = torch.cuda.get_device_properties(0).total_memory
    torch.empty(int(total * config["part"]), dtype=torch.uint8, device="cuda")
    return {"devices": torch.cuda.device_count()}
import torch
"""


def server(tmp_path: Path, function: str) -> WarmServer:
    (tmp_path / "own.py").write_text(OBJECTIVE)
    return WarmServer(f"{tmp_path}/own.py:{function}")


def assignment(tmp_path: Path, config: dict[str, Any], **given: Any) -> Assignment:
    places = {name: tmp_path / name for name in ("log", "lock", "checkpoint_dir", "run_dir")}
    usual = {"seed": 1, "number": 0, "attempt": 1, "device": "cpu", "threads": 1, "env": {}}
    return Assignment(config=config, **{**usual, **places, **given})


def outcome(tmp_path: Path, function: str, config: dict[str, Any], **given: Any) -> Outcome:
    """How an attempt with these parts of an assignment ends."""
    warm = server(tmp_path, function)
    try:
        attempt = warm.start(assignment(tmp_path, config, **given))
        end = time.monotonic() + 60
        while time.monotonic() < end:
            select.select([attempt], [], [], 0.5)
            for message in attempt.receive():
                if isinstance(message, Outcome):
                    return message
        raise AssertionError("it did not end")
    finally:
        warm.close()


def in_slot(slot: Slot) -> dict[str, Any]:
    return {"env": slot.environment, "gpu": slot.gpu, "memory_fraction": slot.memory_fraction}


def test_a_trial_sees_its_device_and_share_and_runs_on_its_cores(tmp_path: Path) -> None:
    (_, slot) = asked("0", per_gpu=2)
    core = allowed_cores()[-1]
    ended = outcome(tmp_path, "look", {"gpu": TWO[0].uuid}, **in_slot(slot), cores=[core])
    assert ended.kind is Kind.COMPLETED, ended
    assert ended.metrics == {"cores": 1, "core": core, "gpu": 1, "fraction": 0.5}


def test_a_trial_on_any_core_when_its_own_were_taken_from_us(tmp_path: Path) -> None:
    ended = outcome(tmp_path, "look", {"gpu": ""}, env={"CUDA_VISIBLE_DEVICES": ""}, cores=[100_000])
    assert ended.metrics["cores"] == len(allowed_cores())


@pytest.mark.parametrize("seen", usual([TWO[1].uuid, "", "0", f"{TWO[0].uuid},{TWO[1].uuid}"], count=2))
def test_a_trial_that_would_see_another_device_is_an_error_that_says_so(tmp_path: Path, seen: str) -> None:
    (slot,) = asked("0")
    given = {**in_slot(slot), "env": {**slot.environment, "CUDA_VISIBLE_DEVICES": seen}}
    ended = outcome(tmp_path, "look", {"gpu": seen}, **given)
    assert ended.kind is Kind.ERROR and TWO[0].uuid in ended.message and repr(seen) in ended.message


def test_a_trials_processes_hold_its_lease_until_the_last_of_them_is_gone(tmp_path: Path) -> None:
    (slot,) = asked("0")
    lease = take(slot.gpu or "", slot.share, holder_record("ours"))
    assert lease is not None
    warm = server(tmp_path, "wait")
    attempt = warm.start(assignment(tmp_path, {}, **in_slot(slot)), lease.fd)
    lease.close()
    while attempt.pid == 0:
        assert select.select([attempt], [], [], 60)[0]
        attempt.receive()
    assert [each.span for each in held(TWO[0].uuid)] == [slot.share]
    attempt.kill()
    end = time.monotonic() + 1
    while held(TWO[0].uuid):
        assert time.monotonic() < end
        time.sleep(0.005)
    assert any(isinstance(message, Outcome) for message in attempt.receive())
    warm.close()


@pytest.mark.gpu
def test_on_cuda_a_trial_has_its_share_of_memory_and_no_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STUDYHALL_DEVICES")
    if not read_devices():
        pytest.skip(f"no NVIDIA device: {why_none()}")
    first, *_ = asked("all", per_gpu=4)
    within = outcome(tmp_path, "fill", {"part": 0.1}, device="cuda", **in_slot(first))
    assert within.kind is Kind.COMPLETED and within.metrics == {"devices": 1}, within
    assert outcome(tmp_path, "fill", {"part": 0.3}, device="cuda", **in_slot(first)).kind is Kind.OUT_OF_MEMORY
    elsewhere = {**in_slot(first), "gpu": "GPU-00000000-0000-0000-0000-000000000000"}
    assert outcome(tmp_path, "fill", {"part": 0.1}, device="cuda", **elsewhere).kind is Kind.ERROR
