"""`gpus`: this host's devices, their holders, the processes without a lease, and the leased CPU cores."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives.process.process_tree import descendants
from studies.definition.units import size_text
from studies.slots.devices import Device, Process, granted_devices, read_devices, why_none
from studies.slots.leases import UNIT, Held, held, held_cores, holder_text
from studies.tables.table import Column, Document, Table

GPU_COLUMNS = [Column(name) for name in ("gpu", "uuid", "name", "memory", "busy", "held by")]

UNKNOWN_HOLDER = dict.fromkeys(("user", "pid", "host", "study", "trial"))  # its record is not written yet


@dataclass(frozen=True)
class SurveyedDevice:
    """A device, its leases, and the processes on it without a lease."""

    device: Device
    leases: Sequence[Held]
    foreign: Sequence[Process]
    hidden: str | None  # the variable that hides it from this process

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
            "leases": [{**_bytes(device, each), **UNKNOWN_HOLDER, **each.holder} for each in self.leases],
            "foreign": [{"pid": each.pid, "memory": each.memory} for each in self.foreign],
        }

    @property
    def users(self) -> list[str]:
        """A line for each lease and each foreign process."""
        whole = self.device.memory_total
        lines = []
        for each in self.leases:
            first, last = _bytes(self.device, each).values()
            part = "" if last - first >= whole - UNIT else f"{size_text(last - first)} from {size_text(first)}: "
            lines.append(part + holder_text(each.holder))
        for process in self.foreign:
            memory = "" if process.memory is None else f", {size_text(process.memory)}"
            lines.append(f"no lease: process {process.pid}{memory}")
        if self.device.fault is not None:
            lines.append(f"cannot be used: {self.device.fault}")
        return lines + ([f"hidden by {self.hidden}"] if self.hidden else []) or ["free"]


@dataclass(frozen=True)
class Survey:
    """The devices and leased cores of this host now."""

    devices: Sequence[SurveyedDevice]
    cores: Mapping[int, Mapping[str, Any]]
    why: str  # there is no device; empty if there are devices

    def to_json(self) -> dict[str, Any]:
        """`gpus --json`: names are stable."""
        return {
            "devices": [each.to_json() for each in self.devices],
            "cores": [{"core": core, **UNKNOWN_HOLDER, **who} for core, who in sorted(self.cores.items())],
        }

    def document(self) -> Document:
        """A line for each holder of each device; then the cores."""
        notes = [] if self.devices else [f"no NVIDIA devices here ({self.why})"]
        holders: dict[str, list[int]] = {}
        for core, who in sorted(self.cores.items()):
            holders.setdefault(holder_text(who), []).append(core)
        for held_by, cores in holders.items():
            notes.append(f"CPU core{'s' * (len(cores) > 1)} {', '.join(map(str, cores))}: {held_by}")
        if not holders:
            notes.append("no CPU core is leased")
        rows = [row for each in self.devices for row in _rows(each)]
        return Document([Table(GPU_COLUMNS, rows)] if rows else [], notes)


def _rows(seen: SurveyedDevice) -> list[list[str]]:
    """A row for each user of the device; the first names the device."""
    device = seen.device
    memory = f"{size_text(device.memory_total - device.memory_free)} / {size_text(device.memory_total)}"
    busy = "" if device.utilization is None else f"{device.utilization}%"
    first, *others = seen.users
    return [[device.index, device.uuid, device.name, memory, busy, first], *([""] * 5 + [each] for each in others)]


def survey() -> Survey:
    """Read the devices and the lock files. Changes nothing.

    Raises:
        StorageError: The lock files cannot be read.
    """
    devices = read_devices()
    granted = granted_devices(devices, os.environ)
    seen = []
    for device in devices:
        leases = held(device.uuid) if device.uuid else []
        holders = {each.holder.get("pid", 0) for each in leases}
        known = holders.union(*map(descendants, holders))
        foreign = [each for each in device.processes if each.pid not in known]
        seen.append(SurveyedDevice(device, leases, foreign, None if device in granted.devices else granted.name))
    return Survey(seen, held_cores(), "" if devices else why_none())


def _bytes(device: Device, lease: Held) -> dict[str, int]:
    """The part of its memory that a lease covers."""
    return {"from": lease.span.start * UNIT, "to": min(lease.span.end * UNIT, device.memory_total)}
