"""Numbers with their noun, and lists, as a sentence has them: `12 trials`, `a, b and c`."""

from __future__ import annotations

from collections.abc import Sequence


def counted(count: int, noun: str) -> str:
    """A number and a noun whose plural ends with s.

    >>> counted(1, "trial"), counted(1234, "trial"), counted(0, "more seed")
    ('1 trial', '1,234 trials', '0 more seeds')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def listed(names: Sequence[str]) -> str:
    """Names in a row.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
