"""A Slurm job: one worker process, which gives its trials back and is queued again when Slurm takes the node."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studies.launch.tied import start_tied

GIVE_BACK_SECONDS = 60  # that a worker has for its trials' checkpoints


class SlurmJob:
    """A worker, called by submitit on the job's node. Pickled without any secret: a file holds the URL."""

    def __init__(self, arguments: Sequence[str], url_file: Path, home: Path, cpu_threads: int | None) -> None:
        self.arguments, self.url_file, self.home = list(arguments), url_file, home
        self.cpu_threads = cpu_threads
        """Threads of each CPU slot, if the job's cores decide how many slots there are; None: the arguments decide."""
        self.worker: subprocess.Popen[bytes] | None = None

    def __call__(self) -> None:
        """Work until the study or the job ends. A worker that fails makes the job fail."""
        self.worker = start_tied([*self.arguments, *self._slots()], self.url_file.read_text(), str(self.home))
        _await_end(self.worker.pid)
        status = self.worker.wait()
        if status:
            raise SystemExit(status)  # the worker's own, which has printed why

    def checkpoint(self) -> Any:
        """Before the job's end: give the trials back; submitit then queues the returned job."""
        from submitit.core.utils import DelayedSubmission

        if self.worker is not None:
            self.worker.send_signal(signal.SIGUSR1)
            if not _await_end(self.worker.pid, GIVE_BACK_SECONDS):
                self.worker.kill()  # another worker recovers its trials
        return DelayedSubmission(SlurmJob(self.arguments, self.url_file, self.home, self.cpu_threads))

    def _slots(self) -> list[str]:
        if self.cpu_threads is None:
            return []
        cores = int(os.environ.get("SLURM_CPUS_ON_NODE", "1"))
        return ["--workers", str(max(1, cores // self.cpu_threads))]


def _await_end(pid: int, seconds: float | None = None) -> bool:
    """Whether a child has ended in time. A signal handler could not take the lock of `Popen.wait`."""
    if seconds is None:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT) is not None
    end = time.monotonic() + seconds
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        if time.monotonic() >= end:
            return False
        time.sleep(0.05)
    return True
