"""Devices: what NVML tells, what a scheduler leaves of them, and how they are named."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import UsageError
from storage.home import CHECKOUT
from studies.slots.devices import (
    Device,
    Process,
    devices_of,
    granted_devices,
    named,
    read_devices,
    read_recorded,
    visible,
    why_none,
)

RECORDED = CHECKOUT / "tests" / "data" / "devices"
MIXED = read_recorded(RECORDED / "mixed.json")  # a busy GPU, one split in two, one that is lost, a small one


def indices(devices: Any) -> list[str]:
    return [device.index for device in devices]


class Library:
    """As much of NVML as is asked: card 0 whole, card 1 split in two, card 2 lost, card 3 lost once it had a handle."""

    class NVMLError(Exception):
        pass

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 4

    def nvmlDeviceGetHandleByIndex(self, number: int) -> str:  # noqa: N802
        return self._or_lost(f"card{number}", number == 2)

    def nvmlDeviceGetUUID(self, handle: str) -> str:  # noqa: N802
        return self._or_lost(f"{'MIG' if '/' in handle else 'GPU'}-{handle}", False)

    def nvmlDeviceGetName(self, handle: str) -> str:  # noqa: N802
        return "A100"

    def nvmlDeviceGetMigMode(self, handle: str) -> list[int]:  # noqa: N802
        return self._or_lost([int(handle == "card1"), 0], handle == "card0")  # not supported: an old card

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: str) -> int:  # noqa: N802
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: str, place: int) -> str:  # noqa: N802
        return self._or_lost(f"{handle}/{place}", place not in (0, 3))

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> SimpleNamespace:  # noqa: N802
        return self._or_lost(SimpleNamespace(total=1000, free=400), handle == "card3")

    def nvmlDeviceGetUtilizationRates(self, handle: str) -> SimpleNamespace:  # noqa: N802
        return self._or_lost(SimpleNamespace(gpu=97), "/" in handle)

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[SimpleNamespace]:  # noqa: N802
        return [SimpleNamespace(pid=12, usedGpuMemory=None)] if handle == "card0" else []

    def _or_lost(self, answer: Any, lost: bool) -> Any:
        if lost:
            raise self.NVMLError("GPU is lost")
        return answer


def test_whole_split_and_lost_cards_as_nvml_tells_them() -> None:
    whole, first, second, lost, fallen = devices_of(Library())
    assert whole == Device("0", "GPU-card0", "A100", 1000, 400, 97, None, (Process(12),))
    assert first == Device("1:0", "MIG-card1/0", "A100", 1000, 400, None, "GPU-card1")
    assert second == Device("1:1", "MIG-card1/3", "A100", 1000, 400, None, "GPU-card1")
    assert (lost.uuid, lost.fault) == ("", "GPU is lost")
    assert (fallen.uuid, fallen.fault) == ("GPU-card3", "GPU is lost")


@pytest.mark.gpu
def test_the_devices_of_this_host() -> None:
    devices = read_devices()
    if not devices:
        pytest.skip(f"no NVIDIA device: {why_none()}")
    assert all(each.uuid.startswith(("GPU-", "MIG-")) and each.memory_total > each.memory_free > 0 for each in devices)


@pytest.mark.parametrize(
    ("setting", "left"),
    [
        ("", []),
        ("-1", []),
        ("3", ["3"]),
        ("3,0", ["3", "0"]),
        ("0,7,3", ["0"]),  # as CUDA: what follows a number that is none is not seen
        ("1", ["1:0"]),
        ("GPU-8ce", ["3"]),
        ("gpu-8ce91b50-7d24-4c3b-8e6a-2f3d4b5c6d03, 0", ["3", "0"]),
        ("MIG-5d9e1c23-f4b8-5b7d-a6c4-98e35f07d102", ["1:1"]),
        ("0,0", ["0"]),
        ("GPU-nowhere", []),
    ],
)
def test_what_a_scheduler_left_us_is_a_part_and_never_more(setting: str, left: list[str]) -> None:
    assert indices(visible(MIXED, setting)) == left


@pytest.mark.parametrize(
    ("env", "left"),
    [
        ({}, ["0", "1:0", "1:1", "2", "3"]),
        ({"SLURM_JOB_GPUS": "3"}, ["3"]),
        ({"SLURM_JOB_GPUS": "0,3", "SLURM_STEP_GPUS": "3"}, ["3"]),
        ({"SLURM_JOB_GPUS": "3", "CUDA_VISIBLE_DEVICES": "0"}, ["0"]),
        ({"SLURM_JOB_GPUS": "0,3", "CUDA_VISIBLE_DEVICES": ""}, []),
        ({"SLURM_JOB_GPUS": ""}, ["0", "1:0", "1:1", "2", "3"]),
        ({"SLURM_JOB_GPUS": "9"}, []),
        ({"SLURM_JOB_GPUS": "4,5,6,7,8"}, ["0", "1:0", "1:1", "2", "3"]),  # they are all that the job is shown
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, []),
        ({"CUDA_VISIBLE_DEVICES": "3", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, ["3"]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-8ce", "CUDA_DEVICE_ORDER": "FASTEST_FIRST"}, ["3"]),
    ],
)
def test_what_a_scheduler_says_in_its_own_words_is_respected(env: dict[str, str], left: list[str]) -> None:
    assert indices(granted_devices(MIXED, env).devices) == left


def test_numbers_in_an_order_that_only_cuda_knows_are_refused() -> None:
    with pytest.raises(UsageError, match="FASTEST_FIRST; give UUIDs"):
        granted_devices(MIXED, {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "FASTEST_FIRST"})
    alike = [Device(str(place), f"GPU-ab{place}", "A100", 1, 1) for place in range(2)]
    left = granted_devices(alike, {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "FASTEST_FIRST"})
    assert indices(left.devices) == ["1"]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("0", ["0"]),
        ("1", ["1:0", "1:1"]),
        ("1:1", ["1:1"]),
        ("9", []),
        ("GPU-1f2e8a44", ["0"]),
        ("GPU-8c07d3b9-2a5f-47e6-9f10-c4b82d1e6602", ["1:0", "1:1"]),
        ("MIG-0b54a7de", ["1:0"]),
        ("GPU-", []),
        ("", []),
        ("-1", []),
        ("1f2e8a44", []),
    ],
)
def test_a_device_by_its_number_its_uuid_or_its_beginning(word: str, found: list[str]) -> None:
    assert indices(named(word, MIXED)) == found


def test_a_beginning_that_two_uuids_share_names_none() -> None:
    two = [Device(str(place), f"GPU-ab{place}", "A100", 1, 1) for place in range(2)]
    assert named("GPU-ab", two) == () and indices(named("GPU-ab1", two)) == ["1"]


@given(st.text(alphabet="0123,:-GPUMIGabcdef ", max_size=40))
def test_no_setting_makes_a_device_seen_twice_or_one_that_is_not_there(setting: str) -> None:
    found = visible(MIXED, setting)
    assert len(set(indices(found))) == len(found) and set(found) <= set(MIXED)


@pytest.mark.parametrize("text", ["", "{}x", "[1]", '[{"index": "0"}]', '[{"uuid": "x", "cores": 3}]', "{}", "3"])
def test_a_recording_that_is_none_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file = tmp_path / "devices.json"
    file.write_text(text)
    monkeypatch.setenv("STUDYHALL_DEVICES", str(file))
    with pytest.raises(UsageError, match=r"devices\.json") as caught:
        read_devices()
    assert "\n" not in str(caught.value)


def test_what_is_recorded_is_read_as_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDYHALL_DEVICES", str(RECORDED / "two.json"))
    rows = json.loads((RECORDED / "two.json").read_text())
    assert [each.uuid for each in read_devices()] == [row["uuid"] for row in rows]
    monkeypatch.setenv("STUDYHALL_DEVICES", "/dev/null")
    with pytest.raises(UsageError, match="not a JSON list"):
        read_devices()
    monkeypatch.setenv("STUDYHALL_DEVICES", "/nowhere.json")
    with pytest.raises(UsageError, match=r"nowhere\.json"):
        read_devices()
