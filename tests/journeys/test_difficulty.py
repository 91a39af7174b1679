"""The objective difficulty at the size of the published figures, which takes half a minute."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import Any

import pytest

from objectives import difficulty
from tests.support.cases import usual

SMALL = {"hidden_nodes": 4, "states": 4, "vocab_size": 32, "alpha_X": 0.001, "alpha_Z": 0.125}
LARGE = {"hidden_nodes": 8, "states": 4, "vocab_size": 64, "alpha_X": 0.001, "alpha_Z": 0.004}
EASY = {**SMALL, "alpha_X": 0.01, "alpha_Z": 0.01, "batch": 256, "length": 1024}


@dataclass(frozen=True)
class Trial:
    seed: int


def measure(config: dict[str, Any], seed: int = 42) -> float:
    return difficulty.objective(config, Trial(seed))["difficulty"]


# zlib looks back 4096 tokens, so fewer sequences than were published come to the same figure.
@pytest.mark.parametrize(
    ("config", "published", "near"),
    usual(
        [
            ({**SMALL, "batch": 48, "length": 2048}, 0.7387, 0.04),
            (EASY, 0.3711, 0.04),
            ({**LARGE, "batch": 16, "length": 4096}, 0.7372, 0.06),
        ],
        count=2,
    ),
)
def test_the_mean_over_five_seeds_lies_near_the_published_figure_of_one(
    config: dict[str, Any], published: float, near: float
) -> None:
    assert fmean(measure(config, seed) for seed in range(42, 47)) == pytest.approx(published, abs=near)


def test_at_its_published_size_the_small_graph_comes_to_what_fewer_sequences_come_to() -> None:
    whole = measure({**SMALL, "batch": 1024, "length": 2048})
    assert whole == pytest.approx(0.7387, abs=0.08)
    assert whole == pytest.approx(measure({**SMALL, "batch": 96, "length": 2048}), abs=0.01)
