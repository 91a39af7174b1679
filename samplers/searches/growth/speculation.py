"""Points that a search is likely to ask for next, while its round still runs: work for slots that would wait.

A decision is a function of accepted results by their points, so a point that was evaluated early counts as if it had
been asked for, and one that was guessed in vain changes nothing but the time it took. The idea is a processor's branch
prediction: go on along the likeliest branch, keep what turns out to be wanted.

The guess: what is not finished yet will not be chosen. So the leader stays the leader, and the next round is its.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from samplers.searches.plan import Decision, Need, Point, Result, Results, Search, State

UNFINISHED = Result(-1, "FAIL", reason="not finished yet")
LEADERS = 4
"""Branches that are followed, the likeliest first: the leader's, and then what would be if that one fell out."""


def speculates(state: State) -> bool:
    """Whether the search's block asks for it: only a growth has rounds that others follow from."""
    return bool(state.get("grow", {}).get("speculate"))


def likely_next(search: Search, state: State, results: Results, most: int) -> list[Point]:
    """At most `most` points of the rounds that may come after the one at hand, the likeliest first; none of them is
    finished, none is of the round at hand."""
    if most < 1:
        return []
    return list(islice(_branches(search, state, results), most))


def _branches(search: Search, state: State, results: Results) -> Iterator[Point]:
    guessed: dict[str, Result] = dict(results)
    current = {point.hash for point in search.outlook(state)}
    told: set[str] = set()
    for _ in range(LEADERS):
        decision = _decided(search, state, guessed)
        # A stall that is only guessed is no branch: what is not finished may well help.
        if decision is None or decision.record.get("chosen") is None:
            return
        ahead = list(search.outlook(decision.state))
        for point in ahead:
            if point.hash not in results and point.hash not in current and point.hash not in told:
                told.add(point.hash)
                yield point
        # The first point ahead is the chosen candidate itself, which becomes the baseline: out with it.
        guessed[ahead[0].hash] = UNFINISHED


def _decided(search: Search, state: State, guessed: Mapping[str, Result]) -> Decision | None:
    """The decision, if all that is missing fell out."""
    results = dict(guessed)
    for _ in range(1_000):
        step = search.advance(state, results)
        if isinstance(step, Decision):
            return step
        if not isinstance(step, Need):
            return None
        results |= {point.hash: UNFINISHED for point in step.points}
    return None
