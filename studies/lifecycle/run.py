"""`run`: from the order to the opened study to the worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from objectives.process.warm import WarmServer
from storage.errors import UsageError
from storage.patience import patiently
from storage.store import Store
from studies.dashboard.scribe import Scribe
from studies.definition.user_code import read_user_code
from studies.engine.code_watch import CodeWatch
from studies.engine.membership import Membership
from studies.engine.worker import Worker
from studies.history.state import Ending, standing_of
from studies.lifecycle.checks import other_python
from studies.lifecycle.code_check import code_results
from studies.lifecycle.open import find_study, open_study
from studies.lifecycle.order import Order
from studies.slots.leases import folder
from studies.tables.log import Log


def run(store: Store, order: Order, log: Log, watch: Callable[[Worker], None] = lambda worker: None) -> Ending:
    """Start, join or resume a study with one worker, until the worker leaves. `watch` gets the worker before it starts.

    Raises:
        UsageError: The order or the definition is wrong; nothing was written.
        StorageError: The storage cannot be used.
    """
    if order.join:
        study = patiently(lambda: find_study(store, order.name), log)
        if study is None:
            raise UsageError(f"--join: there is no study {order.name!r}")
        ended = Ending.of(standing_of(study, begun=0, running=0, alive=True))
        if ended is not None:
            return ended
    with study_started(store, order, log) as (warm, code):
        scribe = Scribe(patiently(store.start, log), order.name, store.shown, log)
        worker = Worker(Membership(store, order.name, order.slots), warm, log, scribe.notify, code)
        watch(worker)
        may_wait = False
        try:
            ending = worker.run()
            may_wait = not worker.signals.giving_back
        finally:
            scribe.close(wait=may_wait)
    return ending


@contextmanager
def study_started(store: Store, order: Order, log: Callable[[str], None]) -> Iterator[tuple[WarmServer, CodeWatch]]:
    """Check the order and make or update its study; the objective's server and its code meanwhile.

    Raises:
        UsageError: The order or the definition is wrong; nothing was written.
    """
    if order.slots[0].gpu is not None:
        folder()  # no GPU is used without leases: fail now
    opened = patiently(lambda: open_study(store, order), log)
    trust = opened.trust(store.home)
    with opened.server(trust) as warm:
        code = read_user_code(opened.definition)  # before the server loads it
        results = code_results(store, opened.study)
        description = opened.checked(warm, code, results, log)
        note = None if order.join else patiently(lambda: opened.write(store, description), log)
        if note is not None:
            log(note.text)
        trust.remember()
        if note is not None and note.file_unused:
            log("definition: the study's own, as its last change left it")
        elif order.definition is not None:
            log(f"definition: {order.source}" + " with its laptop: block" * opened.definition.on_laptop)
        if (other := None if order.join else other_python(opened.definition)) is not None:
            log(other)
        yield warm, CodeWatch(opened.definition, code, warm, order.same_code, log)
