"""`run --dry-run`: the trials that would run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from objectives.process.warm import Inspection, WarmServer
from samplers.searches.grid.grid import Grid
from samplers.searches.growth.candidates import candidates
from samplers.searches.growth.foresight import Increment, alike_note, own, seeds_note, usual
from samplers.searches.growth.growth import Growth
from samplers.searches.growth.settings import parse_settings
from samplers.searches.plan import Point, SearchState
from samplers.searches.plural import counted
from samplers.searches.tune.forecast import first_settings, forecast
from samplers.searches.tune.tune import Tune
from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import SetAside, StudyRow
from storage.session import Session
from storage.store import Store
from studies.answers.stalled import steps_note
from studies.definition.searches import current_state, search_in_force
from studies.definition.units import duration_text
from studies.history.decisions import in_force
from studies.history.pace import mean_trial_seconds
from studies.history.purpose import purpose
from studies.history.recall import recalled
from studies.history.trials import FINISHED, finished_results
from studies.lifecycle.checks import check_arguments, check_metrics, check_sampler, sample_config
from studies.lifecycle.grid_review import Review, review
from studies.lifecycle.open import OpenedStudy, open_study
from studies.lifecycle.order import Order
from studies.planning.estimates import estimates
from studies.tables.table import Column, Document, Table

FIRST = {
    "grow": "the first round",
    "depth": "the first counts",
    "fit": "the first probes",
}
"""What a new study begins with, by search."""
NOT_FORESEEN = "how many seeds each increment may need is not foreseen: the objective does not give its cost ahead"
POINTS = [Column("point"), Column("seed"), Column("params"), Column("")]


@dataclass(frozen=True)
class Preview:
    """The next points, each with the objective's answer."""

    why: str
    points: Sequence[tuple[Point, Inspection]] = ()
    seconds: float | None = None
    """Mean time of this study's finished trials, if known."""
    expected: Document | None = None
    """A depth search's estimates by the closed form."""
    notes: Sequence[str] = ()
    """What a growth's round may need."""

    def document(self) -> Document:
        """A line a trial, and the total."""
        if not self.points:
            return Document(notes=[self.why])
        rows = []
        for point, inspection in self.points:
            known = ", ".join(f"{name} {value:,.6g}" for name, value in inspection.cost.items())
            refusal = f"refused: {inspection.refusal}" if inspection.refusal else ""
            rows.append([purpose(point.role), str(point.seed), known, refusal])
        expected = self.expected or Document()
        return Document(
            [*expected.tables, Table(POINTS, rows, self.why).without_empty_columns()],
            [self.total, *self.notes],
            expected.notes,
        )

    @property
    def runs(self) -> int:
        """Trials to run, as far as the search knows them ahead."""
        return sum(inspection.refusal is None for _, inspection in self.points)

    @property
    def total(self) -> str:
        """How many trials, and their time on one slot, if known."""
        refused, runs = len(self.points) - self.runs, self.runs
        known = f"about {duration_text(runs * self.seconds)} on one slot" if self.seconds else "time not known yet"
        return f"{counted(runs, 'trial')}, {counted(refused, 'point')} refused by the objective; {known}"


def preview(store: Store, order: Order) -> Preview | Review:
    """The trials that would run next. Changes nothing."""
    opened = open_study(store, order)
    definition, study = opened.definition, opened.study
    with opened.server(opened.trust(store.home)) as warm:
        if study is not None:
            with closing(store.read()) as session:
                found = _preview_begun(session, opened, study, warm)
        else:
            found = preview_new(opened, warm)
    if definition.search == "depth" and isinstance(found, Preview):
        return replace(
            found, expected=estimates(definition.settings, definition.config, definition.score_metric, order.source)
        )
    return found


def preview_new(opened: OpenedStudy, warm: WarmServer) -> Preview | Review:
    """For a study that does not exist yet.

    Raises:
        UsageError: The objective lacks a metric of the definition, or a command does not hear what varies.
    """
    definition, search, source = opened.definition, opened.search, opened.order.source
    check_sampler(search, None)
    check_metrics(definition, warm.describe(sample_config(search, warm, source)), source)
    check_arguments(definition, search, source)
    if isinstance(search, Grid):
        return review(search, search.start(), warm.inspect)
    start = search.start()
    why = first_settings(search.settings_in(start)) if isinstance(search, Tune) else FIRST[definition.search]
    found = _preview(list(search.outlook(start)), why, None, warm)
    if isinstance(search, Growth):
        return replace(found, notes=_foresight(search, search.start(), definition.objective, None, warm))
    return found


def _preview_begun(session: Session, opened: OpenedStudy, study: StudyRow, warm: WarmServer) -> Preview | Review:
    """For an existing study, with the order's change."""
    ledger, reader = Ledger(session, study.study_id), Reader(session)
    decisions = reader.decisions(study.study_id)
    search = recalled(search_in_force(study), decisions)
    state, seconds = current_state(ledger, study), mean_trial_seconds(reader.attempts(study.study_id))
    change = opened.change
    if change is not None and (change.changes or change.corrected):
        step = search.override(state, change.changes)
        state = step.state
        if isinstance(search, Tune) and search.recalled is not None:
            search.recalled.add(step.kind, step.record)
    elif study.outcome is not None and opened.order.budget.steps is None:
        return Preview(f"nothing to run: {study.outcome}")
    elif (stalled := steps_note(study, decisions)) is not None:
        return Preview(f"nothing to run: {stalled}")
    if isinstance(search, Grid):
        rows = reader.trials(study.study_id)
        done = {row.hash for row in rows if row.state in FINISHED and not row.retired}
        done |= {row.hash for row in rows if row.set_aside is SetAside.DROPPED}
        if change is not None and change.corrected:
            done = set()  # failed points are planned again
        return review(search, state, warm.inspect, seconds, done)
    ahead = list(search.outlook(state))
    finished = finished_results(ledger.results([point.hash for point in ahead]))
    left = [point for point in ahead if point.hash not in finished]
    what = "the current round" if isinstance(search, Growth) else "planned now"
    why = f"{what}: {len(left)} of {counted(len(ahead), 'point')} are not finished"
    if isinstance(search, Tune) and search.recalled is not None:
        why = forecast(state, search.settings_in(state), search.recalled, len(left))
    found = _preview(left, why, seconds, warm)
    if isinstance(search, Growth):
        chosen = [row.record for row in in_force(decisions) if row.kind == "chosen"]
        last = next((each for each in chosen[-1]["candidates"] if each["chosen"]), None) if chosen else None
        return replace(found, notes=_foresight(search, state, str(study.origin["objective"]), last, warm))
    return found


def _foresight(
    search: Growth, state: SearchState, objective: str, last: Mapping[str, Any] | None, warm: WarmServer
) -> list[str]:
    """The seeds that a round may need, and increments of one size: nothing where costs are not known ahead."""
    settings = parse_settings(state["grow"], state["config"], search.where)
    first = {each.param: each for each in reversed(list(candidates(state["config"], settings)))}
    inspected = warm.inspect([state["config"], *(each.config for each in first.values())])
    costs = [each.cost.get(search.cost) for each in inspected]
    baseline = costs[0]
    if baseline is None or None in costs:
        return [NOT_FORESEEN]
    increments = [
        Increment(param, settings.increments[param.partition("[")[0]], cost - baseline)
        for param, cost in zip(first, costs[1:], strict=True)
        if cost is not None
    ][::-1]
    assumed = own(state.get("noise"), last) or usual(objective, search.metric, search.cost, state["config"], baseline)
    seeds = None if assumed is None else seeds_note(increments, assumed, settings.repeats, settings.max_repeats)
    return [each for each in (seeds, alike_note(increments, search.cost)) if each is not None]


def _preview(points: Sequence[Point], why: str, seconds: float | None, warm: WarmServer) -> Preview:
    unique = list({point.hash: point for point in points}.values())
    inspected = warm.inspect([each.config for each in unique])
    return Preview(why, list(zip(unique, inspected, strict=True)), seconds)
