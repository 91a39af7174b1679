"""The trial's context: what an objective gets beside its config."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from objectives.loggers import Loggers
from objectives.outcome import named
from objectives.process.wire import line


class TrialContext:
    """One attempt of a trial, as its objective sees it.

    Attributes:
        seed: The point's seed, the same for every attempt.
        number: The trial's number in its study.
        attempt: The attempt's number, from 1.
        device: "cuda" or "cpu".
        threads: How many threads the trial may use.
        checkpoint_dir: A folder for checkpoints, the same for every attempt on this host; removed when the trial ends.
        run_dir: A folder for files that are kept with the trial, a fresh one for each attempt.
        stopped: Whether `should_stop` has been true.
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
        """Report metrics at a step. A later report for the same step replaces the earlier one."""
        numbers = named({name: float(value) for name, value in metrics.items()})
        self._channel.sendall(line({"report": int(step), "metrics": numbers}))
        if self._loggers is not None:
            self._loggers.log(int(step), numbers)

    def should_stop(self) -> bool:
        """Whether the trial should end early. Then return, or raise `optuna.TrialPruned`; no result is taken."""
        with suppress(BlockingIOError):
            self.stopped = self.stopped or bool(self._channel.recv(64, socket.MSG_DONTWAIT))
        return self.stopped

    def attach(self, path: Path | str) -> None:
        """Keep a file with the trial, to be shown with it. The file must lie below `run_dir`."""
        file = Path(path).resolve()
        if not file.is_relative_to(self.run_dir.resolve()):
            raise ValueError(f"{file} does not lie in the trial's folder {self.run_dir}")
        self._channel.sendall(line({"attached": str(file)}))
