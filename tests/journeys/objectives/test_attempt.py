"""A trial's process: every way in which it can end, and that nothing of it is left."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from objectives.outcome import Kind, Outcome, Report
from objectives.process.attempt import Attempt
from objectives.process.log import MAX_LOG_BYTES, Log
from objectives.process.warm import WarmServer
from objectives.process.wire import line
from storage.errors import UsageError
from storage.home import CHECKOUT
from studies.slots.options import cpu_slots
from tests.support.attempts import NASTY, assignment, end, gone, outcome, until, until_started

Launch = Callable[..., tuple[WarmServer, Attempt]]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    servers: list[WarmServer] = []
    attempts: list[Attempt] = []
    [slot] = cpu_slots(1, 1)

    def start(name: str, config: dict[str, Any] | None = None, **settings: Any) -> tuple[WarmServer, Attempt]:
        warm = WarmServer(f"{NASTY}:{name}")
        servers.append(warm)
        attempts.append(warm.start(assignment(tmp_path, config, **{"env": slot.environment, **settings})))
        return warm, attempts[-1]

    yield start
    for attempt in attempts:  # of a test that failed: nothing of it reaches the next
        end(attempt)
    for warm in servers:
        warm.close()


def marked(mark: str) -> list[int]:
    """Processes that a trial of this mark started."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if f"child-{mark}" in (process.info["cmdline"] or []):
            found.append(process.pid)
    return found


def judged(result: dict[str, Any], cause: str) -> Outcome:
    """The outcome of a trial that sends a result, and that its keeper then ends: its loggers are slow to close."""
    (ours, theirs), (lifeline, other) = socket.socketpair(), socket.socketpair()
    with theirs, other:
        attempt = Attempt(ours, lifeline)
        theirs.sendall(line(result) + line({"end": 9, "cause": cause, "message": "ended", "tail": ""}))
        return outcome(attempt)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("returns_text", Kind.INVALID, "returned 'well', not a number"),
        ("raises", Kind.ERROR, "ValueError: n_head must divide n_embd"),
        ("raises_a_class_of_its_own", Kind.ERROR, "OddError: odd"),
        ("exits", Kind.ERROR, "exited with 3 without a result"),
        ("exits_at_once", Kind.ERROR, "exited with code 7 without a result"),
        ("exits_with_zero", Kind.ERROR, "exited with code 0 without a result"),
        ("kills_itself", Kind.KILLED, "SIGKILL"),
        ("kills_its_group", Kind.KILLED, "SIGKILL"),
        ("kills_its_keeper", Kind.LOST, "its keeper process was killed"),
        ("crashes", Kind.KILLED, "SIGSEGV"),
        ("is_out_of_memory_on_the_device", Kind.OUT_OF_MEMORY, "CUDA out of memory"),
        ("closes_everything", Kind.ERROR, "without a result"),
    ],
)
def test_every_bad_end_is_told_apart(launch: Launch, name: str, kind: Kind, words: str) -> None:
    ended = outcome(launch(name)[1])
    assert ended.kind is kind and words in ended.message and "\n" not in ended.message


@pytest.mark.parametrize("ends", ["", "    raise SystemExit(3)\n"], ids=["well", "badly"])
def test_what_an_objective_preloads_is_shared_by_its_trials_and_no_question_waits_for_it(
    tmp_path: Path, ends: str
) -> None:
    (tmp_path / "own.py").write_text(
        "import os\nLOADED = []\n"
        f"def preload():\n    LOADED.append(os.getpid())\n{ends}"
        "def cost(config): return {'loaded': len(LOADED)}\n"
        "def own(config): return {'by': LOADED[0], 'times': len(LOADED), 'pid': os.getpid()}\n"
    )
    warm = WarmServer(f"{tmp_path / 'own.py'}:own")
    try:
        assert warm.inspect([{}])[0].cost == {"loaded": 0}
        first, second = (outcome(warm.start(assignment(tmp_path))).metrics for _ in range(2))
    finally:
        warm.close()
    assert first["by"] == second["by"] != first["pid"] != second["pid"] and first["times"] == second["times"] == 1


def test_a_number_is_the_metric_value_and_the_seed_is_in_the_config(launch: Launch) -> None:
    ended = outcome(launch("returns_a_number", {"x": 1.25})[1])
    assert (ended.kind, ended.metrics) == (Kind.COMPLETED, {"value": 2.5})


def test_reports_come_in_order_before_the_end_and_the_log_has_what_was_printed(launch: Launch, tmp_path: Path) -> None:
    said = until(launch("returns_metrics")[1], Outcome)
    assert said[:2] == [Report(1, {"loss": 0.5}), Report(2, {"loss": 0.25})]
    assert said[2].metrics == {"score": 1.0, "params": 2.0, "seed_seen": 1337.0}
    assert (tmp_path / "log").read_text() == "working\n"


def test_the_tail_of_a_failed_attempt_has_its_traceback(launch: Launch) -> None:
    ended = outcome(launch("raises")[1])
    assert "about to fail" in ended.tail and 'raise ValueError("n_head must divide n_embd")' in ended.tail


def test_the_process_is_in_its_slot(launch: Launch) -> None:
    seen = outcome(launch("sees_its_slot", {"session": os.getsid(0)})[1])
    assert seen.metrics == {"threads": 1, "omp": 1, "own_session": 1, "stdin": 0, "sigint": 0}, seen


def test_the_time_limit_ends_even_what_ignores_sigterm(launch: Launch) -> None:
    ended = outcome(launch("hangs", timeout=0.3)[1])
    assert ended.kind is Kind.TIMED_OUT and "0.3 s" in ended.message and ended.seconds < 5


@pytest.mark.parametrize("cause", ["timed_out", "out_of_memory", "given_back", "worker_gone"])
def test_a_result_that_was_sent_counts_whatever_ends_the_process_afterwards(cause: str) -> None:
    assert judged({"kind": "completed", "metrics": {"loss": 0.5}}, cause).metrics == {"loss": 0.5}


@pytest.mark.parametrize(
    ("cause", "kind"),
    [("timed_out", Kind.ERROR), ("out_of_memory", Kind.ERROR), ("given_back", Kind.GIVEN_BACK)],
)
def test_an_error_that_was_sent_counts_unless_the_trial_was_given_back(cause: str, kind: Kind) -> None:
    assert judged({"kind": "error", "message": "ValueError: odd"}, cause).kind is kind


def test_the_memory_limit_ends_what_allocates_without_end(launch: Launch) -> None:
    ended = outcome(launch("allocates_without_end", memory_limit=200 << 20)[1])
    assert ended.kind is Kind.OUT_OF_MEMORY and "memory_limit is 200 MiB" in ended.message


def test_giving_back_asks_first_and_then_kills(launch: Launch) -> None:
    _, attempt = launch("hangs")
    until_started(attempt)
    attempt.give_back(grace=0.2)
    assert outcome(attempt).kind is Kind.GIVEN_BACK


@pytest.mark.parametrize("way", ["kill", "time limit", "trial killed", "keeper killed"])
def test_children_and_their_children_end_with_the_trial(launch: Launch, way: str) -> None:
    mark = uuid.uuid4().hex
    _, attempt = launch("forks_children", {"mark": mark}, timeout=2.0 if way == "time limit" else None)
    until(attempt, Report)
    end = time.monotonic() + 30
    while len(marked(mark)) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    match way:
        case "kill":
            attempt.kill()
        case "trial killed":
            os.kill(attempt.pid, signal.SIGKILL)
        case "keeper killed":
            os.kill(psutil.Process(attempt.pid).ppid(), signal.SIGKILL)
    ended = outcome(attempt)
    expected = {"kill": Kind.GIVEN_BACK, "time limit": Kind.TIMED_OUT, "keeper killed": Kind.LOST}
    assert ended.kind is expected.get(way, Kind.KILLED)
    assert gone([attempt.pid, *marked(mark)])


@pytest.mark.parametrize("way", ["time limit", "kill", "give back"])
def test_a_trial_that_stops_its_keeper_is_ended_all_the_same(launch: Launch, way: str) -> None:
    warm, attempt = launch("stops_its_keeper", timeout=1.0 if way == "time limit" else None)
    until(attempt, Report)
    keeper = psutil.Process(attempt.pid).parent()
    assert keeper is not None and warm._process is not None
    if way != "time limit":  # with nobody but the worker to continue it
        warm._process.kill()
        warm._process.wait()
        keeper.suspend()
    match way:
        case "kill":
            attempt.kill()
        case "give back":
            attempt.give_back(grace=0.2)
    assert outcome(attempt).kind is (Kind.TIMED_OUT if way == "time limit" else Kind.GIVEN_BACK)
    assert gone([attempt.pid, keeper.pid])


@pytest.mark.parametrize("frozen", [False, True], ids=["as it is", "its warm server stopped too"])
def test_a_trial_that_stops_its_keeper_is_gone_within_a_second_of_its_workers_end(tmp_path: Path, frozen: bool) -> None:
    script = WORKER.replace("forks_children", "stops_its_keeper")
    worker = psutil.Popen(
        [sys.executable, "-c", script, str(NASTY), str(tmp_path), "0"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    trial = int(worker.stdout.readline())
    below = worker.children(recursive=True)
    keeper = psutil.Process(trial).parent()
    assert keeper in below and len(below) >= 3
    if frozen:
        keeper.parent().suspend()
        keeper.suspend()
    worker.kill()
    worker.wait()
    worker.stdout.close()
    assert gone([each.pid for each in below])


def test_what_a_trial_leaves_behind_is_gone_before_its_end_is_told(launch: Launch) -> None:
    mark = uuid.uuid4().hex
    assert outcome(launch("leaves_children", {"mark": mark})[1]).kind is Kind.COMPLETED
    assert gone(marked(mark), 0.2)


def test_it_is_gone_within_a_second_of_its_workers_end(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(NASTY), str(tmp_path), mark],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    trial = int(worker.stdout.readline())
    below = [process.pid for process in psutil.Process(worker.pid).children(recursive=True)]
    assert trial in below and len(below) >= 3
    worker.kill()
    worker.wait()
    worker.stdout.close()
    assert gone([*below, *marked(mark)])


WORKER = """
import sys, time
from pathlib import Path
from objectives.process.warm import WarmServer
from objectives.outcome import Report
from tests.support.attempts import assignment, until
warm = WarmServer(f"{sys.argv[1]}:forks_children")
attempt = warm.start(assignment(Path(sys.argv[2]), {"mark": sys.argv[3]}))
print(int(until(attempt, Report)[-1].metrics["pid"]), flush=True)
time.sleep(600)
"""


def test_an_earlier_attempts_processes_are_ended_before_the_next_begins(launch: Launch, tmp_path: Path) -> None:
    """The worker of the first attempt is frozen: its processes run on, and somebody else has been given the trial."""
    mark = uuid.uuid4().hex
    worker = psutil.Popen(
        [sys.executable, "-c", WORKER, str(NASTY), str(tmp_path), mark],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
    )
    trial = int(worker.stdout.readline())
    worker.suspend()
    before = [trial, *marked(mark)]
    ended = outcome(launch("returns_a_number", {"x": 1.0})[1])
    assert ended.kind is Kind.COMPLETED and gone(before, 0.2)
    worker.kill()
    worker.wait()
    worker.stdout.close()


def test_a_warm_server_that_was_killed_is_made_anew(launch: Launch, tmp_path: Path) -> None:
    warm, attempt = launch("returns_a_number", {"x": 1.0})
    outcome(attempt)
    assert warm._process is not None
    warm._process.kill()
    warm._process.wait()
    assert outcome(warm.start(assignment(tmp_path, {"x": 2.0}))).metrics == {"value": 4.0}


def test_garbage_on_the_output_is_neither_an_error_nor_a_result(launch: Launch) -> None:
    ended = outcome(launch("prints_garbage")[1])
    assert (ended.kind, ended.metrics) == (Kind.COMPLETED, {"value": 1.0})


def test_a_full_disk_for_the_log_does_not_fail_the_trial(launch: Launch) -> None:
    ended = outcome(launch("returns_metrics", log="/dev/full")[1])
    assert ended.kind is Kind.COMPLETED


def test_what_a_full_disk_kept_out_of_the_log_is_in_the_tail(launch: Launch) -> None:
    ended = outcome(launch("raises", log="/dev/full")[1])
    assert "No space left on device" in ended.tail and "n_head must divide n_embd" in ended.tail


def test_a_long_log_keeps_its_head_and_its_tail_and_says_what_is_left_out(launch: Launch, tmp_path: Path) -> None:
    ended = outcome(launch("prints_numbered_lines", {"lines": 9_000})[1])
    assert ended.kind is Kind.COMPLETED
    lines = (tmp_path / "log").read_text().splitlines()
    head, (cut, left_out), tail = lines[:1000], [line for line in lines if line.startswith("[")], lines[-100:]
    assert [int(line.split(":")[0]) for line in head] == list(range(1000))
    assert [int(line.split(":")[0]) for line in tail] == list(range(8900, 9000))
    assert cut == "[the log has 63 MiB: its end follows when the trial ends]"
    missing = int(left_out.removeprefix("[").split()[0].replace(",", ""))
    kept = (tmp_path / "log").stat().st_size - sum(len(line) + 1 for line in (cut, left_out))
    assert left_out.endswith("bytes were left out here]") and abs(9_000 * 8192 - missing - kept) <= 1


@pytest.mark.parametrize("extra", [-(1 << 20), -100, 0, 1, 100, 3 << 20])
def test_a_log_near_its_limit_holds_every_byte_that_fits(tmp_path: Path, extra: int) -> None:
    text = bytes(range(256)) * ((MAX_LOG_BYTES + extra) // 256) + b"e" * (extra % 256)
    log = Log(str(tmp_path / "log"))
    for begin in range(0, len(text), 1 << 20):
        log.write(text[begin : begin + (1 << 20)])
    log.close()
    written = (tmp_path / "log").read_bytes()
    assert len(written) <= MAX_LOG_BYTES and written.startswith(text[:1000]) and written.endswith(text[-1000:])
    assert (b"its end follows" in written) == (len(text) > 63 << 20)
    assert (b"left out here" in written) == (len(text) + 100 > MAX_LOG_BYTES)


def test_a_log_is_for_its_owner_alone(launch: Launch, tmp_path: Path) -> None:
    outcome(launch("returns_metrics")[1])
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("log", "lock")} == {0o600}


def test_no_trial_is_given_the_storage_or_its_password(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ["STUDYHALL_STORAGE", "PGPASSWORD", "PGPASSFILE", "PGSERVICEFILE"]
    for name in (*secrets, "WANDB_API_KEY"):
        monkeypatch.setenv(name, "sesame")
    ended = outcome(launch("counts_secrets", {"names": [*secrets, "WANDB_API_KEY"]})[1])
    assert ended.metrics == {**dict.fromkeys(secrets, 0.0), "WANDB_API_KEY": 1.0}


def test_a_log_without_end_stops_growing_and_its_last_line_is_still_known(launch: Launch, tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ended = outcome(launch("prints_without_end", {"lines": 20_000})[1])
    assert ended.kind is Kind.COMPLETED and (tmp_path / "log").stat().st_size == 64 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB: it went past this process


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (f"{NASTY}:nothing", "no function 'nothing'"),
        (f"{NASTY}:raise", "raises"),
        ("no.such.module:f", "cannot be imported"),
    ],
)
def test_an_objective_that_cannot_be_imported_is_one_line(reference: str, words: str) -> None:
    warm = WarmServer(reference)
    with pytest.raises(UsageError, match=words) as caught:
        warm.describe({})
    assert "\n" not in str(caught.value)
    warm.close()


@pytest.mark.parametrize("body", ["import os; os._exit(3)", "raise SystemExit(3)", "1 / 0", "def f(:"])
def test_a_module_that_fails_while_it_is_imported_is_one_line(tmp_path: Path, body: str) -> None:
    (tmp_path / "broken.py").write_text(body)
    warm = WarmServer(f"{tmp_path}/broken.py:f")
    with pytest.raises(UsageError, match=r"broken\.py") as caught:
        warm.describe({})
    assert "\n" not in str(caught.value)
    warm.close()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("threading.Thread(target=lambda: 1 / 0).start()\n    return None", ""),
        ("print('noise')\n    warnings.warn('more noise')\n    raise ValueError('odd')", "validate: ValueError: odd"),
        ("print('the last words')\n    sys.stdout.flush()\n    os._exit(3)", "about a config: the last words"),
    ],
)
def test_a_question_to_an_objective_prints_nothing_on_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], body: str, words: str
) -> None:
    text = f"import os, sys, threading, warnings\ndef validate(config):\n    {body}\ndef f(config): return 1\n"
    (tmp_path / "loud.py").write_text(text)
    warm = WarmServer(f"{tmp_path}/loud.py:f")
    if words:
        with pytest.raises(UsageError, match=words):
            warm.inspect([{}])
    else:
        assert warm.inspect([{}])[0].refusal is None
    warm.close()
    assert capfd.readouterr() == ("", "")


def test_a_crash_of_the_keeper_is_in_the_log_and_not_on_the_terminal(
    launch: Launch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ended = outcome(launch("hangs", timeout="soon")[1])
    assert ended.kind is Kind.LOST and "TypeError" in (tmp_path / "log").read_text()
    assert capfd.readouterr() == ("", "")


def test_a_crash_before_the_objective_is_in_the_log(launch: Launch, capfd: pytest.CaptureFixture[str]) -> None:
    ended = outcome(launch("returns_metrics", cores=["first"])[1])
    assert ended.kind is Kind.ERROR and "TypeError" in ended.tail
    assert capfd.readouterr() == ("", "")
