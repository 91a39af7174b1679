"""Trials that another Optuna program enqueued become points of the study: their parameters, laid over its config.

`study.enqueue_trial({"n_head": 4, "seed": 7})` leaves a WAITING trial without a point. It runs as an extra point, which
no decision waits for; the sampler of a tune is told it at its end (samplers/searches/tune/enqueued.py). A trial whose
parameters do not fit the config, or whose point exists already, becomes FAIL with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from samplers.searches.distributions import holding
from samplers.searches.grid.grid import Grid
from samplers.searches.plan import Point, Search, SearchState
from samplers.searches.tune.enqueued import enqueued_setting
from samplers.searches.tune.past import PastSetting
from samplers.searches.tune.tune import Tune
from storage.errors import UsageError
from storage.ledger import Ledger, NewPoint
from storage.other_programs import EnqueuedTrial
from storage.reader import Reader
from storage.records import FailureKind, StudyRow
from studies.definition.assignments import Path, assign, parse_assignment
from studies.definition.searches import current_state, search_in_force
from studies.planning.planner import Refusals, new_point

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

SEED_LIMIT = 2**63
"""Seeds are below it."""
MAX_FACTOR_BEYOND = 2**14
"""Of an enqueued value beyond the study's range."""


@dataclass(frozen=True)
class Adoption:
    """One enqueued trial as a point, or why it cannot become one."""

    trial: EnqueuedTrial
    point: Point
    params: Sequence[tuple[str, float, str]] = ()
    """As Optuna keeps them: name, internal value, distribution."""
    refusal: str | None = None
    failure: FailureKind | None = None

    def withdrawn(self, why: str) -> Adoption:
        """Refused by us, not by the objective."""
        return replace(self, refusal=f"withdrawn: enqueued: {why}", failure=FailureKind.WITHDRAWN)


def adopt(ledger: Ledger, study: StudyRow, refusals: Refusals, log: Callable[[str], None]) -> list[int] | None:
    """Make points of enqueued trials; the numbers of those that can run now. None while the search has planned nothing.

    Args:
        ledger: The study's.
        study: As it is now.
        refusals: Asks the objective which configs it refuses.
        log: Prints a line for each trial.
    """
    reader = Reader(ledger.session)
    rows = reader.enqueued_trials(ledger.study_id)
    if not rows:
        return []
    known, seed = reader.distributions(ledger.study_id), reader.first_seed(ledger.study_id)
    if not known:
        return None
    state, search = current_state(ledger, study), search_in_force(study)
    block = {"seed": seed, **state[study.search]}
    found = _judged([_adoption(row, block, state, search, known) for row in rows], refusals)
    adopted = []
    with ledger.planning():
        for each in found:
            new = (each.point.hash, each.point.config, each.point.seed, each.point.role, each.params)
            taken = ledger.adopt_trial(each.trial.trial_id, NewPoint(*new, each.refusal, each.failure))
            if taken is not None:
                adopted += [each.trial.number] * (taken.reason is None)
                log(f"trial {each.trial.number}, enqueued by another program: {taken.reason or 'adopted'}")
    return adopted


def _adoption(
    row: EnqueuedTrial, block: Mapping[str, Any], state: SearchState, search: Search, known: Mapping[str, str]
) -> Adoption:
    fixed = json.loads(row.fixed) if row.fixed else {}
    seed, config = fixed.get("seed", block["seed"]), state["config"]
    role: dict[str, Any] = {"role": "enqueued"}
    try:
        _check_finite(fixed)
        if isinstance(search, Grid):
            role["setting"] = dict(fixed)
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < SEED_LIMIT:
            raise UsageError(f"the seed {seed!r} is not a whole number of at least 0")
        if isinstance(search, Tune) and (setting := enqueued_setting(search.settings_in(state), fixed)) is not None:
            return _of_setting(row, search.in_force(state), setting, seed)
        for name, value in fixed.items():
            if name != "seed":
                config = assign(config, _path(name), value, False, name)
        return Adoption(row, Point(config, seed, role=role), _params(config, seed, fixed, known))
    except UsageError as error:
        return Adoption(row, Point(config, 0, role=role)).withdrawn(error.what)


def _of_setting(row: EnqueuedTrial, search: Tune, setting: PastSetting, seed: int) -> Adoption:
    """The setting with a seed, in the space in force."""
    role = {"role": "enqueued", "setting": dict(setting.params)}
    point = Point(setting.config, seed, {**search.shown(setting.params), "seed": seed}, role)
    return Adoption(row, point, new_point(search, point).params)


def _judged(found: Sequence[Adoption], refusals: Refusals) -> list[Adoption]:
    """With the objective's refusals, and those of code that this host may not run.

    The objective judges all configs at once; one by one only if that fails, to find the config that it fails for.
    """
    sound = [each.point.config for each in found if each.refusal is None]
    try:
        answers = iter(refusals(sound) if sound else ())
    except UsageError as error:
        if len(found) == 1:
            return [found[0].withdrawn(str(error))]
        return [judged for each in found for judged in _judged([each], refusals)]
    return [each if each.refusal is not None else _answered(each, next(answers)) for each in found]


def _answered(each: Adoption, refusal: str | None) -> Adoption:
    return each if refusal is None else replace(each, refusal=f"invalid: {refusal}", failure=FailureKind.REFUSED)


def _check_finite(fixed: Mapping[str, Any]) -> None:
    for name, value in fixed.items():
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            raise UsageError(f"{name}={value!r} is not a number that a configuration can hold") from None


def _params(
    config: Mapping[str, Any], seed: int, fixed: Mapping[str, Any], known: Mapping[str, str]
) -> list[tuple[str, float, str]]:
    """The study's own parameters, as far as this point has them.

    Raises:
        UsageError: A fixed one lies far outside the distribution that Optuna knows.
    """
    from optuna.distributions import distribution_to_json, json_to_distribution

    params = []
    for name, text in known.items():
        distribution = json_to_distribution(text)
        try:
            value = seed if name == "seed" else _at(config, _path(name))
            if name != "seed" and _is_far(value, distribution):
                raise ValueError("no step leads there")
            holder = holding(distribution, value)
            params.append((name, float(holder.to_internal_repr(value)), distribution_to_json(holder)))
        except (KeyError, IndexError, TypeError, ValueError):
            if name in fixed:
                raise UsageError(
                    f"{name}={fixed[name]!r} lies outside the study's distribution: {distribution}"
                ) from None
    return params


def _is_far(value: Any, distribution: BaseDistribution) -> bool:
    """Whether a number is so far beyond a range that it is likely to be a mistake."""
    low, high = getattr(distribution, "low", None), getattr(distribution, "high", None)
    return low is not None and high is not None and abs(value) > max(abs(low), abs(high), 1) * MAX_FACTOR_BEYOND


def _path(name: str) -> Path:
    return parse_assignment(f"{name}=0")[0]


def _at(config: Any, path: Path) -> Any:
    for key in path:
        config = config[key]
    return config
