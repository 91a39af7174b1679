"""The types of language models that the installed transformers has, with the sizes that searches vary.

Every fifth type, in the order of the alphabet; `EVERY_CASE=1` counts all of them.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import pytest

from objectives import parameters
from objectives.parameters.counts import on_meta


def counted(kind: str, layers: int | None = None) -> float | str:
    """Parameters, or why they are not counted."""
    config = {"hf": {"model_type": kind}, **({} if layers is None else {"n_layer": layers})}
    return parameters.validate(config) or parameters.cost(config)["params"]


def builds_by_itself(library: Any, config: Any) -> bool:
    """Whether the library can build a type's own default."""
    try:
        with on_meta():
            library.AutoModelForCausalLM.from_config(config())
    except Exception:
        return False
    return True


def test_the_types_that_transformers_can_build_are_counted_and_hear_their_layers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path))
    library: Any = importlib.import_module("transformers")
    configs = library.models.auto.configuration_auto.CONFIG_MAPPING
    kinds = [*library.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES]
    wrong = {}
    for kind in sorted(kinds)[:: 1 if os.environ.get("EVERY_CASE") else 5]:
        few, more = counted(kind, 2), counted(kind, 3)
        if isinstance(few, float) and few == more:
            wrong[kind] = f"{few} parameters with two layers and with three"
        elif isinstance(few, str) and isinstance(counted(kind), str) and builds_by_itself(library, configs[kind]):
            wrong[kind] = few
    assert not wrong and len(kinds) > 100
