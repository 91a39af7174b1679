"""Axes as W&B, SEML, Ax, Ray and Hydra write them, in this project's words: only to say how an axis is written here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

CALL = re.compile(r"(choice|range|interval|uniform|loguniform|randint)\((.*)\)$", re.DOTALL)
"""Of Hydra's override grammar and of Ray's and Optuna's spaces."""
LISTS = ("values", "options", "choices")
LOG_KINDS = re.compile("log", re.IGNORECASE)
KIND_KEYS = ("type", "distribution", "scale")
LOG_VALUES = 5
"""How many values a logarithmic axis is shown with, where its author left that to chance."""


def in_our_words(given: object) -> str | None:
    """How an axis of another program is written here; None if it is not one.

    >>> in_our_words({"values": [1, 2]}), in_our_words({"type": "choice", "options": ["adam", "sgd"]})
    ('[1, 2]', '[adam, sgd]')
    >>> in_our_words({"min": 1, "max": 8}), in_our_words({"type": "loguniform", "min": 1e-4, "max": 0.1})
    ('{range: [1, 8]}', '{log: [0.0001, 0.1, 5]}')
    >>> in_our_words("choice(1, 2)"), in_our_words("range(1, 9)"), in_our_words("1,2,3"), in_our_words("abc")
    ('[1, 2]', '{range: [1, 8]}', '[1, 2, 3]', None)
    """
    match given:
        case {"value": value}:
            return f"[{_plain(value)}]"
        case Mapping():
            return _of_mapping(given)
        case str():
            return _of_text(given.strip())
    return None


def _of_mapping(given: Mapping[Any, Any]) -> str | None:
    listed = next((given[key] for key in LISTS if isinstance(given.get(key), list)), None)
    if listed is not None:
        return f"[{', '.join(map(_plain, listed))}]"
    low, high = given.get("min", given.get("low")), given.get("max", given.get("high"))
    if not _is_number(low) or not _is_number(high):
        return None
    if given.get("log") is True or any(LOG_KINDS.search(str(given.get(key, ""))) for key in KIND_KEYS):
        return f"{{log: [{low}, {high}, {given.get('num', LOG_VALUES)}]}}"
    step = given.get("step", given.get("q"))
    if step is None and _is_number(given.get("num")) and given["num"] > 1:
        step = (high - low) / (given["num"] - 1)
    return _range(low, high, step)


def _of_text(text: str) -> str | None:
    call = CALL.match(text)
    if call is None:
        return f"[{', '.join(_split(text))}]" if "," in text and "(" not in text else None
    parts = _split(call[2])
    if call[1] == "choice":
        return f"[{', '.join(parts)}]"
    numbers = [json.loads(part) for part in parts if re.fullmatch(r"-?\d+(\.\d+)?", part)]
    if len(numbers) != len(parts) or not 1 <= len(parts) <= 3:
        return None
    low, high, *step = numbers if len(numbers) > 1 else (0, *numbers)
    if call[1] == "loguniform":
        return f"{{log: [{low}, {high}, {LOG_VALUES}]}}"
    excludes_end = call[1] in ("range", "randint") and isinstance(high, int) and isinstance(low, int)
    return _range(low, high - 1 if excludes_end else high, step[0] if step else None)


def _range(low: float, high: float, step: float | None) -> str:
    if step is None and not (isinstance(low, int) and isinstance(high, int)):
        step = (high - low) / (LOG_VALUES - 1)
    return f"{{range: [{', '.join(str(each) for each in (low, high, step) if each is not None)}]}}"


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
