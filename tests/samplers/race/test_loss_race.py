"""A growth's rounds under the loss race: who gets seeds, what is recorded, and what older growths go on with."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.race import EIGHT, RACE, USUAL, regret, rounds, trainings
from samplers.searches.growth.growth import Growth
from samplers.searches.growth.what_if import OtherTerms, what_if
from samplers.searches.plan import Decision, Need, Result
from storage.home import CHECKOUT
from storage.records import DecisionRow
from studies.history.decisions import first_state, state_before
from tests.support.growths import Objective, growth, run

BEFORE = json.loads((CHECKOUT / "tests" / "data" / "growth_race_v03.json").read_text())
"""Four rounds that version 0.3.0 decided, with `repeats: 2` and `racing: {max_repeats: 5}`."""


def made_for(gains: Mapping[str, list[float]], costs: Mapping[str, float] | None = None) -> Objective:
    """Gains by parameter and seed, at an added cost of one; the baseline scores 0 at cost 1."""

    def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
        for name, values in gains.items():
            if config[name] > 1:
                return {"score": values[config["seed"] % len(values)], "params": 1.0 + (costs or {}).get(name, 1.0)}
        return {"score": 0.0, "params": 1.0}

    return objective


def block(names: str, **more: Any) -> dict[str, Any]:
    racing = {"max_repeats": more.pop("most", 16), "within": more.pop("within", 0.02)}
    return {"increments": dict.fromkeys(names, 1), "steps": 1, "repeats": 2, "seed": 0, "racing": racing, **more}


def table(decision: Decision) -> dict[str, Mapping[str, Any]]:
    return {row["param"]: row for row in decision.record["candidates"]}


def seeds_of(decision: Decision) -> dict[str, int]:
    return {name: len(row["seeds"]) for name, row in table(decision).items()}


def one_each(names: str) -> dict[str, int]:
    return dict.fromkeys(names, 1)


# Who gets seeds


def test_a_clear_leader_needs_no_more_seeds() -> None:
    [made], _, results = run(
        growth(block("abc"), one_each("abc")), made_for({"a": [1.0, 1.01], "b": [0.2, 0.21], "c": [0.1, 0.11]})
    )
    assert seeds_of(made) == {"a": 2, "b": 2, "c": 2} and len(results) == 8
    record = made.record
    assert record["rule"] == "loss race" and record["parted"] and record["sure"] > 0.97 and record["again"] > 0.97
    assert record["loss_at_most"] == 0.0 and not any(row["tie"] for row in record["candidates"])


def test_seeds_go_to_those_that_could_be_better_until_the_limit() -> None:
    gains = {"a": [1.0, 1.4], "b": [1.35, 1.0], "c": [0.02, 0.03]}
    [made], _, results = run(growth(block("abc", most=6), one_each("abc")), made_for(gains))
    assert seeds_of(made) == {"a": 6, "b": 6, "c": 2} and len(results) == 6 * 3 + 2
    record = made.record
    assert (
        not record["parted"] and record["sure"] < 0.9 and 0.3 < record["again"] < 0.9 and record["loss_at_most"] > 0.02
    )
    assert [row["tie"] for row in record["candidates"]] == [True, True, False]
    assert len(record["baseline"]["seeds"]) == 6


def test_a_wider_margin_ends_the_race_sooner() -> None:
    gains = {"a": [1.0, 1.1], "b": [1.05, 0.95]}
    wide = run(growth(block("ab", within=0.5), one_each("ab")), made_for(gains))
    close = run(growth(block("ab"), one_each("ab")), made_for(gains))
    assert seeds_of(wide[0][0]) == {"a": 2, "b": 2} and min(seeds_of(close[0][0]).values()) > 2


def test_a_cheap_rival_gets_seeds_alone_where_its_error_is_the_pairs() -> None:
    """Per added cost, b's error is 16 times a's."""
    gains = {"a": [16.0, 17.0], "b": [0.4, 1.3, 0.5, 0.4, 0.3, 0.5]}
    [made], _, _ = run(growth(block("ab"), one_each("ab")), made_for(gains, {"a": 16.0, "b": 1.0}))
    assert seeds_of(made)["a"] == 2 < seeds_of(made)["b"]
    assert made.record["chosen"]["param"] == "a"


def test_who_fell_behind_comes_back_when_the_leader_falls() -> None:
    """c, of a larger error than b, is chosen although it was third with two seeds and rested while b got its own."""
    gains = {"a": [2.6, 1.9, *[1.0] * 4], "b": [1.7, 2.2, *[1.5, 1.6] * 2], "c": [1.4, 1.9, *[2.1, 2.0] * 2]}
    [made], _, _ = run(growth(block("abc"), one_each("abc")), made_for(gains))
    assert made.record["chosen"]["param"] == "c" and seeds_of(made)["c"] > 2


def test_gains_at_no_added_cost_race_among_themselves() -> None:
    gains = {"a": [1.0, 1.3], "b": [1.2, 1.0], "c": [9.0, 9.1]}
    [made], _, _ = run(growth(block("abc", most=4), one_each("abc")), made_for(gains, {"a": 0.0, "b": -0.5, "c": 1.0}))
    assert seeds_of(made) == {"a": 4, "b": 4, "c": 2}
    assert made.record["chosen"]["param"] in "ab" and not table(made)["c"]["tie"]


def test_costs_are_measured_seed_by_seed() -> None:
    def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
        draw = random.Random(repr(sorted(config.items())))
        grown = config["a"] + config["b"]
        return {"score": 1.0 * grown, "params": 10.0 * grown + draw.uniform(-4, 4)}

    [made], _, _ = run(growth(block("ab"), one_each("ab")), objective)
    assert min(seeds_of(made).values()) > 2, "equal gains, whose costs alone are noisy, race"
    assert all(row["efficiency"] == pytest.approx(row["gain"] / row["added_cost"]) for row in table(made).values())


def test_a_candidate_that_fails_in_the_race_is_out_and_the_others_go_on() -> None:
    def objective(config: Mapping[str, Any]) -> Mapping[str, float] | None:
        if config["a"] > 1 and config["seed"] == 2:
            return None
        return made_for({"a": [1.0, 1.3], "b": [1.3, 1.0], "c": [1.2, 1.0]})(config)

    [made], _, _ = run(growth(block("abc"), one_each("abc")), objective)
    assert "broken" in table(made)["a"]["reason"] and made.record["chosen"]["param"] in "bc"
    assert made.record["sure"] is not None


def test_equal_configurations_are_one_candidate() -> None:
    """A layer more may copy either of two equal ones: one training, which nothing sets apart from itself."""
    increments = {"n_layer": 1, "x": 1}
    layers = {"n_layer": 2, "x": 1, "w_layerlist": [3, 3]}
    search = growth({**block(""), "increments": increments, "n_layer": "each"}, layers)

    def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
        return {
            "score": 1.0 * config["n_layer"] + 0.001 * config["seed"],
            "params": 1.0 * config["n_layer"] + config["x"],
        }

    [made], _, results = run(search, objective)
    assert [row["param"] for row in made.record["candidates"]] == ["n_layer", "n_layer", "x"]
    assert len(results) == 6 and made.record["parted"] and made.record["sure"] == 1.0


def test_one_seed_each_says_nothing_and_with_racing_gets_a_second() -> None:
    gains = made_for({"a": [1.0, 1.1, 1.0], "b": [0.5, 0.4, 0.5]})
    [alone], _, _ = run(growth({**block("ab", repeats=1), "racing": None}, one_each("ab")), gains)
    assert [alone.record[name] for name in ("sure", "loss_at_most", "again", "parted")] == [None, None, None, False]
    [raced], _, _ = run(growth(block("ab", repeats=1), one_each("ab")), gains)
    assert min(seeds_of(raced).values()) >= 2 and raced.record["sure"] > 0.5


def test_the_noise_of_a_round_counts_in_the_next_but_not_after_an_override_or_a_raise() -> None:
    gains = made_for({"a": [1.0, 1.1], "b": [0.5, 0.4]})
    search = growth({**block("ab"), "steps": 3, "on_stall": {"max_iters": 5}}, one_each("ab"))
    made, _, _ = run(search, gains)
    assert made[0].state["noise"]["sd"] > 0 and made[0].state["noise"]["freedom"] == 2
    stalled = [decision for decision in made if decision.kind == "stalled"]
    assert stalled and all(decision.state["noise"] is None for decision in stalled)
    assert search.override(made[0].state, {"config": {"max_iters": 9}}).state["noise"] is None


# What the decision depends on


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10**6), order=st.randoms(use_true_random=False), within=st.sampled_from([0.005, 0.02, 0.2]))
def test_decisions_and_seeds_depend_on_accepted_results_alone(seed: int, order: Any, within: float) -> None:
    """Any part of what is asked for may end first, and more than was asked for may have ended."""

    def objective(config: Mapping[str, Any]) -> Mapping[str, float] | None:
        draw = random.Random(repr((seed, sorted(config.items()))))
        if draw.random() < 0.02 and config["a"] > 1:
            return None
        gain = 2.0 * config["a"] + 1.9 * config["b"] + 0.3 * config["c"]
        return {
            "score": gain + draw.gauss(0, 0.5),
            "params": config["a"] + config["b"] + draw.choice([0.2, 0.3]) * config["c"],
        }

    search = growth(block("abc", within=within, steps=2), one_each("abc"))
    made, done, results = run(search, objective)
    state, again, arrived = search.start(), [], dict[str, Result]()
    for _ in range(10_000):
        step = search.advance(state, arrived)
        if isinstance(step, Decision):
            again.append(step)
            state = json.loads(json.dumps(step.state))
        elif isinstance(step, Need):
            points = [point.hash for point in step.points]
            for hash_ in order.sample(points, order.randint(1, len(points))):
                arrived[hash_] = results[hash_]
        else:
            break
    assert again == made and step == done and arrived == results
    for decision in made:
        json.dumps(decision.record, allow_nan=False)


COST = st.floats(1e-300, 1e300)


@settings(max_examples=100, deadline=None)
@given(scores=st.lists(st.floats(-1.7e308, 1.7e308), min_size=6, max_size=6), costs=st.tuples(COST, COST))
def test_any_scores_and_costs_end_in_a_record_that_json_holds(scores: list[float], costs: tuple[float, float]) -> None:
    gains = {"a": scores[:3], "b": scores[3:]}
    made, _, _ = run(growth(block("ab", most=5), one_each("ab")), made_for(gains, {"a": costs[0], "b": costs[1]}))
    for decision in made:
        json.dumps([decision.record, decision.state], allow_nan=False)


# Growths that version 0.3 began


def noisy(config: Mapping[str, Any]) -> Mapping[str, float]:
    draw = random.Random(repr(sorted(config.items())))
    worth = config["n_layer"] + 2 * config["n_head"] + config["mlp_size"] / 64
    cost = 100.0 * config["n_layer"] + 50 * config["n_head"] + config["mlp_size"]
    return {"score": worth + draw.gauss(0, 0.5), "params": cost}


def old_growth() -> Growth:
    increments = {"n_layer": 1, "n_head": 1, "mlp_size": 32}
    block = {"increments": increments, "steps": 4, "repeats": 2, "racing": {"max_repeats": 5}}
    return Growth.parse(block, {"n_layer": 1, "n_head": 1, "mlp_size": 32}, ("score", "maximize"), "params", "trace")


def without_trials(value: Any) -> Any:
    """A record without the numbers of its trials, which follow the order of arrival."""
    if isinstance(value, Mapping):
        return {name: without_trials(each) for name, each in value.items() if name not in ("trial", "trials")}
    return [without_trials(each) for each in value] if isinstance(value, list) else value


def next_decision(search: Growth, state: Mapping[str, Any]) -> Decision:
    results: dict[str, Result] = {}
    while isinstance(step := search.advance(state, results), Need):
        for point in step.points:
            results[point.hash] = Result(0, "COMPLETE", noisy({**point.config, "seed": point.seed}))
    assert isinstance(step, Decision)
    return step


@pytest.mark.parametrize("number", range(len(BEFORE)))
def test_a_growth_of_version_03_goes_on_as_version_03_would(number: int) -> None:
    search, then = old_growth(), BEFORE[number]
    rows = [cast(DecisionRow, SimpleNamespace(state=each["state"])) for each in BEFORE]
    made = next_decision(search, state_before(first_state(search.start(), rows), rows, number))
    assert without_trials(made.record) == without_trials(then["record"])
    assert json.loads(json.dumps(made.state)) == then["state"]


def test_a_growth_of_version_03_comes_to_the_loss_race_by_within_alone() -> None:
    search, state = old_growth(), BEFORE[0]["state"]
    kept = search.override(state, {"grow": {"racing": {"max_repeats": 6}}})
    assert "rule" not in kept.state and "rule" not in next_decision(search, kept.state).record
    moved = search.override(state, {"grow": {"racing": {"max_repeats": 6, "within": 0.02}}})
    assert next_decision(search, moved.state).record["rule"] == "loss race"


# With another cost


def test_what_another_cost_would_choose_is_told_of_rounds_with_unequal_seeds() -> None:
    def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
        metrics = made_for({"a": [1.0, 1.4], "b": [1.35, 1.0], "c": [0.1, 0.2]})(config)
        return {**metrics, "vram": 1.0 + 50 * (config["a"] > 1) + 50 * (config["b"] > 1) + (config["c"] > 1)}

    [made], _, _ = run(growth(block("abc", most=6), one_each("abc")), objective)
    assert seeds_of(made) == {"a": 6, "b": 6, "c": 2}
    [told] = what_if([made.record], OtherTerms("vram"))
    assert told["would_be"] == {"param": "c", "value": 2} and not told["same"]


# Where the truth is known


def test_on_known_landscapes_the_race_spends_less_than_eight_fixed_seeds_and_loses_no_more() -> None:
    race, eight = (rounds(policy, USUAL, 4) for policy in (RACE, EIGHT))
    assert trainings(race) < 0.75 * trainings(eight) and regret(race) <= regret(eight) + 0.02
