"""The arguments of a sampler, as a definition can give them: checked against the signature of its class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from storage.errors import UsageError, nearest

OWN_ARGUMENTS = {
    "seed": "the block's `seed` is that of every choice",
    "constraints_func": "conditions on metrics stand under `constraints` of the block",
    "independent_sampler": "it is Optuna's random sampler",
}
"""Arguments that a definition cannot give, and why."""
PLAIN_TYPES: Mapping[str, tuple[type, str]] = {
    "int": (int, "a whole number"),
    "float": (float, "a number"),
    "bool": (bool, "true or false"),
    "str": (str, "a text"),
    "dict[str, Any]": (dict, "a mapping"),
}
OBJECTS = {"crossover": "Crossover", "mutation": "Mutation"}
"""Arguments whose value is written as the name of a class of Optuna: `sbx` for SBXCrossover."""


@lru_cache(maxsize=64)
def parameters_of(made: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """The parameters of a class."""
    return inspect.signature(made).parameters


def check_arguments(name: str, made: Callable[..., Any], arguments: Mapping[str, Any], typed: bool, where: str) -> None:
    """Check that a class takes these arguments; `typed`: and their types, as its annotations have them.

    Raises:
        UsageError: It does not.
    """
    parameters = parameters_of(made)
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        return
    givable = [each for each, parameter in parameters.items() if each in OBJECTS or not typed or _types(parameter)]
    taken = [each for each in givable if each not in OWN_ARGUMENTS]
    for key, value in arguments.items():
        if key not in taken:
            raise UsageError(f"{name} takes no {key!r}{nearest(key, taken)}", where)
        if typed and key not in OBJECTS:
            _check_type(value, _types(parameters[key]), f"{where}.{key}")


def with_objects(name: str, arguments: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The arguments, with the objects of Optuna that some of them name.

    Raises:
        UsageError: There is no such object.
    """
    made = dict(arguments)
    for key, suffix in OBJECTS.items():
        value = made.get(key)
        if name not in ("nsgaii", "nsgaiii") or value is None:
            continue
        from optuna.samplers import nsgaii

        known = {
            each.removesuffix(suffix).lower(): getattr(nsgaii, each)
            for each in dir(nsgaii)
            if each.endswith(suffix) and not each.startswith("Base")
        }
        if value not in known:
            raise UsageError(f"{value!r} is no {key} of Optuna{nearest(str(value), known)}", f"{where}.{key}")
        made[key] = known[value]()
    return made


def _types(parameter: inspect.Parameter) -> list[str]:
    """The plain types that a parameter takes, by its annotation: `int | None`; none if it takes an object."""
    parts = [part.strip() for part in str(parameter.annotation).split("|")]
    return [part for part in parts if part != "None"] if all(part in (*PLAIN_TYPES, "None") for part in parts) else []


def _check_type(value: object, types: list[str], where: str) -> None:
    if value is None or any(_is_of(value, PLAIN_TYPES[each][0]) for each in types):
        return
    raise UsageError(f"{value!r} is not {' or '.join(PLAIN_TYPES[each][1] for each in types)}", where)


def _is_of(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)
