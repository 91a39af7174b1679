"""Which settings get more seeds: those whose error matters to a choice that may cost too much.

    live = rivals to which the leader's expected loss exceeds `within`
    more = live rivals that make up at least a tenth of their pair's error, and the leader where it makes up a tenth of
           a pair's; a setting that has all allowed seeds is left out

Each of them gets half as many seeds again: 2, 3, 4, 6, 9, 13, 16. None is out for good: a candidate that falls behind
rests, and comes back if the leader falls. Unequal numbers of seeds follow the errors, as in optimal computing budget
allocation: Chen, Lin, Yücesan & Chick (2000), "Simulation budget allocation for further enhancing the efficiency of
ordinal optimization", Discrete Event Dynamic Systems 10. Racing at all: Maron & Moore (1994), Birattari et al. (2002).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from samplers.searches.race.rivals import Entrant, Rival

DEFAULT_WITHIN = 0.02
"""The expected loss below which no more seeds are bought, as a share of the leader's efficiency."""
MIN_ERROR_SHARE = 0.1
"""Of a pair's error, below which more seeds of a candidate would change little."""


@dataclass(frozen=True)
class Allowance:
    """How far a race may go."""

    max_seeds: int
    within: float = DEFAULT_WITHIN


def next_count(count: int, most: int) -> int:
    """The number of seeds after the next purchase.

    >>> [next_count(count, 16) for count in (1, 2, 3, 4, 6, 9, 13, 16)]
    [2, 3, 4, 6, 9, 13, 16, 16]
    """
    return max(count, min(most, count + max(1, count // 2)))


def purchases(
    leader: int, entrants: Mapping[int, Entrant], rivals: Mapping[int, Rival], allowance: Allowance
) -> dict[int, int]:
    """The new number of seeds of each candidate that gets more, by the candidate's key; empty: the choice stands."""
    ahead = entrants[leader].part
    more = []
    for key, rival in rivals.items():
        if not rival.loss > allowance.within:
            continue
        behind = entrants[key].part
        if behind >= MIN_ERROR_SHARE * (behind + ahead):
            more.append(key)
        if ahead >= MIN_ERROR_SHARE * (behind + ahead) and leader not in more:
            more.append(leader)
    counts = {key: len(entrants[key].gains) for key in sorted(more)}
    return {key: next_count(n, allowance.max_seeds) for key, n in counts.items() if n < allowance.max_seeds}
