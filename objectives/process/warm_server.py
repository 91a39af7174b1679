"""The warm server's own process: `python -m objectives.process.warm_server FD REFERENCE`, started by warm.py.

It imports the objective, then forks: a keeper with its trial for every start, a child for every question. Before the
first trial it calls the objective's `preload`, if there is one. It starts no thread and never uses CUDA, so that each
fork starts clean. It ends when its worker ends.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from objectives.process.keeper import keep
from objectives.process.process_tree import adopt_orphans, children, descendants, die_with_parent, wake_when_parent_ends
from objectives.process.trial import run_trial
from objectives.process.wire import line, receive, send
from objectives.reference import Objective, Reference, shown_objective
from storage.errors import StudyhallError, UsageError, one_line


def main(fd: int, reference: str) -> None:
    die_with_parent(os.getppid())
    # A scheduler sends SIGUSR1 to every process of a job. Only the worker handles it; it must not end trials.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    adopt_orphans()
    channel = socket.socket(fileno=fd)
    channel.set_inheritable(False)
    try:
        objective = Reference(reference).load()
    except BaseException as error:
        send(channel, {"wrong": _import_error(reference, error)})
        return
    gc.collect()
    gc.freeze()  # imported objects stay in pages that children share
    send(channel, {"right": None})
    forked: set[int] = set()
    preload = objective.preload
    with _end_of_children() as ends:
        while True:
            ready, _, _ = select.select([channel.fileno(), ends], [], [])
            if ends in ready:
                with suppress(BlockingIOError):
                    os.read(ends, 512)
                _clear_up(forked)
            if channel.fileno() not in ready:
                continue
            try:
                message, fds = receive(channel)
            except EOFError:
                return
            if preload is not None and message["do"] == "start":
                _run(preload)
                preload = None
            pid = os.fork()
            if pid == 0:
                try:
                    _serve(objective, reference, message, fds, channel)
                except BaseException:
                    _log_crash(message)
                finally:
                    os._exit(1)
            forked.add(pid)
            for each in fds:
                os.close(each)


def _run(preload: Callable[[], object]) -> None:
    """Load what all trials will need. What fails here fails again in a trial, whose end says so."""
    with suppress(Exception, SystemExit):
        preload()
    gc.collect()
    gc.freeze()


@contextmanager
def _end_of_children() -> Iterator[int]:
    """A descriptor that is readable after a child has ended."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    yield reading


def _clear_up(forked: set[int]) -> None:
    """Reap children that have ended. A child that we did not fork is a trial without its keeper: kill it and its tree.

    A keeper that its own trial has stopped is continued, so that it watches again.
    """
    with suppress(ChildProcessError):
        while (change := os.waitpid(-1, os.WNOHANG | os.WUNTRACED))[0] != 0:
            pid, status = change
            if os.WIFSTOPPED(status):
                os.kill(pid, signal.SIGCONT)
            else:
                forked.discard(pid)
        for orphan in set(children(os.getpid())) - forked:
            for each in (orphan, *descendants(orphan)):
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)


def _serve(
    objective: Objective, reference: str, message: Mapping[str, Any], fds: list[int], channel: socket.socket
) -> None:
    channel.close()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if message["do"] == "start":
        start(objective, message["assignment"], *fds)
        return
    answer, output = socket.socket(fileno=fds[0]), fds[1]
    for standard in (1, 2):  # the worker's terminal and its `--json` are not for an objective's prints and tracebacks
        os.dup2(output, standard)
    try:
        right = (
            _inspect(objective, reference, message["configs"])
            if message["do"] == "inspect"
            else _describe(objective, reference, message["config"])
        )
        send(answer, {"right": right})
    except BaseException as error:
        send(answer, {"wrong": one_line(error)})


def _log_crash(message: Mapping[str, Any]) -> None:
    """Write the traceback of a process of ours into the attempt's log: it must not reach the worker's terminal."""
    if message["do"] == "start":
        with suppress(OSError), Path(message["assignment"]["log"]).open("a") as log:
            traceback.print_exc(file=log)


def start(
    objective: Objective, assignment: Mapping[str, Any], channel_fd: int, lifeline_fd: int, lock_fd: int, *leases: int
) -> None:
    """Become the keeper of a new trial. The lock file holds its session, by which a later worker kills it.

    Keeper and trial hold the lock and the slot's lease until they end: they keep the descriptors open.
    """
    os.setsid()
    adopt_orphans()
    wake_when_parent_ends()
    with suppress(OSError):  # a full disk keeps the number out; the lock holds all the same
        os.pwrite(lock_fd, str(os.getpid()).encode(), 0)
    channel = socket.socket(fileno=channel_fd)
    lifeline = socket.socket(fileno=lifeline_fd)
    reading, writing = os.pipe()
    keeper = os.getpid()
    trial = os.fork()
    if trial == 0:
        lifeline.close()
        os.close(reading)
        die_with_parent(keeper)
        os.setpgid(0, 0)  # a trial that kills its process group kills itself, not its keeper
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (writing, 1), (writing, 2)):
            os.dup2(source, target)
        os.close(nothing)
        os.close(writing)
        # The trial says so itself, before the objective runs: a trial that stops its keeper cannot keep this back.
        channel.sendall(line({"keeper": keeper, "trial": os.getpid()}))
        run_trial(objective, assignment, channel)
    os.close(writing)
    keep(trial, assignment, channel, lifeline, reading)


def _inspect(objective: Objective, reference: str, configs: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    answers = []
    for config in configs:
        with _named(reference, "validate"):
            answer = objective.validate(config) if objective.validate is not None else None
        refusal = None if answer is None else _refusal(reference, answer)
        with _named(reference, "cost"):
            known = objective.cost(config) if objective.cost is not None and refusal is None else {}
            cost = {str(name): float(value) for name, value in known.items()}
        answers.append({"refusal": refusal, "cost": cost})
    return answers


def _refusal(reference: str, answer: object) -> str:
    """Why a config cannot run, as one line that can be stored.

    Raises:
        UsageError: `validate` returned neither None nor a text.
    """
    if not isinstance(answer, str):
        needed = "None is needed, or a text that says why a config cannot run"
        shown = " ".join(repr(answer).split())[:80]
        raise UsageError(f"objective: {shown_objective(reference)}: validate returned {shown}; {needed}")
    line = " ".join(answer.replace("\0", " ").split()).encode("utf-8", "replace").decode()
    return line or "its objective does not say why"


@contextmanager
def _named(reference: str, function: str) -> Iterator[None]:
    """Name the objective and its function in an error that the function raises. Errors of ours name them already."""
    try:
        yield
    except StudyhallError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(f"objective: {shown_objective(reference)}: {function}: {one_line(error)}") from error


def _describe(objective: Objective, reference: str, config: Mapping[str, Any]) -> dict[str, Any]:
    with _named(reference, "fingerprint"):
        known = dict(objective.fingerprint(config)) if objective.fingerprint is not None else {}
    metrics = objective.metrics + (objective.cuda_metrics if objective.metrics and _cuda() else ())
    return {"metrics": metrics, "fingerprint": {str(name): str(value) for name, value in known.items()}}


def _cuda() -> bool:
    """Whether CUDA is available. Called only in a child: the call may initialize the driver."""
    torch = sys.modules.get("torch")
    return torch is not None and torch.cuda.is_available()


def _import_error(reference: str, error: BaseException) -> str:
    if isinstance(error, StudyhallError):
        return str(error)
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    where = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    return f"objective: {reference} cannot be imported: {one_line(error)}{where}"


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
