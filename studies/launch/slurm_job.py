"""What a Slurm job runs: one worker as a process of its own, given back and queued again when Slurm takes the node."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studies.launch.tied import start_tied

GIVING_BACK = 60  # seconds that a worker has for its trials' checkpoints


class SlurmJob:
    """A worker, called by submitit on the job's node. Pickled without any secret: the URL is in a file of its own."""

    def __init__(self, command: Sequence[str], url_file: Path, home: Path, cpu_threads: int | None) -> None:
        self.command, self.url_file, self.home = list(command), url_file, home
        self.cpu_threads = cpu_threads
        """Threads of each CPU slot where the job's cores say how many there are; None: the command says."""
        self.worker: subprocess.Popen[bytes] | None = None

    def __call__(self) -> None:
        """Work until the study or the job ends. A worker that fails makes the job fail."""
        self.worker = start_tied([*self.command, *self._slots()], self.url_file.read_text(), str(self.home))
        status = self.worker.wait()
        if status:
            sys.exit(status)

    def checkpoint(self) -> Any:
        """Before the job's end: trials are given back, then submitit queues the job again with what this returns."""
        from submitit.core.utils import DelayedSubmission

        if self.worker is not None:
            self.worker.send_signal(signal.SIGUSR1)
            try:
                self.worker.wait(GIVING_BACK)
            except subprocess.TimeoutExpired:
                self.worker.kill()  # its trials are found by whoever looks next
        return DelayedSubmission(SlurmJob(self.command, self.url_file, self.home, self.cpu_threads))

    def _slots(self) -> list[str]:
        if self.cpu_threads is None:
            return []
        cores = int(os.environ.get("SLURM_CPUS_ON_NODE", "1"))
        return ["--workers", str(max(1, cores // self.cpu_threads))]
