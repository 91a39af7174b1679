"""The points of a grid in order, one batch at a time.

Points are numbered from 0 to settings · repeats - 1 (GridSettings.setting_and_repeat). A batch takes consecutive
numbers and leaves out filtered settings and points that it has already; it ends before the first number that would be
a point too many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from samplers.searches.grid.combinations import Setting, setting_at
from samplers.searches.grid.members import Members
from samplers.searches.grid.settings import GridSettings
from samplers.searches.plan import Point

MAX_BATCH_POINTS = 1000
MAX_BATCH_NUMBERS = 100_000  # point numbers read for one batch, if filters leave out nearly all


@dataclass(frozen=True)
class Batch:
    """Consecutive points, and what was left out among them."""

    points: tuple[Point, ...]
    to: int
    """The number at which the next batch begins."""
    settings: int
    """Different settings whose first seed is in this batch."""
    filtered: Mapping[str, int]
    """Settings left out, by condition."""
    duplicates: int
    """Settings that are equal to an earlier one."""


class BatchBuilder:
    """Collects the points of one batch, setting by setting."""

    def __init__(self, settings: GridSettings) -> None:
        self._points: dict[str, Point] = {}
        self._filtered: Counter[str] = Counter()
        self._new = self._duplicates = 0
        members = Members(settings)
        self._earlier = members if members.may_repeat and members.is_countable else None
        """Finds equal settings of earlier batches, where that is cheap enough."""

    @property
    def is_full(self) -> bool:
        return len(self._points) == MAX_BATCH_POINTS

    def leave_out(self, condition: str, repeat: int) -> None:
        """A setting is filtered; only its first seed is counted."""
        self._filtered[condition] += repeat == 0

    def add(self, point: Point, number: int, repeat: int) -> None:
        """A point of the setting of that number, unless the batch has it already."""
        is_new = point.hash not in self._points
        self._points.setdefault(point.hash, point)
        if repeat > 0:
            return
        if is_new and (self._earlier is None or self._earlier.is_first(number, point.config)):
            self._new += 1
        else:
            self._duplicates += 1

    def batch(self, to: int) -> Batch:
        filtered = {condition: count for condition, count in self._filtered.items() if count}
        return Batch(tuple(self._points.values()), to, self._new, filtered, self._duplicates)


def settings_between(settings: GridSettings, start: int, end: int) -> Iterator[tuple[int, int, int, Setting | None]]:
    """For point numbers start … end - 1: the number, its setting's number, its repeat, and the setting. A setting is
    computed once for consecutive seeds."""
    computed, setting = -1, None
    for index in range(start, end):
        number, repeat = settings.setting_and_repeat(index)
        if number != computed:
            computed, setting = number, setting_at(settings, number)
        yield index, number, repeat, setting
