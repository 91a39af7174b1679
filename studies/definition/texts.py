"""Texts where booleans or numbers are meant: `yes`, `no`, `on` and `1_000` are texts in YAML 1.2.

A text that stands among the booleans or numbers of an axis, or over one of the config, is refused: a function would
take 'no' for true, and two settings that differ only in their spelling would be two rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from samplers.searches.nested import flattened
from samplers.searches.new_names import AXES, blocks_of
from storage.errors import UsageError

TRUE_WORDS = ("yes", "on", "y", "t", "true")
FALSE_WORDS = ("no", "off", "n", "f", "false")
NULL_WORDS = ("none", "nil", "null")
GROUPED_NUMBER = re.compile(r"[-+]?[0-9]+([_,][0-9]+)*(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def check_spellings(config: Mapping[str, Any], where: str) -> None:
    """Check that a configuration writes no leaf twice: `"opt.lr": 1` beside `opt: {lr: 2}`.

    Raises:
        UsageError: It does: a command would be sent both, and a table shows one.
    """
    nested = {name for key, value in config.items() if isinstance(value, Mapping) for name in flattened({key: value})}
    twice = next((key for key in config if key in nested), None)
    if twice is not None:
        inside, _, leaf = twice.partition(".")
        raise UsageError(f"{twice!r} is written twice: as a key of its own, and as {leaf!r} inside {inside!r}", where)


def check_axis_names(block: Mapping[str, Any], config: Mapping[str, Any], where: str, search: str) -> None:
    """Check that no axis lies inside another one: `opt` beside `opt.lr`; and the config of each of a grid's groups.

    Raises:
        UsageError: One does: of two values one would be shown and the other one run.
    """
    for given, base, place in blocks_of(block, config, where, search):
        check_spellings(base, f"{place}.config")
        axes = given.get(AXES[search])
        names = [str(name) for name in axes] if isinstance(axes, Mapping) else []
        for name in names:
            outer = next((each for each in names if name.startswith(f"{each}.") and name not in base), None)
            if outer is not None:
                raise UsageError(
                    f"{name!r} lies inside the axis {outer!r}; make them one axis", f"{place}.{AXES[search]}"
                )


def check_axis_texts(block: Mapping[str, Any], config: Mapping[str, Any], where: str, search: str) -> None:
    """Check the axes of the block of a grid or tune, or of a grid's groups.

    Raises:
        UsageError: A text stands among booleans or numbers, or over one of the config.
    """
    for given, base, place in blocks_of(block, config, where, search):
        axes, flat = given.get(AXES[search]), flattened(base)
        for name, values in axes.items() if isinstance(axes, Mapping) else ():
            if isinstance(values, list):
                check_texts(values, flat.get(name), f"{place}.{AXES[search]}.{name}")


def check_texts(values: Iterable[Any], known: Any, where: str) -> None:
    """Check the values of one axis, or one value, against each other and the value that the config has.

    Raises:
        UsageError: One is a text, and another or the config's a boolean or a number.
    """
    values = list(values)
    text = next((each for each in values if isinstance(each, str)), None)
    if text is None:
        return
    beside = next((each for each in values if isinstance(each, int | float)), None)
    place = "stands beside"
    if beside is None and isinstance(known, int | float):
        beside, place = known, "replaces the config's"
    if beside is not None:
        raise UsageError(f"{text!r} is a text and {place} {_yaml(beside)}; {_meant(text)}", where)


def _meant(text: str) -> str:
    word = text.strip().lower()
    for words, value in ((TRUE_WORDS, "true"), (FALSE_WORDS, "false"), (NULL_WORDS, "null")):
        if word in words:
            return f"write {value}"
    if GROUPED_NUMBER.fullmatch(word):
        return f"write {word.replace('_', '').replace(',', '')}"
    return "where texts are meant, all values have to be texts, in quotes"


def _yaml(value: bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
