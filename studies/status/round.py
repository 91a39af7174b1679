"""The current round so far: its candidates with their finished trials, and the leading one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast

from samplers.searches.growth.comparison import Comparison, best, tied_leaders
from samplers.searches.growth.growth import Growth
from samplers.searches.growth.rounds import CandidateProgress
from samplers.searches.noise import standard_error, t975
from samplers.searches.plan import Result
from storage.records import SetAside, TrialRow
from studies.definition.definition import Definition
from studies.definition.searches import search_of
from studies.definition.units import Units
from studies.history.purpose import candidate_name, purpose
from studies.history.trials import State
from studies.results.verdicts import VERDICT, Verdict
from studies.status.memory import Seen, finished
from studies.tables.table import Cell, Column, Figure, Table

MAX_ROUND_TRIALS = 30
"""Listed of a round without candidates."""
MIN_INTERVAL_SEEDS = 3
"""Before a mean has an interval."""


def current_round(seen: Seen) -> Table | None:
    """A table; None between rounds and before the first trial of one. A grid has settings instead of rounds."""
    if seen.study.outcome is not None or seen.study.search == "grid":
        return None
    if seen.study.search == "grow":
        return _growing(seen)
    number = len(seen.decisions)
    rows = [row for row in seen.points.values() if row.round == number and not row.retired]
    return _listing(rows, seen, number) if rows else None


def _growing(seen: Seen) -> Table | None:
    """A growth's round, with the search's own arithmetic and order."""
    study = seen.study
    search = cast(Growth, search_of(Definition.from_json(study.origin), f"study {study.name}", study.steps))
    state = seen.decisions[-1].state if seen.decisions else search.start()
    known = {row.hash: row for row in seen.points.values() if not row.retired}
    aside = [row for row in seen.points.values() if row.set_aside is SetAside.DROPPED]
    results = {row.hash: Result(row.number, "FAIL", {}, "dropped") for row in aside} | {
        row.hash: Result(row.number, cast(State, row.state), row.metrics, row.reason, row.outcome)
        for row in finished(known.values())
    }
    progress = search.progress(state, results)
    if not any(point.hash in known for each in progress for point in each.points):
        return None
    rows = [each.comparison for each in progress if each.comparison is not None]
    leader = best(rows)
    tied = {id(row) for row in tied_leaders(rows)}
    orphans = seen.status.orphans
    repeats = int(state["grow"].get("repeats", 1))
    lines, units = [], Units.of(study)
    for each in [progress[0], *sorted(progress[1:], key=_rank)]:
        row = each.comparison
        near = row is not None and id(row) in tied
        lines.append(_standing(each, known, orphans, repeats, _verdict(each, leader, near), units))
    return Table(_columns(units), lines, f"round {state['step']} so far")


def _columns(units: Units) -> list[Column]:
    cost = units.cost or "cost"
    return [
        Column("candidate"),
        Column("seeds", right=True),
        Column(units.head(units.score) if units.unit(units.score) else "score", right=True),
        Column("gain", right=True, spare=1),
        Column(f"added {cost}", right=True, spare=3),
        Column(units.efficiency, right=True, spare=2),
        Column(VERDICT),
        Column(""),
    ]


def _verdict(each: CandidateProgress, leader: Comparison | None, near: bool) -> str:
    """Of a candidate so far; nothing of the baseline."""
    if each.candidate is None:
        return ""
    if each.measurement.reason is not None:
        pruned = any(result.state == "PRUNED" for result in each.measurement.results)
        return (Verdict.PRUNED if pruned else Verdict.FAILED).text()
    if each.comparison is None or each.comparison.gain is None:
        return Verdict.NOT_MEASURED.text()
    if each.comparison is leader:
        return Verdict.BEST.text()
    return (Verdict.TIE if near else Verdict.WORSE).text()


def _standing(
    each: CandidateProgress,
    known: Mapping[str, TrialRow],
    orphans: Collection[int],
    repeats: int,
    verdict: str,
    units: Units,
) -> list[Cell]:
    """A candidate's line: means over its finished trials, gains over the seeds that it shares with the baseline."""
    asked = [known.get(point.hash) for index, point in enumerate(each.points) if index < repeats or point.hash in known]
    ended = finished(row for row in asked if row is not None)
    going = [row.number for row in asked if row is not None and row.state == "RUNNING"]
    running = len(going) - sum(number in orphans for number in going)
    lost = f"{len(going) - running} interrupted" if running < len(going) else None
    row, measured = each.comparison, each.measurement
    scores, gains = measured.scores, () if row is None else row.gains
    efficiency = None if row is None else row.efficiency
    going_text = f"{running} running" if running else None
    notes = (going_text, lost, measured.reason, None if row is None or row.reason == "no gain" else row.reason)
    grown, name = each.candidate, "baseline"
    if grown is not None:
        name = candidate_name({"param": grown.param, "value": grown.value, "dup": grown.copied})
    return [
        name,
        f"{len(ended)}/{len(asked)}",
        Figure(sum(scores) / len(scores), _half_interval(scores)) if scores else "",
        Figure(row.gain, _half_interval(gains)) if row is not None and row.gain is not None else "",
        Figure(row.added_cost) if row is not None and row.added_cost is not None else "",
        Figure(efficiency, _half_interval(row.worth), times=units.efficiency_times)
        if row is not None and efficiency is not None
        else "",
        verdict,
        ", ".join(dict.fromkeys(filter(None, notes))),
    ]


def _half_interval(values: Sequence[float]) -> float | None:
    """Half of Student's interval at 95 %, of these seeds alone."""
    error = standard_error(values)
    return None if error is None or len(values) < MIN_INTERVAL_SEEDS else t975(len(values) - 1) * error


def _rank(each: CandidateProgress) -> tuple[float, ...]:
    """Eligible candidates in the search's own order, then the others as defined."""
    if each.comparison is None or not each.comparison.eligible:
        return (1.0,)
    return (0.0, *each.comparison.rank)


def _listing(rows: Sequence[TrialRow], seen: Seen, number: int) -> Table:
    metric, order = seen.study.score, {"RUNNING": 0, "WAITING": 1}
    lines: list[list[Cell]] = [
        [purpose(row.role), str(row.number), row.state, Figure(row.metrics.get(metric)), row.reason or ""]
        for row in sorted(rows, key=lambda row: (order.get(row.state, 2), row.number))[:MAX_ROUND_TRIALS]
    ]
    more = f", {MAX_ROUND_TRIALS} of {len(rows)} trials" if len(rows) > MAX_ROUND_TRIALS else ""
    head = Column(Units.of(seen.study).head(metric), right=True)
    columns = [Column("for"), Column("trial", right=True), Column("state"), head, Column("")]
    return Table(columns, lines, f"round {number} so far{more}")
