"""The `metrics:` block of a command: where its metrics are read from, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from objectives.command.numbers import UNITS
from storage.checks import check_keys
from storage.errors import UsageError, nearest

METRIC_SOURCES = ("json", "csv", "stdout")
STDOUT = "stdout"
PATTERN_KEYS = ("pattern", "unit")


@dataclass(frozen=True)
class Metrics:
    """Where a command's metrics are read from."""

    source: str
    """One of METRIC_SOURCES."""
    path: str = ""
    """The file's path, with placeholders, relative to the command's folder; empty: what the command prints."""
    patterns: Mapping[str, str] | None = None
    """For stdout: a regular expression for each metric."""
    step: str | None = None
    """The key or column that holds the step; for stdout, a pattern, by default that of the metric `step`."""
    units: Mapping[str, str] = field(default_factory=dict)
    """For stdout: the unit that a metric is kept in, by metric."""
    columns: Sequence[str] = ()
    """For csv: the column names of a file that has none."""

    @staticmethod
    def parse(document: Any, where: str) -> Metrics:
        """Check a definition's `metrics:` block.

        Raises:
            UsageError: The block does not say how to read metrics.
        """
        check_mapping(document, (*METRIC_SOURCES, "columns", "step"), where)
        sources = [key for key in METRIC_SOURCES if key in document]
        if len(sources) != 1:
            raise UsageError(
                f"{where}: name one source: json: FILE, json: stdout, csv: FILE or stdout: {{METRIC: PATTERN}}"
            )
        step = document.get("step")
        if step is not None:
            step = check_text(step, f"{where}: step")
        columns = _columns(document.get("columns", []), f"{where}: columns")
        if columns and sources != ["csv"]:
            raise UsageError(f"{where}: columns: name the columns of a csv file; {sources[0]} has none")
        if sources == ["stdout"]:
            patterns, units = _patterns(document["stdout"], f"{where}: stdout")
            if step is not None:
                _check_pattern(step, f"{where}: step")
            return Metrics("stdout", patterns=patterns, step=step or patterns.get("step"), units=units)
        path = check_text(document[sources[0]], f"{where}: {sources[0]}")
        if path == "-" or (path == STDOUT and sources == ["csv"]):
            raise UsageError(f"{where}: {sources[0]}: {path!r}: objects among the printed lines are `json: {STDOUT}`")
        return Metrics(sources[0], "" if path == STDOUT else path, step=step, columns=columns)

    def to_json(self) -> dict[str, Any]:
        """The block as a definition would write it."""
        document: dict[str, Any] = {self.source: self.path or STDOUT}
        if self.patterns is not None:
            document[self.source] = {
                name: {"pattern": pattern, "unit": self.units[name]} if name in self.units else pattern
                for name, pattern in self.patterns.items()
            }
        if self.columns:
            document["columns"] = list(self.columns)
        return document if self.step is None else {**document, "step": self.step}


def _patterns(patterns: Any, where: str) -> tuple[dict[str, str], dict[str, str]]:
    """The patterns and the units of `stdout:`, by metric."""
    if not isinstance(patterns, Mapping) or not patterns:
        raise UsageError(f"{where}: {patterns!r} is not a mapping of metrics to patterns")
    found, units = {}, {}
    for name, pattern in patterns.items():
        if isinstance(pattern, Mapping):
            check_mapping(pattern, PATTERN_KEYS, f"{where}: {name}")
            unit = pattern.get("unit")
            if unit is not None and (not isinstance(unit, str) or unit not in UNITS):
                raise UsageError(f"{where}: {name}: unit: {unit!r}{nearest(str(unit), tuple(UNITS))}")
            units.update({name: unit} if unit is not None else {})
            pattern = pattern.get("pattern")
        _check_pattern(pattern, f"{where}: {name}")
        found[name] = pattern
    return found, units


def _columns(columns: Any, where: str) -> tuple[str, ...]:
    if not isinstance(columns, list) or any(not isinstance(each, str) or not each.strip() for each in columns):
        raise UsageError(f"{where}: {columns!r} is not a list of names")
    repeated = [each for each in columns if columns.count(each) > 1]
    if repeated:
        raise UsageError(f"{where}: {repeated[0]!r} is named twice")
    return tuple(columns)


def _check_pattern(pattern: Any, where: str) -> None:
    try:
        groups = re.compile(check_text(pattern, where)).groups
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"{where}: '{pattern}' is not a regular expression: {error}") from error
    if not groups:
        raise UsageError(f"{where}: '{pattern}' has no group: put ( ) around the number")


def check_text(value: Any, where: str) -> str:
    """The value, if it is a text.

    Raises:
        UsageError: It is none, or an empty one.
    """
    if not isinstance(value, str) or not value or "\0" in value:
        raise UsageError(f"{where}: {value!r} is not a text")
    return value


def check_mapping(document: Any, allowed: Sequence[str], where: str) -> None:
    """Check that a value is a mapping with none but these keys.

    Raises:
        UsageError: It is not.
    """
    if not isinstance(document, Mapping):
        raise UsageError(f"{where}: {document!r} is not a mapping")
    check_keys(document, allowed, where)
