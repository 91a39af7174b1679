"""Durations and sizes as people write them."""

from __future__ import annotations

import re

from storage.errors import UsageError

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
BYTES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+$")
NUMBER_PATTERN = re.compile(r"\d+(?:\.\d+)?")
SIZE = re.compile(r"(\d{1,18}(?:\.\d+)?)\s*([KMGT]i?B|B)$")


def parse_duration(value: object, where: str) -> float:
    """Seconds from 90, "90s", "15m", "2h" or "1d12h".

    Raises:
        UsageError: It is none of these, or not above zero.
    """
    if isinstance(value, str) and DURATION.match(value):
        seconds = sum(float(size) * SECONDS[unit] for size, unit in re.findall(r"(\d+(?:\.\d+)?)([smhd])", value))
    elif isinstance(value, str | int | float) and NUMBER_PATTERN.fullmatch(str(value)):
        seconds = float(value)
    else:
        raise UsageError(f"{where}: {value!r} is not a duration; write 90, 90s, 15m, 2h or 1d12h")
    if not 0 < seconds < 10**9:
        raise UsageError(f"{where}: {value!r} is not a duration above zero")
    return seconds


def duration_text(seconds: float) -> str:
    """`42 s`, `3 min`, `2.5 h`, `4 d`."""
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 86_400:.3g} d"


def rate_text(per_second: float) -> str:
    """`3.2/s`, `12/min`, `4.5/h`."""
    for limit, seconds, unit in ((1.0, 1, "s"), (1 / 60, 60, "min")):
        if per_second >= limit:
            return f"{per_second * seconds:.3g}/{unit}"
    return f"{per_second * 3600:.3g}/h"


def parse_size(value: object, where: str) -> int:
    """Bytes from 1073741824, "6GiB" or "500MB".

    Raises:
        UsageError: It is none of these, or not above zero.
    """
    match = SIZE.match(value) if isinstance(value, str) else None
    if match is not None:
        size = int(float(match[1]) * BYTES[match[2]])
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        raise UsageError(f"{where}: {value!r} is not a size; write a number of bytes, 500MB or 6GiB")
    if size <= 0:
        raise UsageError(f"{where}: {value!r} is not a size above zero")
    return size


def size_text(size: float) -> str:
    """`512 MiB`, `79.6 GiB`."""
    for limit, unit in ((2**30, "GiB"), (2**20, "MiB")):
        if size >= limit:
            return f"{size / limit:.3g} {unit}"
    return f"{size:.0f} B"


def plain(value: float) -> float | str:
    """A number as JSON can hold it: NaN and infinities as text."""
    return value if value - value == 0 else str(value)
