"""`--launch slurm` on a real Slurm of one node and two pretended GPUs, which lives as long as these tests."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cli import cli
from storage import server
from storage.errors import UsageError
from storage.home import CHECKOUT
from storage.session import Session
from studies.launch.launcher import Launch, record_launch
from studies.launch.slurm import parse_time
from studies.lifecycle.launching import serves_one_machine
from tests.support import planned
from tests.support.growth_trace import CHOICES, write_definition
from tests.support.program import Begin, Program, until
from tests.support.slurm import attempts, status
from tests.support.slurm_cluster import Slurm, free_ports, missing, slurm, words

RECORDED = CHECKOUT / "tests" / "data" / "devices" / "two.json"
needs_slurm = pytest.mark.skipif(bool(missing()), reason=f"Slurm is not installed here: no {', '.join(missing())}")
OVER = {"COMPLETED", "CANCELLED"}
SECRET = "do-not-tell-4711"
GPU_JOBS = ["--launch", "slurm", "--gpus-per-node", "1", "--time", "10"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Slurm]:
    with slurm() as found:
        yield found
    assert not found.processes(), "nothing of it outlives the tests"


@pytest.fixture
def slurm_here(cluster: Slurm, environment: dict[str, str], tmp_path: Path, url: str) -> Slurm:
    """The cluster, as the program finds it; on a host that has the GPUs which Slurm believes in."""
    pytest.importorskip("submitit")
    del environment["CUDA_VISIBLE_DEVICES"]
    secret = url.replace("studyhall@", f"studyhall:{SECRET}@")  # the server does not ask for it
    assert SECRET in secret
    environment |= {**cluster.environment, **{name: value for name, value in environment.items() if name != "PATH"}}
    environment |= {"STUDYHALL_DEVICES": str(RECORDED), "STUDYHALL_STORAGE": secret}
    environment["PATH"] = cluster.environment["PATH"]
    return cluster


@needs_slurm
def test_an_array_of_workers_ends_a_study_with_one_preempted_one_told_of_its_end_and_one_cancelled(
    slurm_here: Slurm, program: Program, begin: Begin, tmp_path: Path, url: str, environment: dict[str, str]
) -> None:
    file = write_definition(tmp_path, steps=3)
    hold = tmp_path / "hold"
    hold.touch()
    asked = ["run", "grow", "--study", "trace", "--file", file, *GPU_JOBS, "--nodes", 3, "--wait"]
    launched = begin(*asked)
    (launch,) = until(lambda: status(program, "trace").get("launches"))
    job, logs = launch["job"], Path(launch["logs"]).parent

    def each_gpu_has_a_trial() -> bool:
        return {each["slot"] for each in status(program, "trace")["running"]} == {"gpu0", "gpu1"}

    def given_back() -> int:
        return [each.outcome for each in attempts(url, "trace")].count("given_back")

    until(each_gpu_has_a_trial)
    _no_secret(slurm_here, logs, job)

    slurm_here.call("scontrol", "requeue", f"{job}_0")
    until(lambda: given_back() == 1 and slurm_here.states()[f"{job}_2"] == "RUNNING")
    until(each_gpu_has_a_trial)
    slurm_here.call("scancel", "--signal=USR1", f"{job}_1")
    until(lambda: given_back() == 2)
    for requeued in (f"{job}_0", f"{job}_1"):
        slurm_here.begin_again(requeued)
    slurm_here.call("scancel", f"{job}_2")
    until(lambda: slurm_here.states().get(f"{job}_2") == "CANCELLED")
    hold.unlink()

    output, _ = launched.communicate(timeout=150)
    assert launched.returncode == 0 and "trace: done: 3 steps are done" in output, output
    assert "Traceback" not in output and SECRET not in output
    certificate = json.loads(program("audit", "--study", "trace", "--json").stdout)
    assert certificate["holds"] and certificate["points"]["failed"] == 0 and certificate["decisions"]["made"] == 3
    steps = json.loads(program("show", "--study", "trace", "--json").stdout)["rounds"]
    assert [step["chosen"]["param"] for step in steps] == CHOICES[:3]
    assert {each.outcome for each in attempts(url, "trace")} <= {"completed", "given_back", "lost"}
    until(lambda: not {"RUNNING", "PENDING", "COMPLETING"} & set(slurm_here.states().values()))
    (launch,) = status(program, "trace")["launches"]
    assert launch["jobs"] == {f"{job}_0": "completed", f"{job}_1": "completed", f"{job}_2": "cancelled"}
    assert f"slurm job {job}: 3 workers (2 completed, 1 cancelled); logs: {logs}" in program(
        "status", "--study", "trace"
    ).stdout.replace("\n", " ")
    assert "3 steps are done" in (logs / f"{job}_1_0_log.out").read_text()
    _no_secret(slurm_here, logs, job)


def _no_secret(cluster: Slurm, folder: Path, job: str) -> None:
    """The password is in one file that only its owner can read, and in nothing else that Slurm or others can see."""
    output = cluster.call("scontrol", "show", "job", job) + cluster.call("squeue", "-o", "%all")
    output += " ".join(word for process in psutil.process_iter() for word in words(process))
    assert SECRET not in output
    holding = {
        file
        for place in (folder, cluster.folder)
        for file in place.rglob("*")
        if file.is_file() and SECRET.encode() in file.read_bytes()
    }
    assert holding == {folder / "storage"}
    assert (folder / "storage").stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("number", "held"),
    [(signal.SIGTERM, True), (signal.SIGTERM, False), (signal.SIGUSR1, True)],
    ids=["TERM", "TERM-a-trial-first", "USR1"],
)
def test_a_signal_to_every_process_of_a_job_blames_no_trial(
    program: Program, begin: Begin, tmp_path: Path, url: str, number: int, held: bool
) -> None:
    """As schedulers send it when they take a node: the trials end of SIGTERM before their worker has looked at its own,
    or before it was sent; SIGUSR1 is for the worker alone, whose SIGTERM lets them save their place."""
    file = write_definition(tmp_path, steps=1, seconds=60, more="attempts: 1\n")
    worker = begin("run", "grow", "--study", "trace", "--file", file, "--workers", 2)
    until(lambda: status(program, "trace").get("running"))
    below = psutil.Process(worker.pid).children(recursive=True)
    if held:
        worker.send_signal(signal.SIGSTOP)
    for process in below:
        process.send_signal(number)
    gone, _ = psutil.wait_procs(below, timeout=2 if held else 0.2)
    assert bool(gone) == (number == signal.SIGTERM)
    worker.send_signal(number)
    worker.send_signal(signal.SIGCONT)
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 130, output
    assert {each.outcome for each in attempts(url, "trace")} == {"given_back"}, output
    assert status(program, "trace")["counts"]["failed"] == 0


@needs_slurm
def test_stop_drains_what_runs_and_cancels_what_is_queued(
    slurm_here: Slurm, program: Program, tmp_path: Path, url: str
) -> None:
    file = write_definition(tmp_path, steps=3, seconds=0.5)
    assert program("run", "grow", "--study", "trace", "--file", file, *GPU_JOBS, "--nodes", 4).returncode == 0
    (launch,) = status(program, "trace")["launches"]
    until(lambda: attempts(url, "trace"))
    output = program("stop", "--study", "trace").stdout
    assert "will stop after the running trials" in output and f"slurm job {launch['job']}: 2 queued cancelled" in output
    mine = f"{launch['job']}_"
    until(lambda: {state for job, state in slurm_here.states().items() if job.startswith(mine)} <= OVER)
    now = status(program, "trace")
    jobs = Counter(now["launches"][0]["jobs"].values())
    assert jobs.pop("completed") == 2 and set(jobs) == {"cancelled"}, "Slurm counts cancelled ones of an array as one"
    assert now["state"] == "stopped" and now["counts"]["running"] == 0
    assert {each.outcome for each in attempts(url, "trace")} == {"completed"}


@needs_slurm
def test_a_worker_that_comes_late_does_not_resume_a_study_that_was_stopped(
    slurm_here: Slurm, program: Program, tmp_path: Path
) -> None:
    file = write_definition(tmp_path, steps=3, seconds=0.3)
    launch = ["--launch", "slurm", "--time", "10", "--nodes", 2, "--workers", 1, "--slurm", "begin=now+4"]
    assert program("run", "grow", "--study", "trace", "--file", file, *launch).returncode == 0
    session_told = program("stop", "--study", "trace").stdout
    assert "2 queued cancelled" in session_told
    joined = program("run", "grow", "--study", "trace", "--join", "--workers", 1)
    assert joined.returncode == 0 and "stopped: it was told to stop" in joined.stderr
    assert status(program, "trace")["state"] == "stopped"


@needs_slurm
def test_whoever_waits_is_told_when_no_job_is_left_to_end_the_study(
    slurm_here: Slurm, program: Program, begin: Begin, tmp_path: Path, url: str
) -> None:
    file = write_definition(tmp_path, steps=1, seconds=60)
    launched = begin("run", "grow", "--study", "trace", "--file", file, *GPU_JOBS, "--wait")
    until(lambda: status(program, "trace").get("running"))
    (launch,) = status(program, "trace")["launches"]
    slurm_here.call("scancel", launch["job"])
    output, _ = launched.communicate(timeout=60)
    assert launched.returncode == 1 and "no job of this launch is left, and no worker runs it" in output
    assert status(program, "trace")["counts"]["waiting"] == 1


@needs_slurm
def test_workers_come_over_the_network_to_an_embedded_server_that_listens(
    slurm_here: Slurm, program: Program, tmp_path: Path, environment: dict[str, str]
) -> None:
    found = (each for addresses in psutil.net_if_addrs().values() for each in addresses)
    host = next((each.address for each in found if each.family == socket.AF_INET and each.address[:4] != "127."), None)
    if host is None:
        pytest.skip("this host has no address but loopback's")
    home = Path(tempfile.mkdtemp(prefix="studyhall-listen-"))
    home.chmod(0o755)
    del environment["STUDYHALL_STORAGE"]
    environment["STUDYHALL_HOME"] = str(home)
    file = write_definition(tmp_path, steps=1)
    try:
        assert program("storage", "up", "--listen", f"{host}:{free_ports(1)[0]}").returncode == 0
        ended = program("run", "grow", "--study", "trace", "--file", file, *GPU_JOBS, "--wait")
        assert ended.returncode == 0, ended.stderr
        (launch,) = status(program, "trace")["launches"]
        assert f"@{host}:" in (Path(launch["logs"]).parent / "storage").read_text()
        assert json.loads(program("audit", "--study", "trace", "--json").stdout)["holds"]
    finally:
        server.down(home)
        shutil.rmtree(home)


@needs_slurm
def test_cpu_workers_have_the_cores_that_slurm_gave(
    slurm_here: Slurm, program: Program, tmp_path: Path, url: str
) -> None:
    file = write_definition(tmp_path, steps=1)
    launch = ["--launch", "slurm", "--time", "10", "--slurm", "cpus_per_task=2", "--wait"]
    ended = program("run", "grow", "--study", "trace", "--file", file, *launch)
    assert ended.returncode == 0, ended.stderr
    session = Session(url)
    (worker,) = session.execute("SELECT slots FROM studyhall_workers")
    session.close()
    assert worker.slots == ["cpu0", "cpu1"]


@needs_slurm
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--partition", "nope"], "invalid partition specified: nope"),
        (["--slurm", "acount=lab"], "this Slurm's sbatch has no option 'acount'; did you mean 'account'?"),
        (["--slurm", "mem=lots"], "--launch slurm: "),
        (["--gpus-per-node", "9"], "--launch slurm: "),
        (["--time", "9-0"], "--launch slurm: "),
    ],
)
def test_what_slurm_would_refuse_is_refused_before_anything_is_written(
    slurm_here: Slurm, program: Program, tmp_path: Path, wrong: list[str], said: str
) -> None:
    file = write_definition(tmp_path)
    before = slurm_here.states()
    ended = program("run", "grow", "--study", "trace", "--file", file, *GPU_JOBS, *wrong)
    assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1, ended.stderr
    assert said in ended.stderr and SECRET not in ended.stderr
    assert program("show", "--study", "trace").returncode == 2
    assert set(slurm_here.states()) == set(before)


@needs_slurm
def test_the_dry_run_shows_the_array_and_each_workers_command_and_submits_nothing(
    slurm_here: Slurm, program: Program, tmp_path: Path
) -> None:
    file = write_definition(tmp_path)
    before = set(slurm_here.states())
    asked = [*GPU_JOBS, "--nodes", 4, "--per-gpu", 2, "--slurm", "account=lab", "--dry-run"]
    ended = program("run", "grow", "--study", "trace", "--file", file, *asked)
    assert ended.returncode == 0 and SECRET not in ended.stdout
    assert "sbatch --array=0-3 --job-name=studyhall-trace" in ended.stdout and "--account=lab" in ended.stdout
    assert "--study trace --join --gpus all --per-gpu 2" in ended.stdout and "8 trials" in ended.stdout
    assert set(slurm_here.states()) == before and program("show", "--study", "trace").returncode == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--launch", "slurn"], "--launch: no launcher 'slurn'; did you mean 'slurm'?"),
        (["--launch", "slurm"], "--time: needed"),
        (["--launch", "slurm", "--time", "noon"], "--time: 'noon' is not a time"),
        (["--launch", "slurm", "--time", "0"], "--time: '0' is not a time above zero"),
        (["--launch", "slurm", "--time", "1", "--nodes", "0"], "--nodes: 0 is not a number from 1"),
        (["--launch", "slurm", "--time", "1", "--slurm", "mem"], "--slurm: 'mem' is not KEY=VALUE"),
        (["--launch", "slurm", "--time", "1", "--slurm", "time=3"], "--slurm: 'time' is set by --time"),
        (["--launch", "slurm", "--time", "1", "--slurm", "gres=gpu:2"], "requested with --gpus-per-node"),
        (["--launch", "slurm", "--time", "1", "--slurm", "signal=9"], "--slurm: 'signal' is set by the launch"),
        (["--launch", "slurm", "--time", "1", "--slurm", "comment=a\nb"], "cannot be printed"),
        (
            ["--launch", "slurm", "--time", "1", "--partition", "a b"],
            "--partition: 'a b' is not the name",
        ),
        (["--launch", "slurm", "--time", "1", "--gpus", "0"], "--gpus: the scheduler chooses the GPUs"),
        (["--launch", "slurm", "--time", "1", "--per-gpu", "2"], "--per-gpu: these are CPU slots"),
        (["--launch", "slurm", "--time", "1", "--gpus-per-node", "1", "--workers", "2"], "--workers: counts CPU"),
        (["--launch", "slurm", "--time", "1", "--join"], "--join cannot change a study"),
        (["--launch", "slurm", "--time", "1", "--num-gpus", "1"], "--num-gpus: needs --launch ray"),
        (["--launch", "ray", "--time", "1"], "--time: needs --launch slurm"),
        (["--nodes", "2"], "--nodes: needs --launch slurm"),
        (["--wait"], "--wait: needs --launch"),
        (["--join", "--set", "max_iters=1"], "--join cannot change a study"),
    ],
)
def test_a_wrong_order_is_refused_before_anything_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: list[str], said: str
) -> None:
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path / "home"))
    with pytest.raises(UsageError, match=re.escape(said)) as refused:
        cli.main(["run", "grow", "--study", "trace", *wrong], standalone_mode=False)
    assert "\n" not in str(refused.value) and not (tmp_path / "home").exists()


def test_without_slurm_that_is_said(program: Program, environment: dict[str, str], tmp_path: Path) -> None:
    environment["PATH"] = str(tmp_path)
    file = write_definition(tmp_path)
    ended = program("run", "grow", "--study", "trace", "--file", file, "--launch", "slurm", "--time", "1")
    assert ended.returncode == 2
    assert ended.stderr == "studyhall: --launch slurm: Slurm is not installed here: `sbatch` is missing\n"


def test_a_storage_of_one_machine_is_refused_where_workers_may_come_to_another(
    program: Program, environment: dict[str, str], tmp_path: Path
) -> None:
    for name in ("sbatch", "srun", "squeue", "scancel", "scontrol"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 0\n")
    (tmp_path / "sinfo").write_text(f"#!/bin/sh\necho {socket.gethostname()} short\\*\necho elsewhere short\\*\n")
    for name in ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo"):
        (tmp_path / name).chmod(0o755)
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    file = write_definition(tmp_path)
    for storage in (environment["STUDYHALL_STORAGE"], ""):
        environment["STUDYHALL_STORAGE"] = storage
        ended = program("run", "grow", "--study", "trace", "--file", file, "--launch", "slurm", "--time", "1")
        assert ended.returncode == 2 and "serves this machine alone, and workers may run on elsewhere" in ended.stderr
        assert "storage up --listen" in ended.stderr
    assert not Path(environment["STUDYHALL_HOME"]).exists()


@pytest.mark.parametrize("answer", ["exit 1", "echo nonsense", "exec sleep 60"], ids=["fails", "babbles", "hangs"])
def test_status_does_without_what_slurm_does_not_tell(
    program: Program, environment: dict[str, str], tmp_path: Path, url: str, answer: str
) -> None:
    ledger, _ = planned.begin(url, "trace")
    record_launch(ledger.session, ledger.study_id, Launch("slurm", "17", "studyhall-trace", 2, "/logs/17", "here"))
    ledger.session.close()
    for name in ("squeue", "sacct", "scancel"):
        (tmp_path / name).write_text(f"#!/bin/sh\nexec 2>&1\necho trouble >&2\n{answer}\n")
        (tmp_path / name).chmod(0o755)
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    ended = program("status", "--study", "trace")
    assert ended.returncode == 0 and "slurm job 17: 2 workers; logs: /logs/17" in ended.stdout and not ended.stderr
    assert status(program, "trace")["launches"][0]["jobs"] is None
    assert program("stop", "--study", "trace").stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("url", "one"),
    [
        ("postgresql://u@/db?host=/run/pg", True),
        ("postgresql:///db", True),
        ("postgresql://u:p@localhost:5432/db", True),
        ("postgresql://u:p@127.0.0.1/db", True),
        ("postgresql://u:p@[::1]/db", True),
        ("postgresql://u:p@db.lab/db", False),
        ("postgresql://u:p@10.0.0.3:6432/db", False),
        ("postgresql://u:p@localhost/db?hostaddr=10.0.0.3", False),
    ],
)
def test_which_urls_serve_one_machine(url: str, one: bool) -> None:
    assert serves_one_machine(url) is one


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [("90", 90), ("1:30", 2), ("12:00:00", 720), ("0:0:1", 1), ("1-12", 2160), ("1-0:30", 1470), ("12h", 720)],
)
def test_times_are_read_as_slurm_reads_them(typed: str, minutes: int) -> None:
    assert parse_time(typed) == minutes
