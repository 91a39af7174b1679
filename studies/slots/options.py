"""`run`'s options of slots, and the slots that they ask for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from storage.errors import UsageError
from studies.definition.units import parse_size, size_text
from studies.slots.devices import Device, devices_text, granted_devices, named, read_devices, why_none
from studies.slots.leases import UNIT, Span, held, holder_text
from studies.slots.slot import Slot

MIN_SHARE_BYTES = 256 << 20  # of a GPU: a CUDA process needs as much before it computes anything


@dataclass(frozen=True)
class Elsewhere:
    """The slots of each worker that a scheduler is asked for."""

    gpus: int
    """GPUs that the scheduler grants to each worker."""
    per_gpu: int | None
    gpu_memory: str | None
    workers: int | None
    threads: int | None

    def __post_init__(self) -> None:
        """Check the options without the devices.

        Raises:
            UsageError: They contradict each other.
        """
        _check_counts(self.workers, self.threads)
        _check_shares(self.per_gpu, self.gpu_memory)
        _check_kind("GPUs" if self.gpus else None, self.per_gpu, self.gpu_memory, self.workers)

    @property
    def cpus(self) -> int | None:
        """Cores that each worker needs; None: the scheduler's default."""
        if self.workers is None and self.threads is None:
            return None
        slots = self.gpus * (self.per_gpu or 1) if self.gpus else self.workers or 1
        return slots * (self.threads or 1)

    @property
    def options(self) -> list[str]:
        """Options of the worker's `run`. It uses all GPUs that it is granted."""
        given = {
            "--gpus": "all" if self.gpus else "none",
            "--per-gpu": self.per_gpu,
            "--gpu-memory": self.gpu_memory,
            "--workers": self.workers,
            "--threads": self.threads,
        }
        return [word for name, value in given.items() if value is not None for word in (name, str(value))]


def slots_of(
    gpus: str | None, per_gpu: int | None, gpu_memory: str | None, workers: int | None, threads: int | None
) -> tuple[Slot, ...]:
    """The slots that `run`'s options ask for; by default the free GPUs, or CPU slots where there are no GPUs.

    Raises:
        UsageError: They contradict each other, or what is here.
    """
    size = _check_shares(per_gpu, gpu_memory)
    if gpus is None and workers is None:
        shared = per_gpu is not None or gpu_memory is not None
        gpus = "auto" if shared or granted_devices(read_devices(), os.environ).devices else None
    gpus = None if gpus == "none" else gpus
    _check_kind(gpus and "--gpus", per_gpu, gpu_memory, workers)
    if gpus is None:
        return cpu_slots(workers, threads)
    devices = chosen(gpus)
    if gpu_memory == "auto":
        return packed_slots(devices, per_gpu, threads)
    return gpu_slots(devices, per_gpu, size, threads)


def cpu_slots(workers: int | None, threads: int | None) -> tuple[Slot, ...]:
    """`workers` slots of `threads` threads each; by default one thread a slot, and as many slots as there are cores.

    Raises:
        UsageError: Fewer than one of either.
    """
    _check_counts(workers, threads)
    per_slot = threads or 1
    count = workers or max(1, cores() // per_slot)
    return tuple(Slot(f"cpu{index}", "cpu", per_slot) for index in range(count))


def gpu_slots(
    devices: Sequence[Device], per_gpu: int | None, size: int | None, threads: int | None
) -> tuple[Slot, ...]:
    """Each device in `per_gpu` equal shares, or in shares of `size` bytes, as many as fit unless `per_gpu` says how
    many; threads: by default the cores, divided among the slots.

    Raises:
        UsageError: A device is too small for that.
    """
    _check_counts(None, threads)
    cut = [(device, *_cut(device, per_gpu, size)) for device in devices]
    per_slot = threads or max(1, cores() // sum(count for _, count, _ in cut))
    return tuple(
        Slot(
            name=device.label if count == 1 and size is None else f"{device.label}.{place}",
            device="cuda",
            threads=per_slot,
            gpu=device.uuid,
            share=Span(place * share // UNIT, (place + 1) * share // UNIT),
            memory_fraction=share / device.memory_total if size is not None else 1 / count,
        )
        for device, count, share in cut
        for place in range(count)
    )


def packed_slots(devices: Sequence[Device], per_gpu: int | None, threads: int | None) -> tuple[Slot, ...]:
    """Slots whose shares are made for each trial (packing.py): as many of each device as there are cores to
    feed them, or `per_gpu`; threads: one, unless said.

    Raises:
        UsageError: Fewer threads than one.
    """
    _check_counts(None, threads)
    most = per_gpu or max(1, cores() // (threads or 1) // len(devices))
    return tuple(
        Slot(
            name=f"{device.label}.{place}",
            device="cuda",
            threads=threads or max(1, cores() // (most * len(devices))),
            gpu=device.uuid,
            share=Span(0, device.memory_total // UNIT),
            packed=True,
        )
        for device in devices
        for place in range(most)
    )


def _cut(device: Device, per_gpu: int | None, size: int | None) -> tuple[int, int]:
    """How many shares a device has, and the bytes of each."""
    total = device.memory_total
    if size is not None and size > total:
        raise UsageError(f"--gpu-memory: {size_text(size)} is more than {device.label} has: {size_text(total)}")
    if size is not None and size * (per_gpu or 1) > total:
        raise UsageError(
            f"--gpu-memory: {per_gpu} shares of {size_text(size)} are {size * (per_gpu or 1) / total:.0%} of "
            f"{device.label}'s {size_text(total)}: more than it has"
        )
    count = per_gpu or (1 if size is None else total // size)
    share = size or total // count
    if share < MIN_SHARE_BYTES:
        option = "--per-gpu" if size is None else "--gpu-memory"
        raise UsageError(f"{option}: shares of {size_text(share)}; a share needs at least {size_text(MIN_SHARE_BYTES)}")
    return count, share


def chosen(asked: str) -> tuple[Device, ...]:
    """The devices that `--gpus` asks for: `auto` (the free ones), `all`, or a list of numbers and UUIDs.

    Raises:
        UsageError: There is no such device, or none at all.
    """
    everything = read_devices()
    granted = granted_devices(everything, os.environ)
    here = granted.devices
    if not here:
        why = granted.text if everything else why_none()
        raise UsageError(f"{asked}: no GPU is available: {why}", "--gpus")
    if asked in ("auto", "all"):
        found = tuple(each for each in here if each.fault is None and (asked == "all" or _holders(each) is None))
        if not found:
            busy = "; ".join(f"{each.label}: {each.fault or _holders(each)}" for each in here)
            raise UsageError(
                f"--gpus: no GPU is free ({busy}); name those to wait for, or give all, or none for CPU slots"
            )
        return found
    listed: list[Device] = []
    for word in (each.strip() for each in asked.split(",")):
        meant = named(word, here)
        if not meant:
            hidden = f"; only a part is granted: {granted.text}" if named(word, everything) else ""
            raise UsageError(f"--gpus: no GPU {word!r} here; it has {devices_text(here)}{hidden}")
        lost = next((each for each in meant if each.fault is not None), None)
        if lost is not None:
            raise UsageError(f"--gpus: {lost.label} cannot be used: {lost.fault}")
        listed += [each for each in meant if each not in listed]
    return tuple(listed)


def _holders(device: Device) -> str | None:
    """Why a device is not free: the holders of its leases, or the processes on it without a lease."""
    found = [f"held by {holder_text(each.holder)}" for each in held(device.uuid)]
    found += [] if found else [f"used by process {each.pid}" for each in device.processes]
    return ", ".join(dict.fromkeys(found)) or None


def _check_counts(workers: int | None, threads: int | None) -> None:
    for option, value in (("--workers", workers), ("--threads", threads)):
        if value is not None and value < 1:
            raise UsageError(f"{option}: {value} is not a whole number of at least 1")


def _check_kind(gpus: str | None, per_gpu: int | None, gpu_memory: str | None, workers: int | None) -> None:
    """Refuse options of GPU slots for CPU slots, and the other way round. `gpus`: what asks for GPUs, if anything."""
    if gpus and workers is not None:
        raise UsageError(f"counts CPU slots; with {gpus}, --per-gpu sets how many slots each GPU has", "--workers")
    for option, value in (("--per-gpu", per_gpu), ("--gpu-memory", gpu_memory)):
        if not gpus and value is not None:
            raise UsageError("these are CPU slots, without a GPU to share", option)


def _check_shares(per_gpu: int | None, gpu_memory: str | None) -> int | None:
    """The bytes that `--gpu-memory` asks for; None without it."""
    if per_gpu is not None and per_gpu < 1:
        raise UsageError(f"--per-gpu: {per_gpu} is not a whole number of at least 1")
    return None if gpu_memory in (None, "auto") else parse_size(gpu_memory, "--gpu-memory")


def cores() -> int:
    """How many cores this process may use."""
    return len(allowed_cores()) or os.cpu_count() or 1


def allowed_cores() -> list[int]:
    """Their numbers; empty where the system does not report them."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
