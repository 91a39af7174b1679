"""Reads again what a command that ended well has left, without running it: its metrics file, or its log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from objectives.command.command import Command
from objectives.command.run import Run
from objectives.context import TrialContext
from objectives.outcome import Report

OWN_LINE = "[studyhall] "
"""Begins a line of ours in a trial's log."""


class PastTrial(TrialContext):
    """An attempt that has ended: its reports are kept, and nothing is sent."""

    def __init__(self, seed: int, number: int, attempt: int, run_dir: Path, checkpoint_dir: Path) -> None:
        self.seed, self.number, self.attempt = seed, number, attempt
        self.device, self.threads = "cpu", 1
        self.run_dir, self.checkpoint_dir = run_dir, checkpoint_dir
        self.reports: list[Report] = []

    def report(self, step: int, **metrics: float) -> None:
        self.reports.append(Report(step, metrics))


def read_again(command: Command, config: Mapping[str, Any], trial: PastTrial, log: Path) -> dict[str, float]:
    """The metrics, as a run that has just ended would have found them; `trial` keeps the reports.

    Raises:
        AttemptError: A metric that the study needs is still missing.
    """
    return _PastRun(command, config, trial).read(log)


class _PastRun(Run):
    def read(self, log: Path) -> dict[str, float]:
        if self.file is not None:
            self._read_file()
        elif log.exists():
            with log.open("rb") as file:
                while text := file.read(1 << 20):
                    for line in self.printed.feed(text):
                        self._take_printed(line)
            for line in self.printed.rest():
                self._take_printed(line)
        self._rest()
        return self._judge(0)

    def _take_printed(self, line: str) -> None:
        if not line.startswith(OWN_LINE):
            self._take(self.reader.rows(line))

    def _note(self, text: str, subject: str = "") -> None:
        """Nothing is printed: the trial's own log says it already."""
