"""What a growth's round may cost before it runs: seeds at the usual noise, and increments of one size."""

from __future__ import annotations

import math
import random
from statistics import fmean

import pytest

from samplers.searches.growth.foresight import Assumed, Increment, alike_note, own, seeds_note, usual

LOBO = [Increment("n_embd", 32, 14432), Increment("n_cproj", 1, 1024), Increment("mlp_size", 32, 2048)]


def test_half_the_cost_needs_four_times_the_seeds() -> None:
    assumed = Assumed(0.01, 1e-5, "")
    assert assumed.seeds(1000) == 8 and assumed.seeds(500) == 32
    assert assumed.seeds(0) == math.inf and assumed.seeds(-5) == math.inf


def test_after_that_many_seeds_the_gain_is_two_standard_errors() -> None:
    draw, assumed, added = random.Random(3), Assumed(0.02, 1e-5, ""), 1000
    seeds = int(assumed.seeds(added))
    means = [fmean(draw.gauss(0.01, 0.02) - draw.gauss(0, 0.02) for _ in range(seeds)) for _ in range(4000)]
    error = fmean((each - 0.01) ** 2 for each in means) ** 0.5
    assert 2 * error == pytest.approx(0.01, rel=0.05)


def test_increments_are_told_by_the_seeds_that_they_may_need_within_what_a_round_measures() -> None:
    known = usual("gpt", "next_token_probability", "params", {}, 14433.0)
    assert known is not None and known.sd == 0.015
    assert seeds_note(LOBO, known, 2, 16).endswith(": n_embd: 2; mlp_size: 3; n_cproj: 9")
    assert seeds_note(LOBO, known, 1, 8).endswith(": n_embd: 1; mlp_size: 3; n_cproj: more than 8")
    assert "n_embd, n_cproj, mlp_size: more than 64" in seeds_note(LOBO, Assumed(1.0, 1e-6, ""), 1, None)


def test_nested_starts_need_fewer_seeds() -> None:
    sequential, nested = (
        usual("gpt", "val_loss", "params", {"init": init}, 14433.0) for init in ("sequential", "nested")
    )
    assert sequential is not None and nested is not None
    assert nested.seeds(1024) < sequential.seeds(1024) / 2


def test_nothing_is_said_of_a_noise_that_nobody_knows() -> None:
    assert usual("train.py:objective", "val_loss", "params", {}, 100.0) is None
    assert usual("gpt", "train_acc", "params", {}, 100.0) is None
    assert usual("gpt", "val_loss", "vram", {}, 100.0) is None
    assert own(None, {"efficiency": 1.0}) is own({"sd": 0.1, "freedom": 3}, None) is None
    assert own({"sd": 0.1, "freedom": 3}, {"efficiency": None}) is None, "a gain at no added cost"


def test_a_study_that_has_a_round_is_told_by_its_own_noise() -> None:
    known = own({"sd": 0.5, "freedom": 7.0}, {"efficiency": 0.1})
    assert known is not None and known.seeds(10) == 2 and "this study's noise (standard deviation 0.5)" in known.source


def test_multiples_that_add_as_much_as_the_dearest_are_proposed() -> None:
    told = alike_note(LOBO, "params")
    assert told is not None and "mlp_size by 224 in place of 32" in told and "n_cproj by 14 in place of 1" in told
    assert alike_note([*LOBO, Increment("n_layer", 1, 10**9)], "params") is None, "none is of its size within reason"
    assert alike_note([Increment("a", 1, 10.0), Increment("b", 1, 0.0), Increment("c", 2, 9.0)], "params") is None
    assert alike_note([], "params") is None
