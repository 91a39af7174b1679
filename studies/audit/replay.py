"""Every decision of a study derived again, each from the results that it was recorded to be made from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from samplers.searches.plan import Decision, Result, Results, Search, SearchState
from storage.records import DecisionRow, FailureKind, TrialRow
from studies.history.decisions import RETRIED, state_before


@dataclass(frozen=True)
class Rederived:
    """One decision, made again."""

    number: int
    kind: str
    record: Mapping[str, Any]
    problem: str | None
    """What differs, None if nothing does."""


@dataclass(frozen=True)
class Trial:
    """A trial as the ledger has it: enough to decide from."""

    hash: str
    result: Result | None
    """None while it is not finished."""


def trials_of(points: Sequence[TrialRow]) -> dict[int, Trial]:
    """Every trial of a study by id, retired ones too, from the rows of its points."""
    return {row.trial_id: Trial(row.hash, _result(row)) for row in points}


def _result(row: TrialRow) -> Result | None:
    if row.state not in ("COMPLETE", "PRUNED", "FAIL"):
        return None
    return Result(row.number, row.state, row.metrics, row.reason, row.outcome, row.failure is FailureKind.REFUSED)


def replay(search: Search, decisions: Sequence[DecisionRow], trials: Mapping[int, Trial]) -> list[Rederived]:
    """Fold the search over the recorded inputs. Pure: rows in, verdicts out; it goes on from the recorded state, so
    that one decision that cannot be derived does not hide the next. Rows that were changed may be none that a search
    can read."""
    start = state = search.start()
    derived = []
    for expected, row in enumerate(decisions):
        problem = None if row.number == expected else f"decision {expected} is missing"
        try:
            if row.kind == RETRIED:
                problem = problem or _gone_back(start, decisions[:expected], row)
            else:
                problem = problem or _problem(search, state, row, trials)
        except Exception as error:
            problem = f"the search cannot read it: {type(error).__name__}: {error}"
        derived.append(Rederived(row.number, row.kind, row.record, problem))
        state = row.state
    return derived


def _gone_back(start: SearchState, decisions: Sequence[DecisionRow], row: DecisionRow) -> str | None:
    """A retry takes the search back to a state that it was in."""
    number = row.record["back_to"]
    if not 0 <= number < len(decisions):
        return f"it goes back to decision {number}, which is not before it"
    return None if row.state == _plain(state_before(start, decisions, number)) else "its state differs from that before"


def _problem(search: Search, state: Mapping[str, Any], row: DecisionRow, trials: Mapping[int, Trial]) -> str | None:
    if row.kind == "override":
        made = search.override(state, row.record["changes"])
        said = {name: row.record[name] for name in ("event", "corrected") if "corrected" in row.record}
        again: object = replace(made, record={**made.record, **said})
    else:
        results: dict[str, Result] = {}
        for trial_id in row.trials:
            trial = trials.get(trial_id)
            if trial is None or trial.result is None:
                return f"it was made from a trial (id {trial_id}) that has no accepted end"
            results[trial.hash] = trial.result
        again = search.advance(state, cast(Results, results))
    if not isinstance(again, Decision):
        return f"from the same results the search now says: {again}"
    for name, was, now in (
        ("kind", row.kind, again.kind),
        ("record", {**row.record, "refused": None}, {**_plain(again.record), "refused": None}),  # an objective's answer
        ("state", row.state, _plain(again.state)),
    ):
        if was != now:
            return f"its {name} differs from what is recorded"
    return None


def _plain(value: Mapping[str, Any]) -> Any:
    """As it is after a way through JSON."""
    return json.loads(json.dumps(value))
