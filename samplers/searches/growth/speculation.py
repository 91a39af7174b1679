"""Points that a search will probably ask for next, while its round still runs: work for idle slots.

A decision is a function of the accepted results. A point that was evaluated early counts as if it had been asked for,
and a wrong guess costs nothing but its time. The idea is a processor's branch prediction: follow the likeliest branch,
keep the results that turn out to be wanted.

The guess is that no unfinished candidate will be chosen: the leader stays the leader, and the next round grows from it.
While a round's race waits for seeds, the seeds come first that it will want after them if they change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from samplers.searches.growth.growth import Growth
from samplers.searches.plan import Decision, Need, Point, Result, Results, Search, SearchState

UNFINISHED = Result(-1, "FAIL", reason="not finished yet")
MAX_BRANCHES = 4
"""Branches that are followed, the likeliest first: the leader's, then the next candidate's if the leader fails."""
MAX_GUESS_STEPS = 1000
"""Steps of one guess, so that a long race is not followed to its end."""


def speculates(state: SearchState) -> bool:
    """Whether the search's block asks for speculation. Only a growth can: its rounds follow from one another."""
    return bool(state.get("grow", {}).get("speculate"))


def likely_next(search: Search, state: SearchState, results: Results, most: int) -> list[Point]:
    """At most `most` unfinished points of the rounds that may follow the current one, the likeliest first."""
    if most < 1:
        return []
    return list(islice(_branches(search, state, results), most))


def _branches(search: Search, state: SearchState, results: Results) -> Iterator[Point]:
    guessed: dict[str, Result] = dict(results)
    current = {point.hash for point in search.outlook(state)}
    given: set[str] = set()
    for point in search.likely_seeds(state, results) if isinstance(search, Growth) else ():
        given.add(point.hash)
        yield point
    for _ in range(MAX_BRANCHES):
        decision = _guessed_decision(search, state, guessed)
        # A guessed stall is no branch: an unfinished candidate may well help.
        if decision is None or decision.record.get("chosen") is None:
            return
        ahead = list(search.outlook(decision.state))
        for point in ahead:
            if point.hash not in results and point.hash not in current and point.hash not in given:
                given.add(point.hash)
                yield point
        # The first point ahead is the next baseline, which is the chosen candidate: guess that it fails.
        guessed[ahead[0].hash] = UNFINISHED


def _guessed_decision(search: Search, state: SearchState, guessed: Mapping[str, Result]) -> Decision | None:
    """The decision, if every missing point failed and a race ended where it stands."""
    results = dict(guessed)
    for _ in range(MAX_GUESS_STEPS):
        if isinstance(search, Growth) and (decision := search.guess(state, results)) is not None:
            return decision
        step = search.advance(state, results)
        if isinstance(step, Decision):
            return step
        if not isinstance(step, Need):
            return None
        results |= {point.hash: UNFINISHED for point in step.points}
    return None
