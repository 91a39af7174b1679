"""Settings judged again once the constraints have changed: one decision tells the outcomes of all of them anew, from
the metrics of their trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from samplers.searches.plan import Decision, Need, Result, Results, SearchState
from samplers.searches.plural import counted
from samplers.searches.tune.constraints import Constraint
from samplers.searches.tune.outcome import Outcome, Score
from samplers.searches.tune.past import Past
from samplers.searches.tune.points import points_of
from samplers.searches.tune.progress import told_together
from samplers.searches.tune.settings import TuneSettings

JUDGED_AGAIN = "judge_again"
"""In a state: the next decision does so."""


def judged_step(
    state: SearchState, settings: TuneSettings, past: Past, results: Results, scores: Sequence[Score]
) -> Need | Decision:
    """What is missing of the settings that were told, or the decision that tells them again."""
    points = {
        number: points_of(each, number, settings, len(each.outcome.by_seed))
        for number, each in enumerate(past.settings)
        if each.outcome is not None
    }
    missing = tuple(point for own in points.values() for point in own if point.hash not in results)
    if missing:
        return Need(missing, f"settings told before: {counted(len(missing), 'trial')}")
    outcomes = []
    for number, own in points.items():
        ended = [results[point.hash] for point in own]
        outcomes.append(Outcome.of(number, ended, scores, _known(settings.constraints, ended)))
    after: dict[str, Any] = {name: value for name, value in state.items() if name != JUDGED_AGAIN}
    after["completed"] = sum(each.state == "COMPLETE" for each in outcomes)
    text = f"{counted(len(outcomes), 'setting')} judged again by the constraints"
    return told_together(after, past, outcomes, scores, text)


def _known(constraints: Sequence[Constraint], ended: Sequence[Result]) -> list[Constraint]:
    """The constraints whose metrics each seed that completed has; of the others nobody knows."""
    completed = [result.metrics for result in ended if result.state == "COMPLETE"]
    return [each for each in constraints if all(map(each.is_known, completed))]
