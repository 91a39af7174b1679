"""`{name}` in a command's arguments: which names there are, and what stands in their place. Nothing here is a shell.

An argument is filled in once, after the command was split: a value may hold spaces, quotes, `; rm x` or `{seed}`, and
stays what it is, inside the argument that named it. `{{` and `}}` are braces.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from storage.errors import UsageError

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]")
FLAGS = "{flags}"
MODES = ("no-prefix", "value", "omit")
"""How {flags} sends booleans: `--name` and `--no-name`; `--name true` and `--name false`; `--name` and nothing."""


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


def fill(text: str, values: Mapping[str, Any]) -> str:
    """A text with every placeholder replaced, in one pass; KeyError for a name that is not in `values`."""
    return PLACEHOLDER.sub(lambda match: as_text(values[match[1]]) if match[1] else match[0][0], text)


def arguments_of(argument: str, values: Mapping[str, Any]) -> list[str]:
    """What one argument of the template becomes: itself, filled in; or one each, where it is nothing but a list."""
    whole = PLACEHOLDER.fullmatch(argument)
    if whole and whole[1] and isinstance(values[whole[1]], list | tuple):
        return [as_text(each) for each in values[whole[1]]]
    return [fill(argument, values)]


def flags_of(config: Mapping[str, Any], mode: str) -> list[str]:
    """Every key of a configuration as flags for argparse, nested ones dotted.

    `--name value`, or `--name=value` where argparse would take the value for a flag; a list is several values, so that
    nargs="*" reads it; null is left out, since argparse has no word for it.

    Raises:
        UsageError: A list that argparse cannot be sent.
    """
    return [text for name, value in leaves(config) for text in _flag(name, value, mode)]


def _flag(name: str, value: Any, mode: str) -> list[str]:
    match value:
        case None:
            return []
        case bool() if mode != "value":
            off = [f"--no-{name}"] if mode == "no-prefix" else []
            return [f"--{name}"] if value else off
        case list() | tuple():
            texts = [_without_exponent(each) for each in value]
            if len(texts) == 1 and texts[0].startswith("-"):
                return [f"--{name}={texts[0]}"]
            for each in texts:
                if each.startswith("-") and not re.fullmatch(r"-\d+|-\d*\.\d+", each):
                    raise UsageError(f"{FLAGS}: argparse cannot be sent {each!r} as one of several values of {name!r}")
            return [f"--{name}", *texts]
        case _:
            text = as_text(value)
            return [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]


def _without_exponent(value: Any) -> str:
    """argparse takes -0.00001 for a number and -1e-05 for a flag."""
    if isinstance(value, float) and value < 0 and "e" in repr(value):
        return format(Decimal(repr(value)), "f")
    return as_text(value)


def leaves(config: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Keys and values, nested mappings as dotted keys."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def as_text(value: Any) -> str:
    """A value inside an argument: text as it stands, everything else as YAML and JSON write it."""
    if isinstance(value, str):
        return value
    return repr(value) if isinstance(value, float) else json.dumps(value)
