"""Seeds bought for the best settings, once all settings have been told: `racing: {max_repeats: 16, within: 0.02}`.

The best of many settings is in part the luckiest one. Each purchase is a decision: it tells the new seeds of the
settings that got some, and says who leads and who gets more (samplers/searches/race/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.plan import Decision, Need, Point, Results, SearchState
from samplers.searches.plural import counted
from samplers.searches.race.leaders import Standing, standing
from samplers.searches.race.purchases import Allowance
from samplers.searches.tune.outcome import Outcome, Score
from samplers.searches.tune.past import Past
from samplers.searches.tune.points import points_of
from samplers.searches.tune.progress import best_of
from samplers.searches.tune.settings import TuneSettings

MIN_SHOWN_SURE = 0.5
"""Below it, the leader is not known to be more likely the best than not."""
NEW_RACE: Mapping[str, Any] = {"seeds": [], "over": False}
"""`seeds`: the settings that got more seeds, each with their number."""


def race_step(
    state: SearchState, settings: TuneSettings, past: Past, results: Results, scores: Sequence[Score]
) -> Need | Decision:
    """What the race needs, or its next decision."""
    assert settings.racing is not None
    outcomes, missing = list[Outcome](), list[Point]()
    for number, count in state["race"]["seeds"]:
        known = past.settings[number].outcome
        if known is not None and len(known.by_seed) == count:
            continue
        points = points_of(past.settings[number], number, settings, count)
        missing += [point for point in points if point.hash not in results]
        if not missing:
            ended = [results[point.hash] for point in points]
            outcomes.append(Outcome.of(number, ended, scores, settings.constraints))
    if missing:
        return Need(tuple(missing), f"{counted(len(missing), 'more seed')} for the best settings")
    return _decision(state, settings, settings.racing, past, outcomes, scores)


def _decision(
    state: SearchState,
    settings: TuneSettings,
    allowance: Allowance,
    past: Past,
    outcomes: Sequence[Outcome],
    scores: Sequence[Score],
) -> Decision:
    known = past.with_told(outcomes)
    found = standing(_rows(known, past), scores[0][1], allowance)
    more = {} if found is None else found.more
    record = {
        "setting": None,
        "outcomes": [outcome.to_json() for outcome in outcomes],
        "standing": None if found is None else _standing_record(found, known),
        "more": [[number, count] for number, count in more.items()],
        "event": None,
        "told": _text(found),
    }
    seeds = {**dict(state["race"]["seeds"]), **more}
    race = {"seeds": sorted([number, count] for number, count in seeds.items()), "over": not more}
    best = best_of(known.values(), scores[0][1])
    if best is not None and found is not None and best["setting"] == found.leader and not more:
        best["sure"] = found.sure
    new = tuple(
        point
        for number, count in more.items()
        for point in points_of(past.settings[number], number, settings, count)[len(known[number].by_seed) :]
    )
    return Decision("raced", record, {**state, "race": race, "best": best}, new)


def _rows(known: Mapping[int, Outcome], past: Past) -> dict[int, list[float]]:
    """The scores of the settings that take part, a value a seed: not those of which a seed failed, was pruned or does
    not meet the constraints; and of settings with one configuration only the first."""
    return {
        number: [values[0] for values in outcome.by_seed if values is not None]
        for number, outcome in sorted(known.items())
        if outcome.ranked and past.first_like(past.settings[number].hash) == number
    }


def _standing_record(found: Standing, known: Mapping[int, Outcome]) -> dict[str, Any]:
    racers = [(found.leader, None), *found.rivals.items()]
    return {
        "leader": found.leader,
        "sure": found.sure,
        "loss": found.loss if found.loss < float("inf") else None,
        "settings": [
            {
                "setting": number,
                "value": _value(known[number]),
                "seeds": len(known[number].by_seed),
                "p": None if rival is None else rival.p,
                "loss": rival.loss if rival is not None and rival.loss < float("inf") else None,
            }
            for number, rival in racers
        ],
    }


def _value(outcome: Outcome) -> float | None:
    return None if outcome.values is None else outcome.values[0]


def _text(found: Standing | None) -> str:
    if found is None:
        return "no setting is better than the median one"
    if found.more:
        return f"setting {found.leader} leads; more seeds for {', '.join(map(str, found.more))}"
    return f"setting {found.leader} is the best ({sure_text(found.sure)})"


def sure_text(sure: float) -> str:
    """How sure a finished race is, at least. Of several close rivals the bound can be 0, which says nothing.

    >>> sure_text(0.875), sure_text(0.9999), sure_text(0.0)
    ('sure 0.88', 'sure 0.99', 'others may be as good')
    """
    return f"sure {min(0.99, sure):.2f}" if sure >= MIN_SHOWN_SURE else "others may be as good"
