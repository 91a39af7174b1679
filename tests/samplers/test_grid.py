"""The grid: what its block means, and that every combination is planned once, in order."""

from __future__ import annotations

import itertools
import json
import math
import tracemalloc
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution, IntDistribution

from samplers.searches.grid.axes import parse_axis
from samplers.searches.grid.batches import MAX_BATCH_POINTS
from samplers.searches.grid.combinations import setting_at
from samplers.searches.grid.grid import Grid
from samplers.searches.grid.members import Members
from samplers.searches.grid.mixed_radix import digits_of, number_of
from samplers.searches.new_names import with_new_names
from samplers.searches.plan import Decision, Done, Point
from storage.errors import UsageError

CONFIG = {"n_layer": 1, "n_head": 1, "n_embd": 32, "dropout": 0.0, "optimizer": {"name": "adam", "momentum": None}}


def grid(config: Mapping[str, Any] = CONFIG, **block: Any) -> Grid:
    """As a definition's block is read, for an objective of which nothing is known."""
    where = "studies/sweep.yaml"
    return Grid.parse(with_new_names(block, config, (), False, where), config, where)


def run(search: Grid) -> tuple[list[Point], list[Mapping[str, Any]], Done]:
    """All batches, to the end."""
    state, points, records = search.start(), [], []
    while isinstance(step := search.advance(state, {}), Decision):
        state = json.loads(json.dumps(step.state))  # as the database keeps it
        records.append(step.record)
        points += step.points
        assert len({point.hash for point in step.points}) == len(step.points) <= MAX_BATCH_POINTS
    assert isinstance(step, Done)
    return points, records, step


def configs(search: Grid) -> list[Mapping[str, Any]]:
    return [point.config for point in run(search)[0]]


# Axes


@pytest.mark.parametrize(
    ("given_", "values"),
    [
        ([1, "a", None, [1, 2]], [1, "a", None, [1, 2]]),
        ({"range": [4, 12, 4]}, [4, 8, 12]),
        ({"range": [4, 13, 4]}, [4, 8, 12]),
        ({"range": [3, 1, -1]}, [3, 2, 1]),
        ({"range": [0.1, 0.5, 0.1]}, [0.1, 0.2, 0.3, 0.4, 0.5]),
        ({"range": [0, 1, 0.25]}, [0.0, 0.25, 0.5, 0.75, 1.0]),
        ({"range": [1, 4]}, [1, 2, 3, 4]),
        ({"range": [0.5, 2]}, [0.5, 1.5]),
        ({"log": [1e-4, 1e-1, 4]}, [1e-4, 1e-3, 1e-2, 1e-1]),
        ({"log": [8, 64, 4]}, [8, 16, 32, 64]),
        ({"log": [1, 4, 9]}, [1, 2, 3, 4]),
        ({"log": [1e300, 1e-300, 3]}, None),
    ],
)
def test_the_values_of_an_axis(given_: object, values: list[Any] | None) -> None:
    if values is None:
        with pytest.raises(UsageError, match=r"at most 2\*\*63"):
            parse_axis(given_, "axis")
        return
    got = list(parse_axis(given_, "axis"))
    assert got == values and [type(each) for each in got] == [type(each) for each in values]


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ([], "the axis has no values"),
        ({"range": [1, 0, 1]}, "the axis has no values"),
        ([1, 2, 1], "1 is listed twice"),
        ([1, 1.0], "1.0 is listed twice"),
        ([{"a": 1}, {"a": 1}], "is listed twice"),
        ([math.nan], "cannot be kept"),
        ([10**400], "beyond 2..63"),
        ({"range": [0, 1, 0]}, "a step of 0"),
        ({"range": [0, 1, 1e-9]}, r"1,000,000,001 values; 10,000,000 are allowed"),
        ({"range": [0, 10**9, 1]}, "are allowed"),
        ({"range": [1]}, "three numbers"),
        ({"range": [1, True, 1]}, "three numbers"),
        ({"range": [1, 10**400, 1]}, "three numbers"),
        ({"log": [0, 1, 3]}, "above zero"),
        ({"log": [1, 2, 1]}, "a whole number from 2"),
        ({"log": [1, 2, 10**9]}, "a whole number from 2"),
        ({"rnge": [1, 2, 1]}, "unknown key 'rnge'; did you mean 'range'"),
        ({"range": [1, 2, 1], "log": []}, "is not a list"),
        ({"values": [1, 2]}, r"is written \[1, 2\] here"),
        ({"min": 1, "max": 1000}, r"is written \{range: \[1, 1000\]\} here"),
        ({"type": "choice", "options": ["adam", "sgd"]}, r"is written \[adam, sgd\] here"),
        ({"type": "range", "min": 1, "max": 9, "step": 2}, r"is written \{range: \[1, 9, 2\]\} here"),
        (
            {"distribution": "log_uniform", "min": 1e-4, "max": 0.1},
            r"is written \{log: \[0.0001, 0.1, 5\]\} here",
        ),
        ({"value": 3}, r"is written \[3\] here"),
        ("choice(0.1, 0.2)", r"is written \[0.1, 0.2\] here"),
        ("range(1, 9, 2)", r"is written \{range: \[1, 8, 2\]\} here"),
        ("interval(0, 1)", r"is written \{range: \[0, 1\]\} here"),
        ("adam,sgd", r"is written \[adam, sgd\] here"),
        (3, "is not a list"),
        ("abc", "is not a list"),
        (None, "is not a list"),
    ],
)
def test_an_axis_that_is_none(given_: object, told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        parse_axis(given_, "file: grid.axes.n_head")
    assert str(error.value).startswith("file: grid.axes.n_head: ")


# The block

AXES = {"n_layer": [1, 2], "n_head": [1, 2, 4]}


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({}, r"grid.axes: is missing"),
        ({"axes": {}}, r"grid.axes: \{\} names no axis"),
        ({"axis": AXES}, r"unknown key 'axis'; did you mean 'axes'"),
        ({"axes": {"n_heads": [1]}}, r"grid.axes: 'n_heads' is not in the config.*did you mean 'n_head'"),
        ({"axes": {"seed": [1]}}, r"seed: cannot be an axis"),
        ({"axes": {"n_head": []}}, r"grid.axes.n_head: the axis has no values"),
        ({"axes": AXES, "derive": {"n_embed": "n_head"}}, r"grid.derive: 'n_embed' is not in.*did you mean 'n_embd'"),
        ({"axes": AXES, "derive": {"n_head": "1"}}, r"n_head: is both an axis and derived"),
        ({"axes": AXES, "derive": {"n_embd": "n_haed * 2"}}, r"no 'n_haed' among.*did you mean 'n_head'"),
        ({"axes": AXES, "derive": {"a": "b", "b": "c", "c": "a"}}, r"in a circle: a → b → c → a"),
        ({"axes": AXES, "derive": {"n_embd": "n_embd + 1"}}, r"in a circle: n_embd → n_embd"),
        ({"axes": AXES, "when": {"n_head": "n_head > 1"}}, r"in a circle: n_head → n_head"),
        ({"axes": AXES, "when": {"n_embd": "true"}}, r"when: there is no axis 'n_embd'"),
        ({"axes": AXES, "where": "n_haed > 1"}, r"no 'n_haed' among"),
        ({"axes": AXES, "where": "n_head"}, r"has to be true or false"),
        ({"axes": AXES, "where": ["n_head / 0 > 1"]}, r"with n_head=1: division by zero"),
        ({"axes": AXES, "zip": [["n_layer", "n_head"]]}, r"n_layer has 2, n_head has 3"),
        ({"axes": AXES, "zip": [["n_layer", "n_hed"]]}, r"no axis 'n_hed'; did you mean"),
        ({"axes": AXES, "zip": ["n_layer", "n_head"]}, r"is not a list of lists"),
        ({"axes": AXES, "zip": [["n_layer"]]}, r"is not a list of lists"),
        ({"axes": AXES, "zip": [["n_layer", "n_layer"]]}, r"'n_layer' is listed twice"),
        ({"axes": AXES, "repeats": 0}, r"grid.repeats: 0 is not a whole number"),
        ({"axes": AXES, "repeats": True}, r"grid.repeats"),
        ({"axes": AXES, "seed": -1}, r"grid.seed"),
        ({"axes": AXES, "seed": 2**31}, r"grid.seed"),
        ({"axes": AXES, "order": {"seeds": "iner"}}, r"'iner'; did you mean 'inner'"),
        ({"axes": AXES, "order": "inner"}, r"is not a mapping"),
        ({"axes": {"n_layer": {"range": [1, 10**6, 1]}, "n_head": {"range": [1, 100, 1]}}}, r"1e\+08 points"),
        ({"axes": AXES, "repeats": 2_000_000}, r"points before any filter"),
        ({"groups": []}, r"is not a list of grids"),
        ({"groups": [{"axes": AXES}], "where": "true"}, r"grid.where: cannot stand beside `groups`"),
        ({"groups": [{"axes": AXES, "repeats": 2}]}, r"groups\[0\]: unknown key 'repeats'"),
        ({"groups": [{"axes": AXES}, {"axes": {"n_heads": [1]}}]}, r"groups\[1\].axes: 'n_heads'"),
        ({"groups": [{"axes": AXES, "config": {"seed": 1}}]}, r"groups\[0\].config"),
    ],
)
def test_a_wrong_block_is_one_line_that_says_where(block: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        grid(**block)
    assert str(error.value).startswith("studies/sweep.yaml: grid") and "\n" not in str(error.value)


# What is planned


def test_the_last_axis_is_fastest_and_seeds_are_inside() -> None:
    points, records, done = run(grid(axes=AXES, repeats=2, seed=1000))
    got = [(point.config["n_layer"], point.config["n_head"], point.seed) for point in points]
    assert got == [*itertools.product([1, 2], [1, 2, 4], [1000, 1001])]
    assert records[0]["points"] == 12 and done == Done("6 settings × 2 seeds are done", waits=True)
    assert points[3].role == {"role": "cell", "setting": {"n_layer": 1, "n_head": 2}}
    assert points[3].params == {"n_layer": 1, "n_head": 2, "seed": 1001}


def test_seeds_may_be_outside() -> None:
    points, _, _ = run(grid(axes=AXES, repeats=2, order={"seeds": "outer"}))
    got = [(point.seed, point.config["n_layer"], point.config["n_head"]) for point in points]
    assert got == [*itertools.product([1337, 1338], [1, 2], [1, 2, 4])]


def test_the_configs_own_seed_is_the_first_and_no_part_of_the_point() -> None:
    points, _, _ = run(grid({**CONFIG, "seed": 7}, axes=AXES))
    assert points[0].seed == 7 and "seed" not in points[0].config


def test_derivations_stand_in_any_order_and_helpers_stay_out_of_the_config() -> None:
    search = grid(axes={"factor": [1, 2], "n_head": [2]}, derive={"n_embd": "half * 2", "half": "factor * n_head"})
    assert [each["n_embd"] for each in configs(search)] == [4, 8]
    assert set(configs(search)[0]) == set(CONFIG)
    assert run(search)[0][0].params == {"factor": 1, "n_head": 2, "n_embd": 4, "half": 2, "seed": 1337}


def test_a_dotted_axis_sets_a_key_of_a_nested_config() -> None:
    search = grid(axes={"optimizer.name": ["adam", "sgd"]}, where="optimizer.name != 'sgd'")
    assert [each["optimizer"] for each in configs(search)] == [{"name": "adam", "momentum": None}]
    assert CONFIG["optimizer"] == {"name": "adam", "momentum": None}


@pytest.mark.parametrize(
    ("block", "made"),
    [
        ({"axes": {"lr": [0.1, 0.2]}}, [{"lr": 0.1}, {"lr": 0.2}]),
        ({"axes": {"optimizer.lr": [0.1]}}, [{"optimizer": {"name": "adam", "momentum": None, "lr": 0.1}}]),
        ({"axes": {"data.path": ["a"], "data.size": [1]}}, [{"data": {"path": "a", "size": 1}}]),
        ({"axes": {"n_head": [1]}, "derive": {"ratio": "n_embd / n_head"}}, [{"n_head": 1, "ratio": 32.0}]),
        ({"axes": {"lr": [1, 2]}, "where": "lr > 1"}, [{}]),  # a helper
        ({"axes": {"lr": [1, 2]}, "where": "lr > 1", "pass": ["lr"]}, [{"lr": 2}]),
        (
            {"axes": {"n_layer": [1, 2], "lr": [0.1, 0.2]}, "when": {"lr": "n_layer > 1"}},
            [{"n_layer": 1}, {"n_layer": 2, "lr": 0.1}, {"n_layer": 2, "lr": 0.2}],
        ),
    ],
)
def test_an_axis_needs_no_twin_in_the_config(block: dict[str, Any], made: list[dict[str, Any]]) -> None:
    search = grid(**block)
    assert configs(search) == [{**CONFIG, **each} for each in made]
    members = Members(search.settings_in(search.start()))
    assert all(members.has(each, {}) for each in configs(search)) and not members.has({**CONFIG, "n_embd": 9}, {})


def test_names_that_the_objective_names_are_passed_and_others_checked_against_them() -> None:
    block = {"axes": {"lr": [1, 2], "factor": [1]}, "where": "lr >= factor"}
    assert with_new_names(block, CONFIG, {"lr", "momentum"}, True, "here") == {**block, "pass": ["lr"]}
    group = {"groups": [block, {"axes": {"n_head": [1]}}]}
    assert with_new_names(group, CONFIG, {"lr"}, True, "here") == {
        "groups": [{**block, "pass": ["lr"]}, group["groups"][1]]
    }
    for closed, name, words in (
        (True, "lrr", "the objective reads no such key; did you mean 'lr'"),
        (True, "weight_decay", "the objective reads no such key; allowed: "),
        (False, "momntum", "did you mean 'momentum'"),
        (False, "nHead", "did you mean 'n_head'"),
        (False, "optimizer.nmae", "did you mean 'optimizer.name'"),
    ):
        with pytest.raises(UsageError, match=words):
            with_new_names({"axes": {name: [1]}}, CONFIG, {"lr", "momentum"}, closed, "here")
    for name in ("weight_decay", "dropout2", "n_kv_head", "optimizer.lr"):
        with_new_names({"axes": {name: [1]}}, CONFIG, {"lr", "momentum"}, False, "here")


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ({"axes": {"n_head.x": [1]}}, "'n_head.x' lies below 'n_head', which is 1 in the config, not a mapping"),
        ({"axes": {"data": ["a"], "data.size": [1]}}, "'data.size' lies below the axis 'data'"),
        ({"axes": {"sizes[0]": [1]}}, "is one element of a list"),
        ({"axes": {"n_head": [1]}, "pass": ["n_haed"]}, "grid.pass: 'n_haed' is neither an axis nor derived; did you"),
        ({"axes": {"n_head": [1]}, "pass": "n_head"}, "grid.pass: 'n_head' is not a list of names"),
    ],
)
def test_a_new_name_has_to_have_a_place(block: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as error:
        grid(**block)
    assert told in str(error.value)


def test_axes_that_are_zipped_move_together_at_the_place_of_the_first() -> None:
    search = grid(axes={"n_layer": [1, 2], "n_head": [1, 2, 4], "n_embd": [8, 16]}, zip=[["n_embd", "n_layer"]])
    got = [(each["n_layer"], each["n_embd"], each["n_head"]) for each in configs(search)]
    assert got == [(layers, width, heads) for layers, width in ((1, 8), (2, 16)) for heads in (1, 2, 4)]


def test_an_axis_exists_only_where_its_condition_holds() -> None:
    axes = {"optimizer.name": ["adam", "sgd"], "optimizer.momentum": [0.5, 0.9]}
    points, _, _ = run(grid(axes=axes, when={"optimizer.momentum": "optimizer.name == 'sgd'"}))
    got = [tuple(point.config["optimizer"].values()) for point in points]
    assert got == [("adam", None), ("sgd", 0.5), ("sgd", 0.9)]
    assert "optimizer.momentum" not in points[0].params and "optimizer.momentum" not in points[0].role["setting"]


def test_filters_are_counted_a_setting_at_a_time_by_the_first_that_refuses() -> None:
    search = grid(axes=AXES, where=["n_head > n_layer", "n_head < 4"], repeats=3)
    points, (record,), _ = run(search)
    assert {(each.config["n_layer"], each.config["n_head"]) for each in points} == {(1, 2)}
    assert record["filtered"] == {"n_head > n_layer": 3, "n_head < 4": 2} and record["settings"] == 1


def test_settings_that_become_equal_are_one_and_counted() -> None:
    search = grid(axes={"scale": [0.9, 1.0, 1.1, 2.0]}, derive={"n_embd": "round_to(64 * scale, 64)"}, repeats=2)
    points, (record,), done = run(search)
    assert [(each.config["n_embd"], each.seed) for each in points] == [(64, 1337), (64, 1338), (128, 1337), (128, 1338)]
    assert record["duplicates"] == 2 and done.reason == "2 settings × 2 seeds are done"


def test_groups_are_grids_of_their_own_over_one_config_and_share_settings() -> None:
    groups = [{"axes": {"n_layer": [1, 2]}}, {"axes": {"n_head": [1, 2]}, "config": {"dropout": 0.0, "n_layer": 2}}]
    points, (record,), _ = run(grid(groups=groups))
    assert [(each.config["n_layer"], each.config["n_head"]) for each in points] == [(1, 1), (2, 1), (2, 2)]
    assert record["duplicates"] == 1


def test_a_grid_of_which_nothing_is_left_ends_as_failed() -> None:
    _, (record,), done = run(grid(axes=AXES, where="n_layer > 2"))
    assert done.failed and record["filtered"] == {"n_layer > 2": 6}


def test_a_million_points_begin_at_once_and_hold_little_memory() -> None:
    axes = {name: {"range": [1, 100, 1]} for name in ("n_layer", "n_head", "n_embd")}
    tracemalloc.start()
    search = grid(axes=axes)
    step = search.advance(search.start(), {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(step, Decision) and len(step.points) == MAX_BATCH_POINTS and peak < 10 * 2**20
    assert len(list(islice(search.outlook(search.start()), 5000))) == 5000


def test_a_filter_that_leaves_nearly_nothing_does_not_hold_up_a_decision() -> None:
    search = grid(axes={"n_embd": {"range": [1, 10**6, 1]}}, where="n_embd == 150000")
    step = search.advance(search.start(), {})
    assert isinstance(step, Decision) and step.points == () and step.record["to"] == 100_000
    step = search.advance(step.state, {})
    assert isinstance(step, Decision) and len(step.points) == 1


def test_the_same_state_gives_the_same_decision() -> None:
    search = grid(axes=AXES, repeats=400)
    first = search.advance(search.start(), {})
    again = grid(axes=AXES, repeats=400).advance(json.loads(json.dumps(search.start())), {})
    assert first == again and isinstance(first, Decision) and len(first.record["digest"]) == 64


# Overrides


def test_a_changed_grid_is_gone_through_again_with_the_same_points_where_it_is_the_same() -> None:
    search = grid(axes=AXES, where="n_head < 4")
    before = {point.hash for point in run(search)[0]}
    end = {"next": 6, "settings": 4, **{key: search.start()[key] for key in ("grid", "config")}}
    changed = search.override(end, {"grid": {"axes": {"n_layer": [1, 2, 3], "n_head": [1, 2, 4]}, "where": None}})
    assert changed.kind == "override" and changed.state["next"] == 0 and "where" not in changed.state["grid"]
    step = search.advance(changed.state, {})
    assert isinstance(step, Decision) and len(step.points) == 9
    assert before < {point.hash for point in step.points} == {point.hash for point in search.outlook(changed.state)}
    with pytest.raises(UsageError, match="n_layer: the axis has no values"):
        search.override(end, {"grid": {"axes": {"n_layer": []}}})
    step = search.advance(search.override(end, {"config": {"dropout": 0.5}}).state, {})
    assert isinstance(step, Decision) and {point.config["dropout"] for point in step.points} == {0.5}


def test_optuna_is_told_the_range_of_each_name_and_a_wider_one_of_what_is_added_later() -> None:
    axes = {"n_layer": [1, 2], "n_embd": {"log": [8, 512, 4]}, "dropout": [0.1, 0.5], "optimizer.name": ["adam", "sgd"]}
    search = grid(axes=axes, derive={"ratio": "n_embd / n_layer", "deep": "n_layer > 1"}, where="ratio > 0 or deep")
    (first, *_), _, _ = run(search)
    before = search.distributions(first.params)
    assert before["n_layer"] == IntDistribution(1, 2, log=True) and before["seed"] == IntDistribution(1337, 1337)
    assert before["dropout"] == FloatDistribution(0.1, 0.5, log=True)
    assert all(each._contains(each.to_internal_repr(first.params[name])) for name, each in before.items())
    more = {**axes, "n_layer": [1, 2, 20], "optimizer.name": ["adam", "lion"], "n_head": [1, 2, "x"]}
    state = search.override(search.start(), {"grid": {"axes": more}}).state
    points = list(search.outlook(state))
    for point in points:
        now = search.distributions(point.params)
        new = {"n_layer", "ratio"} if point.params["n_layer"] == 20 else set()
        assert all(before.get(name, each) == each for name, each in now.items() if name not in new)
        assert all(each._contains(each.to_internal_repr(point.params[name])) for name, each in now.items())
    assert any(point.params["n_layer"] == 20 for point in points)
    assert {point.params.get("optimizer.name") for point in points} == {"adam", None}  # Optuna's choices cannot grow


def test_lists_and_mixed_values_are_shown_as_text() -> None:
    config = {"sizes": [1], "n": 1}
    search = grid(config, axes={"sizes": [[1], [1, 2]], "n": [1, True, "1"]})
    points, _, _ = run(search)
    assert points[-1].config == {"sizes": [1, 2], "n": "1"} and points[-1].params["sizes"] == "[1, 2]"
    assert len({json.dumps(point.params) for point in points}) == 6
    for point in points:
        for name, each in search.distributions(point.params).items():
            assert each.to_external_repr(each.to_internal_repr(point.params[name])) == point.params[name]


# Properties

NAMES = ("a", "b", "c", "d", "e")


@st.composite
def blocks(draw: st.DrawFn) -> dict[str, Any]:
    """A random grid over axes a, b, c, …: some zipped, some conditional, some filtered, one derived name."""
    names = NAMES[: draw(st.integers(1, 5))]
    axes: dict[str, list[int]] = {
        name: draw(st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True)) for name in names
    }
    zips = []
    if len(names) > 2 and draw(st.booleans()):
        one, other = draw(st.permutations(names))[:2]
        axes[other] = draw(st.permutations(range(20)))[: len(axes[one])]
        zips = [[one, other]]
    free = [name for name in names if name not in itertools.chain(*zips)]
    when = {}
    if len(free) > 1 and draw(st.booleans()):
        conditional, other = draw(st.permutations(free))[:2]
        when = {conditional: f"{other} > {draw(st.integers(0, 9))}"}
    modulus = draw(st.integers(1, 4))
    where = [f"({' + '.join(names)}) % {modulus} == 0"] if draw(st.booleans()) else []
    return {
        "axes": axes,
        "zip": zips,
        "when": when,
        "where": where,
        "derive": {"total": " + ".join(names)},
        "repeats": draw(st.integers(1, 3)),
        "order": {"seeds": draw(st.sampled_from(["inner", "outer"]))},
    }


BASE = {**dict.fromkeys(NAMES, 100), "total": 0}


def expected(block: Mapping[str, Any]) -> set[tuple[Any, ...]]:
    """The same grid, by brute force."""
    found = set()
    axes = block["axes"]
    for values in itertools.product(*axes.values()):
        setting = {**BASE, **dict(zip(axes, values, strict=True))}
        if any(len({axes[name].index(setting[name]) for name in names}) > 1 for names in block["zip"]):
            continue
        for name, condition in block["when"].items():
            other, least = condition.split(" > ")
            if setting[other] <= int(least):
                setting[name] = BASE[name]
        setting["total"] = sum(setting[name] for name in axes)
        if block["where"] and setting["total"] % int(block["where"][0].split()[-3]):
            continue
        found |= {(*setting.values(), seed) for seed in range(1337, 1337 + block["repeats"])}
    return found


@settings(max_examples=150, deadline=None)
@given(blocks())
def test_random_grids_cover_each_point_exactly_once(block: dict[str, Any]) -> None:
    points, records, _ = run(Grid.parse(block, BASE, "file"))
    got = Counter((*(point.config[name] for name in BASE), point.seed) for point in points)
    assert set(got) == expected(block) and set(got.values()) <= {1}
    assert sum(record["points"] for record in records) == len(points)


@settings(max_examples=50, deadline=None)
@given(st.lists(blocks(), min_size=1, max_size=3), st.integers(1, 3))
def test_random_groups_cover_each_point_exactly_once(blocks: list[dict[str, Any]], repeats: int) -> None:
    groups = [{key: block[key] for key in ("axes", "zip", "when", "where", "derive")} for block in blocks]
    points, _, _ = run(Grid.parse({"groups": groups, "repeats": repeats}, BASE, "file"))
    once = {point.hash: point for point in points}.values()  # as the database has them, over batches
    got = Counter((*(point.config[name] for name in BASE), point.seed) for point in once)
    assert set(got) == set().union(*(expected({**block, "repeats": repeats}) for block in blocks))
    assert set(got.values()) <= {1}


# Members


def test_members_are_told_from_their_config_without_going_through_the_grid() -> None:
    axes = {name: {"range": [1, 200, 1]} for name in ("n_layer", "n_head", "n_embd")}
    members = Members(grid(axes=axes, where="n_layer != 7").settings)
    inside = {**CONFIG, "n_layer": 200, "n_head": 3, "n_embd": 5}
    assert members.has(inside, {}) and not members.may_repeat
    for change in ({"n_layer": 201}, {"n_layer": 7}, {"n_layer": 1.0}, {"n_layer": True}, {"dropout": 0.5}):
        assert not members.has({**inside, **change}, {}), change


@pytest.mark.parametrize(
    "axis", [{"range": [0.1, 0.9, 0.1]}, {"log": [1e-4, 1e-1, 4]}, [0, 1.5, "x", [1], None]], ids=str
)
def test_every_value_of_an_axis_is_found_again(axis: object) -> None:
    search = grid(axes={"dropout": axis})
    members = Members(search.settings)
    assert all(members.has(each, {}) for each in configs(search))
    assert not members.has({**CONFIG, "dropout": 0.15}, {}) and not members.has({**CONFIG, "dropout": False}, {})


@settings(max_examples=100, deadline=None)
@given(st.lists(blocks(), min_size=2, max_size=2), blocks())
def test_a_grid_has_the_members_that_it_plans_and_no_others(
    groups: list[dict[str, Any]], other: dict[str, Any]
) -> None:
    own = ("axes", "zip", "when", "where", "derive")
    block = {"groups": [{key: each[key] for key in own} for each in groups]}
    conditional = {name for each in (*groups, other) for name in each["when"]}  # where they are not, their own value is
    base = {name: 100 for name in NAMES if name in ("a", "c") or name in conditional}  # the others are helpers
    block["groups"] = [{**each, "where": [*each["where"], "total >= 0"]} for each in block["groups"]]
    search = Grid.parse(block, base, "file")
    planned = {point.hash: point for point in run(search)[0]}
    members = Members(search.settings)
    strangers = run(Grid.parse({**{key: other[key] for key in own}, "where": ["total >= 0"]}, base, "file"))[0]
    for point in (*planned.values(), *strangers):
        same = Point(point.config, search.settings.seed).hash in planned
        assert members.has(point.config, point.role["setting"]) == same
        assert members.has(point.config, {}) == same


def test_settings_that_are_equal_over_batches_are_counted_once() -> None:
    search = grid(axes={"scale": [1, 2], "n_layer": {"range": [1, 1500, 1]}}, derive={"n_embd": "0 * scale"})
    points, records, done = run(search)
    assert len({point.hash for point in points}) == 1500
    assert done.reason == "1500 settings × 1 seed are done"
    assert sum(record["settings"] for record in records) == sum(record["duplicates"] for record in records) == 1500


def test_where_equal_settings_cannot_be_counted_cheaply_the_number_is_a_bound() -> None:
    search = grid(axes={"scale": {"range": [1, 3000, 1]}}, derive={"n_embd": "scale % 1500"})
    assert run(search)[2].reason == "at most 3000 settings × 1 seed are done"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_a_number_and_its_setting_are_worked_out_from_each_other(sizes: list[int]) -> None:
    axes = {name: list(range(size)) for name, size in zip(NAMES, sizes, strict=False)}
    search = Grid.parse({"axes": axes}, BASE, "file")
    assert search.settings.size == math.prod(sizes)
    for number in range(search.settings.size):
        setting = setting_at(search.settings, number)
        assert setting is not None
        back = 0
        for name, size in zip(NAMES, sizes, strict=False):
            back = back * size + setting.axes[name]
        assert back == number


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.data())
def test_a_number_in_mixed_radix_has_one_row_of_digits_in_order(radices: list[int], data: st.DataObject) -> None:
    number = data.draw(st.integers(0, math.prod(radices) - 1))
    digits = digits_of(number, radices)
    assert number_of(digits, radices) == number
    assert all(0 <= digit < radix for digit, radix in zip(digits, radices, strict=True))
    assert number == 0 or digits_of(number - 1, radices) < digits
