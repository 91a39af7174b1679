"""Studies as a report reads them, made in memory: a definition's search is run to its end over an objective of
microseconds, without a database, a worker or a process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from samplers.searches.plan import Decision, Done, Point, Result
from samplers.searches.tune.tune import Tune
from storage.records import DecisionRow, ReportRow, StudyRow, TrialRow
from studies.definition.definition import Definition
from studies.definition.searches import search_of
from studies.report.facts import Facts

Objective = Callable[[Mapping[str, Any]], Mapping[str, float] | str]
"""Metrics of a configuration with its `seed`, or why it failed."""
Series = Callable[[Mapping[str, Any]], Sequence[tuple[int, Mapping[str, float]]]]
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def read_study(
    name: str,
    definition: Mapping[str, Any],
    objective: Objective,
    series: Series | None = None,
    steps: int | None = None,
) -> Facts:
    """A study of a definition, run to its end."""
    whole = {"objective": "own:train", "config": {}, **definition}
    made = _Run(objective)
    search = search_of(Definition.from_json(whole), name, steps)
    past = search.past() if isinstance(search, Tune) else None
    state = search.start()
    while not isinstance(
        step := (search if past is None else search.with_past(past)).advance(state, made.results), Done
    ):
        made.take(step.points)
        if isinstance(step, Decision):
            row = made.decided(step)
            state = row.state
            if past is not None:
                past.add(row.kind, row.record)
    study = StudyRow(
        study_id=1,
        name=name,
        folder=name,
        search=whole["search"],
        origin=whole,
        definition=whole,
        definitions=["hash"],
        fingerprint={},
        code={},
        metrics=[],
        steps=steps,
        max_trials=None,
        deadline=None,
        draining=False,
        outcome=step.reason,
        outcome_kind=step.kind,
        failed=step.failed,
        created_at=BEGAN,
        late=False,
        now=BEGAN + timedelta(hours=5),
    )
    bare = Facts(study, made.rows, made.decisions, (), False)
    if series is None:
        return bare
    numbers = {number for _, trials in bare.groups for number in trials}
    reports = [
        ReportRow(row.number, 1, each, metrics, BEGAN)
        for row in made.rows
        if row.number in numbers
        for each, metrics in series({**row.config, "seed": row.seed})
    ]
    return Facts(study, made.rows, made.decisions, reports, False)


class _Run:
    """The trials and decisions of one search."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.rows: list[TrialRow] = []
        self.decisions: list[DecisionRow] = []
        self.results: dict[str, Result] = {}

    def take(self, points: Sequence[Point]) -> None:
        for point in points:
            if point.hash not in self.results:
                self.rows.append(self._trial(point))

    def decided(self, step: Decision) -> DecisionRow:
        record, state = json.loads(json.dumps([step.record, step.state]))
        number = len(self.decisions)
        row = DecisionRow(number, step.kind, record, state, [], "hash", "", BEGAN, "", "")
        self.decisions.append(row)
        return row

    def _trial(self, point: Point) -> TrialRow:
        found, number = self.objective({**point.config, "seed": point.seed}), len(self.rows)
        reason = found if isinstance(found, str) else None
        metrics = {} if isinstance(found, str) else dict(found)
        failed = reason is not None
        outcome = ("out_of_memory" if reason.startswith("out of memory") else "error") if reason else "completed"
        self.results[point.hash] = Result(number, "FAIL" if failed else "COMPLETE", metrics, reason, outcome)
        return TrialRow(
            trial_id=number + 1,
            number=number,
            state="FAIL" if failed else "COMPLETE",
            hash=point.hash,
            config=point.config,
            seed=point.seed,
            role=point.role,
            round=len(self.decisions),
            attempt=1,
            reason=reason,
            failure=None,
            retired=False,
            retry_of=None,
            datetime_start=BEGAN,
            datetime_complete=BEGAN,
            seconds=60.0,
            metrics=metrics,
            outcome=outcome,
            digest="",
        )
