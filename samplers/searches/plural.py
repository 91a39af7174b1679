"""Numbers with their noun: `1 trial`, `12 trials`."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A number and a noun whose plural ends with s.

    >>> counted(1, "trial"), counted(1234, "trial"), counted(0, "more seed")
    ('1 trial', '1,234 trials', '0 more seeds')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"
