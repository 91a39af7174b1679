"""Durations and sizes as people write them, and the units of metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from objectives.command.command import COMMAND_PREFIX
from storage.errors import UsageError
from storage.records import StudyRow

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
BYTES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+$")
NUMBER_PATTERN = re.compile(r"\d+(?:\.\d+)?")
SIZE = re.compile(r"(\d{1,18}(?:\.\d+)?)\s*([KMGT]i?B|B)$")

LOSS = "nats"
GPT_UNITS = {
    **dict.fromkeys(("val_loss", "last_val_loss", "train_loss"), LOSS),
    **dict.fromkeys(("peak_memory", "vram"), "MiB"),
    "iter": "ms",
    "cumulative_time": "s",
}
COMMAND_UNITS = {"seconds": "s", "peak_memory": "MiB", "vram": "MiB"}
UNITS_BY_OBJECTIVE: Mapping[str, Mapping[str, str]] = {
    "gpt": GPT_UNITS,
    "parameters": {"peak_memory": "MiB"},
    "difficulty": {"difficulty": "bytes/token", "distance": "bytes/token", "entropy": "bits/token"},
}
"""Of the metrics that objectives return (docs/metrics.md). Shares and counts have none."""
PARAMETER_COUNT = re.compile(r"(?:^|_)param(?:eter)?s(?:$|_)|^num_param")
"""Names of metrics that count a model's parameters, whatever the objective."""


@dataclass(frozen=True)
class Units:
    """The units of a study's metrics, as its tables name them."""

    objective: str = ""
    score: str = "score"
    cost: str | None = None

    @staticmethod
    def of(study: StudyRow) -> Units:
        return Units(str(study.origin["objective"]), study.score, study.cost)

    def unit(self, metric: str) -> str | None:
        """`nats`, `MiB`; None where the unit is not known or there is none."""
        kind = COMMAND_UNITS if self.objective.startswith(COMMAND_PREFIX) else UNITS_BY_OBJECTIVE.get(self.objective)
        return None if kind is None else kind.get(metric)

    def head(self, metric: str) -> str:
        """`val_loss (nats)`, `params`."""
        unit = self.unit(metric)
        return metric if unit is None else f"{metric} ({unit})"

    def text(self, metric: str, value: str) -> str:
        """A value with its unit: `3.2 nats`."""
        return " ".join(filter(None, (value, self.unit(metric))))

    @property
    def counts_parameters(self) -> bool:
        """Whether the cost is a number of parameters."""
        return self.cost is not None and PARAMETER_COUNT.search(self.cost) is not None

    @property
    def efficiency(self) -> str:
        """The head of a growth's gain per cost: `efficiency (per M params)`, `efficiency (per MiB)`."""
        if self.cost is None:
            return "efficiency"
        return f"efficiency (per {f'M {self.cost}' if self.counts_parameters else self.unit(self.cost) or self.cost})"

    @property
    def efficiency_times(self) -> float:
        """How many times a gain per cost is shown: per million parameters, else per one of the cost."""
        return 1e6 if self.counts_parameters else 1.0


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


def ago_text(seconds: float) -> str:
    """`7 s ago`, `3 min ago`, `2 h ago`, `5 d ago`: in whole units, since it goes on."""
    limits = ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h"))
    size, unit = next(((size, unit) for limit, size, unit in limits if seconds < limit), (86_400, "d"))
    return f"{max(0.0, seconds) / size:.0f} {unit} ago"


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
