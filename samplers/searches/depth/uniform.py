"""Stacks that are uniform by construction: all layers have the same number of parameters, so counts lie on a line.

The families of the objective `parameters` are: their code is ours. A function of the user's may change from some layer
on, and some models of `transformers` do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FAMILIES = ("lobo", "gpt2", "hlb", "llama", "cehr")


def is_uniform(config: Mapping[str, Any]) -> bool:
    """Whether `parameters` builds a uniform stack from this config: a family, without sizes layer by layer."""
    return config.get("family") in FAMILIES and not any(isinstance(value, list | tuple) for value in config.values())
