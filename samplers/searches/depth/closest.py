"""Where on a range does a count that never falls come closest to each target? Found with as few counts as possible.

`closest` is a coroutine over the indices 0 … last of a range: it yields the indices to count next, is sent their counts
and returns an answer for each target. All arithmetic is on integers.

Each target is followed by interpolation between the nearest known counts on either side, held inside a window that
keeps bisection's bound, until the answer and its neighbour across the target have been counted: a target's answer is
then the closest of all, whatever the counts are in between, as long as they do not fall. If it lies below the target,
the index before it is counted too, for the lowest of equally close indices is the answer. For one target and a range
0 … last that takes

    counts that rise at every index         <= 2 + (floor(log2(last)) + 1) <= log2(last) + 3
    counts that may also stay the same      <= 2 + 2 · (floor(log2(last)) + 1): the first index of a run of equal
                                               counts is bisected as well; the distance alone is known within the
                                               first bound

Only where the counts are known to lie on a line (layers of a stack that is uniform by construction) do both ends
predict and a third count confirm: every target is then answered from the line, and its answer need not have been
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
    """The index whose count is closest to a target; of two that are equally close, the lower."""

    index: int
    count: int
    beyond: int
    """How far the target lies outside the counts of both ends: above 0, beyond the last count; below 0, before the
    first; 0, between them. The index of a target outside is the end next to it."""


@dataclass(frozen=True)
class Fall:
    """The counts fall from index `earlier` to index `later`, so that nothing can be concluded."""

    earlier: int
    later: int


Search = Generator[Sequence[int], Mapping[int, int], Sequence[Answer] | Fall]


def closest(targets: Sequence[int], last: int, straight: bool) -> Search:
    """Yields indices to count (all are needed before it goes on), returns an answer for each target, in order.

    Args:
        targets: Counts that are wanted.
        last: The last index of the range, 0 or more.
        straight: Whether the counts are known to lie on a straight line: three of them on it then stand for all.

    The answer's count is as close as any, for every function that does not fall, and no lower index has the same.

    Which of the 101 squares 0, 1, 4, … 10000 is closest to 2000? The middle, 49² = 2401, and the end are counted
    first. Index 44 (1936) and its neighbour 45 (2025) then enclose the target, and 45 is the closer of the two:

    >>> search, asked = closest([2000], 100, straight=False), []
    >>> indices = next(search)
    >>> while True:
    ...     asked.append(indices)
    ...     try:
    ...         indices = search.send({index: index**2 for index in indices})
    ...     except StopIteration as end:
    ...         answers = end.value
    ...         break
    >>> asked
    [[49, 100], [31], [43], [44], [45]]
    >>> answers
    [Answer(index=45, count=2025, beyond=0)]
    """
    counts = _Counts({}, last)
    counts_left = last.bit_length()
    """Bisection finds the answer with so many counts after the first two."""
    if straight or not last:
        counts.known |= yield sorted({0, last})
    else:
        counts.known |= yield [(last - 1) // 2, last]
        counts_left -= 1
    while True:
        fall = counts.fall()
        if fall is not None:
            return fall
        if straight and counts.lie_on_line():
            return [counts.outside(target) or counts.on_line(target) for target in targets]
        inside = [target for target in targets if counts.outside(target) is None]
        if straight and counts.may_lie_on_line() and any(not counts.enclosed(target) for target in inside):
            wanted = {_confirming_index(last, 2 ** (counts_left - 1))}
        else:
            wanted = _next_indices(inside, counts, counts_left)
        if not wanted:
            return [counts.outside(target) or counts.nearest(target) for target in targets]
        counts.known |= yield sorted(wanted)
        counts_left -= 1


def _next_indices(targets: Sequence[int], counts: _Counts, counts_left: int) -> set[int]:
    """One index for each target that is not answered yet.

    While a target's two neighbouring counts are apart, an index between them. Once they are neighbours on the range,
    the index that shows whether a lower one has the answer's count too.
    """
    wanted = set()
    for target in targets:
        if not counts.enclosed(target):
            wanted.add(counts.probe(target, 2 ** (counts_left - 1)))
        else:
            lower = counts.lower_candidate(counts.nearest(target))
            if lower is not None:
                wanted.add(lower)
    return wanted


@dataclass
class _Counts:
    """The counts known so far, by index; none of them falls."""

    known: dict[int, int]
    last: int

    def fall(self) -> Fall | None:
        """The first two known counts that fall."""
        for earlier, later in pairwise(sorted(self.known)):
            if self.known[later] < self.known[earlier]:
                return Fall(earlier, later)
        return None

    def outside(self, target: int) -> Answer | None:
        """The answer for a target outside the counts of both ends; None if the target lies between them."""
        if 0 in self.known and target < self.known[0]:
            return Answer(0, self.known[0], target - self.known[0])
        if target > self.known[self.last]:
            return Answer(self.last, self.known[self.last], target - self.known[self.last])
        return None

    def bracket(self, target: int) -> tuple[int, int]:
        """The nearest known indices with count(low) < target <= count(high); low is -1 if no count is below.

        >>> _Counts({0: 10, 4: 50, 9: 100}, last=9).bracket(50)
        (0, 4)
        >>> _Counts({4: 50, 9: 100}, last=9).bracket(20)
        (-1, 4)
        """
        high = min(index for index, count in self.known.items() if count >= target)
        return max((index for index, count in self.known.items() if count < target), default=-1), high

    def enclosed(self, target: int) -> bool:
        """Whether the ends of the target's bracket are neighbours: the closest count is then one of the two."""
        low, high = self.bracket(target)
        return high - low <= 1

    def nearest(self, target: int) -> Answer:
        """The closer end of the target's bracket; the first known index of its count, if several have it.

        >>> _Counts({3: 30, 4: 50, 9: 100}, last=9).nearest(38)
        Answer(index=3, count=30, beyond=0)
        """
        ends = [index for index in self.bracket(target) if index >= 0]
        count = self.known[min(ends, key=lambda index: (abs(self.known[index] - target), index))]
        return Answer(self.bracket(count)[1], count, 0)

    def lower_candidate(self, answer: Answer) -> int | None:
        """The index to count next to find whether a lower one has the answer's count too; None if no lower one can.

        The first is the index just before the answer. Once several are known to have the count, it is the middle of
        the indices at which the count may begin.

        >>> _Counts({2: 20, 7: 70, 9: 90}, last=9).lower_candidate(Answer(7, 70, 0))
        6
        >>> _Counts({2: 20, 6: 70, 7: 70, 9: 90}, last=9).lower_candidate(Answer(6, 70, 0))
        4
        """
        low, high = self.bracket(answer.count)
        if high - low == 1:
            return None
        several = any(index > high and count == answer.count for index, count in self.known.items())
        return (low + high) // 2 if several else high - 1

    def probe(self, target: int, reach: int) -> int:
        """The interpolated index for a target, moved into the window that leaves neither side wider than `reach`: what
        the counts left can still bisect.

        >>> _Counts({0: 0, 64: 6400}, last=64).probe(300, reach=32)  # 3, but then 61 would be left above
        32
        """
        low, high = self.bracket(target)
        window = _window(low, high, reach)
        return min(max(self._interpolated(target, low, high), window[0]), window[-1])

    def _interpolated(self, target: int, low: int, high: int) -> int:
        """On the line through both ends of the bracket; if no count is below the target, through the two above."""
        first, second = (low, high) if low >= 0 else (high, min(index for index in self.known if index > high))
        rise = self.known[second] - self.known[first]
        if not rise:
            return (low + high) // 2
        return first + (second - first) * (target - self.known[first]) // rise

    def may_lie_on_line(self) -> bool:
        """Whether only the ends are known, and a line of integers leads from one to the other."""
        return len(self.known) == 2 and (self.known[self.last] - self.known[0]) % self.last == 0

    def lie_on_line(self) -> bool:
        """Whether three counts are known, both ends among them, and a line of integers leads through all three."""
        if len(self.known) != 3:
            return False
        slope, rest = divmod(self.known[self.last] - self.known[0], self.last)
        return rest == 0 and all(count == self.known[0] + slope * index for index, count in self.known.items())

    def on_line(self, target: int) -> Answer:
        """The answer for a target between the ends of a line: the nearest index, halves down.

        >>> _Counts({0: 100, 4: 140, 9: 190}, last=9).on_line(135)
        Answer(index=3, count=130, beyond=0)
        """
        slope = (self.known[self.last] - self.known[0]) // self.last
        index = -((slope - 2 * (target - self.known[0])) // (2 * slope)) if slope else 0
        return Answer(index, self.known[0] + slope * index, 0)


def _window(low: int, high: int, reach: int) -> range:
    """Indices strictly between `low` and `high` from which neither is farther than `reach`.

    >>> _window(0, 10, reach=8), _window(0, 16, reach=8)
    (range(2, 9), range(8, 9))
    """
    return range(max(low + 1, high - reach), min(high - 1, low + reach) + 1)


def _confirming_index(last: int, reach: int) -> int:
    """The index whose count confirms a line: near the middle, the same for all targets, so that one count serves all.

    It shares no divisor with `last` if such an index exists: sizes that repeat every few layers then show as a
    departure from the line.

    >>> _confirming_index(99, reach=64)  # 49 and 50 are nearest to the middle; neither shares a divisor with 99
    49
    """
    return min(_window(0, last, reach), key=lambda index: (gcd(index, last), abs(2 * index - last)))
