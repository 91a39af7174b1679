"""`gpus`: this host's devices, who holds them, and who uses them without a lease; the CPU cores that are leased."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives.process.process_tree import descendants
from studies.definition.units import shown_size
from studies.slots.devices import Device, Process, left_to_us, read_devices, why_none
from studies.slots.leases import UNIT, Held, held, held_cores, shown_holder
from studies.tables.table import Column, Document, Table

DEVICE = [Column(name) for name in ("gpu", "uuid", "name", "memory", "busy", "held by")]

UNTOLD = dict.fromkeys(("user", "pid", "host", "study", "trial"))  # of a holder that has not written yet


@dataclass(frozen=True)
class Seen:
    """One device: its leases, and the processes on it that belong to none of them."""

    device: Device
    leases: Sequence[Held]
    foreign: Sequence[Process]
    hidden: str | None  # the variable that hides it from us

    def to_json(self) -> dict[str, Any]:
        device = self.device
        return {
            "index": device.index,
            "uuid": device.uuid,
            "name": device.name,
            "parent": device.parent,
            "memory_total": device.memory_total,
            "memory_used": device.memory_total - device.memory_free,
            "utilization": device.utilization,
            "fault": device.fault,
            "visible": not self.hidden,
            "leases": [{**_bytes(device, each), **UNTOLD, **each.who} for each in self.leases],
            "foreign": [{"pid": each.pid, "memory": each.memory} for each in self.foreign],
        }

    @property
    def users(self) -> list[str]:
        """A line for each lease and each foreign process."""
        whole = self.device.memory_total
        lines = []
        for each in self.leases:
            first, last = _bytes(self.device, each).values()
            part = "" if last - first >= whole - UNIT else f"{shown_size(last - first)} from {shown_size(first)}: "
            lines.append(part + shown_holder(each.who))
        for process in self.foreign:
            memory = "" if process.memory is None else f", {shown_size(process.memory)}"
            lines.append(f"no lease: process {process.pid}{memory}")
        if self.device.fault is not None:
            lines.append(f"cannot be used: {self.device.fault}")
        return lines + ([f"hidden by {self.hidden}"] if self.hidden else []) or ["free"]


@dataclass(frozen=True)
class Look:
    """This host at one moment."""

    devices: Sequence[Seen]
    cores: Mapping[int, Mapping[str, Any]]
    why: str  # there is no device, if there is none

    def to_json(self) -> dict[str, Any]:
        """`gpus --json`: names are stable."""
        return {
            "devices": [each.to_json() for each in self.devices],
            "cores": [{"core": core, **UNTOLD, **who} for core, who in sorted(self.cores.items())],
        }

    def document(self) -> Document:
        """A line for each holder of each device; then the cores."""
        notes = [] if self.devices else [f"no NVIDIA devices here ({self.why})"]
        holders: dict[str, list[int]] = {}
        for core, who in sorted(self.cores.items()):
            holders.setdefault(shown_holder(who), []).append(core)
        for held_by, cores in holders.items():
            notes.append(f"CPU core{'s' * (len(cores) > 1)} {', '.join(map(str, cores))}: {held_by}")
        if not holders:
            notes.append("no CPU core is leased")
        rows = [row for each in self.devices for row in _rows(each)]
        return Document([Table(DEVICE, rows)] if rows else [], notes)


def _rows(seen: Seen) -> list[list[str]]:
    """One for each user of the device; the first names the device."""
    device = seen.device
    memory = f"{shown_size(device.memory_total - device.memory_free)} / {shown_size(device.memory_total)}"
    busy = "" if device.utilization is None else f"{device.utilization}%"
    first, *others = seen.users
    return [[device.index, device.uuid, device.name, memory, busy, first], *([""] * 5 + [each] for each in others)]


def look() -> Look:
    """Read the devices and the lock files. Changes nothing.

    Raises:
        StorageError: The lock files cannot be read.
    """
    devices = read_devices()
    left = left_to_us(devices, os.environ)
    seen = []
    for device in devices:
        leases = held(device.uuid) if device.uuid else []
        holders = {each.who.get("pid", 0) for each in leases}
        known = holders.union(*map(descendants, holders))
        foreign = [each for each in device.processes if each.pid not in known]
        seen.append(Seen(device, leases, foreign, None if device in left.devices else left.name))
    return Look(seen, held_cores(), "" if devices else why_none())


def _bytes(device: Device, lease: Held) -> dict[str, int]:
    """Which part of its memory a lease covers."""
    return {"from": lease.span.start * UNIT, "to": min(lease.span.end * UNIT, device.memory_total)}
