"""`{name}` in a command's arguments: which names there are, and what stands in their place. Nothing here is a shell.

An argument is filled in once, after the command was split: a value may hold spaces, quotes, `; rm x` or `{seed}`, and
stays what it is, inside the argument that named it. `{{` and `}}` are braces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from storage.errors import UsageError

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")
FLAGS = "{flags}"


def names_in(text: str, where: str) -> list[str]:
    """The names of a text's placeholders.

    Raises:
        UsageError: A brace stands alone.
    """
    found = []
    for match in PLACEHOLDER.finditer(text):
        if match[0] in ("{", "}"):
            raise UsageError(f"{where}: a lone {match[0]!r} in {text!r}; a brace itself is written {match[0] * 2!r}")
        if match[1]:
            found.append(match[1])
    return found


def fill(text: str, values: Mapping[str, Any], shown: Callable[[Any], str] | None = None) -> str:
    """A text with every placeholder replaced, in one pass; KeyError for a name that is not in `values`. `shown`: how a
    value is written, if not by `as_text`."""
    write = shown or as_text
    return PLACEHOLDER.sub(lambda match: write(values[match[1]]) if match[1] else match[0][0], text)


def arguments_of(argument: str, values: Mapping[str, Any], shown: Callable[[Any], str] | None = None) -> list[str]:
    """What one argument of the template becomes: itself, filled in; or one each, where it is nothing but a list."""
    whole = PLACEHOLDER.fullmatch(argument)
    if whole and whole[1] and isinstance(values[whole[1]], list | tuple):
        return [(shown or as_text)(each) for each in values[whole[1]]]
    return [fill(argument, values, shown)]


def leaves(config: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Keys and values, nested mappings as dotted keys."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def gathered(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration with `model.mlp` moved into `model`, where that is a mapping: a script reads it in one place.

    >>> gathered({"model": {"depth": 2}, "model.mlp": 64, "opt.lr": 0.1})
    {'model': {'depth': 2, 'mlp': 64}, 'opt.lr': 0.1}
    """
    whole = dict(config)
    for key, value in config.items():
        head, _, rest = key.partition(".")
        if rest and isinstance(whole.get(head), Mapping):
            del whole[key]
            whole[head] = gathered({**whole[head], rest: value})
    return whole


def as_text(value: Any) -> str:
    """A value inside an argument: text as it stands, everything else as YAML and JSON write it."""
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, float) else json.dumps(value)
