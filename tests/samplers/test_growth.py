"""The growth search as a pure function: the reference's trace, and what has to hold for any landscape."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution, IntDistribution

from samplers.searches.growth.candidates import candidates
from samplers.searches.growth.growth import Growth
from samplers.searches.growth.settings import parse_settings
from samplers.searches.growth.what_if import OtherTerms, trainings, what_if
from samplers.searches.noise import inseparable, t975
from samplers.searches.plan import Decision, Need, Result
from storage.errors import UsageError
from storage.home import CHECKOUT
from studies.history.purpose import purpose
from tests.support.growth_trace import CHOICES, INCREMENTS
from tests.support.growths import Objective, growth, run

TRACE = json.loads((CHECKOUT / "tests" / "data" / "growth_trace.json").read_text())


def rows(decision: Decision) -> dict[str, Mapping[str, Any]]:
    return {row["param"]: row for row in decision.record["candidates"]}


def test_the_reference_path_with_every_candidates_efficiency() -> None:
    made, done, _ = run(growth({"increments": INCREMENTS, "steps": 12}))
    assert done.reason == "12 steps are done" and len(made) == len(TRACE)
    for decision, step in zip(made, TRACE, strict=True):
        chosen = decision.record["chosen"]
        assert chosen["param"] == step["chosen"][0]
        table = rows(decision)
        for param, value, efficiency in step["candidates"]:
            row = table[param]
            assert row["value"] == (value["new_layers"] if isinstance(value, dict) else value)
            told = row["efficiency"] if row["eligible"] else -math.inf
            assert told == pytest.approx(efficiency, rel=1e-9, abs=1e-18)
    assert [decision.record["chosen"]["param"] for decision in made] == CHOICES


def test_nothing_is_trained_twice_and_the_chosen_candidate_is_the_next_baseline() -> None:
    _, _, results = run(growth({"increments": INCREMENTS, "steps": 12}))
    assert len(results) == 1 + 12 * 7


@pytest.mark.parametrize("cost", ["vram", "iter", "params"])
def test_the_cost_decides_and_what_if_says_where_another_would_have(cost: str) -> None:
    made, _, _ = run(growth({"increments": INCREMENTS, "steps": 6}, cost="params"))
    other, _, _ = run(growth({"increments": INCREMENTS, "steps": 1}, cost=cost))
    told = what_if([decision.record for decision in made], OtherTerms(cost))
    assert told[0]["would_be"] == other[0].record["chosen"]
    assert all(each["same"] for each in told) == (cost != "iter")
    assert all(each["same"] or f"{cost} (" in each["why"] for each in told)
    with pytest.raises(UsageError, match=r"no metric 'para'.*params"):
        what_if([decision.record for decision in made], OtherTerms("para"))


def test_what_if_with_another_cost_leaves_out_a_candidate_whose_trials_lack_it() -> None:
    def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
        seconds = {"seconds": 1.0 * config["a"]} if config["b"] == 1 else {}
        return {"score": 1.0 * config["a"] + 2.0 * config["b"], "params": 1.0 * config["a"] + config["b"], **seconds}

    made, _, _ = run(growth({"increments": {"a": 1, "b": 1}, "steps": 1}, {"a": 1, "b": 1}), objective)
    (told,) = what_if([made[0].record], OtherTerms("seconds"))
    assert (told["was"]["param"], told["would_be"]["param"]) == ("b", "a")


def test_what_if_tells_the_layers_that_a_new_layer_copies_apart() -> None:
    costs = {(1, 2): (10.0, 10.0), (1, 1, 2): (11.0, 15.0), (1, 2, 2): (13.0, 11.0)}

    def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
        params, vram = costs[tuple(config["a_layerlist"])]
        return {"score": float(config["n_layer"]), "params": params, "vram": vram}

    block = {"increments": {"n_layer": 1}, "n_layer": "each", "steps": 1}
    record = run(growth(block, {"n_layer": 2, "a_layerlist": [1, 2]}), objective)[0][0].record
    (told,) = what_if([record], OtherTerms(cost="vram"))
    assert told["would_be"] == {"param": "n_layer", "value": 3, "dup": 1} and not told["same"]
    assert told["why"] == (
        "n_layer → 3 (layer 1 again) gains 1 for 1 vram (1 each),"
        " n_layer → 3 (layer 0 again) gains 1 for 5 vram (0.2 each)"
    )
    (told,) = what_if([record], OtherTerms(cost="params"))
    assert told["same"] and told["would_be"] == {"param": "n_layer", "value": 3, "dup": 0}


def test_the_outlook_is_what_a_step_will_ask_for() -> None:
    search = growth({"increments": INCREMENTS, "steps": 1, "repeats": 2})
    assert {point.hash for point in search.outlook(search.start())} == set(run(search)[2])


def fixed(table: Mapping[tuple[str, int], tuple[float, float]]) -> Objective:
    """Score and cost by the one parameter that stands above 1; the baseline scores 1 and costs 10."""

    def objective(config: Mapping[str, Any]) -> Mapping[str, float] | None:
        raised = [(name, config[name]) for name in ("a", "b", "c") if config.get(name, 1) > 1]
        score, cost = table.get(raised[0], (0.0, 99.0)) if raised else (1.0, 10.0)
        return {"score": score, "params": cost}

    return objective


ABC = {"increments": {"a": 1, "b": 1, "c": 1}, "steps": 1}


@pytest.mark.parametrize(
    ("table", "chosen"),
    [
        ({("a", 2): (3, 12), ("b", 2): (2, 10.5), ("c", 2): (2, 12)}, "b"),
        ({("a", 2): (9, 11), ("b", 2): (1.1, 10), ("c", 2): (1.2, 9)}, "c"),
        ({("a", 2): (9, 11), ("b", 2): (1.0, 5), ("c", 2): (0.5, 1)}, "a"),
        ({("a", 2): (2, 11), ("b", 2): (1.5, 10.5), ("c", 2): (3, 12)}, "b"),
        ({("a", 2): (2, 11), ("b", 2): (2, 11), ("c", 2): (2, 11)}, "a"),
        ({("a", 2): (2, 10), ("b", 2): (2, 9), ("c", 2): (2, 9)}, "b"),
    ],
    ids=[
        "the best gain for its cost",
        "a gain at no added cost beats any at a cost, the larger gain first",
        "no gain is never eligible, however cheap",
        "equal efficiency: the smaller added cost",
        "all equal: the order of the definition",
        "equal free gains: the smaller cost, then the order",
    ],
)
def test_the_ranking(table: Any, chosen: str) -> None:
    made, _, _ = run(growth(ABC, {"a": 1, "b": 1, "c": 1}), fixed(table))
    assert made[0].record["chosen"]["param"] == chosen


def test_minimizing_turns_the_gain_around() -> None:
    search = Growth.parse(ABC, {"a": 1, "b": 1, "c": 1}, ("score", "minimize"), "params", "test.yaml")
    made, _, _ = run(search, fixed({("a", 2): (3, 12), ("b", 2): (0.5, 11), ("c", 2): (0.9, 11)}))
    assert made[0].record["chosen"]["param"] == "b" and rows(made[0])["b"]["gain"] == 0.5


def test_gains_are_means_of_paired_differences_over_the_same_seeds() -> None:
    def noisy(config: Mapping[str, Any]) -> Mapping[str, float]:
        return {"score": config["a"] + 100.0 * config["seed"], "params": 10.0 * config["a"] + config["seed"]}

    made, _, results = run(growth({"increments": {"a": 1}, "steps": 1, "repeats": 3, "seed": 7}, {"a": 1}), noisy)
    row = rows(made[0])["a"]
    assert row["gain"] == 1.0 and row["added_cost"] == 10.0 and row["gain_error"] == 0.0 and len(results) == 6
    assert [seed["seed"] for seed in row["seeds"]] == [7, 8, 9]


def test_a_candidate_with_a_failed_point_is_out_and_the_table_says_why() -> None:
    def breaks(config: Mapping[str, Any]) -> Mapping[str, float] | None:
        return None if config["a"] > 1 and config["seed"] == 1338 else {"score": float(config["a"]), "params": 1.0}

    made, done, _ = run(growth({"increments": {"a": 1}, "steps": 3, "repeats": 2}, {"a": 1}), breaks)
    row = rows(made[0])["a"]
    assert made[0].record["chosen"] is None and not row["eligible"] and "broken" in row["reason"]
    assert done.reason == "no candidate helps" and not done.failed


def test_a_baseline_that_fails_ends_the_search_as_failed() -> None:
    made, done, _ = run(growth(ABC, {"a": 1, "b": 1, "c": 1}), lambda config: None)
    assert made == [] and done.failed and "broken" in done.reason


def test_when_nothing_helps_the_budget_is_raised_and_the_baseline_measured_again() -> None:
    def needs_time(config: Mapping[str, Any]) -> Mapping[str, float]:
        return {"score": config["a"] if config["max_iters"] >= 15_000 else 1.0 / config["a"], "params": config["a"]}

    block = {"increments": {"a": 1}, "steps": 4, "on_stall": {"max_iters": 5000}}
    made, _, results = run(growth(block, {"a": 1}), needs_time)
    assert [decision.kind for decision in made] == ["stalled", "stalled", "chosen", "chosen"]
    assert made[1].state["config"]["max_iters"] == 15_000
    assert "max_iters raised to 15000" in made[1].record["event"]
    assert made[2].record["baseline"]["score"] == 1.0 and len(results) == 2 + 2 + 2 + 1
    first = run(growth(block, {"a": 1}), needs_time)[0][0].state
    assert set(growth(block, {"a": 1}).advance(first, {}).points[0].params) == {"a", "max_iters", "seed"}  # type: ignore[union-attr]


def test_an_override_takes_effect_with_a_new_baseline_and_is_recorded() -> None:
    search = growth({"increments": INCREMENTS, "steps": 4})
    made, _, results = run(search)
    after = search.override(made[1].state, {"config": {"max_iters": 6000}, "grow": {"repeats": 2}})
    assert after.kind == "override" and after.record["changes"]["config"] == {"max_iters": 6000}
    need = search.advance(after.state, results)
    assert isinstance(need, Need) and [point.config["max_iters"] for point in need.points] == [6000, 6000]
    assert [point.seed for point in need.points] == [1337, 1338]
    with pytest.raises(UsageError, match="outside the range that this study gave Optuna"):
        search.override(made[1].state, {"config": {"n_head": -3}})


def test_a_range_is_what_all_steps_can_reach_and_the_seeds_in_use() -> None:
    block = {
        "increments": {"a": 4, "rate": 0.5},
        "multiples": 2,
        "steps": 3,
        "repeats": 2,
        "racing": {"max_repeats": 5},
    }
    search = growth(block, {"a": 8, "rate": 1.0})
    told = search.distributions({"a": 8, "rate": 1.0, "seed": 1337})
    assert told["a"] == IntDistribution(8, 8 + 4 * 2 * 4, log=True)
    assert told["rate"] == FloatDistribution(1.0, 5.0, log=True)
    assert told["seed"] == IntDistribution(1337, 1341)
    assert search.distributions({"a": 4})["a"] == IntDistribution(4, 40, log=True), "an override led there"


# Layers and per-layer lists


def tried(config: Mapping[str, Any], **block: Any) -> list[tuple[str, Any]]:
    parsed = parse_settings({"increments": {"n_layer": 1}, **block}, config, "test.yaml")
    return [(each.param, each.config) for each in candidates(config, parsed)]


def test_a_new_layer_copies_the_middle_of_every_per_layer_list() -> None:
    config = {"n_layer": 3, "n_head_layerlist": [1, 2, 3], "mlp_size_layerlist": [10, 20, 30]}
    [(_, grown)] = tried(config)
    assert grown == {"n_layer": 4, "n_head_layerlist": [1, 2, 2, 3], "mlp_size_layerlist": [10, 20, 20, 30]}


def test_each_layer_in_turn_is_a_candidate_of_its_own() -> None:
    config = {"n_layer": 3, "n_head_layerlist": [1, 2, 3]}
    lists = [grown["n_head_layerlist"] for _, grown in tried(config, n_layer="each")]
    assert lists == [[1, 1, 2, 3], [1, 2, 2, 3], [1, 2, 3, 3]]
    assert len(tried({"n_layer": 3}, n_layer="each")) == 1


def test_a_list_that_is_cycled_over_the_layers_is_written_out_before_it_grows() -> None:
    [(_, grown)] = tried({"n_layer": 3, "n_head_layerlist": [1, 2]})
    assert grown["n_head_layerlist"] == [1, 2, 2, 1]


def test_a_list_grows_element_by_element() -> None:
    config = {"n_layer": 3, "n_head_layerlist": [1, 2, 1]}
    grown = tried(config, increments={"n_head_layerlist": 1}, multiples=2)
    assert [param for param, _ in grown][:3] == ["n_head_layerlist[0]", "n_head_layerlist[1]", "n_head_layerlist[2]"]
    assert grown[4][1]["n_head_layerlist"] == [1, 4, 1]
    search = growth({"increments": {"n_head_layerlist": 1}, "steps": 1}, config)
    need = search.advance(search.start(), {})
    assert isinstance(need, Need)
    assert need.points[0].params == {
        "n_head_layerlist[0]": 1,
        "n_head_layerlist[1]": 2,
        "n_head_layerlist[2]": 1,
        "seed": 1337,
    }


# Noise, ties and racing


def noisy(gains: Mapping[str, list[float]]) -> Objective:
    """Paired gains by parameter and seed, at an added cost of one."""

    def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
        for name, values in gains.items():
            if config[name] > 1:
                return {"score": values[config["seed"]], "params": 2.0}
        return {"score": 0.0, "params": 1.0}

    return objective


def test_leaders_that_the_seeds_cannot_tell_apart_are_a_tie() -> None:
    block = {"increments": {"a": 1, "b": 1, "c": 1}, "steps": 1, "repeats": 3, "seed": 0}
    gains = {"a": [1.0, 1.2, 0.9], "b": [1.1, 0.9, 1.15], "c": [0.1, 0.11, 0.12]}
    made, _, _ = run(growth(block, {"a": 1, "b": 1, "c": 1}), noisy(gains))
    table = rows(made[0])
    assert [table[name]["tie"] for name in "abc"] == [True, True, False]
    assert table["a"]["gain_error"] == pytest.approx(0.0881917, rel=1e-5)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_first_seeds_alone_may_choose_otherwise_and_say_why(direction: str) -> None:
    block = {"increments": {"a": 1, "b": 1, "c": 1}, "steps": 1, "repeats": 3, "seed": 0}
    sign = 1.0 if direction == "maximize" else -1.0
    gains = {"a": [1.0, 2.1, 2.0], "b": [1.5, 1.5, 1.5], "c": [-1.0, -1.0, 9.0]}
    signed = {name: [sign * each for each in values] for name, values in gains.items()}
    search = replace(growth(block, {"a": 1, "b": 1, "c": 1}), direction=direction)
    record = run(search, noisy(signed))[0][0].record
    assert record["chosen"]["param"] == "c"
    chosen = {}
    for seeds in (1, 2, 3):
        (told,) = what_if([record], OtherTerms(seeds=seeds, direction=direction))
        chosen[seeds] = (told["would_be"]["param"], told["same"])
        assert trainings([record], seeds) == 4 * seeds
    assert chosen == {1: ("b", False), 2: ("a", False), 3: ("c", True)}
    (told,) = what_if([record], OtherTerms(seeds=1, direction=direction))
    assert told["why"] == "b → 2 gains 1.5 for 1 cost (1.5 each), c → 2 gains nothing"
    for seeds in (0, 4):
        with pytest.raises(UsageError, match=f"--seeds: {seeds} seeds; 1 to 3 can be looked at"):
            what_if([record], OtherTerms(seeds=seeds))


def test_the_first_seeds_alone_may_choose_no_step() -> None:
    block = {"increments": {"a": 1}, "steps": 1, "repeats": 2, "seed": 0}
    record = run(growth(block, {"a": 1}), noisy({"a": [-1.0, 2.0]}))[0][0].record
    (told,) = what_if([record], OtherTerms(seeds=1))
    assert told["would_be"] is None and not told["same"] and told["why"] == "a → 2 gains nothing"


def test_one_seed_cannot_tell_a_tie() -> None:
    block = {"increments": {"a": 1, "b": 1}, "steps": 1, "seed": 0}
    made, _, _ = run(growth(block, {"a": 1, "b": 1}), noisy({"a": [1.0], "b": [1.0]}))
    assert not any(row["tie"] for row in made[0].record["candidates"])


def test_racing_buys_seeds_for_the_tied_leaders_only_until_they_part_or_the_limit() -> None:
    block = {"increments": {"a": 1, "b": 1, "c": 1}, "steps": 1, "repeats": 2, "seed": 0, "racing": {"max_repeats": 5}}
    gains = {"a": [1.0, 1.2, 1.5, 1.5, 1.5], "b": [1.1, 0.9, 0.5, 0.51, 0.5], "c": [0.1, 0.3, 9, 9, 9]}
    made, _, results = run(growth(block, {"a": 1, "b": 1, "c": 1}), noisy(gains))
    seeds = {name: len(row["seeds"]) for name, row in rows(made[0]).items()}
    assert seeds["c"] == 2 and 2 < seeds["a"] == seeds["b"] <= 5
    assert made[0].record["chosen"]["param"] == "a"
    assert len(results) == 3 * seeds["a"] + 2
    same = {"a": [1.0, 1.2, 1.0, 1.2, 1.1], "b": [1.2, 1.0, 1.2, 1.0, 1.1], "c": [0.1, 0.3, 9, 9, 9]}
    made, _, _ = run(growth(block, {"a": 1, "b": 1, "c": 1}), noisy(same))
    assert {name: len(row["seeds"]) for name, row in rows(made[0]).items()} == {"a": 5, "b": 5, "c": 2}


def test_scores_and_gains_beyond_what_a_number_holds_are_told_and_out_of_the_round() -> None:
    block = {"increments": {"a": 1, "b": 1, "c": 1}, "steps": 1, "repeats": 2, "seed": 0}

    def huge(config: Mapping[str, Any]) -> Mapping[str, float]:
        score = -1.7e308 if config["a"] > 1 else 1.7e308 * (1 - (config["b"] > 1) / 4)
        return {"score": -score, "params": 1.6e308 + config["c"] * 1e290}

    made, _, _ = run(growth(block, {"a": 1, "b": 1, "c": 1}), huge)
    record = json.loads(json.dumps(made[0].record, allow_nan=False))
    told = {row["param"]: row for row in record["candidates"]}
    assert record["baseline"]["score"] == -1.7e308 and record["chosen"]["param"] == "b"
    assert told["a"]["reason"] == "its gain or added cost is too large for a number" and not told["a"]["eligible"]


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.7062), (4, 2.7764), (30, 2.0423), (40, 2.0211), (120, 1.9799)]
)
def test_quantiles_of_students_t(freedom: int, quantile: float) -> None:
    assert t975(freedom) == pytest.approx(quantile, abs=5e-5)


def test_no_noise_tells_any_difference_apart() -> None:
    assert not inseparable([1.0, 1.0], [1.1, 1.1]) and inseparable([1.0, 1.0], [1.0, 1.0])


# What has to hold for any landscape


def test_the_reason_of_more_seeds_names_the_baseline_that_gets_them_too() -> None:
    block = {"increments": {"a": 1, "b": 1}, "steps": 1, "repeats": 2, "seed": 0, "racing": {"max_repeats": 3}}
    search, objective = growth(block, {"a": 1, "b": 1}), noisy({"a": [1.0, 2.0, 2.0], "b": [1.5, 1.4, 1.0]})
    results: dict[str, Result] = {}
    while isinstance(need := search.advance(search.start(), results), Need):
        why = need.why
        for point in need.points:
            metrics = objective({**point.config, "seed": point.seed})
            results[point.hash] = Result(len(results), "COMPLETE", metrics)
    assert why == "round 0: 3 more trials, of the baseline, a and b: it is unsure which candidate is best"


def test_a_trial_of_another_layer_says_which_one_it_copies_as_the_tables_do() -> None:
    config = {"n_layer": 2, "mlp_size_layerlist": [8, 16]}
    search = growth({"increments": {"n_layer": 1}, "n_layer": "each"}, config)
    names = [purpose(point.role) for point in search.outlook(search.start())]
    assert names == ["baseline", "n_layer → 3 (layer 0 again)", "n_layer → 3 (layer 1 again)"]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), repeats=st.integers(1, 3), multiples=st.integers(1, 3), racing=st.booleans())
def test_any_landscape_gives_one_path_whatever_arrives_first(
    seed: int, repeats: int, multiples: int, racing: bool
) -> None:
    def anything(config: Mapping[str, Any]) -> Mapping[str, float] | None:
        text = json.dumps(config, sort_keys=True)
        drawn = (hash((seed, text)) % 1000) / 100
        return None if drawn < 0.3 and config["a"] > 1 else {"score": drawn, "params": config["a"] + 2.0 * config["b"]}

    block: dict[str, Any] = {"increments": {"a": 1, "b": 2}, "steps": 4, "repeats": repeats, "multiples": multiples}
    if racing:
        block["racing"] = {"max_repeats": repeats + 2}
    search = growth(block, {"a": 1, "b": 1})
    made, done, results = run(search, anything)

    # From all results at once, in any order, the same decisions fall, one after another.
    state, again = search.start(), []
    backwards = dict(reversed(results.items()))
    while isinstance(step := search.advance(state, backwards), Decision):
        again.append(step)
        state = step.state
    assert again == made and step == done
    for decision in made:
        if decision.record["chosen"] is not None:
            [chosen] = [row for row in decision.record["candidates"] if row["chosen"]]
            assert chosen["gain"] > 0
            better = [row for row in decision.record["candidates"] if row["eligible"] and row["added_cost"] <= 0]
            if better:
                assert chosen["added_cost"] <= 0 and chosen["gain"] == max(row["gain"] for row in better)


@given(st.dictionaries(st.sampled_from(["a", "n_list[0]", "rate", "seed"]), st.just(1)))
def test_a_name_has_one_distribution_whatever_its_value(names: dict[str, int]) -> None:
    config = {"a": 3, "n_list": [1, 2], "rate": 0.5}
    search = growth({"increments": {"a": 1, "n_list": 1, "rate": 0.1}, "seed": 1, "repeats": 99}, config)
    values = {"a": 3, "n_list[0]": 1, "rate": 0.5, "seed": 1}
    few = search.distributions({name: values[name] for name in names})
    many = search.distributions({"a": 4000, "n_list[0]": 77, "rate": 9.5, "seed": 99})
    for name in names:
        assert few[name] == many[name]
        assert many[name]._contains(many[name].to_internal_repr(values[name]))


LAYERS = {"lists": [2, 2], "float": 2.0, "none": 0}


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"increments": {"n_heads": 1}}, "'n_heads' .*n_head"),
        ({"increments": {"n_head": 0}}, "above zero"),
        ({"increments": {"n_head": -1}}, "above zero"),
        ({"increments": {"n_head": True}}, "above zero"),
        ({"increments": {"n_head": math.inf}}, "above zero"),
        ({"increments": {"dataset": 1}}, "not a number that can grow"),
        ({"increments": {}}, "not a mapping"),
        ({}, "increments"),
        ({"increments": {"n_head": 1}, "step": 3}, "'step'.*steps"),
        ({"increments": {"n_head": 1}, "repeats": 0}, "whole number from 1"),
        ({"increments": {"n_head": 1}, "repeats": "2"}, "whole number"),
        ({"increments": {"n_head": 1}, "racing": {"max": 2}}, "max_repeats"),
        ({"increments": {"n_head": 1}, "repeats": 3, "racing": {"max_repeats": 2}}, "from 3 to"),
        ({"increments": {"n_head": 1}, "on_stall": {"iters": 5}}, "'iters'"),
        ({"increments": {"n_head": 1}, "n_layer": "last"}, "middle, each"),
        ({"increments": {"n_head": 1}, "multiples": {"n_haed": 2}}, "no increment 'n_haed'; did you mean 'n_head'"),
        ({"increments": {"n_head": 1}, "multiples": {"n_head": 0}}, "multiples.n_head: 0 is not a whole number"),
        ({"increments": {"model.depth": 1}}, "'model.depth' in the config, whose value growth begins from"),
        ({"increments": {"n_head": 1}, "on_stall": {"sizes": 16}}, r"on_stall.sizes: \[32, 32\] .* is a list"),
        (
            {"increments": {"lists.n_layer": 1}},
            r"lists.n_layer: \[2, 2\] .* is not a whole number of layers",
        ),
        ({"increments": {"float.n_layer": 1}}, "increments.float.n_layer: 2.0 .* is not a whole number of layers"),
        ({"increments": {"none.n_layer": 1}}, "none.n_layer: 0 in the config has no layer to copy: .* from 1 on"),
        ({"increments": {"n_layer": 0.5}}, "increments.n_layer: 0.5 is not a whole number of layers"),
        ({"increments": {"n_head": 1}, "on_stall": {"n_layer": 1.5}}, "on_stall.n_layer: 1.5 is not a whole number"),
    ],
)
def test_a_wrong_block_is_said_in_one_line(block: dict[str, Any], words: str) -> None:
    nested = {name: {"n_layer": value, "a_layerlist": [1]} for name, value in LAYERS.items()}
    with pytest.raises(UsageError, match=words) as caught:
        growth(block, {"dataset": "stdlib", "sizes": [32, 32], **nested})
    assert "\n" not in str(caught.value) and "test.yaml" in str(caught.value)


def test_layers_without_lists_may_begin_at_none() -> None:
    search = growth({"increments": {"n_layer": 1.0, "n_head": 1}}, {"n_layer": 0})
    assert [each.value for each in candidates(search.config, search.settings)] == [1, 2]


def test_the_seed_of_the_config_is_the_first_of_every_measurement() -> None:
    search = Growth.parse(
        {"increments": {"a": 1}, "repeats": 2}, {"a": 1, "seed": 7}, ("score", "maximize"), "params", "here"
    )
    need = search.advance(search.start(), {})
    assert isinstance(need, Need) and [point.seed for point in need.points] == [7, 8]


@pytest.mark.parametrize(
    "increments", [{"model.n_layer": 1, "model.width": 8, "lr": 1}, {"model": {"n_layer": 1, "width": 8}, "lr": 1}]
)
def test_parameters_of_a_nested_config_grow_by_their_dotted_names(increments: dict[str, Any]) -> None:
    model = {"n_layer": 2, "width": 8, "heads_layerlist": [1, 4], "act": "gelu"}
    config = {"lr": 1, "model": model, "iters": {"max": 5}}
    block = {"increments": increments, "multiples": {"model": {"width": 2}}, "on_stall": {"iters.max": 5}}
    search = Growth.parse(block, config, ("score", "maximize"), "params", "here")
    made = list(candidates(search.config, search.settings))
    assert [(each.param, each.value) for each in made] == [
        ("model.n_layer", 3),
        ("model.width", 16),
        ("model.width", 24),
        ("lr", 2),
    ]
    assert made[0].config["model"] == {**model, "n_layer": 3, "heads_layerlist": [1, 1, 4]}
    assert made[2].config == {**config, "model": {**model, "width": 24}}
    point = search.outlook(search.start())[2]
    assert point.params == {"model.n_layer": 2, "model.width": 16, "lr": 1, "iters.max": 5, "seed": 1337}
    assert search.distributions(point.params)["model.width"] == IntDistribution(8, 8 + 16 * 20_001, log=True)
    results: dict[str, Result] = {}
    while isinstance(step := search.advance(search.start(), results), Need):
        results |= {each.hash: Result(0, "COMPLETE", {"score": 1.0, "params": 1.0}) for each in step.points}
    assert isinstance(step, Decision) and step.state["config"]["iters"] == {"max": 10}
    assert step.record["event"] == "no candidate helps: iters.max raised to 10, the baseline is measured again"
