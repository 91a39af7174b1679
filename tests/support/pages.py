"""README and the pages of docs/: their blocks, the files that they show, and the commands that they name."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from storage.home import CHECKOUT

FILES = (CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md")))
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
FIRST_LINE = re.compile(r"# ([\w-]+\.(?:yaml|py))\n")
PROGRAM = (["python", "cli.py"], ["studyhall"])


@dataclass(frozen=True)
class Page:
    """One page."""

    name: str
    text: str

    def blocks(self, language: str) -> list[str]:
        """The texts of its blocks in a language, in their order."""
        return [text for _, kind, text in BLOCK.findall(self.text) if kind == language]

    def files(self) -> dict[str, str]:
        """The files that it shows: blocks whose first line is a comment with their name."""
        found = ((FIRST_LINE.match(text), text) for text in (*self.blocks("python"), *self.blocks("yaml")))
        return {named[1]: text for named, text in found if named is not None}

    def write(self, folder: Path) -> None:
        """Write its files into a folder."""
        for name, text in self.files().items():
            (folder / name).write_text(text)

    def shell_lines(self) -> list[str]:
        """The lines of its shell blocks, one command each, without comments."""
        lines = [
            shlex.join(shlex.split(line, comments=True)) for text in self.blocks("sh") for line in text.splitlines()
        ]
        return [line for line in lines if line]

    def spans(self) -> list[str]:
        """The texts of its inline code."""
        return re.findall(r"`([^`\n]+)`", BLOCK.sub("", self.text))


def words_of(line: str) -> list[str] | None:
    """The arguments of a command of the program; None if the line runs another one."""
    words = shlex.split(line, comments=True)
    return next((words[len(start) :] for start in PROGRAM if words[: len(start)] == start), None)


PAGES = {file.stem: Page(file.stem, file.read_text()) for file in FILES}
