"""Metrics out of lines: JSON (a line each, or one document), tables, and patterns over printed lines.

Each reader takes one line at a time and gives the rows that this line completes. `trouble` says what a file was taken
for as soon as a line does not fit.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from objectives.command.follow import MAX_PRINTED_BYTES
from objectives.command.numbers import UNITS, Refused, Surroundings, number_at, read_number
from objectives.outcome import can_name_metric

STEP_NAMES = ("step", "iter", "epoch")
MAX_DOCUMENT_CHARACTERS = 1 << 26
MAX_SHOWN_CHARACTERS = 80  # of a line in a message
NOT_FINITE_PATTERN = re.compile(r"[-+]?\b(?:nan|inf(?:inity)?)\b", re.IGNORECASE)
ESCAPE_SEQUENCES = re.compile(
    r"""
      (?P<moves> \x1b \[ [0-?]* [ -/]* [@-HPSTXZ`abdefsu] )      # the text after it is printed elsewhere
    | \x1b \[ [0-?]* [ -/]* [@-~]                                # colours, and erasing
    | \x1b \] [^\x07\x1b]* (?: \x07 | \x1b \\ )                  # titles and links
    | \x1b [ -/]* [0-~]
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Row:
    """The metrics of one line."""

    step: int | None
    """None where the line names no step."""
    metrics: Mapping[str, float]
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why a metric's text is no number, by metric."""


class Reader:
    """Reads one line at a time."""

    trouble = ""
    """What the text was taken for, and the first line that does not fit."""

    def row(self, line: str) -> Row | None:
        """None: the line holds no metrics."""
        raise NotImplementedError

    def rows(self, line: str) -> list[Row]:
        """The rows that this line completes."""
        row = self.row(line)
        return [] if row is None else [row]

    def peek(self, unfinished: str) -> list[Row]:
        """The rows that are complete although their last line has no end yet."""
        return []

    def finish(self) -> list[Row]:
        """The rows that only the end of the text completes."""
        return []


class Json(Reader):
    """JSON objects, one on each line or spread over lines; numbers are metrics, and so are NaN and infinities.

    A nested object's numbers have dotted names. A list of objects is a row each, as in Hugging Face's `log_history`.
    """

    def __init__(self, step: str | None) -> None:
        self.steps = STEP_NAMES if step is None else (step,)
        self.number = 0
        self.document: list[str] = []
        self.length = 0
        self.peeked = ""

    def rows(self, line: str) -> list[Row]:
        self.number += 1
        if self.document:
            return self._in_document(line)
        found = self._parsed(line)
        if found is None and line.lstrip()[:1] in ("{", "[") and line.rstrip()[-1:] in ("{", "[", ","):
            self.document, self.length = [line], len(line)
            return []
        if found is None:
            self._trouble(line)
        return self._new(line, found or [])

    def peek(self, unfinished: str) -> list[Row]:
        text = "\n".join((*self.document, unfinished))
        if unfinished.rstrip()[-1:] not in ("}", "]") or text == self.peeked:
            return []
        found = self._parsed(text)
        if found is None:
            return []
        self.peeked = text
        return found

    def finish(self) -> list[Row]:
        text = "\n".join(self.document)
        self.document = []
        found = self._parsed(text) if text else []
        if found is None:
            self._trouble(text)
        return self._new(text, found or [])

    def _in_document(self, line: str) -> list[Row]:
        self.length += len(line) + 1
        if self.length > MAX_DOCUMENT_CHARACTERS:
            self.trouble = self.trouble or f"a JSON document longer than {MAX_DOCUMENT_CHARACTERS >> 20} MiB"
            return []
        self.document.append(line)
        return self.finish() if line[:1] in ("}", "]") else []  # a document closes where it began: not indented

    def _new(self, text: str, found: list[Row]) -> list[Row]:
        """No rows where a peek has given them already."""
        if text and text == self.peeked:
            self.peeked = ""
            return []
        return found

    def _parsed(self, text: str) -> list[Row] | None:
        """None: it is no JSON, or no more than a part of it."""
        try:
            try:
                document = json.loads(text)
            except ValueError:
                document = json.loads(NOT_FINITE_PATTERN.sub(_as_json, text))
            return list(_document_rows(document, self.steps))
        except (ValueError, RecursionError):
            return None

    def _trouble(self, text: str) -> None:
        if not self.trouble:
            is_table = self.number == 1 and re.match(r"\s*[\w \"./-]+[,;\t]", text)
            hint = "; `csv: FILE` reads a table" if is_table else ""
            self.trouble = f"taken for JSON, but line {self.number} is not: {_shown(text)}{hint}"


class Table(Reader):
    """A table with a line of column names, divided by commas, tabs, semicolons or spaces.

    Comments (#) above the names are passed over; names may also stand in the last comment, as numpy writes them. A file
    without names is read with those of the definition.
    """

    def __init__(self, step: str | None, columns: Sequence[str] = ()) -> None:
        self.steps = STEP_NAMES if step is None else (step,)
        self.columns, self.has_names = list(columns), not columns
        self.divider: str | None = None
        self.comment = ""
        self.number = 0

    def row(self, line: str) -> Row | None:
        """None: a comment, the column names, or a line with another number of cells."""
        self.number += 1
        line = line.removeprefix("\ufeff")
        if line.lstrip().startswith("#"):
            self.comment = line.lstrip().lstrip("# ")
            return None
        if not self.columns:
            return self._begin(line)
        cells = self._cells(line)
        if self._are_names(cells):
            self.columns = cells  # written again, with columns that came later
            return None
        if len(cells) != len(self.columns):
            count = f"{len(cells)} cell{'s'[: len(cells) != 1]}: {_shown(line)}"
            self._trouble(f"line {self.number} has {count}")
            return None
        found = {name: read_number(cell) for name, cell in zip(self.columns, cells, strict=True) if cell}
        refused = {name: _why(value) for name, value in found.items() if isinstance(value, Refused)}
        return _row(found, self.steps, refused)

    def _begin(self, line: str) -> Row | None:
        """The first line: column names, unless they stand in the comment above."""
        self.divider = _divider(line)
        cells = self._cells(line)
        if not any(isinstance(read_number(cell), float) for cell in cells):
            self.columns = cells
            if line.lstrip().startswith(("{", "[")):
                self.trouble = f"taken for a table, but line {self.number} is {_shown(line)}; `json: FILE` reads JSON"
            return None
        if self.divider is None and len(cells) > 1:
            self.divider = " "
        names = _split(self.comment, self.divider)
        if len(names) != len(cells):
            self.trouble = self.trouble or (
                f"taken for a table without column names: line {self.number} is {_shown(line)};"
                " name them: `columns: [val_loss, iter]`"
            )
            return None
        self.columns = names
        self.number -= 1
        return self.row(line)

    def _cells(self, line: str) -> list[str]:
        if self.divider is None and (len(self.columns) > 1 or not self.has_names):
            self.divider = _divider(line)
        cells = _split(line, self.divider)
        if self.has_names and self.divider is None and len(self.columns) == 1:
            names, words = self.columns[0].split(), line.split()
            if len(names) == len(words) > 1:  # both divided by spaces
                self.columns, self.divider, cells = names, " ", words
        return cells

    def _are_names(self, cells: Sequence[str]) -> bool:
        return self.has_names and len(set(cells) & set(self.columns)) > len(self.columns) // 2

    def _trouble(self, fault: str) -> None:
        if not self.trouble:
            divider = {",": "commas", "\t": "tabs", ";": "semicolons"}.get(self.divider or "", "spaces")
            names = ", ".join(self.columns[:20])
            self.trouble = (
                f"taken for a table of {len(self.columns)} columns divided by {divider} ({names}), but {fault}"
            )


class Patterns(Reader):
    """Regular expressions whose first group finds a number. A step holds until the next one is printed."""

    def __init__(self, patterns: Mapping[str, str], step: str | None, units: Mapping[str, str] | None = None) -> None:
        """`units`: the unit that a metric is kept in, by metric; one of numbers.UNITS."""
        self.patterns = {name: re.compile(pattern) for name, pattern in patterns.items()}
        self.step = None if step is None else re.compile(step)
        self.units = dict(units or {})
        self.now: int | None = None

    def row(self, line: str) -> Row | None:
        """None: no pattern matches."""
        was_cut = len(line.encode(errors="replace")) >= MAX_PRINTED_BYTES
        line = without_escapes(line)
        if self.step is not None:
            step = self._find(self.step, None, line, was_cut)
            self.now = self.now if isinstance(step, Refused) or as_step(step) is None else as_step(step)
        found = {
            name: self._find(pattern, self.units.get(name), line, was_cut) for name, pattern in self.patterns.items()
        }
        metrics = {name: value for name, value in found.items() if isinstance(value, float)}
        refused = {name: _why(value) for name, value in found.items() if isinstance(value, Refused)}
        return Row(self.now, metrics, refused) if metrics or refused else None

    def _find(self, pattern: re.Pattern[str], unit: str | None, line: str, was_cut: bool) -> float | Refused | None:
        # A pattern like ([0-9.]+) does not match `nan`: it would find the next number, or keep the last one. So it also
        # searches the line with 0.0 in the place of `nan`, of the same length; the earlier match counts.
        shown = NOT_FINITE_PATTERN.sub(lambda word: "0.0".ljust(len(word[0]), "0"), line)
        spans = [_span(match) for match in (pattern.search(line), pattern.search(shown)) if match is not None]
        if not spans:
            return None
        begin, end = min(spans, key=lambda span: span[0])
        for word in NOT_FINITE_PATTERN.finditer(line):
            if word.start() < end and begin < word.end():
                return float(word[0])
        if was_cut and line[end:].strip("0123456789.,_eE+-") == "":
            return Refused(line[begin:], f"the line is cut at {MAX_PRINTED_BYTES} bytes")
        beside = Surroundings.of(pattern.pattern)
        return number_at(line, begin, end, None if unit is None else UNITS[unit], beside)


def without_escapes(line: str) -> str:
    """A line as a terminal shows it: escape sequences are left out. Where one moves the cursor there is a space."""
    return ESCAPE_SEQUENCES.sub(lambda found: " " if found["moves"] else "", line) if "\x1b" in line else line


def as_step(value: Any) -> int | None:
    """A step, if it is one."""
    number = _float(value)
    return int(number) if number is not None and math.isfinite(number) else None


def _span(match: re.Match[str]) -> tuple[int, int]:
    """Of the first group that took part; of the whole match, if none did."""
    return match.span(next((index for index, each in enumerate(match.groups(), 1) if each is not None), 0))


def _why(refused: Refused) -> str:
    return f"{refused.text!r} is not a plain number{f'; {refused.hint}' if refused.hint else ''}"


def _as_json(word: re.Match[str]) -> str:
    value = float(word[0])
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _document_rows(document: Any, steps: tuple[str, ...]) -> Iterator[Row]:
    """The rows of a parsed document; none of what is neither an object nor a list of objects."""
    if isinstance(document, list):
        for each in document:
            if isinstance(each, dict):
                yield from _document_rows(each, steps)
        return
    if not isinstance(document, dict):
        return
    if history := _objects(document.get("log_history")):  # of Hugging Face's trainer_state.json
        yield from _document_rows(history, steps)
        document = {name: value for name, value in document.items() if name != "log_history"}
        steps = ("global_step", *steps)
    elif series := _series(document):  # of Keras' History
        for values in zip(*series.values(), strict=True):
            yield _row(dict(zip(series, values, strict=True)), steps)
        return
    for name, each in _flat(document):
        for part in _objects(each):
            yield _row({f"{name}.{key}": value for key, value in _flat(part)}, tuple(f"{name}.{key}" for key in steps))
    yield _row(dict(_flat(document)), steps)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _series(document: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Lists of numbers of one length, if the object holds nothing else."""
    lists = {name: value for name, value in document.items() if isinstance(value, list)}
    lengths = {len(value) for value in lists.values()}
    numbers = all(_float(each) is not None for value in lists.values() for each in value)
    return lists if lists and len(lists) == len(document) and len(lengths) == 1 and numbers else {}


def _flat(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _row(values: Mapping[str, Any], steps: tuple[str, ...], refused: Mapping[str, str] | None = None) -> Row:
    step = next((as_step(values[name]) for name in steps if as_step(values.get(name)) is not None), None)
    numbers = {str(name): _float(value) for name, value in values.items()}
    metrics = {name: value for name, value in numbers.items() if value is not None and can_name_metric(name)}
    return Row(step, metrics, refused or {})


def _float(value: Any) -> float | None:
    """A number as a float; None for everything else: null says that nothing was measured."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _divider(line: str) -> str | None:
    """What divides a line into most cells; None: spaces, if anything."""
    counts = {divider: len(_split(line, divider)) for divider in (",", "\t", ";")}
    best = max(counts, key=lambda divider: counts[divider])
    return best if counts[best] > 1 else None


def _split(line: str, divider: str | None) -> list[str]:
    if divider == " " or (divider is None and re.match(r"\s*[-+.\d]\S*\s", line)):
        return line.split()
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=divider or ","), [])]
    except csv.Error:
        return []


def _shown(line: str) -> str:
    return repr(line if len(line) <= MAX_SHOWN_CHARACTERS else f"{line[:MAX_SHOWN_CHARACTERS]}…")
