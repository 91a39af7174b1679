"""Several scores: which settings are best, and how good they are together.

A point is a setting's scores, each to be minimized (`losses`). One point dominates another if it is at least as good in
every score and better in one; the front is what nothing dominates.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Point = tuple[float, ...]
ROUNDING = 1e-9
"""Of a sum of shares: a member this little below the plane lies in it."""


def losses(values: Sequence[float], directions: Sequence[str]) -> Point:
    """The scores as a point: those to be maximized with their sign turned."""
    return tuple(
        -value if direction == "maximize" else value for value, direction in zip(values, directions, strict=True)
    )


def dominates(one: Point, other: Point) -> bool:
    """Whether one point is at least as good in every score, and better in one.

    >>> dominates((1, 2), (1, 3)), dominates((1, 2), (1, 2)), dominates((1, 2), (2, 1))
    (True, False, False)
    """
    return one != other and all(mine <= theirs for mine, theirs in zip(one, other, strict=True))


def front(points: Sequence[Point]) -> list[int]:
    """The indices of the points that nothing dominates; equal ones are all on the front.

    >>> front([(1, 5), (2, 2), (3, 3), (5, 1), (2, 2)])
    [0, 1, 3, 4]
    """
    order = sorted(range(len(points)), key=points.__getitem__)
    found: list[int] = []
    if points and len(points[0]) == 2:
        # In the order of the first score, a point is dominated if an earlier one has no larger second score.
        best = None
        for index in order:
            if best is None or points[index][1] < points[best][1] or points[index] == points[best]:
                found.append(index)
                best = index
        return sorted(found)
    for index in order:  # no later point in this order dominates an earlier one
        if not any(dominates(points[other], points[index]) for other in found):
            found.append(index)
    return sorted(found)


def with_point(members: Sequence[Point], point: Point) -> list[Point] | None:
    """A front with one more point; None if the point is not better than every one of them in something.

    >>> with_point([(1, 5), (5, 1)], (2, 2)), with_point([(1, 5), (5, 1)], (5, 1)), with_point([(3, 3)], (1, 1))
    ([(1, 5), (5, 1), (2, 2)], None, [(1, 1)])
    """
    if any(member == point or dominates(member, point) for member in members):
        return None
    return [*(member for member in members if not dominates(point, member)), point]


def reference_point(points: Sequence[Point]) -> Point:
    """The corner from which a volume is measured: the worst of each score, and a tenth of its range further.

    Source: Ishibuchi et al. (2018), "How to specify a reference point in hypervolume calculation for fair performance
    comparison", Evolutionary Computation 26(3): slightly worse than the worst point, so that the ends of a front count.
    """
    columns = list(zip(*points, strict=True))
    return tuple(max(column) + 0.1 * ((max(column) - min(column)) or abs(max(column)) or 1.0) for column in columns)


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """The volume between the points and the reference: of all that at least one point dominates.

    Source: Fonseca, Paquete and López-Ibáñez (2006), "An improved dimension-sweep algorithm for the hypervolume
    indicator": slices along the last score, each with the volume of one score fewer.

    >>> hypervolume([(1, 3), (2, 2), (3, 1)], (4, 4))
    6.0
    >>> hypervolume([(0, 0, 0), (1, 1, 1)], (2, 2, 2))
    8.0
    """
    inside = [point for point in points if all(mine < limit for mine, limit in zip(point, reference, strict=True))]
    if not inside:
        return 0.0
    if len(reference) == 1:
        return reference[0] - min(point[0] for point in inside)
    if len(reference) == 2:
        volume, lowest = 0.0, reference[1]
        for first, second in sorted(inside):
            if second < lowest:
                volume += (reference[0] - first) * (lowest - second)
                lowest = second
        return volume
    heights = [*sorted({point[-1] for point in inside}), reference[-1]]
    return sum(
        (above - below) * hypervolume([point[:-1] for point in inside if point[-1] <= below], reference[:-1])
        for below, above in pairwise(heights)
    )


def hypervolume_over_time(points: Sequence[Point | None], reference: Point) -> list[float]:
    """The volume after each setting, in their order; None: a setting without scores.

    >>> hypervolume_over_time([(3, 1), None, (2, 2), (3, 3), (1, 3)], (4, 4))
    [3.0, 3.0, 5.0, 5.0, 6.0]
    """
    volumes: list[float] = []
    members: list[Point] = []
    volume = 0.0
    for point in points:
        more = None if point is None else with_point(members, point)
        if more is not None:
            members, volume = more, hypervolume(more, reference)
        volumes.append(volume)
    return volumes


def knee(points: Sequence[Point]) -> int | None:
    """The index of the front's member that gives up least of every score: None if the front has no bend.

    With each score from 0 (the best of the front) to 1 (its worst), the member farthest below the plane through the
    ends, whose coordinates have the sum 1. Where no member lies below the plane, the front is straight or bulges
    towards the bad side: none of it gives up less than the ends do. Source: Das (1999), "On characterizing the 'knee'
    of the Pareto curve based on normal-boundary intersection", Structural Optimization 18.

    >>> knee([(0, 10), (1, 2), (10, 0), (9, 9)])
    1
    >>> knee([(0, 10), (6, 6), (10, 0)]) is None
    True
    """
    members = front(points)
    columns = list(zip(*(points[index] for index in members), strict=True))
    widths = [max(column) - min(column) for column in columns]
    if len({points[index] for index in members}) < 3 or not all(widths):
        return None
    sums = [
        sum((mine - min(column)) / width for mine, column, width in zip(points[index], columns, widths, strict=True))
        for index in members
    ]
    least = min(sums)
    return members[sums.index(least)] if least < 1.0 - ROUNDING else None
