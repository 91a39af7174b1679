"""Nested starts: models of different sizes share every number that both have; sequential ones are as they were."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from objectives import gpt
from objectives.gpt.attention import LoboAttention
from objectives.gpt.checkpoint import identify
from objectives.gpt.config import GptConfig
from objectives.gpt.data import open_data, train_batch
from objectives.gpt.hlb import HlbBlock
from objectives.gpt.llama import LlamaBlock
from objectives.gpt.model import Block, Decoder
from objectives.gpt.nested_start import Pieces, draw_tensor, heads, normal_quantiles
from storage.errors import UsageError
from tests.support.gpt import BASELINE
from tests.support.recorder import Recorder

LOBO = {**BASELINE, "block_size": 12}
VOCAB = 19


def decoder(seed: int = 7, vocab_size: int = VOCAB, **config: Any) -> Decoder:
    return Decoder(GptConfig.parse({"init": "nested", **config}), vocab_size, seed)


def parts(model: Decoder) -> dict[str, Tensor]:
    """The matrices, those of several parts taken apart as the forward pass does it, scaled to a deviation of 1."""
    apart: dict[str, Tensor] = {}
    ends = (2 * len(model.blocks)) ** 0.5
    for name, each in model.state_dict().items():
        if each.dim() > 1:
            apart[name] = each / 0.02 * (ends if name.endswith(("projections", "down.weight")) else 1.0)
    for index, block in enumerate(model.blocks):
        at = f"blocks.{index}."
        match block:
            case Block(attention=LoboAttention() as lobo):
                taken = apart.pop(at + "attention.queries_keys.weight")
                both = taken.view(-1, lobo.shape.n_qk_head_dim, taken.shape[1])
                apart |= {at + "queries": both[: lobo.shape.n_head], at + "keys": both[lobo.shape.n_head :]}
                values = apart.pop(at + "attention.values.weight")
                apart[at + "values"] = values.view(lobo.shape.n_kv_group, -1, values.shape[1])
                if not lobo.sums_heads:
                    joined = apart.pop(at + "attention.projections")
                    apart[at + "joined"] = joined.view(*joined.shape[:2], lobo.shape.n_head, -1)
            case Block(attention=attention) | LlamaBlock(attention=attention):
                qkv, down = apart.pop(at + "attention.qkv.weight"), apart.pop(at + "attention.down.weight")
                apart[at + "qkv"] = qkv.view(3, attention.n_head, -1, qkv.shape[1])
                apart[at + "joined"] = down.view(len(down), attention.n_head, -1)
                if isinstance(block, LlamaBlock):
                    gate_up = apart.pop(at + "gate_up.weight")
                    apart[at + "gate_up"] = gate_up.view(2, -1, gate_up.shape[1])
            case HlbBlock():
                up, down, width, h = (
                    apart.pop(at + "up.weight"),
                    apart.pop(at + "down.weight"),
                    block.width,
                    block.n_head,
                )
                queries_keys, rest = up.split((2 * block.qk_width, 4 * width))
                apart[at + "queries_keys"] = queries_keys.view(2, h, -1, width)
                local, moved = rest.view(2, 2, width, width).unbind(1)
                apart |= {at + "local": local, at + "moved": moved.reshape(2, h, -1, width)}
                down_local, down_moved = down.view(width, 2, width).unbind(1)
                apart |= {at + "down local": down_local, at + "down moved": down_moved.reshape(width, h, -1)}
    return apart


def assert_shared(one: Decoder, other: Decoder, exact: bool = True) -> None:
    """Every number that both have is the same in both, in every part of every matrix."""
    here, there = parts(one), parts(other)
    assert {*here} <= {*there}
    for name in here:
        both = tuple(slice(min(pair)) for pair in zip(here[name].shape, there[name].shape, strict=True))
        if exact:
            assert torch.equal(here[name][both], there[name][both]), name
        else:
            assert torch.allclose(here[name][both], there[name][both], rtol=1e-5, atol=0), name


@pytest.mark.parametrize(
    ("changes", "exact"),
    [
        ({"n_head": 2}, True),
        ({"n_head": 4, "n_kv_group": 1}, True),
        ({"n_cproj": 2}, True),
        ({"n_embd": 64}, True),
        ({"mlp_size": 64}, True),
        ({"n_qk_head_dim": 64}, True),
        ({"n_v_head_dim": 64}, True),
        ({"n_embd": 160, "mlp_size": 200, "n_head": 2, "n_v_head_dim": 130}, True),  # beyond one block of draws
        ({"n_layer": 2}, False),  # the ends of branches are drawn the same, and scaled by the depth
    ],
)
def test_a_candidate_shares_every_number_that_its_baseline_has(changes: dict[str, int], exact: bool) -> None:
    for joined in ({}, {"use_concat_heads": True}, {"attention_variant": "causal"}):
        base = {**LOBO, **joined}
        assert_shared(decoder(**base), decoder(**{**base, **changes}), exact)


@pytest.mark.parametrize("family", ["gpt2", "hlb", "llama"])
@pytest.mark.parametrize(
    ("changes", "exact"),
    [({"n_head": 4}, True), ({"n_embd": 96}, True), ({"n_embd": 160, "n_head": 4}, True), ({"n_layer": 3}, False)],
)
def test_the_other_families_share_their_numbers_too(family: str, changes: dict[str, int], exact: bool) -> None:
    small = {"family": family, "n_layer": 2, "n_head": 2, "n_embd": 64, "block_size": 12}
    assert_shared(decoder(**small), decoder(**{**small, **changes}), exact)
    assert_shared(decoder(**small), decoder(**{**small, **changes, "block_size": 24}, vocab_size=VOCAB + 3), exact)


@pytest.mark.parametrize("family", ["lobo", "gpt2", "hlb", "llama"])
def test_each_tensor_has_the_mean_and_deviation_of_its_family(family: str) -> None:
    model = decoder(family=family, n_layer=2, n_head=2, n_embd=128, mlp_size=256, block_size=64, vocab_size=300)
    for name, each in parts(model).items():
        count = each.numel()
        assert abs(each.mean().item()) < 4 / count**0.5, name
        assert abs(each.std().item() - 1) < 4 / (2 * count) ** 0.5, name
    drawn = torch.cat([each.flatten() for each in parts(model).values()])
    assert len(drawn.unique()) > 0.5 * min(len(drawn), 65_536)  # no part repeats another
    biased = decoder(family="gpt2", n_embd=64, bias=True, block_size=12)
    assert all(bool((each == 0).all()) for name, each in biased.named_parameters() if name.endswith("bias"))


def test_draws_follow_the_normal_distribution_and_do_not_correlate() -> None:
    drawn = draw_tensor(3, "x", (600, 700), Pieces())
    for quantile in (-2.5, -1.0, 0.0, 0.7, 3.0):
        share = NormalDist().cdf(quantile)
        assert abs((drawn < quantile).mean() - share) < 4.5 * math.sqrt(share * (1 - share) / drawn.size)
    others = [draw_tensor(4, "x", (600, 700), Pieces()), draw_tensor(3, "y", (600, 700), Pieces())]
    shifted = [drawn[:-1, :], drawn[1:, :], drawn[:, :-1], drawn[:, 1:]]
    pairs = [*((drawn, each) for each in others), shifted[:2], shifted[2:]]
    for one, other in pairs:
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4.5 / drawn.size**0.5


def test_the_numbers_are_the_same_on_every_machine() -> None:
    assert hashlib.sha256(normal_quantiles().astype("<f4").tobytes()).hexdigest()[:16] == "8babbcaf96568f10"
    pieces = Pieces(heads("query", 3, 50), [("local", 140), ("moved", 60)])
    drawn = draw_tensor(1337, "blocks.0.up.weight", (2, 150, 200), pieces)
    assert hashlib.sha256(drawn.astype("<f4").tobytes()).hexdigest()[:16] == "027d4665857e96df"


def test_seeds_and_layers_start_differently() -> None:
    model = decoder(n_layer=2, block_size=12)
    first, second = model.blocks[0].up.weight, model.blocks[1].up.weight
    assert abs(torch.corrcoef(torch.stack((first.flatten(), second.flatten())))[0, 1].item()) < 0.2
    assert not torch.equal(first, decoder(8, n_layer=2, block_size=12).blocks[0].up.weight)


class Earlier(Decoder):
    """The model as it began before there was another start than the sequential one."""

    def _initialize(self, config: GptConfig, seed: int) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                ends_branch = name.endswith(("projections", "down.weight"))
                torch.nn.init.normal_(parameter, std=0.02 / (2 * config.n_layer) ** 0.5 if ends_branch else 0.02)
            elif name.endswith("bias"):
                torch.nn.init.zeros_(parameter)


@pytest.mark.parametrize("family", ["lobo", "gpt2", "hlb", "llama"])
def test_without_the_key_a_training_begins_as_it_did_before_there_was_one(family: str) -> None:
    config = GptConfig.parse({"family": family, "n_layer": 2, "n_head": 2, "bias": True, "block_size": 12})
    models = []
    for kind in (Decoder, Earlier):
        torch.manual_seed(11)
        models.append(kind(config, VOCAB, 99))
    for one, other in zip(*(each.parameters() for each in models), strict=True):
        assert torch.equal(one, other)


def test_a_checkpoint_from_before_there_was_the_key_is_still_its_training_s() -> None:
    config, nested = (GptConfig.parse({**BASELINE, **more}) for more in ({}, {"init": "nested"}))
    model = Decoder(config, VOCAB)
    described = {key: value for key, value in asdict(config).items() if key != "init"}
    shapes = {name: list(each.shape) for name, each in model.named_parameters()}
    text = json.dumps([1, described, 3, shapes], sort_keys=True)
    assert identify(config, 3, model) == hashlib.sha256(text.encode()).hexdigest()
    assert identify(nested, 3, model) != identify(config, 3, model)


def test_the_start_changes_neither_the_data_nor_what_dropout_draws(tmp_path: Path) -> None:
    class Watching(Recorder):
        """Keeps the state of torch's generator before the first iteration."""

        def should_stop(self) -> bool:
            self.random = torch.get_rng_state()
            return super().should_stop()

    for name in ("train.bin", "val.bin"):
        (tmp_path / name).write_bytes(bytes(range(250)) * 4)
    config = {"dataset": str(tmp_path), "vocab_size": 65_000, "block_size": 12, "batch_size": 2, "n_embd": 8}
    config |= {"max_iters": 1, "eval_iters": 1, "init": "nested"}
    states, batches = [], []
    for changes in ({}, {"n_embd": 16}, {"init": "sequential"}):
        trial, parsed = Watching(5), GptConfig.parse({**config, **changes})
        gpt.objective({**config, **changes}, trial)
        states.append(trial.random)
        batches.append(train_batch(open_data(parsed), parsed, 5, 0)[0])
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])
    assert torch.equal(batches[0], batches[1]) and torch.equal(batches[0], batches[2])


def test_a_start_that_is_not_known_is_one_clear_line() -> None:
    with pytest.raises(UsageError, match="config: init is 'nestd'; did you mean 'nested'"):
        GptConfig.parse({"init": "nestd"})
