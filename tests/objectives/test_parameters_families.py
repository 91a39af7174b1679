"""Counts of the families hlb and llama, exactly as other programs' models have them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from objectives import parameters
from objectives.gpt.config import GptConfig
from samplers.searches.depth.uniform import FAMILIES, is_uniform


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("depth", "width", "params", "non_embedding"),
    [(8, 384, 46009736, 7376264), (5, 256, 27805189, 27805189 - 2 * 50304 * 256), (8, 192, 21161672, None)],
)
def test_hlb_counts_as_the_reference_does(depth, width, params, non_embedding) -> None:
    config = {"family": "hlb", "vocab_size": 50304, "n_layer": depth, "n_embd": width}
    assert parameters.validate(config) is None
    told = parameters.cost(config)
    assert told["params"] == params and non_embedding in (None, told["non_embedding_params"])


def test_every_family_is_a_uniform_stack_unless_sizes_are_given_layer_by_layer() -> None:
    assert {*GptConfig.__dataclass_fields__["family"].metadata["choices"], "cehr"} == set(FAMILIES)
    for family in FAMILIES:
        config = {"family": family, "vocab_size": 50, "n_embd": 32, "n_head": 4, "max_position_embeddings": 16}
        assert is_uniform(config)
        counts = [parameters.cost({**config, "n_layer": layers})["params"] for layers in range(1, 13)]
        assert len({after - before for before, after in pairwise(counts)}) == 1, family
    lists = {"family": "lobo", "vocab_size": 50, "n_embd": 32, "mlp_size_layerlist": [32, 64]}
    counts = [parameters.cost({**lists, "n_layer": layers})["params"] for layers in (1, 2, 3)]
    assert counts[2] - counts[1] != counts[1] - counts[0] and not is_uniform(lists)
    assert not is_uniform({"model": "a:b"}) and not is_uniform({"hf": {"model_type": "llama"}, "family": None})


@pytest.mark.parametrize(("layers", "width", "heads", "params"), [(12, 288, 4, 15950880), (2, 36, 2, 43956)])
def test_llama_counts_as_the_reference_does(layers, width, heads, params) -> None:
    config = {"family": "llama", "vocab_size": 32, "n_layer": layers, "n_embd": width, "n_head": heads}
    assert parameters.validate(config) is None
    assert parameters.cost(config)["params"] == params
