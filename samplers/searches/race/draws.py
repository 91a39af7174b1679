"""Standard normal numbers that are the same on every machine and in every version of Python.

`random.random` of a whole number's seed is promised to stay the same; `random.gauss` is not.
Source: Box & Muller (1958), "A note on the generation of random normal deviates", Annals of Mathematical Statistics 29.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Iterator


def normals(name: str) -> Iterator[float]:
    """An endless stream of standard normal numbers that belongs to a name."""
    source = random.Random(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]))
    while True:
        radius = math.sqrt(-2 * math.log(1 - source.random()))
        angle = 2 * math.pi * source.random()
        yield radius * math.cos(angle)
        yield radius * math.sin(angle)
