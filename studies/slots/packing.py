"""Packing: which waiting trial goes to which device, by the memory that the objective estimates for each.

`cost(config)` may return `memory_bytes`, the most bytes that a trial's tensors take of its device at once. The trial's
share is that, a tenth more, and what CUDA takes in every process; without an estimate it is a whole device. The share
is a lease for that one trial, so whatever another study packs or cuts excludes it exactly.

Trials go in order. A trial that fits nowhere waits for one device, under that device's turn: nothing new begins there
until the trial has its share, while later trials that fit on other devices start. After a turn a worker pauses, so that
another worker can have the next one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from studies.definition.units import size_text
from studies.slots.leases import UNIT, Lease, Span, gaps, holder_record, take, take_turn
from studies.slots.options import MIN_SHARE_BYTES
from studies.slots.pool import SlotPool
from studies.slots.slot import Slot

ESTIMATE = "memory_bytes"
ESTIMATE_MARGIN = 0.1  # of the estimate, added to it: an allocator rounds up and leaves holes
TURN_PAUSE_SECONDS = 3.0  # between two turns of one worker: longer than other workers take between two polls
CONTEXT_BYTES = 512 << 20  # that CUDA takes in each process, beside its tensors


@dataclass(frozen=True)
class Wish:
    """A waiting trial, and the units of a device's memory that it needs; None: all of a device."""

    number: int
    units: int | None


def wish_of(number: int, cost: Mapping[str, float], alone: bool) -> Wish:
    """What a trial needs, by its objective's estimate. One that ran out of memory is alone on its device."""
    estimate = cost.get(ESTIMATE, math.nan)
    if alone or not math.isfinite(estimate) or estimate <= 0:
        return Wish(number, None)
    size = max(MIN_SHARE_BYTES, math.ceil(estimate * (1 + ESTIMATE_MARGIN)) + CONTEXT_BYTES)
    return Wish(number, -(-size // UNIT))


class Packing:
    """Places trials on the devices of a slot pool; at most one trial waits with a device's turn."""

    def __init__(self, pool: SlotPool, say: Callable[[str], None]) -> None:
        self._pool, self._say = pool, say
        self._turn: Lease | None = None
        self._next_turn = 0.0
        self._missed = False
        self._printed: set[int | None] = set()

    def place(self, wish: Wish, first: bool, busy: Collection[str], study: str) -> Slot | None:
        """A slot with the share that a trial needs, leased; None without room. The first trial then waits."""
        turn = self._turn if first else None
        slots = self._fitting(wish, self._pool.places(busy))
        for slot, gap in _best(wish, slots):
            share = Span(gap.start, gap.start + _units(wish, slot))
            assert slot.gpu is not None
            lease = take(slot.gpu, share, holder_record(study), turn)
            if lease is not None:
                self._pool.hold(slot, lease)
                if turn is not None:
                    self.leave()
                    self._next_turn = time.monotonic() + TURN_PAUSE_SECONDS
                return replace(slot, share=share, memory_fraction=(share.end - share.start) / slot.share.end)
        if first:
            self._wait(wish, slots)
        return None

    def missing(self, number: int) -> None:
        """Print once that a trial has no estimate."""
        if not self._missed:
            self._missed = True
            self._say(f"trial {number}: cost(config) returns no {ESTIMATE}: such a trial takes a whole GPU")

    def leave(self) -> None:
        """Give up the turn."""
        if self._turn is not None:
            self._turn.close()
        self._turn = None

    def _fitting(self, wish: Wish, slots: Sequence[Slot]) -> list[Slot]:
        """Slots whose device is large enough; for a trial that no device can hold, those of the largest."""
        largest = max((slot.share.end for slot in self._pool.usable), default=0)
        if wish.units is not None and wish.units > largest:
            sizes = f"{size_text(wish.units * UNIT)}, the largest GPU here has {size_text(largest * UNIT)}"
            self._print_once(wish, f"trial {wish.number} is estimated to need {sizes}: it runs there alone")
            return [slot for slot in slots if slot.share.end == largest]
        return [slot for slot in slots if wish.units is None or wish.units <= slot.share.end]

    def _wait(self, wish: Wish, slots: Sequence[Slot]) -> None:
        """Take the turn of the device with most room; keep a turn that still serves."""
        if self._turn is not None and self._turn.device in [slot.gpu for slot in slots]:
            return
        self.leave()
        if time.monotonic() < self._next_turn:
            return
        for slot in sorted(slots, key=_room, reverse=True):
            assert slot.gpu is not None
            self._turn = take_turn(slot.gpu)
            if self._turn is not None:
                need = f"{size_text(_units(wish, slot) * UNIT)} of {slot.name.split('.')[0]}"
                self._print_once(wish, f"trial {wish.number} waits for {need}: nothing else starts there")
                return

    def _print_once(self, wish: Wish, line: str) -> None:
        """Print a line for the first trial of its size."""
        if wish.units not in self._printed:
            self._printed.add(wish.units)
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
