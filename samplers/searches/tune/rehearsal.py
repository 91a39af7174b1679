"""A choice tried out before a study begins: a sampler that cannot choose says so at once, not in the middle."""

from __future__ import annotations

from random import Random

from samplers.searches.tune.allowed import possible
from samplers.searches.tune.choice import choose
from samplers.searches.tune.outcome import Outcome
from samplers.searches.tune.past import Past
from samplers.searches.tune.settings import TuneSettings
from storage.errors import StudyhallError, UsageError, one_line

REHEARSED_SETTINGS = 12
MAX_REHEARSED_SETTINGS = 200
SIZES = ("n_startup_trials", "population_size", "popsize")
"""Arguments that say how many settings a sampler draws before it learns from them."""


def rehearse(past: Past, scores: int) -> None:
    """Let the sampler choose the first setting, and one after some that were told invented scores.

    Raises:
        UsageError: It fails.
    """
    settings = past.in_force
    if settings.sampler.name == "gp":
        return  # it needs seconds for a choice, and its arguments are two plain ones
    random = Random(0)
    for told in (0, _told(settings)):
        for _ in range(len(past.settings), told):
            _add(past, random, scores)
        try:
            choose(past, None)
        except UsageError:
            raise
        except Exception as error:
            reason = one_line(error.__cause__ or error) if isinstance(error, StudyhallError) else one_line(error)
            raise UsageError(f"{settings.sampler.name} cannot choose here: {reason}", settings.sampler.where) from error


def _told(settings: TuneSettings) -> int:
    sizes = [value for name in SIZES if isinstance(value := settings.sampler.arguments.get(name), int)]
    return min(max(REHEARSED_SETTINGS, *(size + 2 for size in sizes), 0), MAX_REHEARSED_SETTINGS)


def _add(past: Past, random: Random, scores: int) -> None:
    found, number = possible(past.in_force, random), len(past.settings)
    if found is None:
        return
    record = {
        "setting": number,
        "params": found.axes,
        "config": past.in_force.config_of(found),
        "hash": str(number),
        "attributes": {"setting": {}, "study": {}},
    }
    past.add("chosen", record)
    constraints = {constraint.text: random.random() - 0.5 for constraint in past.in_force.constraints}
    values = [random.random() for _ in range(scores)]
    past.add("told", {"outcome": Outcome(number, "COMPLETE", values, constraints).to_json()})
