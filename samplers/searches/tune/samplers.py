"""Optuna's samplers by name, and a user's own.

sampler: tpe
sampler: {name: tpe, multivariate: true}          # its arguments, by Optuna's names
sampler: my_samplers.py:MySampler                 # FILE.py:Class or module.path:Class
sampler: hub:auto_sampler                         # of OptunaHub, if its package is installed
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
HUB = "hub:"
OWN_ARGUMENTS = {
    "seed": "`seed` of the block is every choice's",
    "constraints_func": "conditions on metrics stand under `constraints` of the block",
    "independent_sampler": "it is Optuna's random sampler",
}
"""Arguments that a definition cannot give, and why."""


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

    def check_here(self, scores: int) -> None:
        """Check what only this host can tell: its packages, the class, its arguments.

        Raises:
            UsageError: One of them is missing or wrong.
        """
        made = self.make(0, 0)
        if scores > 1:
            self._check_several_scores(made, scores)

    def make(self, seed: int, study_seed: int) -> BaseSampler:
        """A fresh sampler. `study_seed` is the same for all choices: of a sequence that all of them go along.

        Raises:
            UsageError: A package is missing, the class is no sampler, or it does not take the arguments.
        """
        from optuna.samplers import BaseSampler

        made = self._class()
        arguments = {**self._named_objects(), **self._seeds(made, seed, study_seed)}
        try:
            with quiet():
                sampler = made(**arguments)
        except Exception as error:
            raise UsageError(f"{self.name} refuses its arguments: {one_line(error)}", self.where) from error
        if not isinstance(sampler, BaseSampler):
            raise UsageError(
                f"{self.name} is no sampler: its class has to derive from Optuna's BaseSampler", self.where
            )
        return sampler

    def _class(self) -> Callable[..., Any]:
        if self.name in BUILT_IN:
            import optuna

            built_in = BUILT_IN[self.name]
            missing = [each for each in built_in.needs if importlib.util.find_spec(each) is None]
            if missing:
                needed = f"{self.name} needs {' and '.join(missing)}"
                raise UsageError(f"{needed}: pip install {' '.join(missing)}", self.where)
            made: Callable[..., Any] = getattr(optuna.samplers, built_in.class_name)
        else:
            made = _of_hub(self.name, self.where) if self.name.startswith(HUB) else _own_class(self.name, self.where)
        self._check_arguments(made)
        return made

    def _check_arguments(self, made: Callable[..., Any]) -> None:
        parameters = inspect.signature(made).parameters.values()
        if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
            return
        taken = [each.name for each in parameters if each.name not in OWN_ARGUMENTS]
        for name in self.arguments:
            if name not in taken:
                raise UsageError(f"{self.name} takes no {name!r}{nearest(name, taken)}", self.where)

    def _named_objects(self) -> dict[str, Any]:
        """The arguments; a crossover or mutation of NSGA-II and NSGA-III is written as its class' name."""
        return dict(self.arguments)

    def _seeds(self, made: Callable[..., Any], seed: int, study_seed: int) -> dict[str, Any]:
        parameters = inspect.signature(made).parameters
        if self.name == "qmc":
            from optuna.samplers import RandomSampler

            return {"seed": study_seed, "independent_sampler": RandomSampler(seed=seed)}
        return {"seed": seed} if "seed" in parameters else {}

    def _check_several_scores(self, sampler: BaseSampler, scores: int) -> None:
        """Let a class that is not Optuna's choose once for a study of several scores."""
        import optuna

        from samplers.searches.tune.seen import STUDY_NAME, SeenStudy

        with quiet():
            study = optuna.Study(STUDY_NAME, SeenStudy(["minimize"] * scores), sampler)
            try:
                study.ask().suggest_float("x", 0.0, 1.0)
            except ValueError as error:
                raise UsageError(f"{self.name} takes one score, not {scores}: {one_line(error)}", self.where) from error


def parse_sampler(given: object, scores: int, where: str) -> SamplerChoice:
    """The `sampler:` of a definition, as far as it can be checked without Optuna and without running code.

    Raises:
        UsageError: There is no such sampler, or it takes one score and there are several.
    """
    block = {"name": given} if isinstance(given, str) else given
    if not isinstance(block, Mapping) or not isinstance(block.get("name"), str):
        raise UsageError(f"{given!r} is not a name, or a mapping with one{nearest('', BUILT_IN)}", where)
    name: str = block["name"]
    arguments = {key: value for key, value in block.items() if key != "name"}
    for key in arguments:
        if key in OWN_ARGUMENTS:
            raise UsageError(f"{key!r} cannot be given: {OWN_ARGUMENTS[key]}", where)
    if name not in BUILT_IN and not name.startswith(HUB):
        file, _, class_name = name.rpartition(":")
        if not file or not class_name.isidentifier():
            hint = nearest(name, BUILT_IN)
            raise UsageError(f"no sampler {name!r}{hint}; or module.path:Class, or FILE.py:Class", where)
    if scores > 1 and name in BUILT_IN and not BUILT_IN[name].several_scores:
        able = ", ".join(each for each, built_in in BUILT_IN.items() if built_in.several_scores)
        raise UsageError(f"{name} takes one score, and there are {scores}; for several: {able}", where)
    return SamplerChoice(name, arguments, where)


def _own_class(name: str, where: str) -> Callable[..., Any]:
    """A user's class.

    Raises:
        UsageError: It cannot be imported, or is no class.
    """
    module_name, _, class_name = name.rpartition(":")
    try:
        module = (
            _file_module(Path(module_name)) if module_name.endswith(".py") else importlib.import_module(module_name)
        )
    except Exception as error:
        raise UsageError(f"{name!r} cannot be imported: {one_line(error)}", where) from error
    made = getattr(module, class_name, None)
    if not inspect.isclass(made):
        classes = [each for each, value in vars(module).items() if inspect.isclass(value)]
        raise UsageError(f"{module_name} has no class {class_name!r}{nearest(class_name, classes)}", where)
    return made


def _file_module(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"{file.stem}_sampler", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _of_hub(name: str, where: str) -> Callable[..., Any]:
    """A class of OptunaHub."""
    raise UsageError(f"{name!r}: OptunaHub is not installed: pip install optunahub", where)


@contextmanager
def quiet() -> Iterator[None]:
    """Without Optuna's warnings and log: about what is experimental, or drawn independently."""
    from optuna.logging import ERROR, get_verbosity, set_verbosity

    verbosity = get_verbosity()
    set_verbosity(ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        set_verbosity(verbosity)
