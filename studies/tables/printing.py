"""The one way to print what a command found: as text, for another document, or as JSON."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from studies.tables.table import Document

Form = Literal["text", "markdown", "latex", "csv", "json"]


class Printable(Protocol):
    """What a command found."""

    def document(self) -> Document:
        """For people."""


@runtime_checkable
class HasJson(Protocol):
    """What a command with `--json` found."""

    def to_json(self) -> Any:
        """For programs: keys are stable."""


@dataclass(frozen=True)
class Facts:
    """Lines for people, and the same values by name."""

    lines: Sequence[str]
    values: Mapping[str, object]

    def document(self) -> Document:
        return Document(notes=self.lines)

    def to_json(self) -> Mapping[str, object]:
        return self.values


def print_result(text: str, is_json: bool = False) -> None:
    """Write a text to standard output: exact into a file or a pipe, escaped on a terminal. JSON escapes by itself."""
    if not is_json and sys.stdout.isatty():
        from studies.tables.terminal import escaped

        text = escaped(text)
    sys.stdout.write(text)


def formatted(found: Printable, form: Form = "text") -> str:
    """The text to print, down to its last end of line. A terminal has a width; a pipe has none, so nothing is cut."""
    match form:
        case "json":
            assert isinstance(found, HasJson)
            return json.dumps(found.to_json(), indent=1, default=str, allow_nan=False) + "\n"
        case "markdown":
            from studies.tables.markdown import markdown

            return markdown(found.document())
        case "latex":
            from studies.tables.latex import latex

            return latex(found.document())
        case "csv":
            from studies.tables.delimited import delimited

            return delimited(found.document())
        case "text":
            from studies.tables.terminal import lines

            width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
            return "".join(f"{line}\n" for line in lines(found.document(), width))
