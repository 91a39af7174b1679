"""`run`: from a name and a definition to a worker at work. Everything is checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from objectives.process.warm import WarmServer
from objectives.reference import Reference, located
from storage.errors import UsageError
from storage.home import DEFINITIONS
from storage.moving import moved_to
from storage.names import check_name
from storage.place import Place
from storage.reader import Reader
from storage.records import StudyRow
from storage.schema import read_versions
from storage.session import Session
from studies.dashboard.scribe import Scribe
from studies.definition.assignments import parse_assignment
from studies.definition.code_version import versions
from studies.definition.definition import Definition
from studies.definition.searches import search_of
from studies.definition.trust import Trust, code_named, texts
from studies.engine.membership import Membership
from studies.engine.worker import Worker
from studies.history.state import Ending, standing_of
from studies.lifecycle.change import Pending, foreseen
from studies.lifecycle.checks import check_metrics, check_same_data, check_told, other_code, sample_config
from studies.lifecycle.open import definition_of, open_study
from studies.lifecycle.order import Order, Request, request_of
from studies.slots.leases import folder
from studies.slots.slot import Slot


def run(
    place: Place, order: Order, say: Callable[[str], None], watch: Callable[[Worker], None] = lambda worker: None
) -> Ending:
    """Start, join or resume a study with one worker, until it leaves. `watch` is given the worker before it works.

    Raises:
        UsageError: The order or the definition is wrong; nothing was written.
        StorageError: The storage cannot be used.
    """
    if order.join:
        ended = _nothing_to_join(place, order)
        if ended is not None:
            return ended
    with begun(place, order, say) as warm:
        return _work(place, order.name, order.slots, warm, say, watch)


@contextmanager
def begun(place: Place, order: Order, say: Callable[[str], None]) -> Iterator[WarmServer]:
    """The study that the order asks for, checked, and made or brought up to date; with its objective's server.

    Raises:
        UsageError: The order or the definition is wrong; nothing was written.
    """
    request = request_of(order)
    if order.slots[0].gpu is not None:
        folder()  # without leases no GPU is used: that is found out now
    study = peek(place, request.name)
    asked = None if study is None else _foresee(place, study, request)
    definition = definition_of(request, study)
    if asked is not None:
        definition = asked.applied_to(definition)
    trust = trust_of(place, order, request, study)
    warm = _warm(definition, order, trust)
    try:
        search = search_of(definition, request.source)
        description = warm.describe(sample_config(search, warm, request.source))
        if asked is None or asked.corrected:
            check_metrics(definition, description, request.source)
            check_told(definition, search, request.source)
        other = None if study is None or (asked is not None and asked.corrected) else other_code(study, definition)
        if other is not None and order.same_code:
            raise UsageError(f"--same-code: {other}")
        if other is not None:
            say(f"{other}: results may not be comparable")
        if study is not None and order.join:
            check_same_data(study, description)
        else:
            session = place.write()
            try:
                note = open_study(session, request, definition, description)
            finally:
                session.close()
            if note is not None:
                say(note)
        trust.remember()
        yield warm
    finally:
        warm.close()


def _nothing_to_join(place: Place, order: Order) -> Ending | None:
    """Why a worker that only joins need not begin.

    Raises:
        UsageError: There is no such study.
    """
    study = peek(place, check_name(order.name))
    if study is None:
        raise UsageError(f"--join: there is no study {order.name!r} to join")
    return Ending.of(standing_of(study, begun=0, running=0, alive=True))


def trust_of(place: Place, order: Order, request: Request, study: StudyRow | None) -> Trust:
    """What this user says yes to: as remembered, with what the file, `--set` and `--trust-study` name."""
    trust = Trust.of(place.home)
    if request.definition is not None:
        trust = trust.given(code_named(request.definition))
    told = texts([parse_assignment(text)[1] for text in request.settings])
    trust = trust.given(located(each, Path.cwd()) for each in told)
    if study is not None and order.trust_study:
        for stored in (study.origin, study.definition):
            trust = trust.given(code_named(Definition.from_json(stored)))
    return trust


def _foresee(place: Place, study: StudyRow, request: Request) -> Pending:
    """What is asked of a study, before anything is done."""
    session = place.read()
    try:
        where = moved_to(session, study.study_id)
        if where is not None:
            raise UsageError(
                f"--study: {study.name!r} was moved to {where}: run it there, by --storage; `delete` this one"
            )
        return foreseen(session, study, request)
    finally:
        session.close()


def _work(
    place: Place,
    name: str,
    slots: tuple[Slot, ...],
    warm: WarmServer,
    say: Callable[[str], None],
    watch: Callable[[Worker], None],
) -> Ending:
    """One worker, with a scribe that keeps current what the browser shows."""
    scribe = Scribe(place.start(), name, place.shown, say)
    worker = Worker(Membership(place, name, slots), place.home, warm, slots, versions()["studyhall"], say, scribe.tell)
    in_no_hurry = False
    watch(worker)
    try:
        ending = worker.run()
        in_no_hurry = not worker.signals.giving_back
        return ending
    finally:
        scribe.close(wait=in_no_hurry)


def _warm(definition: Definition, order: Order, trust: Trust) -> WarmServer:
    """The objective's server, which sees the device of one of the slots: it answers for what a trial will find."""
    slot = order.slots[0]
    check = partial(trust.check, definition.objective, study=order.name)
    check({})  # the objective itself, before it is looked for
    reference = Reference.parse(definition.objective, DEFINITIONS).text
    return WarmServer(reference, slot.threads, slot.gpu or "", check)


def peek(place: Place, name: str) -> StudyRow | None:
    """The study of this name, without making anything: no cluster, no tables."""
    if not place.holds_anything():
        return None
    session = Session(place.start())
    try:
        return Reader(session).find_study(name) if read_versions(session).ours is not None else None
    finally:
        session.close()
