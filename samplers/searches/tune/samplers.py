"""Optuna's samplers by name, and a user's own.

sampler: tpe
sampler: {name: tpe, n_startup_trials: 20}        # its arguments, by Optuna's names
sampler: {name: nsgaii, crossover: sbx}
sampler: my_samplers.py:MySampler                 # FILE.py:Class or module.path:Class
sampler: hub:auto_sampler:AutoSampler             # of OptunaHub's package `samplers/auto_sampler`, once it is here
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from samplers.searches.tune.arguments import OWN_ARGUMENTS, check_arguments, parameters_of, with_objects
from samplers.searches.tune.user_class import HUB, hub_class, user_class
from storage.errors import UsageError, nearest, one_line

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@dataclass(frozen=True)
class BuiltIn:
    """One of Optuna's own samplers."""

    class_name: str
    several_scores: bool = True
    constraints: bool = True
    needs: tuple[str, ...] = ()
    """Packages that Optuna does not bring with it."""


BUILT_IN: Mapping[str, BuiltIn] = {
    "tpe": BuiltIn("TPESampler"),
    "gp": BuiltIn("GPSampler", needs=("scipy", "torch")),
    "cmaes": BuiltIn("CmaEsSampler", several_scores=False, constraints=False, needs=("cmaes",)),
    "nsgaii": BuiltIn("NSGAIISampler"),
    "nsgaiii": BuiltIn("NSGAIIISampler"),
    "qmc": BuiltIn("QMCSampler", constraints=False, needs=("scipy",)),
    "random": BuiltIn("RandomSampler", constraints=False),
}


@dataclass(frozen=True)
class SamplerChoice:
    """The `sampler:` of a definition."""

    name: str
    arguments: Mapping[str, Any]
    where: str

    @property
    def is_code(self) -> bool:
        """Whether it names a class outside Optuna, which runs once its user has allowed it."""
        return self.name not in BUILT_IN

    @property
    def knows_constraints(self) -> bool:
        """Whether the sampler reads what a setting's constraints are; of a class outside Optuna, nobody can tell."""
        return self.is_code or BUILT_IN[self.name].constraints

    @property
    def constrained(self) -> str:
        """Optuna's samplers that know constraints, for a message."""
        return ", ".join(name for name, built_in in BUILT_IN.items() if built_in.constraints)

    def make(self, seed: int, study_seed: int) -> BaseSampler:
        """A fresh sampler. `study_seed` is the same for all choices: of a sequence that all of them go along.

        Raises:
            UsageError: A package is missing, the class is no sampler, or it does not take the arguments.
        """
        from optuna.samplers import BaseSampler, RandomSampler

        made = self._made
        arguments = with_objects(self.name, self.arguments, self.where)
        if "seed" in parameters_of(made):
            arguments["seed"] = study_seed if self.name == "qmc" else seed
        if self.name == "qmc":
            arguments["independent_sampler"] = RandomSampler(seed=seed)
        try:
            with quiet():
                sampler = made(**arguments)
        except Exception as error:
            raise UsageError(f"{self.name} refuses its arguments: {one_line(error)}", self.where) from error
        if not isinstance(sampler, BaseSampler):
            raise UsageError(f"{self.name} is no sampler: its class has to derive from BaseSampler", self.where)
        return sampler

    @cached_property
    def _made(self) -> Callable[..., Any]:
        """The class, once it is found and takes the arguments: a choice does not look again."""
        made = self._class()
        check_arguments(self.name, made, self.arguments, typed=not self.is_code, where=self.where)
        return made

    def _class(self) -> Callable[..., Any]:
        if self.name.startswith(HUB):
            return hub_class(self.name, self.where)
        if self.is_code:
            return user_class(self.name, self.where)
        import optuna

        built_in = BUILT_IN[self.name]
        missing = [each for each in built_in.needs if importlib.util.find_spec(each) is None]
        if missing:
            needed = " and ".join(missing)
            raise UsageError(f"{self.name} needs {needed}: pip install {' '.join(missing)}", self.where)
        made: Callable[..., Any] = getattr(optuna.samplers, built_in.class_name)
        return made


def parse_sampler(given: object, scores: int, where: str) -> SamplerChoice:
    """The `sampler:` of a definition, as far as it can be checked without Optuna and without running code.

    Raises:
        UsageError: There is no such sampler, or it takes one score and there are several.
    """
    block = {"name": given} if isinstance(given, str) else given
    if not isinstance(block, Mapping) or not isinstance(block.get("name"), str):
        raise UsageError(f"{given!r} is not a name, or a mapping with one{nearest('', BUILT_IN)}", where)
    name: str = block["name"]
    arguments = {str(key): value for key, value in block.items() if key != "name"}
    for key in arguments:
        if key in OWN_ARGUMENTS:
            raise UsageError(f"{key!r} cannot be given: {OWN_ARGUMENTS[key]}", where)
    if name not in BUILT_IN:
        place, _, class_name = name.rpartition(":")
        if not place.removeprefix(HUB) or not class_name.isidentifier() or place == HUB.removesuffix(":"):
            hint = nearest(name, BUILT_IN)
            raise UsageError(f"no sampler {name!r}{hint}; or module.path:Class, or FILE.py:Class", where)
    if scores > 1 and name in BUILT_IN and not BUILT_IN[name].several_scores:
        able = ", ".join(each for each, built_in in BUILT_IN.items() if built_in.several_scores)
        raise UsageError(f"{name} takes one score, and there are {scores}; for several: {able}", where)
    return SamplerChoice(name, arguments, where)


@contextmanager
def one_thread(name: str) -> Iterator[None]:
    """Let a Gaussian process compute in one thread: a sum in several parts differs in its last digits."""
    if name != "gp":
        yield
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Optuna's warnings and log: about what is experimental, or drawn independently."""
    from optuna.logging import ERROR, get_verbosity, set_verbosity

    verbosity = get_verbosity()
    if verbosity < ERROR:  # setting it costs as much as a random choice
        set_verbosity(ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        if verbosity < ERROR:
            set_verbosity(verbosity)
