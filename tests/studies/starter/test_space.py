"""`init tune`: which axis a flag becomes."""

from __future__ import annotations

from typing import Any

import pytest

from samplers.searches.tune.space import parse_space
from studies.scripts.flag import Flag
from studies.starter.page import tune_block
from studies.starter.space import space


@pytest.mark.parametrize(
    ("flag", "axis"),
    [
        (Flag("lr", 3e-4), {"log": [3e-5, 3e-3]}),
        (Flag("optim.learning-rate", 0.8), {"log": [0.08, 8.0]}),
        (Flag("n_layer", 1), {"range": [1, 2]}),
        (Flag("hidden", 48), {"range": [24, 96]}),
        (Flag("d_model", 192), {"range": [96, 384, 32]}),
        (Flag("n_head", 4), [1, 2, 4, 8, 16]),
        (Flag("batch_size", 12), {"range": [6, 24]}),
        (Flag("dropout", 0.0), {"float": [0.0, 0.5]}),
        (Flag("attn_dropout", 0.6), {"float": [0.0, 0.8]}),
        (Flag("weight_decay", 0.0), {"float": [0.0, 0.1]}),
        (Flag("weight_decay", 0.01), {"log": [0.001, 0.1]}),
        (Flag("momentum", 0.9), {"float": [0.8, 0.98]}),
        (Flag("bias", False), [True, False]),
        (Flag("optimizer", "adam", choices=("adam", "sgd")), ["adam", "sgd"]),
    ],
)
def test_a_flag_s_axis_holds_its_default(flag: Flag, axis: Any) -> None:
    first, others = space([flag])
    assert {**first, **others} == {flag.name: axis}
    assert parse_space({flag.name: axis}, "space").axes[flag.name].holds(flag.default)


def test_the_likeliest_four_are_varied_and_the_others_are_comments() -> None:
    flags = [Flag("bias", True), Flag("dropout", 0.1), Flag("lr", 1e-3), Flag("depth", 2), Flag("width", 64)]
    first, others = space([*flags, Flag("batch", 8), Flag("epochs", 3)])
    assert list(first) == ["lr", "depth", "width", "batch"] and list(others) == ["dropout", "bias"]
    lines = tune_block(first, others, has_seed=False)
    assert "    # dropout: {float: [0.0, 0.5]}" in lines and not any("racing" in line for line in lines)


def test_an_unlikely_axis_is_better_than_none() -> None:
    assert space([Flag("patience", 7.0), Flag("alpha", 2.0)]) == (
        {"patience": {"log": [0.7, 70.0]}},
        {"alpha": {"log": [0.2, 20.0]}},
    )
    assert space([Flag("name", "text")]) == ({}, {})
