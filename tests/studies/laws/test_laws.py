"""Fits on data whose law is known, and on data without one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from studies.laws.laws import FALSE_ALARM, Estimate, Fit, judge

COSTS = np.geomspace(1e4, 1e7, 12)
DRAWS = 200


def around(true: Any, seed: int, noise: float) -> Any:
    return true + np.random.default_rng(seed).normal(0, noise, len(true))


def holds(estimate: Estimate, true: float) -> bool:
    return (estimate.low is None or estimate.low <= true) and (estimate.high is None or true <= estimate.high)


def fit(fits: Sequence[Fit], shape: str) -> Fit:
    return next(each for each in fits if each.shape == shape)


@pytest.mark.parametrize(
    ("shape", "offset", "factor", "exponent", "noise"),
    [
        ("saturating", 1.5, 0.5, -0.35, 0.02),
        ("saturating", 0.4, -0.2, -0.5, 0.01),  # a score that rises to 0.4
        ("power", 0.0, 2.0, -0.2, 0.05),
        ("power", 0.0, 3.0, 0.6, 0.2),
        ("growing", 2.0, 0.5, 0.8, 0.3),
    ],
)
def test_intervals_at_95_percent_hold_what_the_data_were_made_with(
    shape: Any, offset: float, factor: float, exponent: float, noise: float
) -> None:
    hits = {"a": 0, "b": 0, "exponent": 0, "band": 0}
    for seed in range(DRAWS):
        curved = "growing" if shape == "growing" else "saturating"
        found = fit(judge(COSTS, around(offset + factor * (COSTS / 3e5) ** exponent, seed, noise), curved).fits, shape)
        true = {"a": offset, "b": factor * (found.scale / 3e5) ** exponent, "exponent": exponent}
        for name, estimate in found.estimates().items():
            hits[name] += holds(estimate, true[name])
        low, high = found.band([1e6])
        hits["band"] += bool(low[0] <= offset + factor * (1e6 / 3e5) ** exponent <= high[0])
    for name in ("b", "exponent", "band", *(["a"] if offset else [])):
        assert hits[name] / DRAWS >= 0.88, (name, hits)
    assert hits["exponent"] < DRAWS, "an interval that always holds is too wide to be one at 95 %"


@pytest.mark.parametrize("points", [5, 6, 8, 15, 40])
def test_of_noise_no_more_than_the_stated_share_is_taken_for_a_law(points: int) -> None:
    costs = np.geomspace(1e4, 1e7, points)
    alarms = sum(judge(costs, around(np.full(points, 5.0), seed, 0.1)).is_law for seed in range(DRAWS))
    assert alarms / DRAWS <= FALSE_ALARM + 2 * math.sqrt(FALSE_ALARM / DRAWS)


def test_noise_is_told_in_words() -> None:
    verdict = judge(COSTS, around(np.full(12, 5.0), 1, 0.1))
    assert verdict.chosen is not None and verdict.chosen.shape == "constant"
    assert any("nothing better than a constant" in each for each in verdict.warnings)
    assert "whatever params is" in verdict.chosen.formula("params", "loss")


@pytest.mark.parametrize("points", [8, 15, 40])
def test_a_walk_without_a_drift_is_no_law_of_proportions(points: int) -> None:
    costs = np.geomspace(1e4, 1e7, points)
    walks = [np.cumsum(around(np.zeros(points), seed, 0.1)) + 5 for seed in range(DRAWS)]
    alarms = sum(judge(costs, walk, "growing", "walk").is_law for walk in walks)
    assert alarms / DRAWS <= FALSE_ALARM + 2 * math.sqrt(FALSE_ALARM / DRAWS)
    fooled = sum(judge(costs, walk, "growing").is_law for walk in walks)
    assert fooled > 5 * alarms, "each value for itself is the wrong question to a walk"


def test_one_jump_is_no_law_of_proportions_however_the_rest_trembles() -> None:
    costs = np.linspace(4e4, 1.3e5, 7)
    share = np.array([0.14, 0.14, 0.14, 0.14, 0.25, 0.25, 0.25]) + np.arange(7) * 1e-6
    verdict = judge(costs, share, "growing", "walk")
    assert not verdict.is_law and verdict.chance is not None and verdict.chance > 0.3


def test_records_of_noise_are_no_law_when_all_that_was_tried_is_asked() -> None:
    generator = np.random.default_rng(3)
    alarms = 0
    for _ in range(100):
        tried = generator.normal(0, 1, 80)
        costs = np.geomspace(1e4, 1e7, 80)
        records = np.flatnonzero(tried >= np.maximum.accumulate(tried))
        if len(records) < 5:
            continue
        everything = (costs, tried)
        alarms += judge(costs[records], tried[records], evidence=everything).is_law
    assert alarms <= 10


def test_the_law_that_made_the_data_is_the_one_that_is_chosen() -> None:
    saturating = judge(COSTS, around(1.5 + 0.5 * (COSTS / 3e5) ** -0.35, 0, 0.005))
    power = judge(COSTS, around(2.0 * (COSTS / 3e5) ** -0.2, 0, 0.02))
    assert saturating.chosen is not None and saturating.chosen.shape == "saturating"
    assert power.chosen is not None and power.chosen.shape == "power"
    assert saturating.chosen.formula("params", "loss").startswith("loss ≈ 1.494 + 0.4979 · (params / 316,000)^-0.34")


def test_exact_data_give_the_exact_law() -> None:
    found = judge(COSTS, 1.5 + 0.5 * (COSTS / 3e5) ** -0.35).chosen
    assert found is not None and found.shape == "saturating"
    assert found.exponent == pytest.approx(-0.35, abs=1e-5) and found.offset == pytest.approx(1.5, abs=1e-5)
    plain = judge(COSTS, 3.0 * COSTS**0.5).chosen
    assert plain is not None and plain.shape == "power" and plain.exponent == pytest.approx(0.5, abs=1e-6)


def test_few_points_are_not_fitted_and_it_is_said() -> None:
    for points in range(5):
        verdict = judge(COSTS[:points], [1.0 / (1 + each) for each in range(points)])
        assert verdict.chosen is None and not verdict.fits and "too few points" in verdict.warnings[-1]
    same = judge([1e4] * 8, np.linspace(0, 1, 8))
    assert same.chosen is None and "8 points at 1 places" in same.warnings[-1]
    five = judge(COSTS[:5], 1.5 + 0.5 * (COSTS[:5] / 3e5) ** -0.35)
    assert [each.shape for each in five.fits] == ["constant", "power"]


def test_what_is_no_number_is_left_out_and_counted() -> None:
    loss = 1.5 + 0.5 * (COSTS / 3e5) ** -0.35
    costs = [*COSTS, 0.0, 1e5, math.inf, -3.0]
    verdict = judge(costs, [*loss, 1.0, math.nan, 1.0, 1.0])
    assert verdict.warnings[0].startswith("4 points") and verdict.chosen is not None
    assert verdict.chosen.exponent == pytest.approx(-0.35, abs=1e-5)


def test_a_constant_is_a_constant() -> None:
    for value in (0.0, 1.0, -1e30, 1e-30):
        verdict = judge(COSTS, np.full(12, value))
        assert verdict.chosen is not None and verdict.chosen.shape == "constant" and verdict.chance == 1.0


@pytest.mark.parametrize("scale", [1e-200, 1e-6, 1.0, 1e6, 1e200])
def test_units_do_not_matter(scale: float) -> None:
    loss = around(1.5 + 0.5 * (COSTS / 3e5) ** -0.35, 0, 0.02)
    one, other = judge(COSTS, loss).chosen, judge(COSTS * scale, loss * 7).chosen
    assert one is not None and other is not None
    assert other.exponent == pytest.approx(one.exponent, rel=0.02) and other.shape == one.shape


def test_an_interval_that_finds_no_end_is_open() -> None:
    steps = np.geomspace(1e5, 1.2e5, 8)  # so short a range that every exponent serves
    found = fit(judge(steps, around(1 + (steps / 1e5) ** -0.3, 2, 0.01)).fits, "saturating").estimates()
    assert found["exponent"].low is None or found["exponent"].high is None
    assert found["a"].low is None or found["a"].high is None


def test_a_logarithm_is_not_taken_for_a_limit() -> None:
    verdict = judge(COSTS, around(5 - 0.2 * np.log(COSTS), 0, 0.001))
    assert verdict.chosen is not None and verdict.chosen.shape == "saturating"
    assert verdict.chosen.estimates()["a"].low is None, "what it goes down to is not known"
    assert any("no asymptote is visible" in each for each in verdict.warnings)


def test_neighbours_that_deviate_together_are_told() -> None:
    costs = np.geomspace(1e4, 1e7, 40)
    waves = 1.5 + 0.5 * (costs / 3e5) ** -0.35 + 0.03 * np.sin(np.arange(40) / 4)
    assert any("deviate together" in each for each in judge(costs, waves).warnings)
