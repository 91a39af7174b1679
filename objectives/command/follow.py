"""Metrics out of what a program writes while it runs: JSON lines, a CSV, or patterns over what it prints.

A line counts when it is whole, so that half of a number is never taken for a number. A file that is written anew from
its beginning is read anew.
"""

from __future__ import annotations

import csv
import json
import math
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LONGEST_ROW = 1 << 20  # bytes of a line in a file
LONGEST_LINE = 4096  # bytes of a printed line that patterns look at
MARK = 256  # bytes before our place in a file that have to be the same for us to go on from there
STEPS = ("step", "iter", "epoch")
NOT_FINITE = re.compile(r"[-+]?\b(?:nan|inf(?:inity)?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """What one line told. `step` is None where it did not say."""

    step: int | None
    metrics: Mapping[str, float]


class Lines:
    """Whole lines out of pieces of a stream; of a longer line, its first `longest` bytes."""

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.part = bytearray()

    def feed(self, text: bytes) -> Iterator[str]:
        """The lines that this piece ends. A carriage return ends one too: progress bars use nothing else."""
        *whole, rest = re.split(rb"[\r\n]", text)
        for piece in whole:
            self.part += piece[: self.longest - len(self.part)]
            yield from self.rest()
        self.part += rest[: self.longest - len(self.part)]

    def rest(self) -> Iterator[str]:
        """What is left, as a line."""
        line = self.part.decode(errors="replace")
        self.part.clear()
        if line.strip():
            yield line


class File:
    """A file that grows. It need not be there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.begin()

    def begin(self) -> None:
        """From the first line, again."""
        self.lines = Lines(LONGEST_ROW)
        self.offset = 0
        self.mark = b""
        self.seen: tuple[int, int, int] | None = None

    def read(self) -> tuple[bool, list[str]]:
        """The lines that are new, and whether the file began anew: then what it said before counts no longer."""
        try:
            now = self.path.stat()
        except OSError:
            return False, []
        seen = (now.st_ino, now.st_size, now.st_mtime_ns)
        if seen == self.seen or not stat.S_ISREG(now.st_mode):
            return False, []
        found: list[str] = []
        anew = False
        with self.path.open("rb") as file:
            if not self._goes_on(file):
                self.begin()
                anew = True
            file.seek(self.offset)
            while piece := file.read(1 << 20):
                self.offset += len(piece)
                self.mark = (self.mark + piece)[-MARK:]
                found += self.lines.feed(piece)
        self.seen = seen
        return anew, found

    def _goes_on(self, file: Any) -> bool:
        if os.fstat(file.fileno()).st_size < self.offset:
            return False
        file.seek(self.offset - len(self.mark))
        return bool(file.read(len(self.mark)) == self.mark)


class JsonLines:
    """One object a line; its numbers are metrics. NaN and infinities count, however they are spelt."""

    def __init__(self, step: str | None) -> None:
        self.steps = STEPS if step is None else (step,)

    def row(self, line: str) -> Row | None:
        """None: it holds no object, so it was cut short or is not ours."""
        try:
            told = json.loads(line)
        except ValueError:
            try:
                told = json.loads(NOT_FINITE.sub(_as_json, line))
            except (ValueError, RecursionError):
                return None
        except RecursionError:
            return None
        return _row(told, self.steps) if isinstance(told, dict) else None


class Table:
    """A CSV whose first line names its columns."""

    def __init__(self, step: str | None) -> None:
        self.steps = STEPS if step is None else (step,)
        self.columns: list[str] = []

    def row(self, line: str) -> Row | None:
        """None: it is the first line, or has not as many cells as that."""
        try:
            cells = [cell.strip() for cell in next(csv.reader([line]), [])]
        except csv.Error:
            return None
        if not self.columns:
            self.columns = [cell.removeprefix("\ufeff") for cell in cells]
            return None
        if len(cells) != len(self.columns):
            return None
        return _row({name: as_number(cell) for name, cell in zip(self.columns, cells, strict=True)}, self.steps)


class Patterns:
    """Regular expressions whose first group is a number; a step found is in force until the next is."""

    def __init__(self, patterns: Mapping[str, str], step: str | None) -> None:
        self.patterns = {name: re.compile(pattern) for name, pattern in patterns.items()}
        self.step = None if step is None else re.compile(step)
        self.now: int | None = None

    def row(self, line: str) -> Row | None:
        """None: nothing in it matches."""
        # A pattern like ([0-9.]+) does not match `nan`, and the last number would pass for the result: so it is shown
        # 0.0 there, of the same length, and what it finds is read from the line itself.
        shown = NOT_FINITE.sub(lambda match: "0.0".ljust(len(match[0]), "0"), line)
        if self.step is not None:
            step = as_step(_found(self.step, line, shown))
            self.now = self.now if step is None else step
        found = {name: _found(pattern, line, shown) for name, pattern in self.patterns.items()}
        metrics = {name: value for name, value in found.items() if value is not None}
        return Row(self.now, metrics) if metrics else None


Reader = JsonLines | Table | Patterns


def _found(pattern: re.Pattern[str], line: str, shown: str) -> float | None:
    match = pattern.search(line) or pattern.search(shown)
    if match is None:
        return None
    group = next((index for index, each in enumerate(match.groups(), 1) if each is not None), 0)
    begin, end = match.span(group)
    for word in NOT_FINITE.finditer(line):
        if word.start() < end and begin < word.end():
            return float(word[0])
    return as_number(match[group].rstrip("."))  # `[0-9.]+` takes the sentence's full stop along


def _as_json(match: re.Match[str]) -> str:
    value = float(match[0])
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _row(told: Mapping[str, Any], steps: tuple[str, ...]) -> Row:
    step = next((as_step(told[name]) for name in steps if as_step(told.get(name)) is not None), None)
    numbers = {str(name): _float(value) for name, value in told.items()}
    return Row(step, {name: value for name, value in numbers.items() if value is not None and name.isprintable()})


def _float(value: Any) -> float | None:
    """A number as a float; None for everything else: null says that nothing was measured."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def as_number(text: str) -> float | None:
    """A cell or a match, if it is a number."""
    try:
        return float(text)
    except ValueError:
        return None


def as_step(value: Any) -> int | None:
    """A step, if it is one."""
    number = _float(value)
    return int(number) if number is not None and math.isfinite(number) else None
