"""The definitions in studies/ (`studies`) and the datasets (`data list`), a line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from objectives.datasets import catalogue as datasets
from storage.errors import StudyhallError
from storage.home import DEFINITIONS, definition_files
from studies.definition.definition import Definition
from studies.tables.table import Cell, Column, Document, Table

OWN, SHIPPED, BROKEN = "in this folder", "that ship", "that cannot be read"
TITLES = ("", OWN, SHIPPED, BROKEN)
"""Of the tables of definitions, in this order."""
NO_DATASETS = "no datasets yet: `data prepare` makes one; `stdlib` and `gssm` need none"
DATASET = [Column("name"), Column("tokenizer"), Column("vocabulary", right=True), Column("dtype", spare=1)]
DATASET += [*(Column(name, right=True) for name in ("train", "val", "MB")), Column("")]


@dataclass(frozen=True)
class Entry:
    """One definition; a broken one is listed with its problem."""

    name: str
    search: str
    question: str
    problem: str | None = None


@dataclass(frozen=True)
class Catalogue:
    """Entries as a table and as JSON."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    entries: Sequence[Entry | datasets.Entry]
    empty: str = ""
    """Printed if there are no entries."""
    titles: Sequence[str] = ()
    """Of each row; rows of one title are a table of their own. Empty: one table without a title."""

    def document(self) -> Document:
        """A line each."""
        titles = self.titles or [""] * len(self.rows)
        tables = [
            Table(self.columns, [row for row, each in zip(self.rows, titles, strict=True) if each == title], title)
            for title in dict.fromkeys(sorted(titles, key=TITLES.index))
        ]
        return Document(tables, [self.empty] if self.empty and not self.entries else [])

    def to_json(self) -> list[dict[str, Any]]:
        """Names are stable."""
        return [asdict(entry) for entry in self.entries]


def catalogue() -> Catalogue:
    """Every definition that `run NAME` finds."""
    files = definition_files().values()
    entries = [_entry(file) for file in files]
    rows = [[each.name, each.search, each.problem or each.question] for each in entries]
    titles = [
        BROKEN if each.problem else SHIPPED if file.parent == DEFINITIONS else OWN
        for each, file in zip(entries, files, strict=True)
    ]
    return Catalogue([Column("name"), Column("search"), Column("question")], rows, entries, titles=titles)


def dataset_catalogue() -> Catalogue:
    """The datasets that `dataset: NAME` finds, and unfinished ones."""
    entries = datasets.entries()
    return Catalogue(DATASET, list(map(_dataset_row, entries)), entries, NO_DATASETS)


def _entry(file: Path) -> Entry:
    try:
        definition = Definition.load(file)
    except StudyhallError as error:
        return Entry(file.stem, "", "", str(error))
    return Entry(file.stem, definition.search, definition.question)


def _dataset_row(entry: datasets.Entry) -> list[Cell]:
    known = [entry.vocab_size, entry.dtype, entry.train, entry.val]
    cells = ["" if value is None else f"{value:,}" if isinstance(value, int) else str(value) for value in known]
    return [entry.name, entry.tokenizer or "", *cells, f"{entry.bytes / 1e6:.1f}", entry.problem or ""]
