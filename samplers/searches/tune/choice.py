"""One choice: the values of the next setting, from a fresh sampler.

The sampler is seeded by the study's seed and the setting's number, and is shown the past alone: the settings that have
been told, and those between as running. So a choice depends on results, and on nothing else: not on how many workers
there are, in which order they end, or on what the process chose before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from optuna.trial import TrialState

from samplers.searches.grid.relations import Evaluated
from samplers.searches.plan import Config
from samplers.searches.tune.allowed import uniform
from samplers.searches.tune.cmaes_state import as_numbers
from samplers.searches.tune.outcome import Outcome
from samplers.searches.tune.past import Past
from samplers.searches.tune.samplers import one_thread, quiet
from samplers.searches.tune.settings import TuneSettings
from samplers.searches.tune.space import Choices, Numbers
from storage.errors import StudyhallError, UsageError, one_line

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
    by: str
    """The sampler's name; `random` if `where` allowed none of its choices; `enqueued` if its user chose it."""
    setting_attributes: Mapping[str, Any]
    """What the sampler wrote to the setting's trial."""
    study_attributes: Mapping[str, Any]
    """What the sampler wrote to the study."""
    told_attributes: Mapping[str, Any]
    """What the sampler wrote to the trial that was told before the choice."""


def seed_of(study_seed: int, number: int, draw: int = 0) -> int:
    """The seed of a sampler.

    >>> seed_of(1, 0), seed_of(1, 1), seed_of(1, 0, draw=1)
    (1120238682, 1290097050, 1769931977)
    """
    text = f"{study_seed} {number} {draw}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % MAX_OPTUNA_SEED


def choose(past: Past, outcome: Outcome | None, enqueued: Mapping[str, Any] | None = None) -> Choice | None:
    """The next setting, after `outcome` is told; None if `where` allows none that was drawn. The past stays.

    Args:
        enqueued: Values that its user gave; the sampler chooses those that are missing.

    Raises:
        StudyhallError: The sampler failed.
    """
    with _taken_back(past):
        return _choose(past, outcome, enqueued)


@dataclass(frozen=True)
class Told:
    """What the sampler wrote when it was told how a setting ended."""

    study_attributes: Mapping[str, Any]
    told_attributes: Mapping[str, Any]
    """To the trial that was told."""


def tell(past: Past, outcome: Outcome) -> Told:
    """Tell the sampler how a setting ended, without a choice after it. The past stays.

    Raises:
        StudyhallError: The sampler failed.
    """
    with _taken_back(past):
        settings = past.in_force
        _tell(past, settings.sampler.make(seed_of(settings.seed, len(past.settings)), settings.seed), outcome)
        written = past.seen.written
        return Told(written.get(None, {}), written.get(outcome.setting, {}))


@contextmanager
def _taken_back(past: Past) -> Iterator[None]:
    """Let a sampler write to the study that it is shown; then take back what it wrote."""
    past.seen.begin()
    try:
        with quiet(), one_thread(past.in_force.sampler.name):
            yield
    except StudyhallError:
        raise
    except Exception as error:
        sampler, number = past.in_force.sampler, len(past.settings)
        raise StudyhallError(f"{sampler.name} failed at setting {number}: {one_line(error)}", sampler.where) from error
    finally:
        past.seen.take_back()


def _choose(past: Past, outcome: Outcome | None, enqueued: Mapping[str, Any] | None) -> Choice | None:
    settings, number = past.in_force, len(past.settings)
    given, axes = enqueued or {}, settings.space.axes
    by = settings.sampler.name if enqueued is None else "enqueued"
    for draw in range(1, SAMPLER_DRAWS + 1):
        sampler = settings.sampler.make(seed_of(settings.seed, number, draw - 1), settings.seed)
        if draw == 1 and outcome is not None:
            _tell(past, sampler, outcome)
        found = _drawn(past, sampler, given)
        if found is not None:
            return _choice(past, found, draw, by, outcome)
        past.seen.take_back_last()
    random = Random(seed_of(settings.seed, number, SAMPLER_DRAWS))
    for draw in range(SAMPLER_DRAWS + 1, SAMPLER_DRAWS + RANDOM_DRAWS + 1):
        found = _allowed(settings, lambda name: given[name] if name in given else uniform(axes[name], random))
        if found is not None:
            return _choice(past, found, draw, by if enqueued else "random", outcome)
    return None


def _tell(past: Past, sampler: BaseSampler, outcome: Outcome) -> None:
    """Tell the sampler how a setting ended, as Optuna does: `after_trial` may write attributes to it."""
    trial = past.seen.get_trial(outcome.setting)
    sampler.after_trial(past.study, trial, TrialState[outcome.state], outcome.values)
    past.tell(outcome)


def _drawn(past: Past, sampler: BaseSampler, given: Mapping[str, Any]) -> Evaluated | None:
    """One setting as the sampler chooses it, axis by axis, beside the values that are given; None if it is not
    allowed, or an expression has no value for it."""
    past.share_search_space(sampler)
    past.study.sampler = sampler
    trial = past.study.ask()
    axes = past.in_force.space.axes
    return _allowed(past.in_force, lambda name: given[name] if name in given else _suggested(trial, name, axes[name]))


def _allowed(settings: TuneSettings, value_of: Callable[[str], Any]) -> Evaluated | None:
    """The setting with these values; None if it is not allowed, or an expression has no value for it."""
    try:
        found = settings.relations.evaluated(settings.space.axes, value_of)
    except UsageError:
        return None
    return found if found.filtered is None else None


def _suggested(trial: Trial, name: str, axis: Numbers | Choices) -> Any:
    if isinstance(axis, Choices):
        return axis.value(trial.suggest_categorical(name, [axis.shown(value) for value in axis.values]))
    log = axis.scale == "log"
    if axis.whole:
        return trial.suggest_int(name, int(axis.low), int(axis.high), step=int(axis.step or 1), log=log)
    return axis.value(trial.suggest_float(name, axis.low, axis.high, step=axis.step, log=log))


def _choice(past: Past, found: Evaluated, draws: int, by: str, outcome: Outcome | None) -> Choice:
    written = past.seen.written
    return Choice(
        axes=found.axes,
        config=past.in_force.config_of(found),
        draws=draws,
        by=by,
        setting_attributes=as_numbers(written.get(len(past.settings), {})),
        study_attributes=written.get(None, {}),
        told_attributes={} if outcome is None else written.get(outcome.setting, {}),
    )
