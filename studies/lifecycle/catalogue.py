"""What is there to run: the definitions in studies/ (`studies`), and the datasets (`data list`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from objectives.datasets import catalogue as datasets
from storage.errors import StudyhallError
from storage.home import DEFINITIONS
from studies.definition.definition import Definition
from studies.tables.table import Cell, Column, Document, Table

DATASET = [Column("name"), Column("tokenizer"), Column("vocabulary", right=True), Column("dtype", spare=1)]
DATASET += [*(Column(name, right=True) for name in ("train", "val", "MB")), Column("")]


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


@dataclass(frozen=True)
class Definitions:
    """What `studies` prints."""

    entries: Sequence[Entry]

    def document(self) -> Document:
        """A line each."""
        rows = [[each.name, each.search, each.problem or each.question] for each in self.entries]
        return Document([Table([Column("name"), Column("search"), Column("question")], rows)])

    def to_json(self) -> list[dict[str, Any]]:
        """`studies --json`."""
        return [asdict(entry) for entry in self.entries]


@dataclass(frozen=True)
class Datasets:
    """What `data list` prints."""

    entries: Sequence[datasets.Entry]

    def document(self) -> Document:
        """A line each."""
        none = "no datasets yet: `data prepare` makes one; `stdlib` and `gssm` need none"
        return Document([Table(DATASET, list(map(_dataset, self.entries)))], [] if self.entries else [none])

    def to_json(self) -> list[dict[str, Any]]:
        """`data list --json`."""
        return [asdict(entry) for entry in self.entries]


def _dataset(entry: datasets.Entry) -> list[Cell]:
    known = [entry.vocab_size, entry.dtype, entry.train, entry.val]
    cells = ["" if value is None else f"{value:,}" if isinstance(value, int) else str(value) for value in known]
    return [entry.name, entry.tokenizer or "", *cells, f"{entry.bytes / 1e6:.1f}", entry.problem or ""]


def catalogue() -> Definitions:
    """The definitions that ship."""
    return Definitions(definitions())


def dataset_catalogue() -> Datasets:
    """The datasets that `dataset: NAME` finds, and those that are not finished."""
    return Datasets(datasets.entries())
