"""`run`: from a name and a definition to a worker at work. Everything is checked before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from objectives.reference import Reference, located
from objectives.warm import Inspection, WarmServer
from samplers.plan import Point
from samplers.sweep import Grid
from storage.errors import UsageError, nearest
from storage.home import DEFINITIONS
from storage.ledger import Ledger
from storage.moving import moved_to
from storage.names import check_name
from storage.records import Budget, StudyRow, find_study
from storage.schema import read_versions
from storage.session import Session
from studies.assignments import parse_assignment
from studies.board.scribe import Scribe
from studies.definition import SEARCHES, Definition
from studies.depth_table import estimates
from studies.grid_review import Review, review
from studies.leases import folder
from studies.lifecycle import (
    Membership,
    Pending,
    Request,
    check_metrics,
    check_same_data,
    check_told,
    current_state,
    definition_of,
    foreseen,
    open_study,
    other_code,
    sample_config,
    search_in_force,
)
from studies.place import Place
from studies.planner import FINISHED, finished_results
from studies.searches import search_of
from studies.slot import Elsewhere, Slot, cpu_slots, slots_of
from studies.trust import Trust, code_named, texts
from studies.units import parse_duration, shown_duration
from studies.versions import versions
from studies.worker import Ending, Worker


@dataclass(frozen=True)
class Order:
    """What the command line asked for."""

    search: str
    name: str
    file: Path | None
    settings: Sequence[str]
    budget: Budget
    slots: tuple[Slot, ...]
    same_code: bool = False
    trust_study: bool = False
    join: bool = False
    """Only help a study that goes on: neither begin, change nor resume one."""
    elsewhere: Elsewhere | None = None
    """Of a launch: the slots of each of its workers."""

    @staticmethod
    def of(
        search: str,
        name: str,
        file: Path | None,
        settings: Sequence[str],
        gpus: str | None,
        per_gpu: int | None,
        gpu_memory: str | None,
        workers: int | None,
        threads: int | None,
        steps: int | None,
        timeout: str | None,
        max_trials: int | None,
        same_code: bool,
        trust_study: bool,
        join: bool,
        gpus_elsewhere: int | None,
    ) -> Order:
        """The options as typed, checked.

        Args:
            gpus_elsewhere: Of each worker that a scheduler is asked for; None: the worker is this process.

        Raises:
            UsageError: One of them is out of its range.
        """
        if search not in SEARCHES:
            raise UsageError(f"run: no search {search!r}{nearest(search, SEARCHES)}")
        for option, value in (("--steps", steps), ("--max-trials", max_trials)):
            if value is not None and not 1 <= value < 2**31:
                raise UsageError(f"{option}: {value} is not a number from 1 to {2**31 - 1:,}")
        if steps is not None and search != "grow":
            raise UsageError(f"--steps: counts the steps of a growth; a {search} search has --max-trials and --timeout")
        seconds = None if timeout is None else parse_duration(timeout, "--timeout")
        budget = Budget(steps, max_trials, seconds)
        if join and (settings or file or budget != Budget() or gpus_elsewhere is not None):
            raise UsageError("--join: changes nothing of a study: it goes without --file, --set, budgets and --launch")
        elsewhere = None
        if gpus_elsewhere is None:
            slots = slots_of(gpus, per_gpu, gpu_memory, workers, threads)
        else:
            elsewhere, slots = (
                Elsewhere.of(gpus_elsewhere, gpus, per_gpu, gpu_memory, workers, threads),
                cpu_slots(1, 1),
            )
        return Order(search, name, file, settings, budget, slots, same_code, trust_study, join, elsewhere)


def request_of(order: Order) -> Request:
    """The order with its definition read, if there is a file.

    Raises:
        UsageError: The name or the file is wrong.
    """
    name = check_name(order.name)
    file = order.file or DEFINITIONS / f"{name}.yaml"
    given = not order.join and (order.file is not None or file.exists())
    definition = Definition.load(file, order.search) if given else None
    shown = str(order.file) if order.file is not None else f"studies/{name}.yaml"
    return Request(order.search, name, definition, shown, order.settings, order.budget)


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
    if study.draining:
        return Ending("the study was told to stop")
    return None if study.outcome is None else Ending(study.outcome, study.failed)


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
        return find_study(session, name) if read_versions(session).ours is not None else None
    finally:
        session.close()


@dataclass(frozen=True)
class Preview:
    """What `--dry-run` tells: the points ahead, each with what the objective says of it."""

    why: str
    points: Sequence[tuple[Point, Inspection]] = ()
    seconds: float | None = None
    """Mean time of this study's finished trials, where there are some."""
    expected: RenderableType | None = None
    """What the search expects before anything is known: a depth search's closed form."""

    def table(self) -> RenderableType:
        """What would run, a line a trial, and how much that is."""
        table = Table("point", "seed", "params", "", title=self.why, title_justify="left", box=None, pad_edge=False)
        for point, inspection in self.points:
            known = ", ".join(f"{name} {value:,.6g}" for name, value in inspection.cost.items())
            told = f"{point.role['param']} → {point.role['value']}" if "param" in point.role else point.role["role"]
            table.add_row(told, str(point.seed), known, f"refused: {inspection.refusal}" if inspection.refusal else "")
        if not self.points:
            return Text(self.why)
        parts: list[RenderableType] = [table, Text(self.total)]
        return Group(*parts) if self.expected is None else Group(self.expected, *parts)

    @property
    def runs(self) -> int:
        """Trials to run, as far as can be told ahead."""
        return sum(inspection.refusal is None for _, inspection in self.points)

    @property
    def total(self) -> str:
        """How many trials, and how long they take on one slot as far as that is known."""
        refused, runs = len(self.points) - self.runs, self.runs
        known = f"about {shown_duration(runs * self.seconds)} on one slot" if self.seconds else "time not known yet"
        return f"{runs} trials, {refused} points refused by the objective; {known}"


def preview(place: Place, order: Order) -> Preview | Review:
    """What would run next. Touches nothing."""
    request = request_of(order)
    study = peek(place, request.name)
    asked = None if study is None else _foresee(place, study, request)
    definition = definition_of(request, study)
    if asked is not None:
        definition = asked.applied_to(definition)
    search = search_of(definition, request.source) if study is None else search_in_force(study)
    deep = definition.search == "depth"
    expected = estimates(definition.settings, definition.config, request.source) if deep else None
    warm = _warm(definition, order, trust_of(place, order, request, study))
    try:
        if study is None:
            check_metrics(definition, warm.describe(sample_config(search, warm, request.source)), request.source)
            if isinstance(search, Grid):
                return review(search, search.start(), warm.inspect)
            return _preview(list(search.outlook(search.start())), "the first round", None, expected, warm)
        session = place.read()
        try:
            ledger = Ledger(session, study.study_id)
            state, seconds = current_state(ledger, study), ledger.mean_seconds()
            if asked is not None and (asked.changes or asked.corrected):
                state = search.override(state, asked.changes).state
            elif study.outcome is not None and request.budget.steps is None:
                return Preview(f"nothing to run: {study.outcome}")
            if isinstance(search, Grid):
                rows = session.run("read_points", {"study_id": study.study_id})
                done = {row.hash for row in rows if row.state in FINISHED and not row.retired}
                if asked is not None and asked.corrected:
                    done = set()  # what has failed so far is planned anew
                return review(search, state, warm.inspect, seconds, done)
            ahead = list(search.outlook(state))
            finished = finished_results(ledger.results([point.hash for point in ahead]))
        finally:
            session.close()
        left = [point for point in ahead if point.hash not in finished]
        why = f"the round at hand: {len(left)} of {len(ahead)} points are not finished"
        return _preview(left, why, seconds, expected, warm)
    finally:
        warm.close()


def _preview(
    points: Sequence[Point], why: str, seconds: float | None, expected: RenderableType | None, warm: WarmServer
) -> Preview:
    unique = list({point.hash: point for point in points}.values())
    inspected = warm.inspect([each.config for each in unique])
    return Preview(why, list(zip(unique, inspected, strict=True)), seconds, expected)
