"""`run`'s options of slots: which places they ask for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from storage.errors import UsageError
from studies.definition.units import parse_size, shown_size
from studies.slots.devices import Device, left_to_us, named, read_devices, shown_devices, why_none
from studies.slots.leases import UNIT, Span, held, shown_holder
from studies.slots.slot import Slot

SMALLEST = 256 << 20  # bytes of a GPU that a process of CUDA needs before it computes anything


@dataclass(frozen=True)
class Elsewhere:
    """The slots of a worker that a scheduler is asked for."""

    gpus: int
    """That the scheduler leaves it."""
    per_gpu: int | None
    gpu_memory: str | None
    workers: int | None
    threads: int | None

    @staticmethod
    def of(
        count: int,
        gpus: str | None,
        per_gpu: int | None,
        gpu_memory: str | None,
        workers: int | None,
        threads: int | None,
    ) -> Elsewhere:
        """`run`'s options, checked as far as that goes without the devices.

        Raises:
            UsageError: They contradict each other.
        """
        if gpus is not None:
            raise UsageError("--gpus: which ones is for the scheduler to say; --gpus-per-node or --num-gpus: how many")
        _check_counts(workers, threads)
        _check_shares(per_gpu, gpu_memory)
        if count and workers is not None:
            raise UsageError("--workers: counts CPU slots; with GPUs, --per-gpu says how many slots each has")
        if not count and (per_gpu is not None or gpu_memory is not None):
            shares = "--per-gpu" if per_gpu is not None else "--gpu-memory"
            raise UsageError(f"{shares}: these are CPU slots, there is no GPU to share")
        return Elsewhere(count, per_gpu, gpu_memory, workers, threads)

    @property
    def cpus(self) -> int | None:
        """Cores that the worker needs for what was asked; None: nothing was, the scheduler's default will do."""
        if self.workers is None and self.threads is None:
            return None
        slots = self.gpus * (self.per_gpu or 1) if self.gpus else self.workers or 1
        return slots * (self.threads or 1)

    @property
    def options(self) -> list[str]:
        """Of the worker's `run`. Of the GPUs that it is left, all are its own."""
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
    packed = gpu_memory == "auto"
    given = (("--per-gpu", per_gpu), ("--gpu-memory", gpu_memory))
    shares = next((name for name, value in given if value is not None), None)
    if gpus is None:
        there = workers is None and (shares is not None or left_to_us(read_devices(), os.environ).devices)
        gpus = "auto" if there else "none"
    if gpus == "none":
        if shares is not None:
            raise UsageError(f"{shares}: these are CPU slots, there is no GPU to share")
        return cpu_slots(workers, threads)
    if workers is not None:
        raise UsageError("--workers: counts CPU slots; with --gpus, --per-gpu says how many slots each GPU has")
    devices = chosen(gpus)
    return packed_slots(devices, per_gpu, threads) if packed else gpu_slots(devices, per_gpu, size, threads)


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
        raise UsageError(f"--gpu-memory: {shown_size(size)} is more than {device.label} has: {shown_size(total)}")
    if size is not None and size * (per_gpu or 1) > total:
        raise UsageError(
            f"--gpu-memory: {per_gpu} shares of {shown_size(size)} are {size * (per_gpu or 1) / total:.0%} of "
            f"{device.label}'s {shown_size(total)}: a share above one"
        )
    count = per_gpu or (1 if size is None else total // size)
    share = size or total // count
    if share < SMALLEST:
        option = "--per-gpu" if size is None else "--gpu-memory"
        raise UsageError(f"{option}: shares of {shown_size(share)}; {shown_size(SMALLEST)} is the least for one")
    return count, share


def chosen(asked: str) -> tuple[Device, ...]:
    """The devices that `--gpus` asks for: `auto` (the free ones), `all`, or a list of numbers and UUIDs.

    Raises:
        UsageError: There is no such device, or none at all.
    """
    everything = read_devices()
    left = left_to_us(everything, os.environ)
    here = left.devices
    if not here:
        why = left.told if everything else why_none()
        raise UsageError(f"--gpus: {asked} asks for GPUs, and there is none to be had: {why}")
    if asked in ("auto", "all"):
        found = tuple(each for each in here if each.fault is None and (asked == "all" or _holders(each) is None))
        if not found:
            busy = "; ".join(f"{each.label}: {each.fault or _holders(each)}" for each in here)
            raise UsageError(f"--gpus: none is free ({busy}); name those to wait for, all, or none for CPU slots")
        return found
    listed: list[Device] = []
    for word in (each.strip() for each in asked.split(",")):
        meant = named(word, here)
        if not meant:
            hidden = f"; we are left a part: {left.told}" if named(word, everything) else ""
            raise UsageError(f"--gpus: no GPU {word!r} here; there is {shown_devices(here)}{hidden}")
        lost = next((each for each in meant if each.fault is not None), None)
        if lost is not None:
            raise UsageError(f"--gpus: {lost.label} cannot be used: {lost.fault}")
        listed += [each for each in meant if each not in listed]
    return tuple(listed)


def _holders(device: Device) -> str | None:
    """Why a device is not free: who holds a lease of it, or computes on it without one."""
    told = [f"held by {shown_holder(each.who)}" for each in held(device.uuid)]
    told += [] if told else [f"used by process {each.pid}" for each in device.processes]
    return ", ".join(dict.fromkeys(told)) or None


def _check_counts(workers: int | None, threads: int | None) -> None:
    for option, value in (("--workers", workers), ("--threads", threads)):
        if value is not None and value < 1:
            raise UsageError(f"{option}: {value} is too few; 1 or more")


def _check_shares(per_gpu: int | None, gpu_memory: str | None) -> int | None:
    """The bytes that `--gpu-memory` asks for; None, if it says none."""
    if per_gpu is not None and per_gpu < 1:
        raise UsageError(f"--per-gpu: {per_gpu} is too few; 1 or more")
    return None if gpu_memory in (None, "auto") else parse_size(gpu_memory, "--gpu-memory")


def cores() -> int:
    """Cores that this process may use."""
    return len(allowed_cores()) or os.cpu_count() or 1


def allowed_cores() -> list[int]:
    """The numbers of these cores; none where the system does not tell."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
