"""The rack: a worker's slots, and which of them can take a trial now.

A slot on a GPU takes a trial only under a lease (leases.py), kept from one trial to the next while there is
work. CPU slots take one anyway, and are pinned to cores of their own as long as there are cores that nobody leased.

A device whose trial ended in an error rests until another one has begun a trial, so that what failed is tried elsewhere
first. It is set aside for good when the driver has lost it, or when it fails trials that others run.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from objectives.outcome import Kind
from storage.errors import StorageError
from studies.slots.devices import read_devices
from studies.slots.leases import Lease, held, holder, shown_holder, take, take_cores, turn_is_taken
from studies.slots.options import allowed_cores
from studies.slots.slot import Slot

IN_A_ROW = 3  # failures on one device before it is looked at
REST = 60.0  # seconds that a device rests at most after a failure; doubled with each in a row


@dataclass(frozen=True)
class Ended:
    """How a trial ended on a device."""

    gpu: str
    trial: int
    failed: bool


def failing(ended: Sequence[Ended], gpu: str) -> bool:
    """Whether a device fails trials that others run: its last three all failed, another device completed one of the
    same trials since, and none of them failed anywhere else."""
    own = [each for each in ended if each.gpu == gpu][-IN_A_ROW:]
    if len(own) < IN_A_ROW or not all(each.failed for each in own):
        return False
    trials = {each.trial for each in own}
    elsewhere = [each.failed for each in ended if each.gpu != gpu and each.trial in trials]
    return bool(elsewhere) and not any(elsewhere)


def failures_in_a_row(ended: Sequence[Ended], gpu: str) -> int:
    """How many trials have failed on a device since one ended well there."""
    count = 0
    for each in (each for each in reversed(ended) if each.gpu == gpu):
        if not each.failed:
            break
        count += 1
    return count


class Rack:
    """Which slots are leased, which rest, which are set aside."""

    def __init__(self, slots: Sequence[Slot], say: Callable[[str], None]) -> None:
        self.slots, self._say = tuple(slots), say
        self._leases: dict[str, Lease] = {}
        self._ended: deque[Ended] = deque(maxlen=256)
        self._resting: dict[str, float] = {}
        self._aside: dict[str, str] = {}
        self._told: set[tuple[str, object]] = set()

    @property
    def stranded(self) -> str | None:
        """Why there is no slot left, if every one was set aside."""
        if not self.usable:
            return f"every GPU of this worker is set aside: {'; '.join(dict.fromkeys(self._aside.values()))}"
        return None

    def take(self, busy: Collection[str], study: str) -> Slot | None:
        """The first slot beside the busy ones that can take a trial now: it is leased."""
        for slot in self.slots:
            if slot.name not in busy and self._rested(slot) and self._lease(slot, study):
                return slot
        return None

    @property
    def usable(self) -> list[Slot]:
        """The slots that were not set aside."""
        return [slot for slot in self.slots if slot.gpu not in self._aside]

    def places(self, busy: Collection[str]) -> list[Slot]:
        """One slot beside the busy ones of each device that is to be trusted with a trial."""
        found: dict[str | None, Slot] = {}
        for slot in self.slots:
            if slot.name not in busy and self._rested(slot):
                found.setdefault(slot.gpu, slot)
        return list(found.values())

    def hold(self, slot: Slot, lease: Lease) -> None:
        """A slot is ours, by a lease that was taken for it."""
        self._leases[slot.name] = lease

    def begun(self, slot: Slot, study: str, trial: int) -> Lease | None:
        """A trial begins on a slot: the lease that its processes are to hold, with the trial's number in it."""
        self._resting = {gpu: until for gpu, until in self._resting.items() if gpu == slot.gpu}
        lease = self._leases.get(slot.name)
        if lease is not None:
            lease.tell(holder(study, trial))
        return lease

    def widen(self, slot: Slot, busy: Collection[str]) -> bool:
        """Take the whole device of a leased slot; False if anybody else uses a part of it."""
        self.release({*busy, slot.name})
        return self._leases[slot.name].widen()

    def narrow(self, slot: Slot) -> None:
        """Leave the rest of a slot's device to others again; a share that was made for one trial goes with it."""
        if slot.packed:
            self.release(self._leases.keys() - {slot.name})
        elif slot.shares_device and slot.name in self._leases:
            self._leases[slot.name].narrow()

    def ended(self, slot: Slot, trial: int, kind: Kind) -> None:
        """A trial has ended on a slot: is its device to be trusted with another?"""
        self.narrow(slot)
        if slot.gpu is None or kind in (Kind.GIVEN_BACK, Kind.LOST):
            return
        self._ended.append(Ended(slot.gpu, trial, kind in (Kind.ERROR, Kind.KILLED)))
        if not self._ended[-1].failed or slot.gpu in self._aside:
            return
        why = _lost(slot.gpu)
        if why is None and failing(self._ended, slot.gpu):
            why = f"its last {IN_A_ROW} trials failed, others run them"
        if why is not None:
            self._aside[slot.gpu] = f"{slot.name.split('.')[0]}: {why}"
            self._say(f"{self._aside[slot.gpu]}; it is set aside, its trials go elsewhere")
        elif any(other.gpu not in (slot.gpu, *self._aside) for other in self.slots):
            pause = REST * 2 ** (failures_in_a_row(self._ended, slot.gpu) - 1)
            self._resting[slot.gpu] = time.monotonic() + min(pause, 3600.0)

    def release(self, busy: Collection[str]) -> None:
        """Let go of every slot but the busy ones."""
        for name in [name for name in self._leases if name not in busy]:
            self._leases.pop(name).close()

    def _rested(self, slot: Slot) -> bool:
        if slot.gpu is None:
            return True
        return slot.gpu not in self._aside and self._resting.get(slot.gpu, 0.0) <= time.monotonic()

    def _lease(self, slot: Slot, study: str) -> bool:
        """Whether the slot is ours: from now on, or still."""
        if slot.name in self._leases:
            if slot.gpu is None or not turn_is_taken(slot.gpu):
                return True
            self._leases.pop(slot.name).close()  # somebody waits for more of the device than is free
        lease = _cores(slot, study) if slot.gpu is None else take(slot.gpu, slot.share, holder(study))
        if lease is not None:
            self._leases[slot.name] = lease
        elif slot.gpu is not None:
            self._tell_who(slot, slot.gpu)
        return slot.gpu is None or lease is not None

    def _tell_who(self, slot: Slot, gpu: str) -> None:
        """Say once who has a slot of ours. If it is us, a trial's last process is about to be gone."""
        for each in held(gpu):
            pid = each.who.get("pid")
            overlaps = each.span.start < slot.share.end and slot.share.start < each.span.end
            if overlaps and pid != os.getpid() and (slot.name, pid) not in self._told:
                self._told.add((slot.name, pid))
                self._say(f"slot {slot.name} is held by {shown_holder(each.who)}: not used until it is free")


def _cores(slot: Slot, study: str) -> Lease | None:
    """Cores of its own for a CPU slot; None where there are too few that are free, or no way to pin.

    Which come first differs from worker to worker: on a host where containers share cores but no folder for locks, they
    do not all pin the same.
    """
    allowed = allowed_cores()
    if len(allowed) <= slot.threads:
        return None
    first = os.getpid() % len(allowed)
    try:
        return take_cores(slot.threads, allowed[first:] + allowed[:first], holder(study))
    except StorageError:
        return None


def _lost(gpu: str) -> str | None:
    """What the driver has against a device; None if it says nothing."""
    devices = read_devices()
    if not devices:
        return None  # the library fails as a whole: nothing is known of any one device
    found = next((each for each in devices if each.uuid == gpu), None)
    return "the driver does not list it any more" if found is None else found.fault
