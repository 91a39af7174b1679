"""A real Slurm of one node, with two pretended GPUs: started for a test, and gone with it."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.program import until

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
PATHS = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"
MARK = "STUDYHALL_TEST_SLURM"
"""In the environment of whatever the cluster starts: by it everything of it is found again."""

CONF = """\
ClusterName=hall
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld}
SlurmdPort={d}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,bf_interval=1
MpiDefault=none
EnforcePartLimits=ALL
ReturnToService=2
KillWait=5
GresTypes=gpu
PrologFlags=NoHold
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1000 Gres=gpu:2 State=UNKNOWN
PartitionName=short Nodes={host} Default=YES MaxTime=24:00:00 State=UP PreemptMode=REQUEUE
"""
GRES = """\
Name=gpu File=/dev/zero Flags=nvidia_gpu_env
Name=gpu File=/dev/null Flags=nvidia_gpu_env
"""


def missing() -> list[str]:
    """What of Slurm is not installed here."""
    return [name for name in NEEDED if shutil.which(name, path=PATHS) is None]


@dataclass(frozen=True)
class Slurm:
    """A cluster that is up."""

    folder: Path
    environment: dict[str, str]

    def call(self, *command: object) -> str:
        """What one of Slurm's programs prints."""
        ended = subprocess.run(list(map(str, command)), env=self.environment, capture_output=True, text=True)
        assert ended.returncode == 0, (command, ended.stderr)
        return ended.stdout

    def states(self) -> dict[str, str]:
        """Every job of the last minutes, an array's tasks one by one."""
        lines = self.call("squeue", "-h", "-r", "-t", "all", "-o", "%i %T").splitlines()
        return dict(line.split() for line in lines)

    def begin_again(self, job: str) -> None:
        """Slurm lets a requeued job wait for two minutes, so that nothing of it is left: here that is looked at. A job
        that starts in the second in which its last run was ended is refused ("credential revoked")."""
        until(lambda: self.states()[job] == "PENDING")
        number = self.call("squeue", "-h", "-r", "-j", job, "-o", "%A").strip()
        until(lambda: not any(f"[{number}." in word for each in self.processes() for word in words(each)))
        time.sleep(1.1)
        self.call("scontrol", "update", f"JobId={job}", "StartTime=now")

    def processes(self) -> list[psutil.Process]:
        """Everything that came from this cluster and is still there."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


@contextlib.contextmanager
def slurm() -> Iterator[Slurm]:
    """A cluster with a key, a socket, ports and folders of its own."""
    folder = Path(tempfile.mkdtemp(prefix="studyhall-slurm-"))
    folder.chmod(0o755)
    for name in ("state", "spool"):
        (folder / name).mkdir(mode=0o755)
    host = socket.gethostname().split(".")[0]
    ctld, d = free_ports(2)
    (folder / "slurm.conf").write_text(
        CONF.format(folder=folder, host=host, ctld=ctld, d=d, user=getpass.getuser(), cpus=os.cpu_count())
    )
    (folder / "gres.conf").write_text(GRES)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    environment = {**os.environ, "PATH": PATHS, "SLURM_CONF": str(folder / "slurm.conf"), MARK: str(folder)}
    found = Slurm(folder, environment)
    munged = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
    daemons: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> None:
        log = (folder / f"{command[0]}.said").open("wb")
        with log:
            daemons.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True))

    try:
        start("munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *munged)
        await_that(folder, lambda: (folder / "munge.socket").exists())
        start("slurmctld", "-D", "-i")
        start("slurmd", "-D", "-N", host)
        await_that(folder, lambda: "idle" in _said(environment, "sinfo", "-h", "-o", "%t"))
        yield found
    finally:
        for daemon in reversed(daemons):
            daemon.send_signal(signal.SIGTERM)
        until(lambda: not kill_all(found.processes()))  # again: one may have been forked meanwhile
        for daemon in daemons:
            daemon.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def kill_all(processes: list[psutil.Process]) -> int:
    """Kill them; how many there were."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    return len(processes)


def words(process: psutil.Process) -> list[str]:
    """Its command line; nothing, once it is gone."""
    with contextlib.suppress(psutil.Error):
        return list(process.cmdline())
    return []


def free_ports(count: int) -> list[int]:
    """Free ports of the loopback."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def await_that(folder: Path, true: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        logs = "\n".join(f"{log}: {log.read_text()[-2000:]}" for log in folder.glob("*.[ls][oa][gi]*"))
        assert time.monotonic() < end, logs
        time.sleep(0.1)


def _said(environment: dict[str, str], *command: str) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout
