"""The state of a tune search after each setting that is told: what is best, for how long, and why the search ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from samplers.searches.plan import Decision, SearchState
from samplers.searches.tune.front import losses
from samplers.searches.tune.outcome import Outcome, Score
from samplers.searches.tune.past import Past
from samplers.searches.tune.settings import TuneSettings
from samplers.searches.tune.terminator import nothing_left


def after_told(state: SearchState, outcome: Outcome | None, past: Past, scores: Sequence[Score]) -> dict[str, Any]:
    """The state after a setting is told: it is open no more, and may be the best."""
    if outcome is None:
        return dict(state)
    better = past.is_better(outcome)
    after = {
        **state,
        "open": state["open"][1:],
        "told": state["told"] + 1,
        "completed": state["completed"] + (outcome.state == "COMPLETE"),
        "since": 0 if better else state["since"] + 1,
    }
    if len(scores) == 1 and past.corrects(outcome):
        after["best"] = best_of(past.with_told([outcome]).values(), scores[0][1])
    elif better and len(scores) == 1 and outcome.values is not None:
        after["best"] = {"setting": outcome.setting, "value": outcome.values[0]}
    return after


def told_together(
    state: SearchState, past: Past, outcomes: Sequence[Outcome], scores: Sequence[Score], text: str
) -> Decision:
    """The decision that tells several settings at once. `state`: after it, but for the best setting."""
    record = {
        "setting": None,
        "outcome": None,
        "outcomes": [each.to_json() for each in outcomes],
        "event": None,
        "told": text,
    }
    after = dict(state)
    if len(scores) == 1:
        after["best"] = best_of(past.with_told(outcomes).values(), scores[0][1])
    return Decision("told", record, after)


def reason_to_stop(state: SearchState, settings: TuneSettings, past: Past, told: bool) -> str | None:
    """Why no further setting is chosen; None if one is. `told`: a setting is told in this decision."""
    if settings.patience is not None and state["since"] >= settings.patience:
        return f"{state['since']} settings without a better one"
    before = state["told"] - 1  # the past lacks the setting that is told now
    if settings.terminator is not None and told and before > 0 and before % settings.terminator == 0:
        reason = nothing_left(past, settings.seed)
        if reason is not None:
            return reason
    if settings.allowed is not None and past.is_used_up:
        return f"all {len(settings.allowed)} settings of the space are chosen"
    return None


def best_of(outcomes: Iterable[Outcome], direction: str) -> dict[str, Any] | None:
    """The best of the settings that may be it, for one score; of equal ones the first."""
    found = [
        (losses(outcome.values, [direction])[0], outcome.setting, outcome.values[0])
        for outcome in outcomes
        if outcome.ranked and outcome.values is not None
    ]
    if not found:
        return None
    _, setting, value = min(found)
    return {"setting": setting, "value": value}
