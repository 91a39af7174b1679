"""One choice: the values of the next setting, from a fresh sampler.

The sampler is seeded by the study's seed and the setting's number, and is shown the past alone: the settings that have
been told, and those between as running. So a choice depends on results, and on nothing else: not on how many workers
there are, in which order they end, or on what the process chose before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from samplers.searches.grid.relations import Evaluated
from samplers.searches.plan import Config
from samplers.searches.tune.outcome import Outcome
from samplers.searches.tune.past import Past
from samplers.searches.tune.samplers import quiet
from samplers.searches.tune.space import Choices, Numbers

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial

SAMPLER_DRAWS = 10
"""Settings that the sampler may choose in vain before uniformly random ones are tried."""
RANDOM_DRAWS = 10_000
MAX_OPTUNA_SEED = 2**31 - 1


@dataclass(frozen=True)
class Choice:
    """A setting, as it stands in the record of its choice."""

    axes: Mapping[str, Any]
    config: Config
    draws: int
    """How many settings were drawn until `where` allowed one."""
    by_sampler: bool
    """Whether the sampler chose it; otherwise it was drawn at random, since `where` allowed none of the sampler's."""
    setting_attributes: Mapping[str, Any]
    """What the sampler wrote to the setting's trial."""
    study_attributes: Mapping[str, Any]
    """What the sampler wrote to the study."""
    told_attributes: Mapping[str, Any]
    """What the sampler wrote to the trial that was told before the choice."""


def seed_of(study_seed: int, number: int, draw: int = 0) -> int:
    """The seed of a sampler.

    >>> seed_of(1, 0), seed_of(1, 1), seed_of(1, 0, draw=1)
    (1346109493, 1018120399, 1346024834)
    """
    text = f"{study_seed} {number} {draw}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % MAX_OPTUNA_SEED


def choose(past: Past, outcome: Outcome | None) -> Choice | None:
    """The next setting, after `outcome` is told; None if `where` allows none that was drawn. The past stays."""
    past.seen.begin()
    try:
        with quiet():
            return _choose(past, outcome)
    finally:
        past.seen.take_back()


def _choose(past: Past, outcome: Outcome | None) -> Choice | None:
    settings, number = past.in_force, len(past.settings)
    for draw in range(1, SAMPLER_DRAWS + 1):
        sampler = settings.sampler.make(seed_of(settings.seed, number, draw - 1), settings.seed)
        if draw == 1 and outcome is not None:
            _tell(past, sampler, outcome)
        found = _drawn(past, sampler)
        if found.filtered is None:
            return _choice(past, found, draw, True, outcome)
        past.seen.take_back_last()
    return _at_random(past, seed_of(settings.seed, number, SAMPLER_DRAWS), outcome)


def _at_random(past: Past, seed: int, outcome: Outcome | None) -> Choice | None:
    from optuna.samplers import RandomSampler

    sampler = RandomSampler(seed=seed)
    for draw in range(SAMPLER_DRAWS + 1, SAMPLER_DRAWS + RANDOM_DRAWS + 1):
        found = _drawn(past, sampler)
        if found.filtered is None:
            return _choice(past, found, draw, False, outcome)
        past.seen.take_back_last()
    return None


def _tell(past: Past, sampler: BaseSampler, outcome: Outcome) -> None:
    """Tell the sampler how a setting ended, as Optuna does: `after_trial` may write attributes to it."""
    from optuna.trial import TrialState

    trial = past.seen.get_trial(outcome.setting)
    sampler.after_trial(past.study, trial, TrialState[outcome.state], outcome.values)
    past.tell(outcome)


def _drawn(past: Past, sampler: BaseSampler) -> Evaluated:
    """One setting as the sampler chooses it, axis by axis."""
    past.study.sampler = sampler
    trial = past.study.ask()
    axes = past.in_force.space.axes
    return past.in_force.relations.evaluated(axes, lambda name: _suggested(trial, name, axes[name]))


def _suggested(trial: Trial, name: str, axis: Numbers | Choices) -> Any:
    if isinstance(axis, Choices):
        return axis.value(trial.suggest_categorical(name, [axis.shown(value) for value in axis.values]))
    log = axis.scale == "log"
    if axis.whole:
        return trial.suggest_int(name, int(axis.low), int(axis.high), step=int(axis.step or 1), log=log)
    return axis.value(trial.suggest_float(name, axis.low, axis.high, step=axis.step, log=log))


def _choice(past: Past, found: Evaluated, draws: int, by_sampler: bool, outcome: Outcome | None) -> Choice:
    written = past.seen.written
    return Choice(
        axes=found.axes,
        config=past.in_force.config_of(found),
        draws=draws,
        by_sampler=by_sampler,
        setting_attributes=written.get(len(past.settings), {}),
        study_attributes=written.get(None, {}),
        told_attributes={} if outcome is None else written.get(outcome.setting, {}),
    )
