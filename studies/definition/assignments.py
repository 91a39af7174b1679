"""`--set KEY=VALUE`: paths into a configuration, and values by the rules of studies/definition/yaml_text.py."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from storage.errors import UsageError, nearest
from studies.definition.yaml_text import can_be_kept, read_scalar

Path = tuple[str | int, ...]
PART = re.compile(r"([^.\[\]]+)((?:\[\d{1,6}\])*)$")


def parse_assignment(text: str) -> tuple[Path, Any, bool]:
    """Path, value, and whether the key may be new (`+KEY=VALUE`).

    Raises:
        UsageError: It is not KEY=VALUE.
    """
    key, separator, value = text.partition("=")
    adding = key.startswith("+")
    key = key.removeprefix("+").strip()
    path: list[str | int] = []
    for part in key.split("."):
        match = PART.match(part)
        if not separator or match is None:
            raise UsageError(f"{text!r} is not KEY=VALUE, like max_iters=200 or n_head_layerlist[1]=2", where="--set")
        path += [match[1], *(int(index) for index in re.findall(r"\d+", match[2]))]
    if not can_be_kept(key):
        raise UsageError(f"{key[:40]!r} holds a character that cannot be kept", where="--set")
    return tuple(path), read_scalar(value, f"--set {key}"), adding


def assign(target: Mapping[str, Any], path: Sequence[str | int], value: Any, adding: bool, text: str) -> dict[str, Any]:
    """A copy of `target` with `value` at `path`.

    Raises:
        UsageError: `path` does not exist, and `adding` is false.
    """
    copied = _put(target, path, value, adding, text)
    assert isinstance(copied, dict)
    return copied


def value_at(config: Any, path: Sequence[str | int]) -> Any:
    """What stands at a path; None if nothing does."""
    for part in path:
        inside = range(len(config)) if isinstance(config, list) else config if isinstance(config, Mapping) else ()
        config = config[part] if part in inside else None
    return config


def _put(target: Any, path: Sequence[str | int], value: Any, adding: bool, text: str) -> Any:
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(key, int):
        if not isinstance(target, list) or key >= len(target):
            raise UsageError(f"{text!r}: has no element [{key}]", where="--set")
        return [*target[:key], _put(target[key], rest, value, adding, text), *target[key + 1 :]]
    if not isinstance(target, Mapping):
        raise UsageError(f"{text!r}: {key!r} lies below a value that is not a mapping", where="--set")
    if key not in target and not adding:
        raise UsageError(f"{text!r}: there is no key {key!r}{nearest(key, target)} (a new key: +{text})", where="--set")
    return {**target, key: _put(target.get(key, {}), rest, value, adding, text)}
