"""Keys of ReaLLM's trainer in gpt: their parameters, what they compute, and the baselines of its users."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from objectives import gpt, parameters
from objectives.gpt.config import IGNORED_KEYS, GptConfig
from objectives.gpt.model import Decoder, count_params
from objectives.gpt.variants import ACTIVATIONS
from storage.errors import UsageError
from studies.definition.definition import Definition
from tests.support.definitions import load
from tests.support.growth_baselines import DEFINITION, EFFICIENCY, PER_LAYER, SPHERES

SMALL = {"n_embd": 16, "n_head": 2, "mlp_size": 24, "n_qk_head_dim": 6, "n_v_head_dim": 10, "block_size": 12}
TOKENS = torch.arange(24).view(2, 12) % 11


def pasted(folder: Path, baseline: str) -> Definition:
    return load(folder, DEFINITION + baseline)


def params(config: Any, **changes: Any) -> float:
    return parameters.cost({"family": "lobo", "vocab_size": 50257, **config, **changes})["params"]


def decoder(**changes: Any) -> Decoder:
    torch.manual_seed(0)
    return Decoder(GptConfig.parse({**SMALL, **changes}), 11)


def test_the_efficiency_demo_has_its_known_parameters(tmp_path: Path) -> None:
    config = pasted(tmp_path, EFFICIENCY).config
    assert params(config) == 1_620_674
    assert params(config, use_abs_pos_embeddings=True) == 1_628_866


def test_the_per_layer_demo_has_its_known_parameters_at_its_start_and_after_four_steps(tmp_path: Path) -> None:
    config = pasted(tmp_path, PER_LAYER).config
    assert params(config) == 1_653_572
    grown = {"n_head_layerlist": [2, 1, 1], "mlp_size_layerlist": [48, 32, 32], "n_v_head_dim_layerlist": [48, 32, 32]}
    assert params(config, n_layer=3, n_qk_head_dim_layerlist=[32] * 3, **grown) == 1_667_031


def test_norms_on_a_sphere_have_a_radius_each_and_no_gain(tmp_path: Path) -> None:
    config = pasted(tmp_path, SPHERES).config
    matrices = 50257 * 64 + 4 * 64 * 64 + 2 * 64 * 128
    assert params(config) == matrices + 1 + 6  # the scores' factor, and six norms
    assert params(config, hsnorm_radius_learning=False) == matrices + 1 + 1
    assert params(config, hsnorm_gain=True) == matrices + 1 + 6 * 65
    assert params(config, norm_variant_output="rmsnorm", norm_variant_wte=None) == matrices + 1 + 4 + 64


@pytest.mark.parametrize(
    ("changes", "added"),
    [
        ({"use_qk_norm": True}, 0),
        ({"use_qk_norm_scale": True}, 2),
        ({"mlp_up_bias": True}, 2 * 24),
        ({"mlp_down_bias": True}, 2 * 16),
        ({"use_peri_ln": True}, 4 * 16),
        ({"norm_variant_attn": "identity"}, -4 * 16),
        ({"norm_variant_attn": "layernorm"}, 0),
        ({"norm_variant_output": "identity"}, -16),
        ({"norm_variant_output": "hyperspherenorm", "hsnorm_radius": 2.0}, -16),
        ({"norm_variant_wte": "rmsnorm"}, 16),
        ({"norm_variant_wte": "hyperspherenorm", "norm_wte_radius_learning": True}, 1),
        ({"activation_variant": "squared_relu"}, 0),
        ({"family": "gpt2", "bias": True, "mlp_down_bias": False}, None),
        ({"family": "llama", "use_peri_ln": True, "norm_variant_output": "identity"}, None),
    ],
    ids=str,
)
def test_counts_agree_with_the_module_and_every_parameter_learns(changes: Any, added: int | None) -> None:
    model = decoder(n_layer=2, **changes)
    counted = parameters.cost({"family": "lobo", "vocab_size": 11, **SMALL, "n_layer": 2, **changes})["params"]
    assert counted == count_params(model)
    if added is not None:
        assert count_params(model) - count_params(decoder(n_layer=2)) == added
    model(TOKENS, TOKENS.roll(-1, 1)).backward()
    assert all(each.grad is not None and bool(torch.isfinite(each.grad).all()) for each in model.parameters())
    assert any(name.endswith("score_factor") for name, _ in model.named_parameters()) == (
        "use_qk_norm_scale" in changes
    )


def test_what_is_ignored_in_a_family_changes_nothing_there() -> None:
    plain, other = (
        decoder(family="hlb", n_layer=2, **each)
        for each in ({}, {"norm_variant_wte": "rmsnorm", "norm_variant_output": "identity", "use_qk_norm_scale": True})
    )
    assert torch.equal(plain.logits(TOKENS), other.logits(TOKENS))


def test_queries_and_keys_of_length_one_make_scores_of_cosines() -> None:
    model = decoder(use_qk_norm=True, use_qk_norm_scale=True, use_rotary_embeddings=False, use_concat_heads=True)
    attention = model.blocks[0].attention
    assert attention.score_factor.item() == pytest.approx(math.log2(12 * 11))
    x = torch.randn(1, 12, 16)
    both = attention.queries_keys(x).view(12, 4, 6).transpose(0, 1)
    values = attention.values(x).view(12, 2, 10).transpose(0, 1)
    queries, keys = (torch.nn.functional.normalize(each, dim=-1) for each in (both[:2], both[2:]))
    scores = (queries @ keys.transpose(1, 2) * attention.score_factor).masked_fill(
        torch.ones(12, 12).triu(1).bool(), -math.inf
    )
    wanted = (scores.softmax(-1) @ values).transpose(0, 1).flatten(1) @ attention.projections[0].T
    assert torch.allclose(attention(x)[0], wanted, atol=1e-5)


def test_a_norm_on_a_sphere_puts_every_vector_on_it() -> None:
    model = decoder(norm_variant_output="hyperspherenorm", norm_variant_wte="hyperspherenorm", hsnorm_radius=3.0)
    assert torch.allclose(model.hidden(TOKENS).norm(dim=-1), torch.tensor(3.0), atol=1e-4)
    assert torch.allclose(model.embedding_norm(model.tokens(TOKENS)).norm(dim=-1), torch.tensor(3.0), atol=1e-3)


def test_every_activation_that_a_config_may_name_is_there() -> None:
    assert set(GptConfig.__dataclass_fields__["activation_variant"].metadata["choices"]) == set(ACTIVATIONS)
    losses = [decoder(activation_variant=name)(TOKENS, TOKENS.roll(-1, 1)) for name in ACTIVATIONS]
    assert bool(torch.stack(losses).isfinite().all())
    for key, value in (("softmax_variant_attn", "consmax"), ("mlp_variant", "swiglu"), ("activation_variant", "gelo")):
        with pytest.raises(UsageError, match=f"config: {key} is '{value}'"):
            GptConfig.parse({key: value})


def test_keys_that_change_no_result_are_left_out_of_the_config_and_named(tmp_path: Path) -> None:
    made = pasted(tmp_path, EFFICIENCY)
    assert list(made.ignored) == ["never_save_checkpoint", "time_remaining_mode"]
    assert not {*made.config} & {*IGNORED_KEYS} and not {*GptConfig.__dataclass_fields__} & {*IGNORED_KEYS}
    assert Definition.from_json(made.to_json()).config == made.config
    own = load(tmp_path, "config_ignores: [eta_variant]\n" + DEFINITION + EFFICIENCY)
    assert "never_save_checkpoint" in own.config and not own.ignored
    assert str(gpt.validate(own.config)).startswith("config: unknown key 'never_save_checkpoint'")
    assert Definition.from_json(own.to_json()).config_ignores == ("eta_variant",)
    with pytest.raises(UsageError, match=r"own\.yaml: config_ignores: 'all' is neither auto nor a list of keys"):
        load(tmp_path, "config_ignores: all\n" + DEFINITION + EFFICIENCY)


def test_a_dataset_that_is_not_prepared_is_answered_with_the_command_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path))
    reason = gpt.validate(pasted(tmp_path, EFFICIENCY).config)
    command = "python cli.py data prepare minipile --hf JeanKaddour/minipile --tokenizer tiktoken:gpt2"
    assert str(reason).endswith(f"make it: `{command}`")
