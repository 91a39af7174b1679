"""The slot pool: a worker's slots, and which of them can take a trial now.

A GPU slot takes a trial only under a lease (leases.py), kept from one trial to the next while there is work. A CPU slot
needs no lease; it is pinned to cores of its own while free cores are left.

A device whose trial ended in an error rests until another device has begun a trial, so that a failed trial is tried
elsewhere first. A device is set aside for good when the driver has lost it, or when it fails trials that others run.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from objectives.outcome import Kind
from storage.errors import StorageError
from studies.slots.devices import read_devices
from studies.slots.leases import Lease, held, held_cores, holder_record, holder_text, take, take_cores, turn_is_taken
from studies.slots.options import allowed_cores
from studies.slots.slot import Slot

MIN_FAILURES = 3  # in a row on one device, before it can be set aside
REST_SECONDS = 60.0  # of a device after a failure, at most; doubled with each in a row


@dataclass(frozen=True)
class Ended:
    """How a trial ended on a device."""

    gpu: str
    trial: int
    failed: bool


def failing(ended: Sequence[Ended], gpu: str) -> bool:
    """Whether a device fails trials that others run: its last three all failed, another device completed one of them
    since, and none failed elsewhere."""
    own = [each for each in ended if each.gpu == gpu][-MIN_FAILURES:]
    if len(own) < MIN_FAILURES or not all(each.failed for each in own):
        return False
    trials = {each.trial for each in own}
    elsewhere = [each.failed for each in ended if each.gpu != gpu and each.trial in trials]
    return bool(elsewhere) and not any(elsewhere)


def failures_in_a_row(ended: Sequence[Ended], gpu: str) -> int:
    """How many trials have failed on a device since the last that did not."""
    return len(list(takewhile(lambda each: each.failed, (each for each in reversed(ended) if each.gpu == gpu))))


class SlotPool:
    """A worker's slots: leased, resting or set aside."""

    def __init__(self, slots: Sequence[Slot], say: Callable[[str], None]) -> None:
        self.slots, self._say = tuple(slots), say
        self._leases: dict[str, Lease] = {}
        self._ended: deque[Ended] = deque(maxlen=256)
        self._resting: dict[str, float] = {}
        self._aside: dict[str, str] = {}
        self._printed: set[object] = set()

    @property
    def stranded(self) -> str | None:
        """Why there is no slot left, if every one was set aside."""
        if not self.usable:
            return f"every GPU of this worker is set aside: {'; '.join(dict.fromkeys(self._aside.values()))}"
        return None

    def take(self, busy: Collection[str], study: str) -> Slot | None:
        """The first slot that is not busy and can take a trial now; it is leased."""
        for slot in self.slots:
            if slot.name not in busy and self._rested(slot) and self._lease(slot, study):
                return slot
        return None

    @property
    def usable(self) -> list[Slot]:
        """The slots that were not set aside."""
        return [slot for slot in self.slots if slot.gpu not in self._aside]

    def places(self, busy: Collection[str]) -> list[Slot]:
        """A slot that is not busy of each device that does not rest."""
        found: dict[str | None, Slot] = {}
        for slot in self.slots:
            if slot.name not in busy and self._rested(slot):
                found.setdefault(slot.gpu, slot)
        return list(found.values())

    def hold(self, slot: Slot, lease: Lease) -> None:
        """Keep the lease that was taken for a slot."""
        self._leases[slot.name] = lease

    def begun(self, slot: Slot, study: str, trial: int) -> Lease | None:
        """A trial begins on a slot: the lease that its processes are to hold, with the trial's number in it."""
        self._resting = {gpu: until for gpu, until in self._resting.items() if gpu == slot.gpu}
        lease = self._leases.get(slot.name)
        if lease is not None:
            lease.write_holder(holder_record(study, trial))
        return lease

    def widen(self, slot: Slot, busy: Collection[str]) -> bool:
        """Take the whole device of a leased slot; False if another process uses a part of it."""
        self.release({*busy, slot.name})
        return self._leases[slot.name].widen()

    def narrow(self, slot: Slot) -> None:
        """Release the rest of a slot's device, and a share that was made for one trial."""
        if slot.packed:
            self.release(self._leases.keys() - {slot.name})
        elif slot.shares_device and slot.name in self._leases:
            self._leases[slot.name].narrow()

    def ended(self, slot: Slot, trial: int, kind: Kind) -> None:
        """A trial has ended on a slot: decide whether its device rests or is set aside."""
        self.narrow(slot)
        if slot.gpu is None or kind in (Kind.GIVEN_BACK, Kind.LOST):
            return
        self._ended.append(Ended(slot.gpu, trial, kind in (Kind.ERROR, Kind.KILLED)))
        if not self._ended[-1].failed or slot.gpu in self._aside:
            return
        why = _lost(slot.gpu)
        if why is None and failing(self._ended, slot.gpu):
            why = f"its last {MIN_FAILURES} trials failed, others run them"
        if why is not None:
            self._aside[slot.gpu] = f"{slot.name.split('.')[0]}: {why}"
            self._say(f"{self._aside[slot.gpu]}; it is set aside, its trials run elsewhere")
        elif any(other.gpu not in (slot.gpu, *self._aside) for other in self.slots):
            pause = REST_SECONDS * 2 ** (failures_in_a_row(self._ended, slot.gpu) - 1)
            self._resting[slot.gpu] = time.monotonic() + min(pause, 3600.0)

    def release(self, busy: Collection[str]) -> None:
        """Release the lease of every slot that is not busy."""
        for name in [name for name in self._leases if name not in busy]:
            self._leases.pop(name).close()

    def _rested(self, slot: Slot) -> bool:
        if slot.gpu is None:
            return True
        return slot.gpu not in self._aside and self._resting.get(slot.gpu, 0.0) <= time.monotonic()

    def _lease(self, slot: Slot, study: str) -> bool:
        """Whether this worker has the slot, after a try to lease it."""
        if slot.name in self._leases:
            if slot.gpu is None or not turn_is_taken(slot.gpu):
                return True
            self._leases.pop(slot.name).close()  # another worker waits for more of the device than is free
        lease = _cores(slot, study) if slot.gpu is None else take(slot.gpu, slot.share, holder_record(study))
        if lease is not None:
            self._leases[slot.name] = lease
        elif slot.gpu is not None:
            self._print_holder(slot, slot.gpu)
        else:
            self._print_shared_cores()
        return slot.gpu is None or lease is not None

    def _print_shared_cores(self) -> None:
        """Print once that trials run without cores of their own, since other workers have leased them."""
        if "cores" in self._printed:
            return
        with suppress(StorageError):
            text = shared_cores_text(held_cores().values(), os.getpid())
            if text is not None:
                self._printed.add("cores")
                self._say(text)

    def _print_holder(self, slot: Slot, gpu: str) -> None:
        """Print once which process holds a slot. If it is this worker's, a trial's last process is about to end."""
        for each in held(gpu):
            pid = each.holder.get("pid")
            overlaps = each.span.start < slot.share.end and slot.share.start < each.span.end
            if overlaps and pid != os.getpid() and (slot.name, pid) not in self._printed:
                self._printed.add((slot.name, pid))
                self._say(f"slot {slot.name} is held by {holder_text(each.holder)}: it will be used once it is free")


def shared_cores_text(holders: Iterable[Mapping[str, Any]], own: int) -> str | None:
    """The line about cores that workers of other processes than `own` have leased; None where there are none.

    >>> shared_cores_text([{"user": "ada", "study": "lobo", "trial": 3, "pid": 17}], own=23)
    'no core is free (held by ada, study lobo, pid 17): trials share cores and take longer; fewer --workers avoid that'
    """
    others = [{**each, "trial": None} for each in holders if each.get("pid") != own]
    if not others:
        return None
    named = ", ".join(dict.fromkeys(map(holder_text, others)))
    return f"no core is free (held by {named}): trials share cores and take longer; fewer --workers avoid that"


def _cores(slot: Slot, study: str) -> Lease | None:
    """Cores of its own for a CPU slot; None where too few are free, or a process cannot be pinned.

    The first core differs from worker to worker, so that containers that share cores but no folder for locks do not all
    pin the same.
    """
    allowed = allowed_cores()
    if len(allowed) <= slot.threads:
        return None
    first = os.getpid() % len(allowed)
    try:
        return take_cores(slot.threads, allowed[first:] + allowed[:first], holder_record(study))
    except StorageError:
        return None


def _lost(gpu: str) -> str | None:
    """The driver's fault of a device; None if there is none, or the library fails as a whole."""
    faults = {each.uuid: each.fault for each in read_devices()}
    return faults.get(gpu, "the driver does not list it any more") if faults else None
