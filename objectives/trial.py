"""The trial's own process: put it in its slot, run the objective, tell what came of it. It never returns."""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from objectives.context import TrialContext
from objectives.loggers import Loggers, TrialName
from objectives.outcome import AttemptError, Kind
from objectives.reference import Objective
from objectives.wire import line


def run_trial(objective: Objective, assignment: Mapping[str, Any], channel: socket.socket) -> None:
    """Run one attempt and leave the process: status 0 if it could tell its end, 1 if even that failed."""
    status = 1
    try:
        _enter_slot(assignment)
        loggers = _loggers(assignment)
        told = _told(objective, assignment, channel, loggers)
        sys.stdout.flush()
        sys.stderr.flush()
        channel.sendall(line(told))
        status = 0
        if loggers is not None:  # now that the result is told, and cannot be lost to a slow network
            loggers.close(told.get("metrics"))
    finally:
        os._exit(status)


def _enter_slot(assignment: Mapping[str, Any]) -> None:
    """Before anything of the objective runs: its environment, its threads, signals as a program expects them."""
    os.environ.update(assignment["env"])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    random.seed(assignment["seed"])
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(assignment["threads"])


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
        return {"kind": Kind.COMPLETED.value, "metrics": _metrics(result)}
    except AttemptError as error:
        return {"kind": error.kind.value, "message": " ".join(error.message.split())[:500]}
    except SystemExit as error:
        return {"kind": Kind.ERROR.value, "message": f"exited with {error.code!r} without a result"}
    except BaseException as error:
        traceback.print_exc()
        return {"kind": _kind(error).value, "message": _message(error)}


def _metrics(result: Any) -> dict[str, float]:
    """A mapping of names to numbers; a single number is the metric `value`."""
    if isinstance(result, Mapping):
        try:
            metrics = {str(name): float(value) for name, value in result.items()}
        except (TypeError, ValueError, RuntimeError) as error:
            raise AttemptError(Kind.INVALID, f"a metric is not a number: {error}") from error
        for name in metrics:
            if not name.isprintable():
                raise AttemptError(Kind.INVALID, f"{name!r} cannot be the name of a metric")
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


def _message(error: BaseException) -> str:
    """One line: `ValueError: n_head must divide n_embd`."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500].removesuffix(": ")
