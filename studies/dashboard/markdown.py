"""Markdown in which nobody's name or value can be taken for markup, and no HTML is said."""

from __future__ import annotations

import re
from collections.abc import Sequence

from studies.figures.labels import shortened

LONGEST = 60
"""Characters of a cell."""


def escaped(text: str, longest: int = LONGEST) -> str:
    """A text as it is, on one line, its middle left out where it is long."""
    inside = re.sub(r"([\\`*_{}\[\]()<>#!|&$~:@^])", r"\\\1", shortened(text, longest).strip())
    begins_list = re.match(r"[-+=]|\d+(?=[.)]\s)", inside)
    if begins_list is None:
        return inside
    digits = begins_list[0] if begins_list[0].isdigit() else ""
    return f"{digits}\\{inside[len(digits) :]}"


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts as they are; numbers stand right where every cell below a name is one."""
    right = [bool(rows) and all(_is_figure(row[place]) for row in rows) for place in range(len(names))]
    lines = [names, ["--:" if each else "---" for each in right]]
    told = [[escaped(cell) for cell in row] for row in (names, *rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (told[0], lines[1], *told[1:]))


def fenced(text: str, language: str) -> str:
    """A block of text as it is, whatever it holds; characters that would hide or turn others are written out."""
    plain = "".join(each if each in "\n\t" or each.isprintable() else _written_out(each) for each in text)
    ticks = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"{fence}{language}\n{plain.rstrip()}\n{fence}"


def _written_out(character: str) -> str:
    return character if character in "\u200c\u200d" else f"\\u{ord(character):04x}"


def _is_figure(text: str) -> bool:
    return bool(re.fullmatch(r"[-–+\d.,e% …±]+", text))
