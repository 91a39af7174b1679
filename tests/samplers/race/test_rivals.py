"""What a wrong choice would cost, and who gets more seeds."""

from __future__ import annotations

import math
import random
from statistics import fmean, pvariance

import pytest

from samplers.searches.race.draws import normals
from samplers.searches.race.purchases import Allowance, next_count, purchases
from samplers.searches.race.residuals import Noise
from samplers.searches.race.rivals import Entrant, Rival, parted, rival_of, sure

KNOWN = Noise(1.0, 7)


def entrant(gain: float, cost: float = 1.0, seeds: int = 2) -> Entrant:
    return Entrant([gain] * seeds, [cost] * seeds)


def test_the_closer_the_rival_the_likelier_and_dearer_a_wrong_choice() -> None:
    leader = entrant(10.0)
    close, far = rival_of(leader, entrant(9.9), KNOWN), rival_of(leader, entrant(2.0), KNOWN)
    assert 0.4 < close.p < 0.5 and close.loss > far.loss > 0 and far.p < 0.01


def test_an_equal_rival_is_as_likely_the_best_and_costs_the_mean_of_half_its_error() -> None:
    """V of two seeds and equal costs is σ² (2/2 + 2/2 - 2/2) = σ², of 4 + 1 degrees of freedom."""
    found = rival_of(entrant(10.0), entrant(10.0), KNOWN)
    error = math.sqrt(4 / 5)
    assert found.p == 0.5 and found.loss == pytest.approx(error * 0.474508 / 10, rel=1e-5)


def test_an_error_of_the_efficiency_grows_with_the_inverse_of_the_added_cost() -> None:
    leader = entrant(16.0, 16.0)
    cheap, dear = rival_of(leader, entrant(0.5, 1.0), KNOWN), rival_of(leader, entrant(8.0, 16.0), KNOWN)
    assert cheap.loss > 10 * dear.loss
    assert Entrant([1.0], [0.25]).part == 16


def test_seeds_that_move_a_pair_alike_count_against_its_noise() -> None:
    same = rival_of(Entrant([5, 6, 4, 5], [1.0] * 4), Entrant([4, 5, 3, 4], [1.0] * 4), KNOWN)
    unlike = rival_of(Entrant([5, 6, 4, 5], [1.0] * 4), Entrant([4, 2, 6, 4], [1.0] * 4), KNOWN)
    assert same.p < unlike.p


def test_a_measured_cost_adds_its_own_noise() -> None:
    fixed = rival_of(Entrant([5.0] * 4, [1.0] * 4), Entrant([4.0] * 4, [1.0] * 4), KNOWN)
    varying = rival_of(Entrant([5.0] * 4, [0.5, 1.5, 0.5, 1.5]), Entrant([4.0] * 4, [1.0] * 4), KNOWN)
    assert varying.p > fixed.p


def test_without_any_noise_known_nothing_is_known() -> None:
    assert rival_of(entrant(2.0, seeds=1), entrant(1.0, seeds=1), Noise()) == Rival(0.5, math.inf)


def test_without_noise_any_difference_parts_and_equals_cost_nothing() -> None:
    assert rival_of(entrant(2.0), entrant(1.9), Noise(0.0, 7)) == Rival(0.0, 0.0)
    assert rival_of(entrant(2.0), entrant(2.0), Noise(0.0, 7)) == Rival(0.5, 0.0)


def test_sure_and_parted_count_all_rivals() -> None:
    rivals = [Rival(0.02, 0.0), Rival(0.03, 0.0)]
    assert sure(rivals) == pytest.approx(0.95) and parted(rivals) == [True, False]
    assert sure([Rival(0.5, 0.0)] * 3) == 0.0 and sure([]) == 1.0


def test_seeds_go_to_whoever_makes_up_the_error() -> None:
    """A row that adds a sixteenth of the cost carries 256 times the variance: the leader's own seeds would not help."""
    entrants = {0: entrant(16.0, 16.0), 1: entrant(0.9, 1.0), 2: entrant(15.0, 16.0)}
    rivals = {1: Rival(0.3, 0.1), 2: Rival(0.3, 0.01)}
    assert purchases(0, entrants, rivals, Allowance(16)) == {1: 3}
    assert purchases(0, entrants, {1: rivals[1], 2: Rival(0.3, 0.1)}, Allowance(16)) == {0: 3, 1: 3, 2: 3}
    assert purchases(0, entrants, rivals, Allowance(2)) == {} == purchases(0, entrants, rivals, Allowance(16, 0.2))


def test_who_has_all_seeds_gets_no_more() -> None:
    entrants = {0: entrant(10.0, seeds=16), 1: entrant(9.0, seeds=2)}
    assert purchases(0, entrants, {1: Rival(0.4, 0.1)}, Allowance(16)) == {1: 3}


def test_seven_waits_lead_to_sixteen_seeds() -> None:
    counts = [2]
    while counts[-1] < 16:
        counts.append(next_count(counts[-1], 16))
    assert counts == [2, 3, 4, 6, 9, 13, 16]


def test_drawn_numbers_are_normal_and_the_same_on_every_machine() -> None:
    source = normals("1337:0")
    drawn = [next(source) for _ in range(20_000)]
    assert drawn[:3] == pytest.approx([1.48402555804, 0.02513559705, 1.45719586020])
    assert abs(fmean(drawn)) < 0.03 and pvariance(drawn) == pytest.approx(1.0, abs=0.03)
    assert random.Random(1).random() == 0.13436424411240122, "what Python promises of random.random"
