"""Whether a new name is a known one misspelt. Strict: `eval_iters` beside `eval_interval` is a name of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable

WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
MIN_LETTERS = 4
"""Of a word in which one letter too many, too few or other is a slip; `lr` and `wd` are two words."""
MIN_LETTERS_FOR_TWO = 8


def misspelt(name: str, known: Iterable[str]) -> str | None:
    """The known name that a name is probably meant to be, if each of its words is that name's but for a letter.

    >>> known = ["learning_rate", "n_head", "beta1", "eval_interval"]
    >>> [misspelt(name, known) for name in ("lerning_rate", "n_haed", "nHead", "beta2", "eval_iters")]
    ['learning_rate', 'n_head', 'n_head', None, None]
    """
    return next((each for each in known if each != name and _is_slip(name, each)), None)


def _is_slip(name: str, known: str) -> bool:
    mine, theirs = ([word.lower() for word in WORDS.findall(each)] for each in (name, known))
    if mine and "".join(mine) == "".join(theirs):
        return True
    return 0 < len(mine) == len(theirs) and all(_is_near(*pair) for pair in zip(mine, theirs, strict=True))


def _is_near(word: str, known: str) -> bool:
    if word == known:
        return True
    longest = max(len(word), len(known))
    if longest < MIN_LETTERS or word.isdigit() or known.isdigit():
        return False
    return _distance(word, known) <= (2 if longest >= MIN_LETTERS_FOR_TWO else 1)


def _distance(one: str, other: str) -> int:
    """Letters to insert, delete, replace or swap with the next (Damerau, 1964; the restricted form)."""
    before: list[int] = []
    row: list[int] = [*range(len(other) + 1)]
    for i, letter in enumerate(one, 1):
        before, row, last = row, [i], before
        for j, theirs in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != theirs))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == theirs:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
