"""Lines that a command prints while it works: what each is about decides who sees it, and in which colour."""

from __future__ import annotations

from enum import Enum
from typing import Protocol


class Tone(Enum):
    """What a line is about. The value is its style on a terminal, in rich's words."""

    DETAIL = "dim"
    """A step that succeeded, of many: with `--verbose` alone."""
    PLAIN = ""
    """A result, a plan, a note."""
    BEST = "green"
    """A result that is better than all before it."""
    TROUBLE = "yellow"
    """It will pass, or be tried again."""
    FAILURE = "red"
    """It is lost unless somebody acts: with `--quiet` too."""


class Log(Protocol):
    """Prints a line."""

    def __call__(self, line: str, tone: Tone = Tone.PLAIN) -> None: ...
