"""Finished runs as tables have them: a file of comma-separated values or of JSON lines, a run a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samplers.searches.nested import flattened
from storage.errors import UsageError
from studies.definition.yaml_text import MAX_LEVELS, read_scalar

DIVIDERS = ",;\t"
MAX_FILE_BYTES = 1 << 28
TOO_DEEP = "is nested too deeply to be read"


@dataclass(frozen=True)
class Run:
    """One finished run."""

    where: str
    """`line 7`."""
    values: Mapping[str, Any]
    """What is known of it, by column: configuration, metrics and all else."""
    texts: Mapping[str, str]
    """The same as the file has it; without what came as JSON."""


def read_bytes(file: Path) -> bytes:
    """A file's content.

    Raises:
        UsageError: It cannot be read, or is too large.
    """
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise UsageError(f"more than {MAX_FILE_BYTES >> 20} MiB", str(file))
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror}", str(file)) from error


def read_runs(content: bytes, where: str) -> list[Run]:
    """The runs of a file: JSON lines, one JSON list of objects, or a table with a line of column names.

    Raises:
        UsageError: It is neither.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("is not text in UTF-8", where) from error
    found = list(_json_runs(text, where) if text.lstrip()[:1] in ("{", "[") else _table_runs(text, where))
    if not found:
        raise UsageError("holds no run: a line of column names and a line a run are needed, or JSON lines", where)
    return found


def _json_runs(text: str, where: str) -> Iterator[Run]:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    except RecursionError as error:
        raise UsageError(TOO_DEEP, where) from error
    if document is not None:
        for number, each in enumerate(document if isinstance(document, list) else [document], 1):
            yield _of_json(each, f"run {number}", where)
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield _of_json(json.loads(line), f"line {number}", where)
            except ValueError as error:
                raise UsageError(f"line {number} is no JSON: {error}", where) from error
            except RecursionError as error:
                raise UsageError(f"line {number} {TOO_DEEP}", where) from error


def _of_json(value: Any, line: str, where: str) -> Run:
    if _is_deeper(value, MAX_LEVELS):
        raise UsageError(f"{line} is nested more than {MAX_LEVELS} levels deep", where)
    if not isinstance(value, dict):
        raise UsageError(f"{line} is no JSON object but {json.dumps(value)[:60]}", where)
    return Run(line, flattened(value), {})


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects stand in each other on more than `levels` levels."""
    if not isinstance(value, dict | list):
        return False
    return levels == 0 or any(
        _is_deeper(each, levels - 1) for each in (value.values() if isinstance(value, dict) else value)
    )


def _table_runs(text: str, where: str) -> Iterator[Run]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    divider = max(DIVIDERS, key=first.count)
    names: list[str] | None = None
    for number, cells in _rows(text, divider, where):
        if not any(cell.strip() for cell in cells):
            continue
        if names is None:
            names = [cell.strip() for cell in cells]
            twice = next((name for name in names if name and names.count(name) > 1), None)
            if twice is not None:
                raise UsageError(f"has two columns {twice!r}", where)
            continue
        if len(cells) != len(names):
            raise UsageError(f"line {number} has {len(cells)} cells, and there are {len(names)} columns", where)
        texts = {name: cell.strip() for name, cell in zip(names, cells, strict=True) if name and cell.strip()}
        yield Run(f"line {number}", {name: _value(each) for name, each in texts.items()}, texts)


def _rows(text: str, divider: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """The rows with the numbers of their lines."""
    rows = csv.reader(text.splitlines(), delimiter=divider)
    try:
        for cells in rows:
            yield rows.line_num, cells
    except csv.Error as error:  # a cell that is too long: often a quotation mark that nothing closes
        raise UsageError(f"line {rows.line_num} is no row of a table: {error}", where) from error


def _value(text: str) -> Any:
    """A cell by the rules of a definition; what those refuse is a text."""
    try:
        return read_scalar(text, "cell")
    except UsageError:
        return text
