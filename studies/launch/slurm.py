"""`--launch slurm`: workers as the tasks of one Slurm array, through submitit.

Slurm schedules. A task that is preempted, requeued or lost is a killed worker, which a study survives. Slurm sends USR1
before a job's end: the worker gives its trials back, and submitit queues the job again.
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
from difflib import get_close_matches
from importlib.util import find_spec

from storage.errors import StudyhallError, UsageError, nearest
from studies.definition.units import DURATION, parse_duration
from studies.launch.launcher import Launch, Work
from studies.slots.options import Elsewhere

PROGRAMS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
TIMES = re.compile(r"(?:(?P<days>\d+)-)?(?P<a>\d+)(?::(?P<b>\d+))?(?::(?P<c>\d+))?")
WARNING_SECONDS = 90
"""Before a job's end Slurm signals its worker; of a short job, after three quarters."""
MAX_REQUEUES = 1_000_000
"""A job ends by itself once its study has ended."""
ANSWER_SECONDS = 60
"""That one of Slurm's programs may take if its answer is needed."""
LOOK_SECONDS = 5
"""The same if it is not."""
OWN_OPTIONS = {"time": "--time", "partition": "--partition"}
OWN_OPTIONS |= dict.fromkeys(("nodes", "array", "ntasks", "ntasks-per-node"), "--nodes")
OWN_OPTIONS |= dict.fromkeys(("gpus-per-node", "gpus-per-task", "gpus"), "--gpus-per-node")
"""Options of sbatch that an option of `run` sets."""
RESERVED = {"signal", "requeue", "no-requeue", "output", "error", "open-mode", "job-name", "wrap", "wait", "export"}
"""Options of sbatch that the launch itself sets."""


@dataclass(frozen=True)
class SlurmLauncher:
    """Submits workers as an array: one task a worker, one node a task."""

    nodes: int
    gpus_per_node: int
    minutes: int
    partition: str | None
    settings: Mapping[str, str]
    """Further options of sbatch."""

    @staticmethod
    def of(
        nodes: int | None, gpus: int | None, time: str | None, partition: str | None, settings: Sequence[str]
    ) -> SlurmLauncher:
        """The options as typed, checked without Slurm.

        Raises:
            UsageError: One is wrong, or the time is missing.
        """
        if time is None:
            raise UsageError("--time: needed: the limit of a job, as Slurm writes it: 12:00:00, 1-12 or 90")
        if partition is not None and not re.fullmatch(r"[\w.,-]+", partition):
            raise UsageError(f"--partition: {partition!r} is not the name of a partition")
        return SlurmLauncher(nodes or 1, gpus or 0, parse_time(time), partition, dict(map(_setting, settings)))

    def options(self, slots: Elsewhere) -> dict[str, str]:
        """Of sbatch, without the job's name and the paths of its logs."""
        own = {
            "nodes": "1",
            "ntasks-per-node": "1",
            "time": str(self.minutes),
            "signal": f"USR1@{min(WARNING_SECONDS, self.minutes * 15)}",
            **({"gpus-per-node": str(self.gpus_per_node)} if self.gpus_per_node else {}),
            **({"cpus-per-task": str(slots.cpus)} if slots.cpus is not None else {}),
            **({"partition": self.partition} if self.partition else {}),
        }
        return {**own, **self.settings}

    def check(self, slots: Elsewhere) -> None:
        """Whether Slurm is installed, knows the options and would accept such a job.

        Raises:
            UsageError: It would not.
        """
        absent = [name for name in PROGRAMS if shutil.which(name) is None]
        if absent:
            raise UsageError(f"--launch slurm: Slurm is not installed here: `{absent[0]}` is missing")
        if find_spec("submitit") is None:
            raise UsageError("--launch slurm: submitit is not installed: `pip install -e '.[slurm]'`")
        known = set(re.findall(r"--([a-z][a-z-]+)", _ask("sbatch", "--help")))
        for key in self.settings:
            if key not in known:
                close = nearest(key, get_close_matches(key, known, n=1)) or "; see `sbatch --help`"
                raise UsageError(f"--slurm: this Slurm's sbatch has no option {key!r}{close}")
        _ask("sbatch", "--test-only", *_flags(self.options(slots)), "--wrap=true")

    def hosts(self) -> list[str]:
        """The host names of the nodes of the partition, or of the default one."""
        asked = ["-p", self.partition] if self.partition else []
        lines = _ask("sinfo", "-h", "-N", *asked, "-O", "NodeHost:256,Partition:256").splitlines()
        rows = [line.split() for line in lines]
        return sorted({host for host, partition in rows if self.partition or partition.endswith("*")})

    def preview_text(self, work: Work) -> str:
        """The equivalent sbatch command, and each worker's command."""
        array = ["sbatch", f"--array=0-{self.nodes - 1}", f"--job-name={job_name(work.study)}"]
        workers = f"each of the {self.nodes} tasks: {shlex.join(['cli.py', *work.arguments])}"
        return f"{shlex.join([*array, *_flags(self.options(work.slots))])}\n{workers}"

    def submit(self, work: Work) -> Launch:
        """Submit the array to Slurm.

        Raises:
            StudyhallError: Slurm refused it.
        """
        from submitit import SlurmExecutor
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        from storage.home import CHECKOUT
        from studies.launch.slurm_job import SlurmJob

        work.write_url()
        here = f"export PYTHONPATH={shlex.quote(str(CHECKOUT))}${{PYTHONPATH:+:$PYTHONPATH}}"
        try:
            executor = SlurmExecutor(work.folder, max_num_timeout=MAX_REQUEUES)
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
            with _without_storage():  # Slurm keeps the environment of sbatch
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
        days, *parts = (int(match[name] or 0) for name in ("days", "a", "b", "c"))
        units = (60, 1, 0) if match["days"] is None and match["c"] is None else (3600, 60, 1)
        seconds = days * 86_400 + sum(part * unit for part, unit in zip(parts, units, strict=True))
    else:
        raise UsageError(f"--time: {value!r} is not a time; write 12:00:00, 1-12 (days-hours), 90 (minutes) or 12h")
    minutes = math.ceil(seconds / 60)
    if not 0 < minutes <= 366 * 1440:
        raise UsageError(f"--time: {value!r} is not a time above zero and within a year")
    return minutes


def job_name(study: str) -> str:
    """The name of every job of a study."""
    return f"studyhall-{study}"


def states(launches: Sequence[Launch]) -> dict[str, dict[str, str]]:
    """For each launch's job the states of its tasks in Slurm. Jobs that Slurm has forgotten are left out; empty if it
    does not answer."""
    if not launches or shutil.which("squeue") is None:
        return {}
    wanted = {launch.job: dict[str, str]() for launch in launches}
    names = ",".join(dict.fromkeys(launch.name for launch in launches))  # of a study that was renamed: several
    listed = _look("squeue", "-h", "-r", "-t", "all", "-n", names, "-o", "%i|%T")
    if listed is None:
        return {}
    _add_states(listed, wanted)
    older = [job for job, found in wanted.items() if not found]
    if older and shutil.which("sacct") is not None:
        asked = [f"--name={names}", "-j", ",".join(older), "-o", "JobID,State"]
        _add_states(_look("sacct", "-n", "-P", "-X", *asked) or "", wanted)
    return {job: found for job, found in wanted.items() if found}


def _add_states(text: str, wanted: dict[str, dict[str, str]]) -> None:
    """Add lines such as `17_2|RUNNING` to their jobs."""
    for line in text.splitlines():
        task, _, state = line.partition("|")
        found = wanted.get(task.split("_")[0])
        if found is not None and state.strip():
            found[task] = state.split()[0].lower()


def cancel_queued(launch: Launch) -> bool:
    """Cancel the queued tasks of a launch; whether Slurm answered."""
    if shutil.which("scancel") is None:
        return False
    return _look("scancel", "--state=PENDING", f"--name={launch.name}", launch.job) is not None


def _setting(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    key = key.lstrip("-").replace("_", "-")
    if not equals or not key:
        raise UsageError(f"--slurm: {text!r} is not KEY=VALUE, as in --slurm account=lab")
    if key in OWN_OPTIONS:
        raise UsageError(f"--slurm: {key!r} is set by {OWN_OPTIONS[key]}")
    if key == "gres" and "gpu" in value:
        raise UsageError("--slurm: GPUs are requested with --gpus-per-node: a worker has a slot for each")
    if key in RESERVED:
        raise UsageError(f"--slurm: {key!r} is set by the launch itself")
    if not value.isprintable():
        raise UsageError(f"--slurm: the value of {key!r} has characters that cannot be printed")
    return key, value


def _flags(options: Mapping[str, str]) -> list[str]:
    return [f"--{key}={value}" for key, value in options.items()]


def _ask(*command: str) -> str:
    """The output of one of Slurm's programs.

    Raises:
        UsageError: It fails.
    """
    try:
        ended = _called(command, ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        raise UsageError(f"--launch slurm: `{command[0]}` does not answer: is the controller up?") from None
    if ended.returncode != 0:
        raise UsageError(f"--launch slurm: {_reason(ended.stderr or ended.stdout)}")
    return ended.stdout


def _look(*command: str) -> str | None:
    """The output of one of Slurm's programs, if it answers soon."""
    try:
        ended = _called(command, LOOK_SECONDS)
    except (subprocess.TimeoutExpired, OSError):
        return None
    return ended.stdout if ended.returncode == 0 else None


def _called(command: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "STUDYHALL_STORAGE"}
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment)


@contextmanager
def _without_storage() -> Iterator[None]:
    """Meanwhile this process's environment has no STUDYHALL_STORAGE, which may hold a password."""
    value = os.environ.pop("STUDYHALL_STORAGE", None)
    try:
        yield
    finally:
        if value is not None:
            os.environ["STUDYHALL_STORAGE"] = value


def _reason(text: str) -> str:
    """Slurm's last error line, for people, without the program's name."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no reason"]
    errors = [line for line in lines if "error:" in line or "fatal:" in line]
    return re.sub(r"^\w+: (?:error: |fatal: )?", "", (errors or lines)[-1])
