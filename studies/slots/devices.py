"""The NVIDIA devices of this host, as NVML lists them; or as they were recorded, for tests and dry runs.

`STUDYHALL_DEVICES=FILE` names a JSON list of devices with the fields of `Device`, read in place of NVML every time:
slots, leases and choices are then those of that host.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.errors import UsageError

RECORDED = "STUDYHALL_DEVICES"
VISIBLE = "CUDA_VISIBLE_DEVICES"
ORDER = "CUDA_DEVICE_ORDER"
SLURM = ("SLURM_STEP_GPUS", "SLURM_JOB_GPUS")
"""Slurm's own variables of granted GPUs, by nvidia-smi's numbers; the narrower one first."""


@dataclass(frozen=True)
class Process:
    """A compute process on a device, by the driver's number: a container may number it otherwise."""

    pid: int
    memory: int | None = None  # bytes; None where the driver does not report it


@dataclass(frozen=True)
class Device:
    """One device that a trial can be given: a GPU, or an instance of a GPU that is split by MIG."""

    index: str  # "0", as nvidia-smi numbers them; "0:1" is an instance of GPU 0
    uuid: str  # "GPU-…" or "MIG-…"; empty if the driver has lost it
    name: str
    memory_total: int  # bytes
    memory_free: int  # bytes
    utilization: int | None = None  # percent of the last moment; NVML has none for MIG
    parent: str | None = None  # of a MIG instance: its GPU's uuid
    processes: tuple[Process, ...] = ()
    fault: str | None = None  # the driver's error

    @property
    def label(self) -> str:
        """`gpu0`, as slots are named after it."""
        return f"gpu{self.index}"


def read_devices() -> tuple[Device, ...]:
    """Every device of this host; none where there is no driver.

    Raises:
        UsageError: The recorded devices cannot be read.
    """
    return _look()[0]


def why_none() -> str:
    """Why there is no device: `NVML Shared Library Not Found`."""
    return _look()[1]


@dataclass(frozen=True)
class Granted:
    """The devices that this process may use, and the variable that limits them."""

    devices: tuple[Device, ...]
    name: str = VISIBLE
    setting: str | None = None

    @property
    def text(self) -> str:
        """`CUDA_VISIBLE_DEVICES is '0'`."""
        return f"{self.name} is {self.setting!r}"


def granted_devices(devices: Sequence[Device], env: Mapping[str, str]) -> Granted:
    """The devices that a scheduler granted to this process; all, where no variable limits them.

    Raises:
        UsageError: The variable holds numbers that only CUDA can read.
    """
    setting = env.get(VISIBLE)
    if setting is not None:
        numbers = any(word.strip().isdigit() for word in setting.split(","))
        if numbers and env.get(ORDER) == "FASTEST_FIRST" and len({each.name for each in devices}) > 1:
            raise UsageError(f"{VISIBLE}: {setting!r} is in the order of {ORDER}=FASTEST_FIRST; give UUIDs")
        return Granted(visible(devices, setting), VISIBLE, setting)
    name = next((name for name in SLURM if env.get(name)), None)
    if name is None or len(env[name].split(",")) >= len(devices):  # the job sees only its own devices, from 0
        return Granted(tuple(devices))
    return Granted(visible(devices, env[name]), name, env[name])


def visible(devices: Sequence[Device], setting: str) -> tuple[Device, ...]:
    """The devices that a value of `CUDA_VISIBLE_DEVICES` names.

    As CUDA reads it: the list ends at the first entry that names no device, and of a split GPU that is named by its
    number only the first instance counts. Numbers are nvidia-smi's, as schedulers give them.
    """
    found: list[Device] = []
    for word in setting.split(","):
        meant = named(word.strip(), devices)[:1]
        if not meant:
            break
        found += [device for device in meant if device not in found]
    return tuple(found)


def named(word: str, devices: Sequence[Device]) -> tuple[Device, ...]:
    """The devices that a number, a UUID or its beginning names; none if it is ambiguous."""
    if word.isdigit() or ":" in word:
        return tuple(each for each in devices if each.index == word or each.index.split(":")[0] == word)
    if len(word) <= len("GPU-"):
        return ()
    found = tuple(each for each in devices if each.uuid.lower().startswith(word.lower()))
    if not found:
        return tuple(each for each in devices if each.parent is not None and each.parent.lower() == word.lower())
    return found if len(found) == 1 else ()


def devices_text(devices: Sequence[Device]) -> str:
    """Devices in a message: `0 (GPU-1f2e…, NVIDIA A100)`."""
    return ", ".join(f"{each.index} ({each.uuid[:12]}…, {each.name})" for each in devices)


def _look() -> tuple[tuple[Device, ...], str]:
    recorded = os.environ.get(RECORDED)
    if recorded:
        return read_recorded(Path(recorded)), f"{RECORDED}={recorded} records none"
    try:
        import pynvml
    except ImportError:
        return (), "nvidia-ml-py is not installed"
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return (), str(error)
    try:
        return tuple(devices_of(pynvml)), "the driver lists none"
    finally:
        pynvml.nvmlShutdown()


def read_recorded(file: Path) -> tuple[Device, ...]:
    """Devices from a JSON list of their fields.

    Raises:
        UsageError: There is no such file, or it holds something else.
    """
    try:
        rows = json.loads(file.read_text())
        if not isinstance(rows, list):
            raise TypeError(f"a {type(rows).__name__}")
        return tuple(_recorded(row) for row in rows)
    except OSError as error:
        raise UsageError(f"{RECORDED}: {file}: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise UsageError(f"{RECORDED}: {file}: not a JSON list of devices: {error}") from error


def _recorded(row: Mapping[str, Any]) -> Device:
    return Device(**{**row, "processes": tuple(Process(**each) for each in row.get("processes", ()))})


def devices_of(nvml: Any) -> Iterator[Device]:
    """Every device that an initialized NVML library lists; a lost one has a `fault` in place of figures."""
    for number in range(nvml.nvmlDeviceGetCount()):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(number)
        except nvml.NVMLError as error:
            yield Device(str(number), "", "lost", 0, 0, fault=str(error))
            continue
        instances = _instances(nvml, handle)
        if instances is None:
            yield _device(nvml, handle, str(number), None)
        else:
            uuid = _asked(nvml, "nvmlDeviceGetUUID", handle, otherwise="")
            for place, instance in enumerate(instances):
                yield _device(nvml, instance, f"{number}:{place}", uuid)


def _device(nvml: Any, handle: Any, index: str, parent: str | None) -> Device:
    uuid = _asked(nvml, "nvmlDeviceGetUUID", handle, otherwise="")
    name = _asked(nvml, "nvmlDeviceGetName", handle, otherwise="unknown")
    try:
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    except nvml.NVMLError as error:
        return Device(index, uuid, name, 0, 0, parent=parent, fault=str(error))
    rates = _asked(nvml, "nvmlDeviceGetUtilizationRates", handle, otherwise=None)
    processes = _asked(nvml, "nvmlDeviceGetComputeRunningProcesses", handle, otherwise=())
    return Device(
        index=index,
        uuid=uuid,
        name=name,
        memory_total=memory.total,
        memory_free=memory.free,
        utilization=None if rates is None else rates.gpu,
        parent=parent,
        processes=tuple(Process(each.pid, each.usedGpuMemory) for each in processes),
    )


def _instances(nvml: Any, handle: Any) -> list[Any] | None:
    """The MIG instances of a GPU that is split, perhaps none yet; None for a whole one."""
    now, _ = _asked(nvml, "nvmlDeviceGetMigMode", handle, otherwise=(0, 0))
    if not now:
        return None
    most = _asked(nvml, "nvmlDeviceGetMaxMigDeviceCount", handle, otherwise=0)
    found = (
        _asked(nvml, "nvmlDeviceGetMigDeviceHandleByIndex", handle, place, otherwise=None) for place in range(most)
    )
    return [each for each in found if each is not None]


def _asked(nvml: Any, question: str, *about: Any, otherwise: Any) -> Any:
    """The library's answer; `otherwise` where the device does not support the question."""
    try:
        return getattr(nvml, question)(*about)
    except nvml.NVMLError:
        return otherwise
