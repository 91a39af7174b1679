"""Which columns of a table fit into a width, and how wide each is. A number is not cut while a column can be hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GAP = 2
"""Cells between two columns."""
ALWAYS_SHOWN = 2
"""The first columns name what a row is about: they are never hidden."""


@dataclass(frozen=True)
class Extent:
    """How many cells one column takes."""

    least: int
    """Fewer make it unreadable."""
    whole: int
    """With these it neither wraps nor is cut; a column of 0 is empty and not shown."""
    number: bool
    spare: int
    """As `Column.spare`."""


def fit(extents: Sequence[Extent], width: int | None, wrap: bool) -> dict[int, int]:
    """The width of each column that is shown, by its index, in order.

    Args:
        extents: One for each column.
        width: Cells of a line; None: no limit.
        wrap: Cells may take several lines: a spare column is then hidden only where the others would be unreadable,
            not already where one of them would be cut.
    """
    kept = [index for index, each in enumerate(extents) if each.whole]
    if width is None:
        return {index: extents[index].whole for index in kept}

    def room() -> int:
        return width - GAP * (len(kept) - 1)

    def least() -> int:
        return sum(extents[index].least for index in kept)

    def wanted() -> int:
        return least() if wrap else sum(extents[index].whole for index in kept)

    for index in sorted((each for each in kept if extents[each].spare), key=lambda each: -extents[each].spare):
        if wanted() <= room():
            break
        kept.remove(index)
    while len(kept) > ALWAYS_SHOWN and least() > room():
        numbers = [index for index in kept[ALWAYS_SHOWN:] if extents[index].number]
        kept.remove((numbers or kept)[-1])
    return dict(zip(kept, _widths([extents[index] for index in kept], room()), strict=True))


def _widths(extents: Sequence[Extent], room: int) -> list[int]:
    """Each column's least; what is left goes to the short columns first. Too little: the widest give some up."""
    widths = [each.least for each in extents]
    left = room - sum(widths)
    for index in sorted(range(len(extents)), key=lambda index: extents[index].whole):
        more = max(0, min(left, extents[index].whole - widths[index]))
        widths[index] += more
        left -= more
    while sum(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    return widths
