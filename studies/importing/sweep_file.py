"""The file of a sweep: each part is of the kind that its program writes there, or is refused by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage.errors import UsageError

MAX_SHOWN_CHARACTERS = 60
NO_PARTS: Mapping[str, Any] = {}


@dataclass(frozen=True)
class SweepFile:
    """A file, and the program that reads it. Its methods raise UsageError for a value of another kind."""

    program: str
    where: str

    def mapping(self, value: Any, key: str) -> Mapping[str, Any]:
        """Keys and values; empty where the file has none."""
        if value is None:
            return NO_PARTS
        if not isinstance(value, Mapping):
            raise self.wrong(value, key, "keys and values are")
        return value

    def values(self, value: Any, key: str) -> list[Any]:
        """A list."""
        if not isinstance(value, list):
            raise self.wrong(value, key, "a list is")
        return value

    def text(self, value: Any, key: str) -> str | None:
        """A text, also of a number; None where the file has none."""
        if isinstance(value, Mapping | list):
            raise self.wrong(value, key, "a text is")
        return None if value is None else str(value)

    def wrong(self, value: Any, key: str, needed: str) -> UsageError:
        """The refusal of a value: `needed` is what stands there, with its verb."""
        shown = repr(value)
        if len(shown) > MAX_SHOWN_CHARACTERS:
            shown = f"{shown[:MAX_SHOWN_CHARACTERS]}…"
        return UsageError(f"{key}: {shown} is not as {self.program} writes it: {needed} needed", self.where)
