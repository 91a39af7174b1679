"""The objective `parameters`: exact counts, models of the user's, the cache, and one real training step."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from objectives import parameters
from objectives.parameters.counts import count_module, on_meta
from objectives.parameters.sources import source_of
from samplers.searches.depth.closed_form import ClosedForm
from storage.errors import UsageError
from storage.home import CHECKOUT


class Here:
    """What a training step asks of its trial."""

    seed = 3
    device = "cpu"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own: nothing is known before."""
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def count(**config: Any) -> dict[str, float]:
    assert parameters.validate(config) is None
    return dict(parameters.objective(config, Here()))


def refused(**config: Any) -> str:
    """The one line that a config is refused with, the same in every place."""
    said = parameters.validate(config)
    assert said is not None and "\n" not in said
    with pytest.raises(UsageError) as error:
        parameters.objective(config, Here())
    assert str(error.value) == said
    return said


# Families. Figures of the reference, measured on other programs' models.


@pytest.mark.parametrize(
    ("n_layer", "n_head", "n_embd", "vocab_size", "positions", "bias", "params", "non_embedding"),
    [
        (12, 12, 768, 50257, 1024, True, 124439808, 123653376),
        (24, 16, 1024, 50257, 1024, True, 354823168, 353774592),
        (12, 12, 768, 50304, 1024, False, 124373760, None),
        (6, 6, 384, 65, 256, False, 10745088, None),
    ],
)
def test_gpt2_counts_as_the_reference_does(
    n_layer, n_head, n_embd, vocab_size, positions, bias, params, non_embedding
) -> None:
    shape = {"n_layer": n_layer, "n_head": n_head, "n_embd": n_embd, "vocab_size": vocab_size, "bias": bias}
    told = count(family="gpt2", max_position_embeddings=positions, **shape)
    assert told["params"] == params and non_embedding in (None, told["non_embedding_params"])
    assert told == count(family="gpt2", block_size=positions, **shape)
    assert told["estimate"] == ClosedForm(vocab_size, positions).params(n_layer, n_embd)


LOBO = {
    "family": "lobo",
    "mlp_size": 32,
    "n_qk_head_dim": 32,
    "n_v_head_dim": 32,
    "use_flash_lobo": True,
    "use_flash_lobo_per_head": True,
}


@pytest.mark.parametrize(
    ("vocab_size", "absolute", "params"), [(65, False, 8321), (65, True, 16513), (50257, False, 1614465)]
)
def test_lobo_counts_as_the_reference_does(vocab_size, absolute, params) -> None:
    told = count(**LOBO, vocab_size=vocab_size, block_size=256, use_abs_pos_embeddings=absolute)
    assert told["params"] == params


def test_a_layer_more_of_lobo_adds_what_the_reference_says() -> None:
    one, two = (count(**LOBO, vocab_size=65, n_layer=layers)["params"] for layers in (1, 2))
    assert two - one == 6209


def test_cehr_counts_as_the_reference_does() -> None:
    shape = {"vocab_size": 6516, "max_position_embeddings": 2048, "n_embd": 768, "n_layer": 12, "n_head": 8}
    told = count(family="cehr", time_tokens=78, **shape)
    assert told == count(family="cehr", **shape)
    assert told["params"] == 92244482 and told["non_embedding_params"] == 92244482 - 768 * (2048 + 6516)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(1, 8), st.booleans(), st.integers(1, 999))
def test_gpt2_follows_its_closed_form_at_any_size(layers, heads, bias, vocab_size) -> None:
    width, positions = 8 * heads, 32
    told = source_of(
        {
            "family": "gpt2",
            "n_layer": layers,
            "n_embd": width,
            "n_head": heads,
            "bias": bias,
            "vocab_size": vocab_size,
            "block_size": positions,
        }
    ).count()
    block, end = (12 * width**2 + 13 * width, 2 * width) if bias else (12 * width**2 + 2 * width, width)
    assert told.params == (vocab_size + positions) * width + layers * block + end


def test_positions_are_2048_where_nothing_is_said() -> None:
    shape = {"family": "gpt2", "vocab_size": 10, "n_embd": 8}
    assert count(**shape) == count(**shape, max_position_embeddings=2048)
    assert count(**shape, block_size=4, max_position_embeddings=9) == count(**shape, block_size=9)


def test_a_hundred_layers_are_built_without_memory_or_first_values() -> None:
    config = {"family": "gpt2", "vocab_size": 50257, "n_layer": 100, "n_embd": 12800, "n_head": 8, "bias": True}
    state = torch.get_rng_state()
    told = count(**config)
    assert told["params"] == 100 * (12 * 12800**2 + 13 * 12800) + (50257 + 2048 + 2) * 12800  # 197 billion
    assert torch.equal(torch.get_rng_state(), state)
    with on_meta():
        assert all(each.is_meta for each in source_of({**config, "n_layer": 1}).make().parameters())
    assert not source_of({**config, "n_embd": 8, "n_layer": 1}).make().tokens.weight.eq(0).all()  # type: ignore


# What cannot be counted


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "one of family, model and hf is needed; the config has none of them"),
        ({"family": "gpt2", "model": "a:b"}, "the config has family and model"),
        ({"family": "gtp2"}, "family is 'gtp2'; did you mean 'gpt2'?"),
        ({"family": "gpt2"}, "vocab_size is missing"),
        ({"family": "gpt2", "vocab_size": 5, "n_layers": 2}, "unknown key 'n_layers'; did you mean 'n_layer'?"),
        ({"family": "gpt2", "vocab_size": 5, "n_embd": 7, "n_head": 2}, "n_head 2 does not divide n_embd 7"),
        ({"family": "gpt2", "vocab_size": 5, "block_size": 3, "max_position_embeddings": 2}, "max_position_embeddings"),
        ({"family": "gpt2", "vocab_size": 5, "max_position_embeddings": 0}, "max_position_embeddings is 0"),
        ({"family": "gpt2", "vocab_size": 5, "verify": "yes"}, "verify is 'yes'"),
        ({"family": "cehr", "vocab_size": 5, "n_layer": 1.5}, "n_layer: 1.5 is not a whole number"),
        ({"family": "cehr", "vocab_size": 5, "positions": 1}, "unknown key 'positions'"),
        ({"family": "cehr"}, "vocab_size is missing"),
        ({"model": "builder"}, "model is 'builder'; module.path:function or FILE.py:function is needed"),
        ({"model": "no_such_module:build"}, "cannot be imported: ModuleNotFoundError"),
        ({"model": "nowhere.py:build"}, "model: there is no file"),
        ({"hf": "llama"}, "hf is 'llama'; {model_type: llama, …} is needed"),
        ({"hf": {"hidden_size": 4}}, "{model_type: llama, …} is needed"),
    ],
)
def test_a_wrong_config_is_said_in_one_line(config, said, home) -> None:
    assert said in refused(**config) and not home.exists()


# Models of the user's

OWN = """
import torch
from torch import nn

def build(config):
    layers = [nn.Linear(config["n_embd"], config["n_embd"], bias=False) for _ in range(config["n_layer"])]
    table = nn.Embedding(config["vocab_size"], config["n_embd"])
    head = nn.Linear(config["n_embd"], config["vocab_size"], bias=False)
    if config.get("tied"):
        head.weight = table.weight
    return nn.Sequential(table, *layers, head)

def raises(config):
    raise RuntimeError("not\\ntoday")

def leaves(config):
    raise SystemExit("bye")

def reads_values(config):
    scale = torch.ones(3).sum().item()
    return nn.Linear(int(scale), 2)

def lazy(config):
    return nn.LazyLinear(4)

def nothing(config):
    return {"n": 3}
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "own_models.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return "own_models.py"


def test_a_function_of_the_users_is_called_with_the_config_and_a_tied_weight_counts_once(own, home) -> None:
    shape = {"n_layer": 3, "n_embd": 10, "vocab_size": 100}
    free, tied = count(model=f"{own}:build", **shape), count(model=f"{own}:build", tied=True, **shape)
    assert (free["params"], tied["params"]) == (2300, 1300)
    assert (free["non_embedding_params"], tied["non_embedding_params"]) == (1300, 1300)
    assert count(model="own_models:build", **shape) == free
    assert not home.exists(), "what else such a function reads is not known, so its counts are not kept"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("raises", "cannot build on the meta device: RuntimeError: not today"),
        ("leaves", "cannot build on the meta device: SystemExit: bye"),
        ("reads_values", "cannot build on the meta device: "),
        ("lazy", "cannot be counted: ValueError"),
        ("nothing", "returned dict, not a torch.nn.Module"),
        ("biuld", "has no function 'biuld'; did you mean 'build'?"),
    ],
)
def test_a_function_that_makes_no_countable_model_is_said_in_one_line(own, function, said) -> None:
    assert said in refused(model=f"{own}:{function}", n_layer=1, n_embd=4)


# transformers


def test_a_config_of_transformers_is_counted_by_our_names_and_by_its_own() -> None:
    llama = {"model_type": "llama", "vocab_size": 32, "intermediate_size": 1152, "tie_word_embeddings": False}
    told = count(hf=llama, n_layer=12, n_embd=288, n_head=4)
    assert told["params"] == 15950880 and told["non_embedding_params"] == 15950880 - 2 * 32 * 288
    sizes = {"num_hidden_layers": 12, "hidden_size": 288, "num_attention_heads": 4}
    assert count(hf={**llama, **sizes})["params"] == 15950880
    gpt2 = count(hf={"model_type": "gpt2"}, n_layer=24, n_embd=1024, n_head=16, vocab_size=50257)
    assert (gpt2["params"], gpt2["non_embedding_params"]) == (354823168, 353774592)


def test_transformers_own_number_without_embeddings_stands_beside_ours() -> None:
    tied = count(hf={"model_type": "gpt2"}, n_layer=2, n_embd=8, n_head=2, vocab_size=32)
    positions = 1024 * 8
    assert tied["non_embedding_params"] == tied["params"] - positions
    assert tied["params_without_embeddings"] == tied["params"] - positions - 32 * 8
    untied = count(hf={"model_type": "llama", "intermediate_size": 16}, n_layer=2, n_embd=8, n_head=2, vocab_size=32)
    assert untied["params_without_embeddings"] == untied["params"] - 32 * 8
    assert "params_without_embeddings" in parameters.cost({"hf": {"model_type": "gpt2"}})
    assert "params_without_embeddings" not in count(**KEPT)


@pytest.mark.parametrize(
    ("hf", "sizes", "added"),
    [
        ({"model_type": "gemma3"}, {"n_embd": 64}, 3 * 64 * 9216 + 2 * 64 * 256 * (8 + 4) + 4 * 64 + 2 * 256),
        ({"model_type": "llama4", "text_config": {"num_local_experts": 2}}, {"n_embd": 64, "n_head": 8}, None),
        ({"model_type": "qwen3_5", "text_config": {"vocab_size": 100}}, {}, None),
        ({"model_type": "mamba"}, {"n_embd": 64, "n_head": 8}, None),
        ({"model_type": "rwkv"}, {"n_embd": 64, "n_head": 8}, None),
        ({"model_type": "bart"}, {"n_embd": 64, "n_head": 8}, 8 * (64 * 64 + 64) + 2 * 64 * 4096 + 4096 + 64 + 6 * 64),
        ({"model_type": "nemotron_h"}, {}, None),
        ({"model_type": "longcat_flash", "n_routed_experts": 2}, {"n_embd": 64}, None),
        ({"model_type": "gpt_neo"}, {"n_embd": 64, "n_head": 8}, 12 * 64**2 + 64 + 4 * 64 + 64 + 4 * 64),
        ({"model_type": "nemotron"}, {"n_embd": 64, "n_head": 8}, 4 * 64 * 64 + 2 * 64 * 24576 + 4 * 64),
    ],
    ids=lambda value: value.get("model_type") if isinstance(value, dict) else None,
)
def test_sizes_reach_a_model_wherever_it_keeps_them(hf: Any, sizes: Any, added: int | None) -> None:
    few, more = (count(hf=hf, n_layer=layers, **sizes) for layers in (2, 3))
    assert more["params"] > few["params"]
    if added is not None:
        assert more["params"] - few["params"] == added
    for name in ("params", "non_embedding_params", "params_without_embeddings"):
        assert more[name] - few[name] == more["params"] - few["params"]


def test_a_part_keeps_its_own_defaults_and_derives_the_rest() -> None:
    default = count(hf={"model_type": "got_ocr2"})
    assert count(hf={"model_type": "got_ocr2"}, n_layer=24) == default
    assert count(hf={"model_type": "got_ocr2", "text_config": {"num_hidden_layers": 24}}) == default


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"hf": {"model_type": "blt"}, "n_layer": 2}, "blt has no key 'num_hidden_layers'"),
        (
            {"hf": {"model_type": "gemma3", "text_config": {"hiden_size": 8}}},
            "did you mean 'hidden_size'",
        ),
        ({"hf": {"model_type": "gemma3", "text_config": 8}}, "text_config is 8; a mapping is needed"),
        ({"hf": {"model_type": "lama"}}, "no model_type 'lama'; did you mean 'llama'?"),
        ({"hf": {"model_type": "llama", "hiden_size": 8}}, "no key 'hiden_size'; did you mean 'hidden_size'?"),
        ({"hf": {"model_type": "llama"}, "n_embd": 30, "n_head": 8}, "llama cannot be built: "),
        ({"hf": {"model_type": "llama"}, "n_layers": 3}, "unknown key 'n_layers'; did you mean 'n_layer'?"),
        ({"hf": {"model_type": "vit"}}, "vit cannot be built: ValueError"),
    ],
)
def test_a_wrong_config_of_transformers_is_said_in_one_line(config, said) -> None:
    assert said in refused(**config)


def test_without_transformers_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "transformers is not installed; pip install -e '.[hf]'" in refused(hf={"model_type": "llama"})


# The cache

KEPT = {"family": "gpt2", "vocab_size": 10, "n_embd": 8, "block_size": 4}


def test_a_count_is_kept_and_a_damaged_file_is_as_good_as_none(home) -> None:
    told = count(**KEPT)
    (file,) = (home / "counts").iterdir()
    kept = json.loads(file.read_text())
    assert kept == {"params": told["params"], "non_embedding": told["non_embedding_params"]}
    file.write_text(json.dumps({"params": 7, "non_embedding": 3}))
    assert count(**KEPT)["params"] == 7, "it is what is read"
    for damage in ("", "{", "[]", '{"params": 7}', '{"params": "7", "non_embedding": 3}', '{"params": -1}', "\x00"):
        file.write_text(damage)
        assert count(**KEPT) == told and json.loads(file.read_text()) == kept
    assert [each.name for each in (home / "counts").iterdir()] == [file.name]


def test_another_model_or_other_sources_are_counted_anew(home, monkeypatch: pytest.MonkeyPatch) -> None:
    count(**KEPT)
    count(**KEPT, n_layer=2)
    count(**dict(reversed(KEPT.items())))
    assert len(list((home / "counts").iterdir())) == 2
    monkeypatch.setattr("objectives.parameters.cache._code", lambda: "changed")
    count(**KEPT)
    assert len(list((home / "counts").iterdir())) == 3


def test_a_home_that_cannot_be_written_does_not_matter(home) -> None:
    home.write_text("a file in its place")
    assert count(**KEPT)["params"] > 0


# Verification


def test_a_training_step_tells_memory_and_time_beside_the_counts() -> None:
    shape = {"family": "gpt2", "vocab_size": 512, "n_layer": 2, "n_embd": 128, "n_head": 4, "block_size": 64}
    script = (
        "import json, sys; from tests.objectives.test_parameters import count\n"
        "print(json.dumps(count(**json.loads(sys.argv[1]))))"
    )
    asked = json.dumps({**shape, "verify": True, "batch_size": 16, "seq_length": 64})
    # In a process of its own: a peak is a process's, and this one has had others.
    ended = subprocess.run(
        [sys.executable, "-c", script, asked], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["params"] == count(**shape)["params"]
    assert told["peak_memory"] > 1 and 0 < told["memory_fraction"] < 1 and told["seconds"] > 0


def test_models_of_the_users_and_of_transformers_are_trained_too(own) -> None:
    shape = {"n_layer": 1, "n_embd": 8, "vocab_size": 16, "verify": True, "seq_length": 4}
    assert count(model=f"{own}:build", **shape)["seconds"] > 0
    assert count(hf={"model_type": "gpt2"}, n_head=2, **shape)["seconds"] > 0


def test_what_cannot_be_trained_is_said(own) -> None:
    for config, said in (
        ({"family": "cehr", "vocab_size": 9}, "family cehr is a closed form"),
        ({"family": "gpt2", "vocab_size": 9, "block_size": 4, "seq_length": 5}, "seq_length 5 is above"),
        ({"family": "gpt2", "vocab_size": 9, "seq_length": 0}, "seq_length: 0"),
        ({"model": f"{own}:reads_values"}, "needs vocab_size, n_layer and n_embd"),
    ):
        with pytest.raises(UsageError, match=said):
            parameters.objective({**config, "verify": True}, Here()) if "model" not in config else (
                parameters.training_step(source_of(config), config, Here())
            )


def test_cost_is_the_count() -> None:
    told = count(**KEPT)
    assert parameters.cost(KEPT) == {name: told[name] for name in ("params", "non_embedding_params")}
    assert set(parameters.METRICS) == {*told, "params_without_embeddings"}, "which a model of transformers has"


def test_a_head_of_its_own_is_not_counted_among_the_layers() -> None:
    table, head = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
    assert count_module(nn.Sequential(table, head), head).non_embedding == 0
    assert count_module(nn.Sequential(table, head)).non_embedding == 40
