"""Counts of the families hlb and llama, exactly as other programs' models have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from objectives import parameters


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


@pytest.mark.parametrize(("layers", "width", "heads", "params"), [(12, 288, 4, 15950880), (2, 36, 2, 43956)])
def test_llama_counts_as_the_reference_does(layers, width, heads, params) -> None:
    config = {"family": "llama", "vocab_size": 32, "n_layer": layers, "n_embd": width, "n_head": heads}
    assert parameters.validate(config) is None
    assert parameters.cost(config)["params"] == params
