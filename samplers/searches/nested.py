"""Values of a nested config by dotted names: `opt.lr` is `config["opt"]["lr"]`, unless the config has that key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storage.errors import UsageError

Path = tuple[str, ...]


def flattened(config: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Every value of a nested config by its dotted name.

    >>> flattened({"opt": {"lr": 0.1}, "n_head": 2})
    {'opt.lr': 0.1, 'n_head': 2}
    """
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flattened(value, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = value
    return flat


def path_of(name: str, config: Mapping[str, Any]) -> Path | None:
    """The place of a name in the config; None if the config does not have it."""
    if name in config:
        return (name,)
    level: Any = config
    for part in name.split("."):
        if not isinstance(level, Mapping) or part not in level:
            return None
        level = level[part]
    return tuple(name.split("."))


def new_path(name: str, config: Mapping[str, Any], where: str) -> Path:
    """The place that a name has in the config, or will have once it is set.

    Raises:
        UsageError: The name is an element of a list, or lies below a value that is not a mapping.
    """
    if (path := path_of(name, config)) is not None:
        return path
    if "[" in name:
        raise UsageError(f"{name!r} is one element of a list; name the list, with whole lists as values", where)
    *above, last = name.split(".")
    level: Any = config
    for part in above:
        level = level.get(part, {})
        if not isinstance(level, Mapping):
            raise UsageError(f"{name!r} lies below {part!r}, which is {level!r} in the config, not a mapping", where)
    return (*above, last)


def value_at(config: Mapping[str, Any], path: Path) -> Any:
    """The value at a path; None if there is none."""
    level: Any = config
    for part in path:
        if not isinstance(level, Mapping):
            return None
        level = level.get(part)
    return level


def named_value(config: Mapping[str, Any], name: str) -> Any:
    """The value of a dotted name that the config has.

    Raises:
        KeyError: The config does not have it.
    """
    path = path_of(name, config)
    if path is None:
        raise KeyError(name)
    return value_at(config, path)


def with_value(config: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of the config with a value at a path; levels that are missing are made.

    >>> with_value({"opt": {"lr": 0.1}}, ("opt", "momentum"), 0.9)
    {'opt': {'lr': 0.1, 'momentum': 0.9}}
    """
    key, *rest = path
    return {**config, key: with_value(config.get(key, {}), tuple(rest), value) if rest else value}


def with_named(config: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """A copy of the config with another value of a dotted name, which is new where the config does not have it."""
    return with_value(config, path_of(name, config) or tuple(name.split(".")), value)
