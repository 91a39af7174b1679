"""The models of the objective gpt: exact parameter counts, and agreement with a slow, obvious transformer."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from objectives import gpt
from objectives.gpt.attention import attend
from objectives.gpt.config import GptConfig
from objectives.gpt.model import Decoder, count_params, count_parts
from tests.support.gpt import BASELINE

SMALL = {**BASELINE, "block_size": 12, "n_embd": 16, "n_qk_head_dim": 6, "n_v_head_dim": 10, "mlp_size": 24}


def count(vocab_size: int, **changes: Any) -> int:
    """Parameters of the baseline with changes, on the model itself."""
    with torch.device("meta"):
        model = Decoder(GptConfig.parse({**BASELINE, **changes}), vocab_size)
    return sum(each.numel() for each in model.parameters())


# Counts. The figures were measured on other programs' models.


@pytest.mark.parametrize(
    ("vocab_size", "absolute", "params"), [(65, False, 8321), (65, True, 16513), (50257, False, 1614465)]
)
def test_the_growth_baseline_has_the_known_number_of_parameters(vocab_size, absolute, params):
    assert count(vocab_size, use_abs_pos_embeddings=absolute) == params


@pytest.mark.parametrize(
    ("param", "increment", "more"),
    [
        ("n_layer", 1, 6209),
        ("n_head", 1, 3073),
        ("n_cproj", 1, 1024),
        ("mlp_size", 32, 2048),
        ("n_qk_head_dim", 32, 2048),
        ("n_v_head_dim", 32, 2048),
        ("n_embd", 32, 8320),
    ],
)
def test_each_growth_increment_adds_the_known_number_of_parameters(param, increment, more):
    assert count(65, **{param: BASELINE[param] + increment}) - count(65) == more


@pytest.mark.parametrize(
    ("shape", "params", "non_embedding"),
    [
        ((12, 12, 768, 50257, 1024, True), 124439808, 123653376),
        ((24, 16, 1024, 50257, 1024, True), 354823168, 353774592),
        ((12, 12, 768, 50304, 1024, False), 124373760, 124373760 - 1024 * 768),
        ((6, 6, 384, 65, 256, False), 10745088, 10745088 - 256 * 384),
    ],
)
def test_gpt2_has_the_known_number_of_parameters(tmp_path, shape, params, non_embedding):
    keys = ("n_layer", "n_head", "n_embd", "vocab_size", "block_size", "bias")
    for name in ("train.bin", "val.bin"):
        (tmp_path / name).write_bytes(bytes(4096))
    config = {"family": "gpt2", "dataset": str(tmp_path), **dict(zip(keys, shape, strict=True))}
    cost = gpt.cost(config)
    assert (cost["params"], cost["non_embedding_params"]) == (params, non_embedding)


@pytest.mark.parametrize("family", ["lobo", "gpt2", "hlb", "llama"])
def test_the_parts_and_the_norms_are_all_parameters(family):
    width, mlp, layers = 64, {"lobo": 32, "gpt2": 256, "hlb": 128, "llama": 256}[family], 3
    config = {"family": family, "dataset": "stdlib", "n_layer": layers, "n_head": 2, "n_embd": width, "block_size": 16}
    with torch.device("meta"):
        model = Decoder(GptConfig.parse({**BASELINE, **config} if family == "lobo" else config), 65)
    parts = count_parts(model)
    norms = sum(each.numel() for name, each in model.named_parameters() if "norm" in name)
    assert sum(parts.values()) + norms == count_params(model)
    assert parts["embedding"] >= 65 * width
    matrices = {"lobo": 2, "gpt2": 2, "hlb": 3, "llama": 3}[family]
    biases = sum(each.numel() for name, each in model.named_parameters() if name.endswith(("up.bias", "down.bias")))
    assert 0 <= parts["mlp"] - layers * matrices * width * mlp <= biases


def lobo_formula(config: dict[str, Any], vocab_size: int) -> int:
    """The closed form, written down layer by layer."""
    width = config["n_embd"]
    total = vocab_size * width + width
    if config["use_abs_pos_embeddings"]:
        total += config["block_size"] * width
    for index in range(config["n_layer"]):

        def size(key: str, index: int = index) -> int:
            each = config.get(f"{key}_layerlist")
            return each[index % len(each)] if each else config[key]

        heads, qk, v = size("n_head"), size("n_qk_head_dim"), size("n_v_head_dim")
        groups = config["n_kv_group"] or heads
        total += 2 * width + width * (heads * qk + groups * qk + groups * v) + 2 * width * size("mlp_size")
        total += heads * v * width if config["use_concat_heads"] else size("n_cproj") * v * width
        if config["use_flash_lobo"]:
            total += heads if config["use_flash_lobo_per_head"] else 1
    return total


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_counts_follow_the_closed_form_for_any_shape(data):
    def draw(*values: Any) -> Any:
        return data.draw(st.sampled_from(values))

    config = {
        **BASELINE,
        "n_layer": draw(1, 2, 5),
        "n_head": draw(2, 4, 6),
        "n_kv_group": draw(None, 1, 2),
        "n_embd": draw(1, 7, 48),
        "mlp_size": draw(1, 33),
        "n_qk_head_dim": draw(2, 10),
        "n_v_head_dim": draw(1, 9),
        "n_cproj": draw(1, 3),
        "use_concat_heads": draw(True, False),
        "use_abs_pos_embeddings": draw(True, False),
        "use_flash_lobo": draw(True, False),
        "use_flash_lobo_per_head": draw(True, False),
        "n_head_layerlist": draw(None, [2], [2, 4, 6]),
        "n_v_head_dim_layerlist": draw(None, [3, 5]),
        "mlp_size_layerlist": draw(None, [8, 1, 4]),
    }
    assert gpt.cost(config)["params"] == lobo_formula(config, 256)


def test_cost_says_parameters_and_training_flops():
    learned = {**BASELINE, "use_abs_pos_embeddings": True}
    assert gpt.cost(learned) == {
        "params": 256 * 32 + 256 * 32 + 6209 + 32,
        "non_embedding_params": 256 * 32 + 6209 + 32,
        "flops": 6.0 * (256 * 32 + 6209 + 32) * 5000 * 64 * 256,
    }


# Numbers, against loops over batches, heads and positions.


def slow_attention(queries: Tensor, keys: Tensor, values: Tensor, log_constant: Tensor | None) -> Tensor:
    """(batch, heads, time, size), one position after the other, the softmax written out."""
    batch, heads, time, size = queries.shape
    rows = []
    for b in range(batch):
        for h in range(heads):
            for t in range(time):
                weights = torch.exp(keys[b, h, : t + 1] @ queries[b, h, t] / math.sqrt(size))
                total = weights.sum()
                if log_constant is not None:
                    total = total + torch.exp(log_constant[h % len(log_constant)])
                rows.append((weights / total) @ values[b, h, : t + 1])
    return torch.stack(rows).view(batch, heads, time, -1)


@pytest.mark.parametrize("constants", [None, 1, 3])
@pytest.mark.parametrize(("qk", "v"), [(4, 4), (6, 3), (3, 6), (5, 6), (1, 1)])
def test_attention_and_its_gradients_agree_with_a_slow_one(constants, qk, v):
    torch.manual_seed(0)
    inputs = [torch.randn(2, 3, 7, size, dtype=torch.float64, requires_grad=True) for size in (qk, qk, v)]
    log_constant = None
    if constants is not None:
        log_constant = torch.randn(constants, dtype=torch.float64, requires_grad=True)
        inputs.append(log_constant)
    weights = torch.randn(2, 3, 7, v, dtype=torch.float64)

    fast = attend(*inputs[:3], log_constant, dropout=0.0)
    slow = slow_attention(*inputs[:3], log_constant)
    torch.testing.assert_close(fast, slow)
    gradients = [torch.autograd.grad((out * weights).sum(), inputs) for out in (fast, slow)]
    torch.testing.assert_close(*gradients)


def test_a_large_constant_silences_attention_and_a_small_one_does_nothing():
    torch.manual_seed(0)
    queries, keys, values = torch.randn(3, 1, 1, 5, 4).unbind()
    silent = attend(queries, keys, values, torch.tensor([50.0]), dropout=0.0)
    assert silent.abs().max() < 1e-15
    plain = attend(queries, keys, values, None, dropout=0.0)
    torch.testing.assert_close(attend(queries, keys, values, torch.tensor([-50.0]), dropout=0.0), plain)


def test_with_a_constant_every_position_still_attends_to_itself():
    torch.manual_seed(0)
    queries, keys, values = torch.randn(3, 1, 1, 5, 4).unbind()
    before = attend(queries, keys, values, torch.tensor([0.1]), dropout=0.0)
    for position in range(5):
        changed = values.clone()
        changed[0, 0, position] += 1.0
        moved = (attend(queries, keys, changed, torch.tensor([0.1]), dropout=0.0) - before).abs().sum(-1)[0, 0]
        assert (moved[:position] == 0).all()
        assert (moved[position:] > 0).all()


def turned(x: Tensor, position: int) -> Tensor:
    """One head's vector at a position: pair i turns by position / 10000^(2i/size)."""
    out = x.clone()
    for i in range(0, len(x), 2):
        angle = position * 10000.0 ** (-i / len(x))
        out[i] = x[i] * math.cos(angle) - x[i + 1] * math.sin(angle)
        out[i + 1] = x[i] * math.sin(angle) + x[i + 1] * math.cos(angle)
    return out


def slow_logits(model: Decoder, config: GptConfig, tokens: Tensor) -> Tensor:
    """A lobo model's logits for one sequence, from its weights, one head and one position after the other."""

    def rms(x: Tensor, gain: Tensor) -> Tensor:
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * gain

    x = model.tokens.weight[tokens]
    if model.positions is not None:
        x = x + model.positions.weight
    for index, block in enumerate(model.blocks):
        shape, inner, attention = config.layer(index), rms(x, block.attention_norm.weight), block.attention
        qk, v = shape.n_qk_head_dim, shape.n_v_head_dim
        heads = []
        for head in range(shape.n_head):
            group = head * shape.n_kv_group // shape.n_head
            query_rows = attention.queries_keys.weight[head * qk :][:qk]
            key_rows = attention.queries_keys.weight[(shape.n_head + group) * qk :][:qk]
            queries, keys = inner @ query_rows.T, inner @ key_rows.T
            values = inner @ attention.values.weight[group * v :][:v].T
            if config.use_rotary_embeddings:
                queries = torch.stack([turned(each, t) for t, each in enumerate(queries)])
                keys = torch.stack([turned(each, t) for t, each in enumerate(keys)])
            constant = None
            if config.use_flash_lobo:
                constant = attention.log_constant[head % len(attention.log_constant)].view(1)
            heads.append(slow_attention(*(e[None, None] for e in (queries, keys, values)), constant)[0, 0])
        if config.use_concat_heads or config.attention_variant == "causal":
            x = x + torch.cat(heads, dim=-1) @ attention.projections[0].T
        else:
            x = x + sum(sum(heads) @ projection.T for projection in attention.projections)
        hidden = rms(x, block.mlp_norm.weight) @ block.up.weight.T
        x = x + (hidden * (1 + torch.erf(hidden / math.sqrt(2))) / 2) @ block.down.weight.T
    return rms(x, model.norm.weight) @ model.tokens.weight.T


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_head": 3, "n_cproj": 2, "n_layer": 2},
        {"n_head": 4, "n_kv_group": 2, "use_flash_lobo_per_head": False},
        {"n_head": 2, "use_concat_heads": True, "use_abs_pos_embeddings": True},
        {"n_head": 2, "use_flash_lobo": False, "use_rotary_embeddings": False, "n_qk_head_dim": 5},
        {"attention_variant": "causal", "n_head": 4},
        {"attention_variant": "causal", "n_head": 4, "n_kv_group": 1, "use_flash_lobo": False},
        {
            "n_layer": 3,
            "n_head_layerlist": [1, 3],
            "n_v_head_dim_layerlist": [4, 8, 9],
            "n_cproj_layerlist": [3],
        },
    ],
    ids=str,
)
def test_a_lobo_model_agrees_with_a_slow_one(changes):
    config = GptConfig.parse({**SMALL, **changes})
    torch.manual_seed(0)
    model = Decoder(config, 20).double()
    for parameter in model.parameters():  # large enough that every part matters
        torch.nn.init.normal_(parameter, std=0.5)
    tokens = torch.randint(20, (12,))
    torch.testing.assert_close(model.logits(tokens[None])[0], slow_logits(model, config, tokens), atol=1e-5, rtol=1e-5)


def test_a_gpt2_model_agrees_with_pytorch_s_own_transformer_layer():
    torch.manual_seed(0)
    config = GptConfig.parse({"family": "gpt2", "n_layer": 1, "n_head": 4, "n_embd": 16, "bias": True, "block_size": 9})
    model = Decoder(config, 20).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    block = model.blocks[0]
    layer = torch.nn.TransformerEncoderLayer(
        16, 4, 64, activation="gelu", batch_first=True, norm_first=True, dropout=0.0
    )
    theirs = {
        "self_attn.in_proj_weight": block.attention.qkv.weight,
        "self_attn.in_proj_bias": block.attention.qkv.bias,
        "self_attn.out_proj.weight": block.attention.down.weight,
        "self_attn.out_proj.bias": block.attention.down.bias,
        "linear1.weight": block.up.weight,
        "linear1.bias": block.up.bias,
        "linear2.weight": block.down.weight,
        "linear2.bias": block.down.bias,
        "norm1.weight": block.attention_norm.weight,
        "norm1.bias": block.attention_norm.bias,
        "norm2.weight": block.mlp_norm.weight,
        "norm2.bias": block.mlp_norm.bias,
    }
    layer.load_state_dict(theirs)
    tokens = torch.randint(20, (2, 9))
    x = model.tokens(tokens) + model.positions.weight
    mask = torch.full((9, 9), -math.inf).triu(1)
    expected = model.norm(layer(x, src_mask=mask)) @ model.tokens.weight.T
    torch.testing.assert_close(model.logits(tokens), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"n_layer": 2, "n_head": 2},
        {"n_layer": 2, "n_head": 2, "use_flash_lobo": False},
        {"attention_variant": "causal", "n_head": 2, "n_layer": 2},
        {"family": "gpt2", "n_layer": 2, "n_head": 2},
    ],
    ids=str,
)
def test_a_later_token_changes_no_earlier_logit(changes):
    torch.manual_seed(0)
    model = Decoder(GptConfig.parse({**SMALL, **changes}), 20)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    tokens = torch.randint(20, (1, 12))
    before = model.logits(tokens)
    for position in range(12):
        other = tokens.clone()
        other[0, position] = (other[0, position] + 1) % 20
        moved = (model.logits(other) - before).abs().sum(-1)[0]
        assert (moved[:position] == 0).all()
        assert moved[position] > 0


def test_the_loss_is_the_mean_cross_entropy_however_many_positions():
    torch.manual_seed(0)
    model = Decoder(GptConfig.parse({**SMALL, "block_size": 60}), 20)
    tokens, targets = torch.randint(20, (2, 40, 60)).unbind()  # 2,400 positions: more than one piece
    chosen = model.logits(tokens).log_softmax(-1).gather(-1, targets.unsqueeze(-1))
    torch.testing.assert_close(model(tokens, targets), -chosen.mean())


def test_every_parameter_learns():
    torch.manual_seed(0)
    for changes in (
        {"n_head": 2, "n_cproj": 2},
        {"use_abs_pos_embeddings": True},
        {"family": "gpt2", "bias": True},
    ):
        model = Decoder(GptConfig.parse({**SMALL, **changes}), 20)
        tokens, targets = torch.randint(20, (2, 4, 12)).unbind()
        model(tokens, targets).backward()
        assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in model.parameters())


def test_dropout_changes_training_and_not_evaluation():
    model = Decoder(GptConfig.parse({**SMALL, "dropout": 0.5, "n_head": 2}), 20)
    tokens = torch.randint(20, (2, 12))
    assert not torch.equal(model.logits(tokens), model.logits(tokens))
    model.eval()
    assert torch.equal(model.logits(tokens), model.logits(tokens))
