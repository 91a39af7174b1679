"""A search as an ordinary Optuna sampler, on any of Optuna's storages and without our engine.

    study = optuna.create_study(direction="maximize", sampler=GrowSampler(config, increments))
    study.optimize(objective)

Before each trial the search is folded over the study's finished trials, and the trial is given the first point that is
still missing. The score is the trial's value; other metrics, such as the cost, are its user attributes. What only the
engine promises (a point exists once, a killed trial is taken up again) a plain Optuna study cannot: where every
missing point of a round is running elsewhere, the one that the fewest run is evaluated once more, and the first
result counts. Of batches that nobody waits for, a grid's, points that this process runs are never run again.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from optuna.distributions import BaseDistribution
from optuna.exceptions import TrialPruned
from optuna.logging import get_logger
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from samplers.searches.plan import Decision, Done, Need, Point, Result, Results, Search

POINT, ENDED = "studyhall:point", "studyhall:ended"
SCORE = "value"
"""The metric that a trial's own value is."""

Running = Mapping[str, Sequence[str | None]]
"""Who runs each unfinished point, by hash."""

_logger = get_logger(__name__)


class Batch(Need):
    """Unfinished points of decisions that nobody waits for."""


class PlannedSampler(BaseSampler):
    """Gives each trial the next point of a search. Names that the search does not know are sampled independently."""

    def __init__(self, search: Search, direction: str, independent_sampler: BaseSampler | None = None) -> None:
        self._search = search
        self._direction = StudyDirection.MAXIMIZE if direction == "maximize" else StudyDirection.MINIMIZE
        self._independent = independent_sampler or RandomSampler()
        self._token = uuid4().hex

    @staticmethod
    def config(trial: Trial | FrozenTrial) -> dict[str, Any]:
        """The whole configuration of a trial, with its seed: what the search varies and what it does not.

        Raises:
            TrialPruned: The search has ended, there is nothing to evaluate.
            ValueError: The trial was not planned by a search.
        """
        frozen = trial if isinstance(trial, FrozenTrial) else trial.storage.get_trial(trial._trial_id)
        point = _point(frozen.system_attrs)
        return {**point["config"], "seed": point["seed"]}

    def history(self, study: Study) -> tuple[list[Decision], Need | Done]:
        """Every decision so far, derived from the study's finished trials, and what is needed next."""
        return self._fold(*_results(study))

    def _fold(self, results: Results, running: Running) -> tuple[list[Decision], Need | Done]:
        """A batch is needed like a round, but the next one is asked for as soon as all of its points run."""
        state, made, missing = self._search.start(), [], dict[str, Point]()
        while isinstance(step := self._search.advance(state, results), Decision):
            made.append(step)
            state = step.state
            missing |= {point.hash: point for point in step.points if point.hash not in results}
            if missing.keys() - running.keys():
                break
        if isinstance(step, Decision) or (missing and isinstance(step, Done) and step.waits):
            return made, Batch(tuple(missing.values()), f"{len(missing)} points of the batches")
        return made, step

    def _next(self, results: Results, running: Running) -> Point | str:
        """The point to evaluate next, or why there is none."""
        step = self._fold(results, running)[1]
        if isinstance(step, Done):
            return step.reason
        points = step.points
        if isinstance(step, Batch):
            points = tuple(point for point in points if self._owner not in running.get(point.hash, ()))
        if not points:
            return "the last points are running"
        point = min(points, key=lambda point: len(running.get(point.hash, ())))
        if point.hash in running:
            _logger.warning(f"every point of this round is running; one is evaluated again ({step.why})")
        return point

    @property
    def _owner(self) -> str:
        """Who runs what this sampler hands out here: alive for as long as somebody can ask it."""
        return f"{self._token}:{os.getpid()}"

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Give the trial its point. An enqueued trial keeps the parameters that it was enqueued with.

        Raises:
            ValueError: The study's direction is not the search's.
        """
        if study.directions != [self._direction]:
            raise ValueError(f"the study's directions are {study.directions}; the search's is {self._direction}")
        self._independent.before_trial(study, trial)
        if "fixed_params" in trial.system_attrs or POINT in trial.system_attrs:
            return
        point = self._next(*_results(study))
        if isinstance(point, str):
            study._storage.set_trial_system_attr(trial._trial_id, ENDED, point)
            return
        study._storage.set_trial_system_attr(trial._trial_id, POINT, {**_told(point), "owner": self._owner})

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Empty: the objective says what it wants by name."""
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Empty, as is the space."""
        return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The point's value of that name.

        Raises:
            TrialPruned: The search has ended, there is nothing to evaluate.
            ValueError: The value lies outside the range that the objective asked for.
        """
        attributes = trial.system_attrs
        known = {} if not attributes.keys() & {POINT, ENDED} else _values(_point(attributes))
        if param_name not in known:
            return self._independent.sample_independent(study, trial, param_name, param_distribution)
        value = known[param_name]
        if not param_distribution._contains(param_distribution.to_internal_repr(value)):
            raise ValueError(f"the search wants {param_name}={value!r}, the objective allows {param_distribution}")
        return value

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Stop `optimize` where there is nothing left to evaluate."""
        self._independent.after_trial(study, trial, state, values)
        attributes = study._storage.get_trial_system_attrs(trial._trial_id)
        ended = ENDED in attributes
        if not ended and POINT in attributes:
            results, running = _results(study, {trial._trial_id: (state, values)})
            ended = isinstance(self._fold(results, running)[1], Done)
        if ended and study._thread_local.in_optimize_loop:
            study.stop()

    def reseed_rng(self) -> None:
        """For the names that the search does not know; the search itself draws nothing."""
        self._independent.reseed_rng()


def _told(point: Point) -> dict[str, Any]:
    return {"hash": point.hash, "config": point.config, "seed": point.seed, "params": point.params}


def _point(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    if ENDED in attributes:
        raise TrialPruned(f"the search has ended: {attributes[ENDED]}")
    if POINT not in attributes:
        raise ValueError("this trial was not planned by a search")
    point: Mapping[str, Any] = attributes[POINT]
    return point


def _values(point: Mapping[str, Any]) -> dict[str, Any]:
    """Every name an objective may ask for; a list or mapping as its JSON text, which a categorical can hold."""
    plain = {
        name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in point["config"].items()
    }
    return {**plain, **point["params"], "seed": point["seed"]}


def _results(
    study: Study, ending: Mapping[int, tuple[TrialState, Sequence[float] | None]] | None = None
) -> tuple[Results, Running]:
    """Finished points by hash, and who runs each unfinished one. The first trial of a point counts."""
    done: dict[str, Result] = {}
    bad: dict[str, Result] = {}
    running: dict[str, list[str | None]] = defaultdict(list)
    for trial in study._storage.get_all_trials(study._study_id, deepcopy=False):
        if POINT not in trial.system_attrs:
            continue
        hash_ = trial.system_attrs[POINT]["hash"]
        state, values = (ending or {}).get(trial._trial_id, (trial.state, trial.values))
        if not state.is_finished():
            running[hash_].append(trial.system_attrs[POINT].get("owner"))
        elif state == TrialState.COMPLETE and values:
            done.setdefault(hash_, Result(trial.number, "COMPLETE", {**_numbers(trial.user_attrs), SCORE: values[0]}))
        else:
            told = "PRUNED" if state == TrialState.PRUNED else "FAIL"
            bad.setdefault(hash_, Result(trial.number, told, {}, "see the trial"))  # type: ignore[arg-type]
    settled = {hash_: result for hash_, result in bad.items() if hash_ not in running}
    return settled | done, dict(running)


def _numbers(attributes: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in attributes.items() if isinstance(value, int | float)}
