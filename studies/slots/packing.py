"""Packing: which waiting trial goes to which device, by what the objective says that each takes of its memory.

`cost(config)` may return `memory_bytes`, the most bytes that a trial's tensors take of its device at once. The trial's
share is that, a tenth more, and what CUDA takes in every process; without an estimate it is a whole device. The share
is a lease for that one trial, so whatever another study packs or cuts excludes it exactly.

Trials go in order. One that fits nowhere waits for one device, under that device's turn: nothing new begins there until
it has its share, while later trials that fit on the other devices go on. Who had a turn leaves the next one to others.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from studies.definition.units import shown_size
from studies.slots.leases import UNIT, Span, Turn, gaps, holder, take, take_turn
from studies.slots.options import SMALLEST
from studies.slots.pool import Rack
from studies.slots.slot import Slot

ESTIMATE = "memory_bytes"
SAFETY = 0.1  # of the estimate, on top of it: an allocator rounds up and leaves holes
PAUSE = 3.0  # seconds without a turn after one that was used: longer than others take between two looks
CONTEXT = 512 << 20  # bytes that CUDA takes in each process, beside its tensors


@dataclass(frozen=True)
class Wish:
    """A trial that waits, and the units of a device's memory that it needs; None: all of a device."""

    number: int
    units: int | None


def wish_of(number: int, cost: Mapping[str, float], alone: bool) -> Wish:
    """What a trial needs, by its objective's estimate. One that ran out of memory is alone on its device."""
    estimate = cost.get(ESTIMATE, math.nan)
    if alone or not math.isfinite(estimate) or estimate <= 0:
        return Wish(number, None)
    size = max(SMALLEST, math.ceil(estimate * (1 + SAFETY)) + CONTEXT)
    return Wish(number, -(-size // UNIT))


class Packing:
    """Places trials on the devices of a rack; at most one of them waits with a device's turn."""

    def __init__(self, rack: Rack, say: Callable[[str], None]) -> None:
        self._rack, self._say = rack, say
        self._turn: Turn | None = None
        self._next_turn = 0.0
        self._missed = False
        self._told: set[int | None] = set()

    def place(self, wish: Wish, first: bool, busy: Collection[str], study: str) -> Slot | None:
        """A slot with the share that a trial needs, leased; None if there is no room now. The first one then waits."""
        turn = self._turn if first else None
        slots = self._fitting(wish, self._rack.places(busy))
        for slot, gap in _best(wish, slots):
            share = Span(gap.start, gap.start + _units(wish, slot))
            assert slot.gpu is not None
            lease = take(slot.gpu, share, holder(study), turn)
            if lease is not None:
                self._rack.hold(slot, lease)
                if turn is not None:
                    self.leave()
                    self._next_turn = time.monotonic() + PAUSE
                return replace(slot, share=share, memory_fraction=(share.end - share.start) / slot.share.end)
        if first:
            self._wait(wish, slots)
        return None

    def missing(self, number: int) -> None:
        """Say once that a trial has no estimate."""
        if not self._missed:
            self._missed = True
            self._say(
                f"trial {number}: the objective's cost(config) gives no {ESTIMATE}: a whole GPU for each such trial"
            )

    def leave(self) -> None:
        """Wait no longer."""
        if self._turn is not None:
            self._turn.close()
        self._turn = None

    def _fitting(self, wish: Wish, slots: Sequence[Slot]) -> list[Slot]:
        """Those whose device is large enough; the largest device, for a trial that is too big for every one."""
        largest = max((slot.share.end for slot in self._rack.usable), default=0)
        if wish.units is not None and wish.units > largest:
            sizes = f"{shown_size(wish.units * UNIT)}, the largest GPU here has {shown_size(largest * UNIT)}"
            self._tell(wish, f"trial {wish.number} is estimated to need {sizes}: it is tried there alone")
            return [slot for slot in slots if slot.share.end == largest]
        return [slot for slot in slots if wish.units is None or wish.units <= slot.share.end]

    def _wait(self, wish: Wish, slots: Sequence[Slot]) -> None:
        """Have the turn of one of these devices, of that with most room; keep what we have, if it still serves."""
        if self._turn is not None and self._turn.device in [slot.gpu for slot in slots]:
            return
        self.leave()
        if time.monotonic() < self._next_turn:
            return
        for slot in sorted(slots, key=_room, reverse=True):
            assert slot.gpu is not None
            self._turn = take_turn(slot.gpu)
            if self._turn is not None:
                need = f"{shown_size(_units(wish, slot) * UNIT)} of {slot.name.split('.')[0]}"
                self._tell(wish, f"trial {wish.number} waits for {need}: nothing else begins there")
                return

    def _tell(self, wish: Wish, line: str) -> None:
        """Say it of the first trial of that size."""
        if wish.units not in self._told:
            self._told.add(wish.units)
            self._say(line)


def _units(wish: Wish, slot: Slot) -> int:
    return slot.share.end if wish.units is None else min(wish.units, slot.share.end)


def _best(wish: Wish, slots: Sequence[Slot]) -> list[tuple[Slot, Span]]:
    """Where a trial fits now, the tightest gap first."""
    found = [(slot, gap) for slot in slots for gap in gaps(slot.gpu or "", slot.share)]
    fitting = [(slot, gap) for slot, gap in found if gap.end - gap.start >= _units(wish, slot)]
    return sorted(fitting, key=lambda each: each[1].end - each[1].start)


def _room(slot: Slot) -> int:
    return sum(gap.end - gap.start for gap in gaps(slot.gpu or "", slot.share))
