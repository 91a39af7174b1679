"""Families hlb and llama: known parameter counts, which shapes can run, and agreement with slow, obvious models."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from objectives import gpt
from objectives.gpt.config import GptConfig
from objectives.gpt.model import Decoder, build_on_meta, count_non_embedding_params, count_params
from storage.errors import UsageError

SMALL: dict[str, Any] = {"n_layer": 2, "n_head": 2, "n_embd": 32, "block_size": 12}


@pytest.fixture
def dataset(tmp_path: Path) -> str:
    for name in ("train.bin", "val.bin"):
        (tmp_path / name).write_bytes(bytes(4096))
    return str(tmp_path)


def counts(vocab_size: int, **config: Any) -> tuple[int, int]:
    model = build_on_meta(GptConfig.parse(config), vocab_size)
    return count_params(model), count_non_embedding_params(model)


# Counts. The figures were measured on other programs' models.


@pytest.mark.parametrize(
    ("width", "depth", "params", "non_embedding"),
    [(384, 8, 46009736, 7376264), (256, 5, 27805189, None), (192, 8, 21161672, None)],
)
def test_hlb_has_the_known_number_of_parameters(width, depth, params, non_embedding):
    found = counts(50304, family="hlb", n_embd=width, n_layer=depth)
    assert found == (params, non_embedding or params - 2 * 50304 * width)


@pytest.mark.parametrize(("width", "depth", "params"), [(288, 12, 15950880), (36, 2, 43956)])
def test_llama_has_the_known_number_of_parameters(width, depth, params):
    assert counts(32, family="llama", n_embd=width, n_layer=depth, n_head=2) == (params, params - 2 * 32 * width)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 70), st.integers(1, 6), st.sampled_from([1, 2]), st.integers(1, 300), st.booleans())
def test_counts_follow_the_closed_forms_for_any_shape(eighth, depth, n_head, vocab, linear_value):
    width = 8 * eighth * n_head
    shape = {"n_embd": width, "n_layer": depth, "n_head": n_head}
    block = width + 1 + width * (2 * (width // 8) + 4 * width) + 2 * width**2
    assert counts(vocab, family="hlb", linear_value=linear_value, **shape)[0] == (
        2 * vocab * width + width + depth * block
    )
    assert counts(vocab, family="llama", **shape)[0] == 2 * vocab * width + depth * (16 * width**2 + 2 * width) + width


def test_training_flops_leave_out_what_is_only_looked_up(dataset):
    config = {"dataset": dataset, "vocab_size": 100, "family": "llama", **SMALL, "max_iters": 7, "batch_size": 4}
    params = counts(100, family="llama", **SMALL)[0]
    assert gpt.cost(config)["flops"] == 6.0 * (params - 100 * 32) * 7 * 4 * 12


def test_gpt2_may_have_more_positions_than_it_is_trained_on():
    base = {"family": "gpt2", **SMALL}
    assert counts(50, **base, max_position_embeddings=40) == (counts(50, **base)[0] + 28 * 32, counts(50, **base)[1])
    with pytest.raises(UsageError, match="max_position_embeddings 11 is below block_size 12"):
        GptConfig.parse({**base, "max_position_embeddings": 11})
    GptConfig.parse({**base, "family": "llama", "max_position_embeddings": 11})  # of no use there


# Which shapes can run


def refusals(dataset: str, family: str, **axes: list[int]) -> list[str]:
    """Why each combination that cannot run cannot."""
    said = [
        gpt.validate({"dataset": dataset, "vocab_size": 32, "family": family, **dict(zip(axes, point, strict=True))})
        for point in product(*axes.values())
    ]
    return [each for each in said if each is not None]


def test_a_quarter_of_the_llama_shapes_cannot_run(dataset):
    axes = {"n_embd": [36, 72, 144, 288], "n_head": [2, 4, 8, 12], "n_layer": [2, 4, 8, 12]}
    refused = refusals(dataset, "llama", **axes)
    assert len(refused) == 16  # of 64
    assert sum("n_head 8 does not divide n_embd 36, as it must in family llama" in each for each in refused) == 4
    for size in (9, 3):
        assert any(f"n_embd / n_head is {size}; family llama turns pairs, so it must be even" in e for e in refused)
    assert all(each.startswith("config: layer 0: ") and "\n" not in each for each in refused)


def test_every_setting_of_the_hlb_ablation_can_run(dataset):
    assert refusals(dataset, "hlb", n_embd=[192, 384], n_head=[1, 3, 6], n_layer=[4, 8, 16, 32]) == []


def test_five_settings_of_the_scaled_hlb_ablation_can_run(dataset):
    widths = [64 * round(384 * math.log2(1 + scale) / 64) for scale in (0.5, 1, 2)]
    refused = refusals(dataset, "hlb", n_embd=widths, n_head=[1, 3, 5])
    assert len(refused) == 4
    assert "n_head 3 does not divide n_embd 256" in refused[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"n_embd": 40, "n_head": 4}, "n_head 4 does not divide n_embd // 8 = 5"),
        ({"n_embd": 7}, "n_embd is 7; its eighth is the size of queries and keys"),
    ],
)
def test_an_hlb_shape_that_cannot_run_is_refused_with_its_reason(changes, reason):
    with pytest.raises(UsageError, match=reason):
        GptConfig.parse({"family": "hlb", "n_head": 1, **changes})


# Numbers, against one head and one position after the other.


def attended(queries: Tensor, keys: Tensor, values: Tensor, slope: Tensor | None = None) -> Tensor:
    """One head, (time, size), the softmax written out; scores fall by `slope` with each position between."""
    rows = []
    for t in range(len(queries)):
        scores = keys[: t + 1] @ queries[t] / math.sqrt(queries.shape[1])
        if slope is not None:
            scores = scores - slope * (t - torch.arange(t + 1))
        rows.append(torch.exp(scores) / torch.exp(scores).sum() @ values[: t + 1])
    return torch.stack(rows)


def gelu(x: Tensor) -> Tensor:
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


def heads(x: Tensor, n_head: int) -> tuple[Tensor, ...]:
    return x.chunk(n_head, dim=-1)


def slow_hlb(model: Decoder, config: GptConfig, tokens: Tensor) -> Tensor:
    def norm(x: Tensor, gain: Tensor) -> Tensor:
        return (x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, unbiased=False, keepdim=True) + 1e-5) * gain

    width, x = config.n_embd, model.tokens.weight[tokens]
    for block in model.blocks:
        made = norm(x, block.norm.weight) @ block.up.weight.T
        sizes = (width // 8, width // 8, width, width, width, width)
        queries, keys, linear, value, gate, value_gate = made.split(sizes, dim=-1)
        if not config.linear_value:
            value = value * gelu(value_gate)
        slope = torch.log(1 + torch.exp(block.slope))
        per_head = zip(*(heads(each, config.n_head) for each in (queries, keys, value)), strict=True)
        moved = torch.cat([attended(*each, slope) for each in per_head], dim=-1)
        x = x + torch.cat((linear * gelu(gate), moved), dim=-1) @ block.down.weight.T
    return norm(x, model.norm.weight) @ model.head.weight.T


def slow_llama(model: Decoder, config: GptConfig, tokens: Tensor) -> Tensor:
    def norm(x: Tensor, gain: Tensor) -> Tensor:
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * gain

    def turned(x: Tensor) -> Tensor:
        out = x.clone()
        for t, i in product(range(len(x)), range(0, x.shape[1], 2)):
            angle = t * 10000.0 ** (-i / x.shape[1])
            out[t, i] = x[t, i] * math.cos(angle) - x[t, i + 1] * math.sin(angle)
            out[t, i + 1] = x[t, i] * math.sin(angle) + x[t, i + 1] * math.cos(angle)
        return out

    x = model.tokens.weight[tokens]
    for block in model.blocks:
        made = norm(x, block.attention_norm.weight) @ block.attention.qkv.weight.T
        per_head = zip(*(heads(each, config.n_head) for each in made.chunk(3, dim=-1)), strict=True)
        moved = torch.cat([attended(turned(q), turned(k), v) for q, k, v in per_head], dim=-1)
        x = x + moved @ block.attention.down.weight.T
        gate, up = (norm(x, block.mlp_norm.weight) @ block.gate_up.weight.T).chunk(2, dim=-1)
        x = x + (gate * torch.sigmoid(gate) * up) @ block.down.weight.T
    return norm(x, model.norm.weight) @ model.head.weight.T


def large(config: GptConfig) -> Decoder:
    """A model whose weights are large enough that every part of it matters."""
    torch.manual_seed(0)
    model = Decoder(config, 20).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return model


@pytest.mark.parametrize(
    ("slow", "changes"),
    [
        (slow_hlb, {"family": "hlb"}),
        (slow_hlb, {"family": "hlb", "linear_value": True, "n_head": 1}),
        (slow_hlb, {"family": "hlb", "n_head": 4}),
        (slow_llama, {"family": "llama"}),
        (slow_llama, {"family": "llama", "n_head": 1}),
    ],
    ids=["hlb", "hlb linear", "hlb 4 heads", "llama", "llama 1 head"],
)
def test_a_model_agrees_with_a_slow_one(slow, changes):
    config = GptConfig.parse({**SMALL, **changes})
    model = large(config)
    tokens = torch.randint(20, (12,))
    torch.testing.assert_close(model.logits(tokens[None])[0], slow(model, config, tokens), atol=1e-5, rtol=1e-5)


def test_hlb_tells_positions_apart_far_beyond_what_bfloat16_counts():
    config = GptConfig.parse({**SMALL, "family": "hlb", "n_layer": 1, "n_head": 1, "block_size": 700})
    model = large(config)
    tokens = torch.randint(20, (700,))
    exact = slow_hlb(model, config, tokens)[-20:]
    in_bfloat16 = model.bfloat16().logits(tokens[None])[0, -20:].double()
    assert (exact - in_bfloat16).abs().max() < 0.1 * exact.abs().max()


@pytest.mark.parametrize("family", ["hlb", "llama"])
def test_a_later_token_changes_no_earlier_logit(family):
    model = large(GptConfig.parse({**SMALL, "family": family}))
    tokens = torch.randint(20, (1, 12))
    before = model.logits(tokens)
    for position in range(12):
        other = tokens.clone()
        other[0, position] = (other[0, position] + 1) % 20
        moved = (model.logits(other) - before).abs().sum(-1)[0]
        assert (moved[:position] == 0).all()
        assert moved[position] > 0


@pytest.mark.parametrize("changes", [{"family": "hlb"}, {"family": "hlb", "linear_value": True}, {"family": "llama"}])
def test_every_parameter_learns(changes):
    torch.manual_seed(0)
    model = Decoder(GptConfig.parse({**SMALL, **changes}), 20)
    tokens, targets = torch.randint(20, (2, 4, 12)).unbind()
    model(tokens, targets).backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in model.parameters())


@pytest.mark.parametrize("family", ["hlb", "llama"])
def test_dropout_changes_training_and_not_evaluation(family):
    model = Decoder(GptConfig.parse({**SMALL, "family": family, "dropout": 0.5}), 20)
    tokens = torch.randint(20, (2, 12))
    assert not torch.equal(model.logits(tokens), model.logits(tokens))
    model.eval()
    assert torch.equal(model.logits(tokens), model.logits(tokens))


@pytest.mark.parametrize("family", ["lobo", "gpt2", "hlb", "llama"])
def test_what_is_measured_is_the_loss_and_how_often_the_likeliest_token_was_right(family):
    torch.manual_seed(0)
    model = Decoder(GptConfig.parse({**SMALL, "family": family, "block_size": 60}), 20)
    tokens, targets = torch.randint(20, (2, 40, 60)).unbind()  # 2,400 positions: more than one piece
    right = (model.logits(tokens).argmax(-1) == targets).double().mean()
    loss, accuracy = model.measure(tokens, targets)
    torch.testing.assert_close(loss, model(tokens, targets))
    assert accuracy.item() == pytest.approx(right.item(), abs=1e-6)
