"""`run`: from the command line to a worker at work, one straight trip: the order, the opened study, the worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from objectives.process.warm import WarmServer
from storage.errors import UsageError
from storage.store import Store
from studies.dashboard.scribe import Scribe
from studies.engine.membership import Membership
from studies.engine.worker import Worker
from studies.history.state import Ending, standing_of
from studies.lifecycle.open import find_study, open_study
from studies.lifecycle.order import Order
from studies.slots.leases import folder


def run(
    store: Store, order: Order, say: Callable[[str], None], watch: Callable[[Worker], None] = lambda worker: None
) -> Ending:
    """Start, join or resume a study with one worker, until it leaves. `watch` is given the worker before it works.

    Raises:
        UsageError: The order or the definition is wrong; nothing was written.
        StorageError: The storage cannot be used.
    """
    ended = _ended(store, order) if order.join else None
    if ended is not None:
        return ended
    with begun(store, order, say) as warm:
        scribe = Scribe(store.start(), order.name, store.shown, say)
        worker = Worker(Membership(store, order.name, order.slots), warm, say, scribe.tell)
        watch(worker)
        in_no_hurry = False
        try:
            ending = worker.run()
            in_no_hurry = not worker.signals.giving_back
        finally:
            scribe.close(wait=in_no_hurry)
    return ending


@contextmanager
def begun(store: Store, order: Order, say: Callable[[str], None]) -> Iterator[WarmServer]:
    """The study that the order asks for, checked, and made or brought up to date; with its objective's server.

    Raises:
        UsageError: The order or the definition is wrong; nothing was written.
    """
    if order.slots[0].gpu is not None:
        folder()  # without leases no GPU is used: that is found out now
    opened = open_study(store, order)
    trust = opened.trust(store.home)
    with opened.server(trust) as warm:
        description = opened.checked(warm, say)
        note = None if order.join else opened.write(store, description)
        if note is not None:
            say(note)
        trust.remember()
        yield warm


def _ended(store: Store, order: Order) -> Ending | None:
    """Why a worker that only joins need not begin.

    Raises:
        UsageError: There is no such study.
    """
    study = find_study(store, order.name)
    if study is None:
        raise UsageError(f"--join: there is no study {order.name!r} to join")
    return Ending.of(standing_of(study, begun=0, running=0, alive=True))
