"""The definitions that can be run: what lies in studies/ as YAML."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table

from storage.errors import StudyhallError
from storage.home import DEFINITIONS
from studies.definition.definition import Definition


@dataclass(frozen=True)
class Entry:
    """One definition; a broken one is listed with its problem."""

    name: str
    search: str
    question: str
    problem: str | None = None


def definitions(folder: Path = DEFINITIONS) -> list[Entry]:
    """Every definition of a folder, by name."""
    return [_entry(file) for file in sorted(folder.glob("*.yaml"))]


def _entry(file: Path) -> Entry:
    try:
        definition = Definition.load(file)
    except StudyhallError as error:
        return Entry(file.stem, "", "", str(error))
    return Entry(file.stem, definition.search, definition.question)


def catalogue_json() -> list[dict[str, object]]:
    """`studies --json`."""
    return [asdict(entry) for entry in definitions()]


def catalogue_table() -> RenderableType:
    """A line each."""
    table = Table("name", "search", "question", box=None, pad_edge=False)
    for entry in definitions():
        table.add_row(entry.name, entry.search, entry.problem or entry.question)
    return table
