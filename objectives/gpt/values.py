"""Checks one value of a config against the type and the rule of its field."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from objectives.gssm.graph import parse_problem
from storage.errors import UsageError, nearest

Rule = Mapping[str, Any]
"""Bounds: `low` and `high` (inclusive), `above` and `below` (exclusive), `choices`."""

_TYPE_NAMES = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "tuple[int, ...]": "a list of whole numbers, at least one",
}


def read_value(key: str, kind: str, rule: Rule, value: Any) -> Any:
    """Check `value` for a field of type `kind` (as annotated, such as `int | None`) with the bounds of `rule`.

    A whole number becomes a float where the field is one; no other type is converted.

    Raises:
        UsageError: The value has another type, is out of range, or is not among the choices.
    """
    kind, _, optional = kind.partition(" | ")
    if value is None and optional:
        return None
    match kind, value:
        case "Problem", _:
            return parse_problem(value, f"config: {key}")
        case "bool", bool():
            return value
        case "int", int() if type(value) is not bool:
            _check_range(key, rule, value)
            return value
        case "float", int() | float() if type(value) is not bool and abs(value) <= sys.float_info.max:
            _check_range(key, rule, value)
            return float(value)
        case "str", str():
            if value not in rule.get("choices", (value,)):
                raise UsageError(f"config: {key} is {value!r}{nearest(value, rule['choices'])}")
            return value
        case "tuple[int, ...]", list() | tuple() if value and all(type(each) is int for each in value):
            for position, each in enumerate(value):
                _check_range(f"{key}[{position}]", rule, each)
            return tuple(value)
        case _:
            wanted = _TYPE_NAMES[kind] + (", or null" if optional else "")
            raise UsageError(f"config: {key} is {value!r}; {wanted} is needed")


def _check_range(key: str, rule: Rule, value: float) -> None:
    if "low" in rule and value < rule["low"]:
        raise UsageError(f"config: {key} is {value!r}; at least {rule['low']} is needed")
    if "above" in rule and value <= rule["above"]:
        raise UsageError(f"config: {key} is {value!r}; more than {rule['above']} is needed")
    if "high" in rule and value > rule["high"]:
        raise UsageError(f"config: {key} is {value!r}; at most {rule['high']} is needed")
    if "below" in rule and value >= rule["below"]:
        raise UsageError(f"config: {key} is {value!r}; less than {rule['below']} is needed")
