"""A search as an ordinary Optuna sampler, on any of Optuna's storages and without our engine.

    study = optuna.create_study(direction="maximize", sampler=GrowSampler(config, increments))
    study.optimize(objective)

Before each trial the search is folded over the study's finished trials, and the trial is given the first point that is
still missing. The score is the trial's value; other metrics, such as the cost, are its user attributes.

Only the engine promises that a point exists once and that a killed trial is taken up again. In a plain Optuna study a
trial that seems to run elsewhere may be dead. If every missing point of a round is running, the one that runs least
often is therefore evaluated once more, and its first end counts (ends.py). A grid's points that run in this process are
never evaluated again.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from optuna.distributions import BaseDistribution
from optuna.exceptions import TrialPruned
from optuna.logging import get_logger
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from samplers.ends import FAILURE, POINT, SINCE, Failures, RunningOwners, began_with_03, failure_of, results_of
from samplers.searches.plan import RULES_SINCE_04, Decision, Done, Need, Point, Results, Search, SearchState

ENDED = "studyhall:ended"

_logger = get_logger(__name__)

_choosing = threading.Lock()
"""Held while a trial's point is chosen and written to the trial, so that no two threads choose the same point. One lock
for the process: it serves several samplers on one study, and a sampler can still be pickled."""


class OpenBatches(Need):
    """Unfinished points of batches: no decision waits for them, unlike those of a round."""


class PlannedSampler(BaseSampler):
    """Gives each trial the next point of a search. Names that the search does not know are sampled independently."""

    def __init__(
        self,
        search: Search,
        direction: str,
        independent_sampler: BaseSampler | None = None,
        failures: Failures = (Exception,),
    ) -> None:
        self._search = search
        self._direction = "maximize" if direction == "maximize" else "minimize"
        self._independent = independent_sampler or RandomSampler()
        self._failures = failures
        self._token = uuid4().hex

    @staticmethod
    def config(trial: Trial | FrozenTrial) -> dict[str, Any]:
        """The whole configuration of a trial, with its seed: what the search varies and what it does not.

        Raises:
            TrialPruned: The search has ended: no point is left to evaluate.
            ValueError: The trial was not planned by a search.
        """
        frozen = trial if isinstance(trial, FrozenTrial) else trial.storage.get_trial(trial._trial_id)
        point = _point(frozen.system_attrs)
        return {**point["config"], "seed": point["seed"]}

    def history(self, study: Study) -> tuple[list[Decision], Need | Done]:
        """Every decision so far, derived from the study's finished trials, and what is needed next."""
        return self._fold(self._start(study), *results_of(study))

    def _start(self, study: Study) -> SearchState:
        """The search's start as the study began."""
        start = self._search.start()
        if start.keys().isdisjoint(RULES_SINCE_04) or not began_with_03(study):
            return start
        return {name: value for name, value in start.items() if name not in RULES_SINCE_04}

    def _fold(self, state: SearchState, results: Results, running: RunningOwners) -> tuple[list[Decision], Need | Done]:
        """The decisions that follow from the results, and the next step. The next batch is decided as soon as every
        point of the earlier ones is running."""
        decisions, unfinished = [], dict[str, Point]()
        # The race of a grid asks for the results of all batches together: none are shown while some are missing.
        while isinstance(step := self._search.advance(state, {} if unfinished else results), Decision):
            decisions.append(step)
            state = step.state
            unfinished |= {point.hash: point for point in step.points if point.hash not in results}
            if unfinished.keys() - running.keys():
                break
        waits = (isinstance(step, Done) and step.waits) or (isinstance(step, Need) and step.settled)
        if isinstance(step, Decision) or (unfinished and waits):
            return decisions, OpenBatches(tuple(unfinished.values()), f"{len(unfinished)} points of the batches")
        return decisions, step

    def _next_point(self, start: SearchState, results: Results, running: RunningOwners) -> Point | str:
        """The point to evaluate next, or the reason why no point is left."""
        step = self._fold(start, results, running)[1]
        if isinstance(step, Done):
            return step.reason
        points = step.points
        if isinstance(step, OpenBatches):
            points = tuple(point for point in points if self._owner not in running.get(point.hash, ()))
        if not points:
            return "nothing left to start; the last points are running"
        point = min(points, key=lambda point: len(running.get(point.hash, ())))
        if point.hash in running:
            _logger.warning(f"every missing point is running; evaluating one of them again ({step.why})")
        return point

    @property
    def _owner(self) -> str:
        """The name of this sampler in this process, written to the trials that it plans here."""
        return f"{self._token}:{os.getpid()}"

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Give the trial its point. An enqueued trial keeps the parameters that it was enqueued with.

        Raises:
            ValueError: The study has another direction, or several objectives. The trial is marked as failed.
        """
        refusal = self._refusal(study)
        if refusal is not None:
            study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
            raise ValueError(refusal)
        self._independent.before_trial(study, trial)
        if "fixed_params" in trial.system_attrs or POINT in trial.system_attrs:
            return
        with _choosing:
            point = self._next_point(self._start(study), *results_of(study))
            if isinstance(point, str):
                study._storage.set_trial_system_attr(trial._trial_id, ENDED, point)
            else:
                attribute = {**_point_attribute(point), "owner": self._owner, SINCE: "0.4"}
                study._storage.set_trial_system_attr(trial._trial_id, POINT, attribute)

    def _refusal(self, study: Study) -> str | None:
        """Why the study cannot hold this search, and what would be right."""
        directions = [direction.name.lower() for direction in study.directions]
        if directions == [self._direction]:
            return None
        needed = f"create_study(direction={self._direction!r})"
        if len(directions) > 1:
            return f"the study has {len(directions)} objectives ({', '.join(directions)}); a search has one: {needed}"
        sampler = f"{type(self).__name__}(direction={directions[0]!r})"
        return f"the study {directions[0]}s, the search {self._direction}s: {needed}, or {sampler}"

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Empty: the objective asks for values by name."""
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
            TrialPruned: The search has ended: no point is left to evaluate.
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
        """Keep why the trial failed, and stop `optimize` if no point is left to evaluate."""
        self._independent.after_trial(study, trial, state, values)
        in_optimize = study._thread_local.in_optimize_loop
        attributes = study._storage.get_trial_system_attrs(trial._trial_id)
        ended = ENDED in attributes
        if not ended and POINT in attributes:
            if state == TrialState.FAIL:
                failure = failure_of(self._failures, in_optimize)
                study._storage.set_trial_system_attr(trial._trial_id, FAILURE, failure)
            results, running = results_of(study, {trial._trial_id: (state, values)})
            ended = isinstance(self._fold(self._start(study), results, running)[1], Done)
        if ended and in_optimize:
            study.stop()

    def reseed_rng(self) -> None:
        """For the names that the search does not know; the search itself draws no random numbers."""
        self._independent.reseed_rng()


def _point_attribute(point: Point) -> dict[str, Any]:
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
