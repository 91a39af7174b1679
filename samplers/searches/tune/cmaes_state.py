"""CMA-ES's state as numbers: as it stands in a record, and as Optuna keeps it.

Optuna keeps it as a pickle, which is not fit for a record: to read one is to run what it holds, and it holds memory
that was never written. Here it is numbers by name, and a pickle is only made of them for the sampler in this process.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

PREFIXES = ("cma:optimizer", "sepcma:optimizer", "cmawm:optimizer")
CHUNK_CHARACTERS = 2045
"""Optuna cuts the text of a pickle into attributes of this length."""
CLASSES = ("CMA", "SepCMA", "CMAwM")
HISTORY, HISTORY_LENGTH, GENERATION = "_funhist_values", "_funhist_term", "_g"


def as_numbers(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that a sampler of this process has written to a trial, with CMA-ES's state as numbers."""
    made = {name: value for name, value in attributes.items() if not name.startswith(PREFIXES)}
    for prefix in PREFIXES:
        text = "".join(_chunks(attributes, prefix))
        if text:
            made[prefix] = _numbers(pickle.loads(bytes.fromhex(text)))
    return made


def as_optuna_keeps_it(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a record as Optuna reads them.

    Raises:
        ValueError: What stands for CMA-ES's state is none.
    """
    if any(name.startswith(f"{prefix}:") for prefix in PREFIXES for name in attributes):
        raise ValueError("a record holds CMA-ES's state as a pickle, which is not read")
    made = {name: value for name, value in attributes.items() if name not in PREFIXES}
    for prefix in PREFIXES:
        if prefix in attributes:
            text = pickle.dumps(_object(attributes[prefix])).hex()
            starts = range(0, len(text), CHUNK_CHARACTERS)
            made |= {f"{prefix}:{index}": text[at : at + CHUNK_CHARACTERS] for index, at in enumerate(starts)}
    return made


def _chunks(attributes: Mapping[str, Any], prefix: str) -> Iterator[str]:
    index = 0
    while (name := f"{prefix}:{index}") in attributes:
        yield attributes[name]
        index += 1


def _numbers(value: Any) -> Any:
    """A value as JSON holds it."""
    import numpy as np

    if isinstance(value, np.ndarray):
        return {
            "array": [_numbers(each) for each in value.ravel().tolist()],
            "shape": list(value.shape),
            "of": value.dtype.str,
        }
    if isinstance(value, np.generic):
        return _numbers(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    state = dict(value.__getstate__())
    if HISTORY in state:
        state[HISTORY] = _written(state)
    return {"class": type(value).__name__, "state": {name: _numbers(each) for name, each in state.items()}}


def _written(state: Mapping[str, Any]) -> Any:
    """The best and worst values of the last generations: generation g's at 2 · (g mod length); zero where there is none
    yet, which is memory that was never written."""
    history, length, generation = state[HISTORY].copy(), state[HISTORY_LENGTH], state[GENERATION]
    written = {number % length for number in range(max(1, generation - length + 1), generation + 1)}
    for place in range(length):
        if place not in written:
            history[2 * place : 2 * place + 2] = 0.0
    return history


def _object(value: Any) -> Any:
    """The value that these numbers stand for."""
    import cmaes
    import numpy as np

    match value:
        case {"array": [*flat], "shape": [*shape], "of": str() as kind} if np.dtype(kind).kind in "fiub":
            return np.array([_object(each) for each in flat], dtype=np.dtype(kind)).reshape(shape)
        case {"float": str() as text}:
            return float(text)
        case {"class": str() as name, "state": {**state}} if name in CLASSES:
            kind = getattr(cmaes, name)
            made = kind.__new__(kind)
            plain = {key: _object(each) for key, each in state.items()}
            if hasattr(made, "__setstate__"):
                made.__setstate__(plain)
            else:
                made.__dict__.update(plain)
            return made
        case None | bool() | int() | float() | str():
            return value
    raise ValueError(f"{value!r} is no part of CMA-ES's state")
