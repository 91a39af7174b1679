"""A sweep of another program, as this one would run it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

MAX_VALUES = 10_000
"""Of an axis that is written out."""
SEED = "seed"
NO_RANGE = "write its range: {float: [low, high]}, {range: …} or {log: …}"
NO_LIST = "a grid needs its values: [a, b], {range: …} or {log: …}"


@dataclass
class Sweep:
    """A sweep as a grid, or as a tune where values are drawn or chosen."""

    program: str
    """Which program's file it was."""
    command: str
    flags: str
    search: str = "grid"
    """`grid` or `tune`."""
    axes: dict[str, Any] = field(default_factory=dict)
    """Lists of values; of a tune also `{log: [low, high]}` and its like."""
    zipped: list[list[str]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    """By dotted names."""
    metric: str | None = None
    direction: str = "minimize"
    question: str | None = None
    repeats: int = 1
    seed: int | None = None
    sampler: str = "tpe"
    """Of a tune."""
    settings: int | None = None
    """Of a tune: how many; None: the file says nothing of it."""
    pruner: dict[str, Any] = field(default_factory=dict)
    unfit: list[str] = field(default_factory=list)
    """What the definition does not have, a line each."""

    def add(self, name: str, values: Sequence[Any]) -> None:
        """An axis, or a value that stays the same; seeds that follow each other are the grid's repeats."""
        if name == SEED and values and all(isinstance(each, int) for each in values):
            if [*values] == [*range(values[0], values[0] + len(values))]:
                self.seed, self.repeats = values[0], len(values)
            else:
                self.unfit.append(
                    f"seed: {[*values]!r}: seeds follow each other here: {self.search}.seed and {self.search}.repeats"
                )
        elif len(values) == 1:
            self.config[name] = values[0]
        elif values:
            self.axes[name] = [*values]
        else:
            self.unfit.append(f"{name}: it has no values")


def steps_of(start: float, stop: float, step: float) -> list[Any]:
    """`start`, `start + step`, … below `stop`, in decimals."""
    low, high, by = (Fraction(str(each)) for each in (start, stop, step))
    count = -((low - high) // by) if by > 0 else 0
    if not 0 < count <= MAX_VALUES:
        raise ValueError(f"{count} values")
    values = [low + each * by for each in range(count)]
    whole = all(isinstance(each, int) for each in (start, stop, step))
    return [int(each) if whole else float(each) for each in values]
