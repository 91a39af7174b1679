"""JSON objects among the lines that a program prints, as `metrics: {json: stdout}` reads them.

    loading 3 files                                  let be
    {"step": 10, "val_loss": 2.31}                   metrics, at step 10
    {"params": 51200}                                metrics, still at step 10

An object may be spread over lines, as `json.dumps(…, indent=2)` prints it: it begins with a line that is `{` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from objectives.command.readers import Json, Row, without_escapes

CLOSING = ("}", "]")


class PrintedJson(Json):
    """Every other line is let be. A step holds until the next one is printed."""

    def __init__(self, step: str | None) -> None:
        super().__init__(step)
        self.now: int | None = None

    def rows(self, line: str) -> list[Row]:
        line = without_escapes(line).rstrip()
        if self.document and not line[:1].isspace() and not line.startswith(CLOSING):
            self.document = []  # what had begun was no object
        if self.document or line == "{":
            return self._held(super().rows(line))
        return self._held(self._parsed(line) or []) if line.startswith("{") else []

    def peek(self, unfinished: str) -> list[Row]:
        return []

    def finish(self) -> list[Row]:
        return self._held(super().finish())

    def _held(self, rows: Sequence[Row]) -> list[Row]:
        found = []
        for row in rows:
            self.now = self.now if row.step is None else row.step
            found.append(replace(row, step=self.now))
        return found
