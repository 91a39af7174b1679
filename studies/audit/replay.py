"""Every decision of a study derived again, each from the results that it was recorded to be made from."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from samplers.searches.plan import Decision, Result, Results, Search, SearchState
from samplers.searches.tune.imported import IMPORTED, ImportedSetting
from samplers.searches.tune.tune import Tune
from storage.home import home
from storage.records import DecisionRow, SetAside, TrialRow
from studies.definition.code_version import versions
from studies.definition.trust import Trust, sampler_code
from studies.history.decisions import ASIDE, MARKS, first_state, state_before
from studies.history.recall import Recall
from studies.history.trials import result_of

TUNE = "tune"
"""The search whose decisions are an Optuna sampler's; its block in a state has its name."""


@dataclass(frozen=True)
class Rederived:
    """One decision, made again."""

    number: int
    kind: str
    record: Mapping[str, Any]
    problem: str | None
    """None: the record is reproduced, or not derived."""
    unchecked: str | None = None
    """Why it was not derived, if it was not."""

    @property
    def verdict(self) -> str:
        return self.problem or self.unchecked or "reproduced"


def replay(search: Search, decisions: Sequence[DecisionRow], points: Sequence[TrialRow]) -> list[Rederived]:
    """Fold the search over the recorded inputs: rows in, verdicts out. Each decision starts from the recorded state, so
    that a decision that cannot be derived does not hide the next.

    Args:
        search: Without a budget of steps.
        decisions: All, in order.
        points: Every trial of the study, retired ones too.
    """
    trials = {row.trial_id: row for row in points}
    start = state = first_state(search.start(), decisions)
    derived, dropped, recall = [], set[int](), Recall(search)
    for expected, row in enumerate(decisions):
        problem = None if row.number == expected else f"decision {expected} is missing"
        unchecked = _unchecked(row)
        try:
            if row.kind in MARKS:
                problem = problem or _mark_problem(start, state, decisions[:expected], row)
            elif unchecked is None:
                problem = problem or _problem(recall.search, state, row, trials, dropped)
            if row.kind in ASIDE:
                aside = set(row.record["trials"])
                dropped = dropped | aside if row.kind == SetAside.DROPPED.value else dropped - aside
            recall.add(row)
        except Exception as error:  # a row that was changed may be none that a search can read
            problem = f"the search cannot read it: {type(error).__name__}: {error}"
        derived.append(Rederived(row.number, row.kind, row.record, problem, None if problem else unchecked))
        state = row.state
    return derived


def _unchecked(row: DecisionRow) -> str | None:
    """Why a decision cannot be derived here: Optuna's samplers may choose otherwise from one version to the next, and
    code that only the storage names is not run."""
    made, here = row.record.get("optuna"), versions()["optuna"]
    if made not in (None, here):
        return f"not derived: chosen by Optuna {made}, and here is {here}"
    unknown = [each for each in sampler_code(row.state.get(TUNE, {})) if made and not Trust.of(home()).knows(each)]
    if not unknown:
        return None
    return f"not derived: chosen by {unknown[0]}, which only the storage names; a run with --file FILE accepts it"


def _mark_problem(
    start: SearchState, state: SearchState, decisions: Sequence[DecisionRow], row: DecisionRow
) -> str | None:
    """The problem of a decision that takes the search back to an earlier state, or leaves it where it is."""
    number = row.record["back_to"]
    if number is None:
        return None if row.state == _plain(state) else "its state differs from that before"
    if not 0 <= number < len(decisions):
        return f"it goes back to decision {number}, which is not before it"
    return None if row.state == _plain(state_before(start, decisions, number)) else "its state differs from that before"


def _problem(
    search: Search, state: SearchState, row: DecisionRow, trials: Mapping[int, TrialRow], dropped: Collection[int]
) -> str | None:
    """The problem of a search's own decision; `dropped` are the numbers of trials that had failed to it by then."""
    if row.kind == "override":
        made = search.override(state, row.record["changes"])
        corrected = {name: row.record[name] for name in ("event", "corrected") if "corrected" in row.record}
        again: object = replace(made, record={**made.record, **corrected})
    elif row.kind == IMPORTED and isinstance(search, Tune):
        given = [ImportedSetting(each["params"], each["seeds"]) for each in row.record["settings"]]
        again = search.imported(state, given, row.record["source"])
    else:
        results: dict[str, Result] = {}
        for trial_id in row.trials:
            row_of = trials.get(trial_id)
            result = None if row_of is None else result_of(row_of, row_of.number in dropped)
            if row_of is None or result is None:
                return f"it was made from a trial (id {trial_id}) that has no accepted end"
            results[row_of.hash] = result
        again = search.advance(state, cast(Results, results))
    if not isinstance(again, Decision):
        return f"from the same results the search now returns: {again}"
    for name, was, now in (
        ("kind", row.kind, again.kind),
        ("record", {**row.record, "refused": None}, {**_plain(again.record), "refused": None}),  # an objective's answer
        ("state", row.state, _plain(again.state)),
    ):
        if was != now:
            return f"its {name} differs from what is recorded"
    return None


def _plain(value: Mapping[str, Any]) -> Any:
    """A value as JSON keeps it."""
    return json.loads(json.dumps(value))
