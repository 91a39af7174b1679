"""The GPUs of this host while a study's worker lives here: memory, load, and how the load went."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from storage.errors import UsageError
from studies.definition.units import size_text
from studies.slots.devices import Device, read_devices
from studies.tables.sparkline import sparkline
from studies.tables.table import Cell, Column, Table

MAX_LOADS = 20
"""Looks whose load is drawn."""
FULL = (0.0, 100.0)
GPU_COLUMNS = [Column("GPU"), Column("name", spare=2), Column("memory", right=True), Column("of it", right=True)]
GPU_COLUMNS += [Column("load", right=True), Column("load so far", spare=1)]


@dataclass(frozen=True)
class SeenDevice:
    """A device and the loads of the last looks, in percent."""

    device: Device
    loads: Sequence[float]


@dataclass
class Loads:
    """Remembers the loads of the last looks. Belongs to one thread."""

    kept: dict[str, deque[float]] = field(default_factory=dict)

    def look(self) -> list[SeenDevice]:
        """The devices as they are now; none where they cannot be read."""
        try:
            devices = read_devices()
        except UsageError:
            return []
        return [self.seen(each) for each in devices if each.fault is None]

    def seen(self, device: Device) -> SeenDevice:
        """With its load among those before."""
        loads = self.kept.setdefault(device.uuid, deque(maxlen=MAX_LOADS))
        if device.utilization is not None:
            loads.append(float(device.utilization))
        return SeenDevice(device, list(loads))


def gpu_table(seen: Sequence[SeenDevice]) -> Table:
    """A line a device."""
    rows: list[list[Cell]] = []
    for each in seen:
        device = each.device
        used = device.memory_total - device.memory_free
        load = "" if device.utilization is None else f"{device.utilization} %"
        share = f"{used / device.memory_total:.0%}" if device.memory_total else ""
        memory = f"{size_text(used)} / {size_text(device.memory_total)}"
        rows.append([device.label, device.name, memory, share, load, sparkline(each.loads, MAX_LOADS, FULL)])
    return Table(GPU_COLUMNS, rows).without_empty_columns()
