"""How the trials of a plain Optuna study ended, as results of their points.

Several trials may run one point (see planned.py). Its first end counts, whatever the other trials do:

    COMPLETE, PRUNED                          an answer
    FAIL, by an error that means no           an answer (`failures`: a probe of FitSampler that runs out of memory)
    FAIL, by an error that `optimize` caught  no answer: the point is evaluated again, up to MAX_ATTEMPTS times
    FAIL, its process was lost                the same: Optuna's heartbeat found it, no sampler saw it end
    FAIL, by an error that ended `optimize`   no answer and no attempt: Ctrl-C, or a bug that is corrected next

A failed trial carries which of them it was as an attribute, which its sampler sets just before the trial ends.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from samplers.searches.plan import Result, Results
from storage.errors import one_line

POINT, FAILURE = "studyhall:point", "studyhall:failure"
SINCE = "since"
"""Key of a trial's point: the version of the rules that its study began with. Version 0.3 wrote none."""
SCORE = "value"
"""The metric that a trial's own value is."""
MAX_ATTEMPTS = 2

Failures = Sequence[type[BaseException] | str]
"""Errors that are an answer: classes, or their full names where importing them costs too much."""
RunningOwners = Mapping[str, Sequence[str | None]]
"""The owners of the trials that run each unfinished point, by the point's hash."""
Ending = Mapping[int, tuple[TrialState, Sequence[float] | None]]
"""State and values of trials that are just ending, by their id: the storage still says that they run."""


class Failure(Enum):
    """What a failed trial says about its point."""

    ANSWER = "answer"
    """The error means no: the point's result is a failure."""
    ATTEMPT = "attempt"
    """The error says nothing about the point; another attempt follows while there are any left."""
    INTERRUPTED = "interrupted"
    """The error ended `optimize`: the trial does not count."""


def failure_of(failures: Failures, in_optimize: bool) -> dict[str, str]:
    """The attribute of a trial that fails. A failure that the user passes to `study.tell` is an answer."""
    if not in_optimize:
        return {"kind": Failure.ANSWER.value, "error": "failed by study.tell"}
    error, caught = _raised_in_optimize()
    # Optuna fails a trial without an error if its objective returns no number.
    returned_nothing = ValueError("the objective returned no number")
    if _is_any_of(error or returned_nothing, failures):
        kind = Failure.ANSWER
    else:
        kind = Failure.ATTEMPT if error is None or isinstance(error, caught) else Failure.INTERRUPTED
    return {"kind": kind.value, "error": one_line(error or returned_nothing)}


def _raised_in_optimize() -> tuple[BaseException | None, tuple[type[BaseException], ...]]:
    """The error of the objective of this thread's trial, and the errors that `optimize` catches.

    Optuna lets a sampler know that a trial failed, but not why. The error is held by Optuna's function that runs one
    trial, which is above us on the stack. If a later Optuna arranges this differently, the error is unknown and the
    failure costs an attempt.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "_run_trial" and frame.f_globals.get("__name__") == "optuna.study._optimize":
            return frame.f_locals.get("func_err"), tuple(frame.f_locals.get("catch", ()))
        frame = frame.f_back  # type: ignore[assignment]
    return None, ()


def _is_any_of(error: BaseException, failures: Failures) -> bool:
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    return any(each in names if isinstance(each, str) else isinstance(error, each) for each in failures)


def results_of(study: Study, ending: Ending | None = None) -> tuple[Results, RunningOwners]:
    """Finished points by hash, and the owners of the trials that run each unfinished one."""
    ended: list[tuple[FrozenTrial, TrialState, Sequence[float] | None]] = []
    running: dict[str, list[str | None]] = defaultdict(list)
    for trial in study._storage.get_all_trials(study._study_id, deepcopy=False):
        if POINT not in trial.system_attrs:
            continue
        state, values = (ending or {}).get(trial._trial_id, (trial.state, trial.values))
        if state.is_finished():
            ended.append((trial, state, values))
        else:
            running[_hash(trial)].append(trial.system_attrs[POINT].get("owner"))
    results: dict[str, Result] = {}
    attempts = Counter[str]()
    for trial, state, values in sorted(
        ended, key=lambda end: (end[0].datetime_complete or datetime.max, end[0].number)
    ):
        if _hash(trial) not in results:
            result = _result(trial, state, values, attempts)
            if result is not None:
                results[_hash(trial)] = result
    return results, {hash_: owners for hash_, owners in running.items() if hash_ not in results}


def began_with_03(study: Study) -> bool:
    """Whether version 0.3 planned the study's first point: the search goes on under its rules."""
    trials = study._storage.get_all_trials(study._study_id, deepcopy=False)
    first = next((trial for trial in trials if POINT in trial.system_attrs), None)
    return first is not None and SINCE not in first.system_attrs[POINT]


def _result(
    trial: FrozenTrial, state: TrialState, values: Sequence[float] | None, attempts: Counter[str]
) -> Result | None:
    """The result of a trial, if its end is an answer or the last attempt; `attempts` counts those of each point."""
    if state == TrialState.COMPLETE and values:
        return Result(trial.number, "COMPLETE", {**_numbers(trial.user_attrs), SCORE: values[0]})
    if state == TrialState.PRUNED:
        return Result(trial.number, "PRUNED", {}, "see the trial")
    failure = trial.system_attrs.get(FAILURE, {"kind": Failure.ATTEMPT.value, "error": "its process was lost"})
    match Failure(failure["kind"]):
        case Failure.ANSWER:
            return Result(trial.number, "FAIL", {}, failure["error"])
        case Failure.INTERRUPTED:
            return None
        case Failure.ATTEMPT:
            attempts[_hash(trial)] += 1
            if attempts[_hash(trial)] < MAX_ATTEMPTS:
                return None
            reason = f"{failure['error']} ({MAX_ATTEMPTS} attempts)"
            return Result(trial.number, "FAIL", {}, reason, "error")


def _hash(trial: FrozenTrial) -> str:
    return str(trial.system_attrs[POINT]["hash"])


def _numbers(attributes: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in attributes.items() if isinstance(value, int | float)}
