"""The trial's own process: put it in its slot, run the objective, tell what came of it. It never returns."""

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
from objectives.outcome import AttemptError, Kind, check_metric_name
from objectives.process.wire import line
from objectives.reference import Objective
from storage.errors import one_line


def run_trial(objective: Objective, assignment: Mapping[str, Any], channel: socket.socket) -> None:
    """Run one attempt and leave the process: status 0 if it could tell its end, 1 if even that failed."""
    status = 1
    try:
        wrong = _enter_slot(assignment)
        loggers = _loggers(assignment) if wrong is None else None
        told: dict[str, Any] = {"kind": Kind.ERROR.value, "message": wrong}
        if wrong is None:
            told = _told(objective, assignment, channel, loggers)
        for stream in (sys.stdout, sys.stderr):
            with suppress(ValueError, OSError, AttributeError):  # closed by the objective, or its disk is full
                stream.flush()
        channel.sendall(line(told))
        status = 0
        if loggers is not None:  # now that the result is told, and cannot be lost to a slow network
            loggers.close(told.get("metrics"))
    finally:
        os._exit(status)


def _enter_slot(assignment: Mapping[str, Any]) -> str | None:
    """Before anything of the objective runs: its environment, its cores and threads, signals as a program expects them,
    its device. Why this is not the slot that was meant, if it is not."""
    os.environ.update(assignment["env"])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    random.seed(assignment["seed"])
    if assignment["cores"]:
        with suppress(OSError):  # taken from us by the system meanwhile: any core then
            os.sched_setaffinity(0, assignment["cores"])
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(assignment["threads"])
    return None if assignment["gpu"] is None else _enter_gpu(assignment["gpu"], assignment["memory_fraction"], torch)


def _enter_gpu(uuid: str, fraction: float, torch: Any) -> str | None:
    """Take the slot's share of its device, before the first allocation; what is wrong with the device, if anything."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if seen != uuid:
        return f"the slot's device is {uuid}, but CUDA_VISIBLE_DEVICES is {seen!r}"
    if torch is None or not torch.cuda.is_available():
        return None
    try:
        count = torch.cuda.device_count()
        if count != 1:
            return f"the slot's device is {uuid}, but CUDA shows {count} devices"
        # An instance of a split GPU is the only one that CUDA ever shows; what it calls itself differs with versions.
        found = str(getattr(torch.cuda.get_device_properties(0), "uuid", ""))
        if uuid.startswith("GPU-") and found not in ("", uuid.removeprefix("GPU-")):
            return f"the slot's device is {uuid}, but CUDA shows {found}"
        if fraction < 1:
            torch.cuda.set_per_process_memory_fraction(fraction, 0)
    except RuntimeError as error:  # the objective's module has used CUDA while it was imported, or the device is ill
        return f"the slot's device {uuid} cannot be used: {one_line(error)}"
    return None


def _loggers(assignment: Mapping[str, Any]) -> Loggers | None:
    if not assignment["log_to"]:
        return None
    names = ("study", "number", "attempt", "seed", "config")
    trial = TrialName(**{name: assignment[name] for name in names}, folder=Path(assignment["run_dir"]))
    return Loggers(assignment["log_to"], trial)


def _told(
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
        if objective.wants_trial:
            result = objective.function(assignment["config"], context)
        else:
            result = objective.function({**assignment["config"], "seed": assignment["seed"]})
        if context.stopped:
            return {"kind": Kind.PRUNED.value, "message": "stopped when it was asked to"}
        return {"kind": Kind.COMPLETED.value, "metrics": _metrics(result)}
    except AttemptError as error:
        return {"kind": error.kind.value, "message": " ".join(error.message.split())[:500]}
    except SystemExit as error:
        return {"kind": Kind.ERROR.value, "message": f"exited with {error.code!r} without a result"}
    except BaseException as error:
        traceback.print_exc()
        return {"kind": _kind(error).value, "message": one_line(error, 500)}


def _metrics(result: Any) -> dict[str, float]:
    """A mapping of names to numbers; a single number is the metric `value`."""
    if isinstance(result, Mapping):
        try:
            metrics = {str(name): float(value) for name, value in result.items()}
        except (TypeError, ValueError, RuntimeError) as error:
            raise AttemptError(Kind.INVALID, f"a metric is not a number: {error}") from error
        for name in metrics:
            check_metric_name(name)
        return metrics
    try:
        return {"value": float(result)}
    except (TypeError, ValueError, RuntimeError) as error:
        shown = repr(result)[:200]
        message = f"returned {shown}, not a number or a mapping of names to numbers"
        raise AttemptError(Kind.INVALID, message) from error


def _kind(error: BaseException) -> Kind:
    """By name, since the classes may live in modules that this process never imported."""
    names = {each.__name__ for each in type(error).__mro__}
    if "TrialPruned" in names:
        return Kind.PRUNED
    if "MemoryError" in names or "OutOfMemoryError" in names or "out of memory" in str(error):
        return Kind.OUT_OF_MEMORY
    return Kind.INVALID if "UsageError" in names else Kind.ERROR
