"""What an objective is given beside its configuration."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from objectives.loggers import Loggers
from objectives.outcome import check_metric_name
from objectives.process.wire import line


class TrialContext:
    """One attempt of one trial, as its objective sees it.

    Attributes:
        seed: Of the point: the same for every attempt.
        number: Of the trial in its study.
        attempt: 1 for the first.
        device: "cuda" or "cpu".
        threads: That the trial may use.
        checkpoint_dir: The same folder for every attempt of a point on this host; gone once the trial has ended.
        run_dir: For files to keep.
        stopped: Whether `should_stop` was true.
    """

    def __init__(
        self,
        channel: socket.socket,
        seed: int,
        number: int,
        attempt: int,
        device: str,
        threads: int,
        checkpoint_dir: Path,
        run_dir: Path,
        loggers: Loggers | None = None,
    ) -> None:
        self._channel, self._loggers = channel, loggers
        self.stopped = False
        self.seed, self.number, self.attempt = seed, number, attempt
        self.device, self.threads = device, threads
        self.checkpoint_dir, self.run_dir = checkpoint_dir, run_dir

    def report(self, step: int, **metrics: float) -> None:
        """Tell how it goes at a step: numbers by name; what was told earlier for the same step is replaced."""
        told = {name: float(value) for name, value in metrics.items()}
        for name in told:
            check_metric_name(name)
        self._channel.sendall(line({"report": int(step), "metrics": told}))
        if self._loggers is not None:
            self._loggers.log(int(step), told)

    def should_stop(self) -> bool:
        """Whether the trial is asked to end early: return, or raise `optuna.TrialPruned`; what it returns then is not
        taken for a result."""
        with suppress(BlockingIOError):
            self.stopped = self.stopped or bool(self._channel.recv(64, socket.MSG_DONTWAIT))
        return self.stopped

    def attach(self, path: Path | str) -> None:
        """Keep a file with the trial: it has to lie below `run_dir`, and is shown with the trial."""
        file = Path(path).resolve()
        if not file.is_relative_to(self.run_dir.resolve()):
            raise ValueError(f"{file} does not lie in the trial's folder {self.run_dir}")
        self._channel.sendall(line({"attached": str(file)}))
