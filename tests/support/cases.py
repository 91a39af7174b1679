"""Cases that show again what another case shows, but for a detail: with EVERY_CASE=1 they run too."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

Case = TypeVar("Case")


def usual(every: Iterable[Case], step: int = 1, count: int | None = None) -> list[Case]:
    """Every `step`-th of these, `count` of them at most; all of them with EVERY_CASE=1.

    >>> usual("abcde", step=2, count=2)
    ['a', 'c']
    """
    return list(every) if os.environ.get("EVERY_CASE") else list(islice(every, 0, None, step))[:count]
