"""What a table says of each of its rows, in its column `verdict`."""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """One word, the same in the tables of all searches."""

    BEST = "best"
    """Of what was measured, by its mean; of a growth's candidates, the chosen one; of its steps, one that the seeds set
    apart."""
    UNRIVALLED = "no rival"
    """A step of a growth whose other candidates were pruned or failed."""
    NONE = "none helps"
    """A growth's round that chose nothing."""
    TIE = "tie"
    """The seeds do not set it apart from the best; of a step of a growth, from a rival."""
    WORSE = "worse"
    """Its mean is worse; of a growth's candidate, its gain per cost is, or it has none."""
    WORSE_BY_ONE_SEED = "worse (1 seed)"
    """The one score of a setting is worse: nothing says whether that is luck."""
    MISSES = "misses a limit"
    """A tune's constraint does not hold."""
    FRONT = "front"
    """Of several scores: no other setting is better in all of them."""
    KNEE = "knee"
    """Of the front, the one that gives up least."""
    UNFINISHED = "measured"
    """Some of its seeds have no score yet. It is not ranked."""
    PRUNED = "pruned"
    """The pruner gave it up. It is not ranked."""
    FAILED = "failed"
    """One of its trials failed. It is not ranked."""
    OUT_OF_REACH = "out of reach"
    """A depth's target lies beyond the bounds."""
    NOT_MEASURED = "not measured yet"
    """None of its trials has ended."""

    def text(self, part: int | None = None, whole: int | None = None) -> str:
        """`tie`, `pruned 1/3`, `measured 2/3`; of one trial, the word alone."""
        return self.value if part is None or whole is None or whole < 2 else f"{self.value} {part}/{whole}"


class Uncounted(Enum):
    """In place of a verdict, of a grid's results that the grid in force does not have."""

    SETTING = "earlier grid"
    """The grid had other axes or another config when it was measured."""
    SEEDS = "not counted"
    """Seeds of a setting in force that the grid had, and has no more."""


VERDICT = "verdict"
"""The column's head."""
