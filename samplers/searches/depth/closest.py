"""Where on a range does a count that only grows come closest to each target? Asked with as few counts as it takes.

`closest` is a coroutine over the places 0 … last: it yields the places to count next, is sent their counts and returns
an answer for each target. All arithmetic is on whole numbers.

Each target is followed by interpolation between the nearest known counts on either side, held inside a window that
keeps bisection's bound, until the answer and its neighbour across the target have been counted: a target's answer is
then the closest of all, whatever the counts are in between, as long as they do not fall. If it lies below the target,
the place before it is counted too, for of equally close ones the lowest is the answer. For one target and a range
0 … last that takes

    counts that rise from place to place    <= 2 + (floor(log2(last)) + 1) <= log2(last) + 3
    counts that may also stay the same      <= 2 + 2 · (floor(log2(last)) + 1): where a run of the same begins is
                                               bisected as well; the distance alone is known within the first bound

Only where the counts are said to lie on a line (layers of a stack that is uniform by construction) do both ends
predict and a third count confirm: every target is then answered from the line, and places on it need not have been
counted. Three counts of another function may lie on a line by chance. A line that is not confirmed is given up, at the
cost of one count more than the bounds above.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd


@dataclass(frozen=True)
class Answer:
    """The place whose count is closest to a target; of two that are equally close, the lower."""

    place: int
    count: int
    beyond: int
    """0 where the target lies between the counts of both ends; above 0: so much more than the count of the last place;
    below 0: so much less than the count of the first. The place is then that end."""


@dataclass(frozen=True)
class Fall:
    """The counts do not grow: `later` has a smaller count than `earlier`, so nothing can be concluded."""

    earlier: int
    later: int


Stage = Generator[Sequence[int], Mapping[int, int], Sequence[Answer] | Fall]


def closest(targets: Sequence[int], last: int, straight: bool) -> Stage:
    """Yields places to count (all of them are needed before it goes on), returns an answer for each target, in order.

    Args:
        targets: Counts that are wanted.
        last: The last place of the range, 0 or more.
        straight: Whether the counts are said to lie on a straight line: three of them on it then stand for all.

    The answer's count is as close as any, for every function that does not fall, and no lower place has the same.
    """
    known: dict[int, int] = {}
    probes_left = last.bit_length()
    if straight or not last:
        known |= yield sorted({0, last})
    else:
        known |= yield [(last - 1) // 2, last]
        probes_left -= 1
    while True:
        places = sorted(known)
        for earlier, later in pairwise(places):
            if known[later] < known[earlier]:
                return Fall(earlier, later)
        if straight and len(places) == 3 and _in_line(known, last):
            return [_beyond(target, known, last) or _on_line(target, known, last) for target in targets]
        followed = [target for target in targets if _beyond(target, known, last) is None]
        brackets = {target: _bracket(target, known) for target in followed}
        wide = [target for target, (low, high) in brackets.items() if high - low > 1]
        if straight and wide and len(places) == 2 and (known[last] - known[0]) % last == 0:
            wanted = {_third(last, 2 ** (probes_left - 1))}
        else:
            wanted = {_probe(target, known, brackets[target], 2 ** (probes_left - 1)) for target in wide}
            lower = (_before(_nearer(target, known), known) for target in followed if target not in wide)
            wanted |= {place for place in lower if place is not None}
        if not wanted:
            return [_beyond(target, known, last) or _nearer(target, known) for target in targets]
        known |= yield sorted(wanted)
        probes_left -= 1


def _beyond(target: int, known: Mapping[int, int], last: int) -> Answer | None:
    """The answer for a target that lies outside the counts of both ends."""
    if 0 in known and target < known[0]:
        return Answer(0, known[0], target - known[0])
    if target > known[last]:
        return Answer(last, known[last], target - known[last])
    return None


def _bracket(target: int, known: Mapping[int, int]) -> tuple[int, int]:
    """The nearest known places with count(low) < target <= count(high); low is -1 where there is none."""
    high = min(place for place, count in known.items() if count >= target)
    return max((place for place, count in known.items() if count < target), default=-1), high


def _nearer(target: int, known: Mapping[int, int]) -> Answer:
    """The closer end of a bracket; the first known of its count, if several have it."""
    ends = [place for place in _bracket(target, known) if place >= 0]
    count = known[min(ends, key=lambda each: (abs(known[each] - target), each))]
    return Answer(_bracket(count, known)[1], count, 0)


def _before(answer: Answer, known: Mapping[int, int]) -> int | None:
    """The place to count for whether a lower one has the answer's count too; None: there is none.

    First the place just before it; where several are known to have that count, the middle of where it can begin.
    """
    low, high = _bracket(answer.count, known)
    if high - low == 1:
        return None
    several = any(place > high and count == answer.count for place, count in known.items())
    return (low + high) // 2 if several else high - 1


def _in_line(known: Mapping[int, int], last: int) -> bool:
    rise = known[last] - known[0]
    return rise % last == 0 and all(count == known[0] + rise // last * place for place, count in known.items())


def _on_line(target: int, known: Mapping[int, int], last: int) -> Answer:
    """For a target between the ends of a line: the quotient rounded, halves down."""
    slope = (known[last] - known[0]) // last
    place = -((slope - 2 * (target - known[0])) // (2 * slope)) if slope else 0
    return Answer(place, known[0] + slope * place, 0)


def _guess(target: int, known: Mapping[int, int], low: int, high: int) -> int:
    """On the line through both ends of the bracket; where the lower was never counted, through the two above."""
    first, second = (low, high) if low >= 0 else (high, min(place for place in known if place > high))
    rise = known[second] - known[first]
    return first + (second - first) * (target - known[first]) // rise if rise else (low + high) // 2


def _window(low: int, high: int, reach: int) -> range:
    """Places strictly between that leave neither side wider than `reach`: what the probes left can still bisect."""
    return range(max(low + 1, high - reach), min(high - 1, low + reach) + 1)


def _probe(target: int, known: Mapping[int, int], bracket: tuple[int, int], reach: int) -> int:
    window = _window(*bracket, reach)
    return min(max(_guess(target, known, *bracket), window[0]), window[-1])


def _third(last: int, reach: int) -> int:
    """The count that confirms a line: near the middle, the same for all targets, so that one count serves every study.

    It has no divisor in common with the whole length, where that can be had: a pattern that repeats every few layers
    (sizes by layer) then shows as a departure from the line.
    """
    return min(_window(0, last, reach), key=lambda place: (gcd(place, last), abs(2 * place - last)))
