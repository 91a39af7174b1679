"""The trial's own process: enter the slot, run the objective, send the result. It never returns."""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from objectives.context import TrialContext
from objectives.loggers import Loggers, TrialName
from objectives.outcome import AttemptError, Kind, named
from objectives.process.wire import line
from objectives.reference import Objective
from storage.errors import one_line


def run_trial(objective: Objective, assignment: Mapping[str, Any], channel: socket.socket) -> None:
    """Run one attempt and exit: with status 0 if its result was sent, with 1 if even that failed."""
    status = 1
    try:
        fault = _enter_slot(assignment)
        loggers = _loggers(assignment) if fault is None else None
        result: dict[str, Any] = {"kind": Kind.ERROR.value, "message": fault}
        if fault is None:
            result = _result(objective, assignment, channel, loggers)
        for stream in (sys.stdout, sys.stderr):
            with suppress(ValueError, OSError, AttributeError):  # closed by the objective, or its disk is full
                stream.flush()
        channel.sendall(line(result))
        status = 0
        if loggers is not None:  # only now: a slow network cannot hold up the result
            loggers.close(result.get("metrics"))
    except BaseException:
        traceback.print_exc()  # into the attempt's log
    finally:
        os._exit(status)


def _enter_slot(assignment: Mapping[str, Any]) -> str | None:
    """Set the environment, signals, cores, threads and device, before any code of the objective runs.

    Returns:
        Why the process is not in the slot that the worker chose, or None.
    """
    os.environ.update(assignment["env"])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    random.seed(assignment["seed"])
    if assignment["cores"]:
        with suppress(OSError):  # the system has taken the cores away: the trial runs on any
            os.sched_setaffinity(0, assignment["cores"])
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(assignment["threads"])
    return None if assignment["gpu"] is None else _enter_gpu(assignment["gpu"], assignment["memory_fraction"], torch)


def _enter_gpu(uuid: str, fraction: float, torch: Any) -> str | None:
    """Take the slot's share of its device before the first allocation. Returns the device's fault, or None."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if seen != uuid:
        return f"the slot's device is {uuid}, but CUDA_VISIBLE_DEVICES is {seen!r}"
    if torch is None or not torch.cuda.is_available():
        return None
    try:
        count = torch.cuda.device_count()
        if count != 1:
            return f"the slot's device is {uuid}, but CUDA shows {count} devices"
        # CUDA shows one instance of a split GPU at most; its name for that differs between versions.
        found = str(getattr(torch.cuda.get_device_properties(0), "uuid", ""))
        if uuid.startswith("GPU-") and found not in ("", uuid.removeprefix("GPU-")):
            return f"the slot's device is {uuid}, but CUDA shows {found}"
        if fraction < 1:
            torch.cuda.set_per_process_memory_fraction(fraction, 0)
    except RuntimeError as error:  # the objective's module used CUDA while it was imported, or the device is broken
        return f"the slot's device {uuid} cannot be used: {one_line(error)}"
    return None


def _loggers(assignment: Mapping[str, Any]) -> Loggers | None:
    if not assignment["log_to"]:
        return None
    names = ("study", "number", "attempt", "seed", "config")
    trial = TrialName(**{name: assignment[name] for name in names}, folder=Path(assignment["run_dir"]))
    return Loggers(assignment["log_to"], trial)


def _result(
    objective: Objective, assignment: Mapping[str, Any], channel: socket.socket, loggers: Loggers | None
) -> dict[str, Any]:
    """The message that ends an attempt."""
    context = TrialContext(
        channel,
        seed=assignment["seed"],
        number=assignment["number"],
        attempt=assignment["attempt"],
        device=assignment["device"],
        threads=assignment["threads"],
        checkpoint_dir=Path(assignment["checkpoint_dir"]),
        run_dir=Path(assignment["run_dir"]),
        loggers=loggers,
    )
    try:
        config = {**assignment["config"], "seed": assignment["seed"]}
        returned = objective.function(config, context) if objective.wants_trial else objective.function(config)
        if context.stopped:
            return {"kind": Kind.PRUNED.value, "message": "stopped when the study asked it to"}
        return {"kind": Kind.COMPLETED.value, "metrics": _metrics(returned)}
    except AttemptError as error:
        return {"kind": error.kind.value, "message": " ".join(error.message.split())[:500]}
    except SystemExit as error:
        return {"kind": Kind.ERROR.value, "message": f"exited with {error.code!r} without a result"}
    except BaseException as error:
        traceback.print_exc()
        return {"kind": _kind(error).value, "message": one_line(error, 500)}


def _metrics(returned: Any) -> dict[str, float]:
    """A mapping of names to numbers; a single number is the metric `value`."""
    if isinstance(returned, Mapping):
        try:
            return named({str(name): float(value) for name, value in returned.items()})
        except (TypeError, ValueError, RuntimeError) as error:
            raise AttemptError(Kind.INVALID, f"a metric is not a number: {error}") from error
    try:
        return {"value": float(returned)}
    except (TypeError, ValueError, RuntimeError) as error:
        shown = repr(returned)[:200]
        message = f"returned {shown}, not a number or a mapping of names to numbers"
        raise AttemptError(Kind.INVALID, message) from error


def _kind(error: BaseException) -> Kind:
    """The kind of an exception, by its class's name: the class may live in a module that was never imported here."""
    names = {each.__name__ for each in type(error).__mro__}
    if "TrialPruned" in names:
        return Kind.PRUNED
    if "MemoryError" in names or "OutOfMemoryError" in names or "out of memory" in str(error):
        return Kind.OUT_OF_MEMORY
    return Kind.INVALID if "UsageError" in names else Kind.ERROR
