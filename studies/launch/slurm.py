"""`--launch slurm`: workers as the tasks of one Slurm array, through submitit.

Slurm schedules; nothing here does. A task that is preempted, requeued or lost is a worker that was killed, which a
study survives anyway. Slurm's USR1 before the end lets the worker give its trials back, and submitit queues it again.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

from storage.errors import StudyhallError, UsageError, nearest
from studies.definition.units import DURATION, parse_duration
from studies.launch.launcher import Launch, Work
from studies.slots.options import Elsewhere

PROGRAMS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
TIMES = re.compile(r"(?:(?P<days>\d+)-)?(?P<a>\d+)(?::(?P<b>\d+))?(?::(?P<c>\d+))?")
LEAD = 90
"""Seconds before a job's end at which its worker is told; of a short job, a quarter."""
ENDLESS = 1_000_000
"""How often a job may be queued again: it leaves by itself once the study has ended."""
PATIENCE = 60
"""Seconds that one of Slurm's programs may take where its answer is needed."""
QUIET = 5
"""The same where it is not."""
OURS = {
    "nodes": "--nodes",
    "array": "--nodes",
    "ntasks": "--nodes",
    "ntasks-per-node": "--nodes",
    "gpus-per-node": "--gpus-per-node",
    "gpus-per-task": "--gpus-per-node",
    "gpus": "--gpus-per-node",
    "time": "--time",
    "partition": "--partition",
}
"""What has an option of its own."""
NOT_ASKED = {"signal", "requeue", "no-requeue", "output", "error", "open-mode", "job-name", "wrap", "wait", "export"}
"""What a launch needs as it is."""


@dataclass(frozen=True)
class SlurmOrder:
    """Workers as an array: one task a worker, one node a task."""

    nodes: int
    gpus_per_node: int
    minutes: int
    partition: str | None
    settings: Mapping[str, str]
    """Further options of sbatch."""

    @staticmethod
    def of(
        nodes: int | None, gpus: int | None, time: str | None, partition: str | None, settings: Sequence[str]
    ) -> SlurmOrder:
        """The options as typed, checked as far as that goes without Slurm.

        Raises:
            UsageError: One of them is wrong, or there is no time.
        """
        if time is None:
            raise UsageError("--time: say how long a job may take, as Slurm does: 12:00:00, 1-12 or 90")
        if partition is not None and not re.fullmatch(r"[\w.,-]+", partition):
            raise UsageError(f"--partition: {partition!r} cannot be the name of a partition")
        return SlurmOrder(nodes or 1, gpus or 0, parse_time(time), partition, dict(map(_setting, settings)))

    def options(self, slots: Elsewhere) -> dict[str, str]:
        """Of sbatch, without the job's name and the paths of its logs."""
        own = {
            "nodes": "1",
            "ntasks-per-node": "1",
            "time": str(self.minutes),
            "signal": f"USR1@{min(LEAD, self.minutes * 15)}",
            **({"gpus-per-node": str(self.gpus_per_node)} if self.gpus_per_node else {}),
            **({"cpus-per-task": str(slots.cpus)} if slots.cpus is not None else {}),
            **({"partition": self.partition} if self.partition else {}),
        }
        return {**own, **self.settings}

    def check(self, slots: Elsewhere) -> None:
        """Whether Slurm is here, knows the options, and would take such a job.

        Raises:
            UsageError: It would not.
        """
        absent = [name for name in PROGRAMS if shutil.which(name) is None]
        if absent:
            raise UsageError(f"--launch slurm: Slurm is not installed here, there is no `{absent[0]}`")
        if find_spec("submitit") is None:
            raise UsageError("--launch slurm: submitit is not installed: `pip install 'studyhall[slurm]'`")
        known = set(re.findall(r"--([a-z][a-z-]+)", _ask("sbatch", "--help")))
        for key in self.settings:
            if key not in known:
                raise UsageError(f"--slurm: this Slurm's sbatch has no option {key!r}{_close(key, known)}")
        _ask("sbatch", "--test-only", *_flags(self.options(slots)), "--wrap=true")

    def hosts(self) -> list[str]:
        """The nodes of the partition, or of the default one, by their host's name."""
        asked = ["-p", self.partition] if self.partition else []
        lines = _ask("sinfo", "-h", "-N", *asked, "-O", "NodeHost:256,Partition:256").splitlines()
        rows = [line.split() for line in lines]
        return sorted({host for host, partition in rows if self.partition or partition.endswith("*")})

    def shown(self, work: Work) -> str:
        """The command that amounts to what would be submitted, and each worker's."""
        told = [
            "sbatch",
            f"--array=0-{self.nodes - 1}",
            f"--job-name={job_name(work.study)}",
            *_flags(self.options(work.slots)),
        ]
        return f"{shlex.join(told)}\neach of the {self.nodes} tasks: {shlex.join(['cli.py', *work.arguments])}"

    def submit(self, work: Work) -> Launch:
        """Put the array into Slurm's queue.

        Raises:
            StudyhallError: Slurm refused it after all.
        """
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        from storage.home import CHECKOUT
        from studies.launch.slurm_job import SlurmJob

        work.write_url()
        here = f"export PYTHONPATH={shlex.quote(str(CHECKOUT))}${{PYTHONPATH:+:$PYTHONPATH}}"
        try:
            executor = SlurmExecutor(work.folder, max_num_timeout=ENDLESS)
            executor.update_parameters(
                job_name=job_name(work.study),
                time=self.minutes,
                stderr_to_stdout=True,
                wckey=None,
                array_parallelism=self.nodes,
                setup=[here, "export SUBMITIT_PREEMPT_SIGNAL=USR1"],
                additional_parameters={**self.options(work.slots), "requeue": True},
            )
            counted = self.gpus_per_node or work.slots.workers is not None
            cpu_threads = None if counted else work.slots.threads or 1
            with _without("STUDYHALL_STORAGE"):  # sbatch hands its environment on, and Slurm keeps it
                jobs = executor.submit_array(
                    [SlurmJob(work.arguments, work.url_file, work.home, cpu_threads) for _ in range(self.nodes)]
                )
        except (FailedJobError, FailedSubmissionError, RuntimeError, OSError) as error:
            raise StudyhallError(f"--launch slurm: {_reason(str(error))}") from error
        job = jobs[0].job_id.split("_")[0]
        logs = str(work.folder / f"{job}{'_*' if self.nodes > 1 else ''}_0_log.out")
        return Launch("slurm", job, job_name(work.study), self.nodes, logs, socket.gethostname())


def parse_time(value: str) -> int:
    """Minutes from a time as Slurm writes it (90, 12:00:00, 1-12, 1-12:30), or from 90m, 12h, 1d12h.

    Raises:
        UsageError: It is neither, or not above zero.
    """
    match = TIMES.fullmatch(value)
    if DURATION.match(value):
        seconds = parse_duration(value, "--time")
    elif match is not None:
        a, b, c = (int(match[name] or 0) for name in "abc")
        if match["days"] is not None:
            seconds = int(match["days"]) * 86_400 + a * 3600 + b * 60 + c
        elif match["c"] is not None:
            seconds = a * 3600 + b * 60 + c
        else:
            seconds = a * 60 + b
    else:
        raise UsageError(f"--time: {value!r} is not a time; write 12:00:00, 1-12 (days-hours), 90 (minutes) or 12h")
    minutes = math.ceil(seconds / 60)
    if not 0 < minutes <= 366 * 1440:
        raise UsageError(f"--time: {value!r} is not a time above zero and within a year")
    return minutes


def job_name(study: str) -> str:
    """Of every job of a study."""
    return f"studyhall-{study}"


def states(launches: Sequence[Launch]) -> dict[str, dict[str, str]]:
    """For each launch's job the states of its tasks, as Slurm tells them; nothing of a job that it does not know any
    more, and nothing at all where it does not answer. The launches are of one study."""
    if not launches or shutil.which("squeue") is None:
        return {}
    wanted = {launch.job: dict[str, str]() for launch in launches}
    told = _quiet(["squeue", "-h", "-r", "-t", "all", "-n", launches[0].name, "-o", "%i|%T"])
    if told is None:
        return {}
    _take(told, wanted)
    older = [job for job, found in wanted.items() if not found]
    if older and shutil.which("sacct") is not None:
        asked = [f"--name={launches[0].name}", "-j", ",".join(older), "-o", "JobID,State"]
        _take(_quiet(["sacct", "-n", "-P", "-X", *asked]) or "", wanted)
    return {job: found for job, found in wanted.items() if found}


def _take(text: str, wanted: dict[str, dict[str, str]]) -> None:
    """Lines of `17_2|RUNNING` to the jobs that they are of."""
    for line in text.splitlines():
        task, _, state = line.partition("|")
        found = wanted.get(task.split("_")[0])
        if found is not None and state.strip():
            found[task] = state.split()[0].lower()


def cancel_queued(launch: Launch) -> bool:
    """Take those of a launch that have not begun out of the queue; whether Slurm was there to do so."""
    if shutil.which("scancel") is None:
        return False
    return _quiet(["scancel", "--state=PENDING", f"--name={launch.name}", launch.job]) is not None


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    key = key.lstrip("-").replace("_", "-")
    if not equals or not key:
        raise UsageError(f"--slurm: {text!r} is not KEY=VALUE, as in --slurm account=lab")
    if key in OURS:
        raise UsageError(f"--slurm: {key!r} is said by {OURS[key]}")
    if key == "gres" and "gpu" in value:
        raise UsageError("--slurm: GPUs are asked for by --gpus-per-node: a worker has a slot for each")
    if key in NOT_ASKED:
        raise UsageError(f"--slurm: {key!r} is set by the launch itself")
    if not value.isprintable():
        raise UsageError(f"--slurm: the value of {key!r} has characters that cannot be printed")
    return key, value


def _flags(options: Mapping[str, str]) -> list[str]:
    return [f"--{key}={value}" for key, value in options.items()]


def _close(key: str, known: set[str]) -> str:
    close = nearest(key, known)
    return close if "did you mean" in close else "; see `sbatch --help`"


def _ask(*command: str) -> str:
    """What one of Slurm's programs prints.

    Raises:
        UsageError: It refuses.
    """
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=_plain())
    except subprocess.TimeoutExpired:
        raise UsageError(f"--launch slurm: `{command[0]}` does not answer: is the controller up?") from None
    if ended.returncode != 0:
        raise UsageError(f"--launch slurm: {_reason(ended.stderr or ended.stdout)}")
    return ended.stdout


def _quiet(command: Sequence[str]) -> str | None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=QUIET, env=_plain())
    except (subprocess.TimeoutExpired, OSError):
        return None
    return ended.stdout if ended.returncode == 0 else None


def _plain() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "STUDYHALL_STORAGE"}


@contextmanager
def _without(name: str) -> Iterator[None]:
    """While it lasts, this process's environment has no such variable."""
    value = os.environ.pop(name, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[name] = value


def _reason(text: str) -> str:
    """The last line of what Slurm said, without the program's name."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = next(
        (line for line in reversed(lines) if "error:" in line or "fatal:" in line), (lines or ["no reason"])[-1]
    )
    return re.sub(r"^\w+: (?:error: |fatal: )?", "", told)
