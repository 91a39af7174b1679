"""Definitions: what is accepted, what is refused with which words, and what a change means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.errors import UsageError
from storage.home import DEFINITIONS
from storage.names import check_name
from studies.definition.change import difference
from studies.definition.definition import Definition
from studies.definition.units import parse_duration, parse_size
from studies.lifecycle.order import SHIPPED
from tests.support.definitions import GOOD, load


def test_a_definition_survives_its_way_into_the_database(tmp_path: Path) -> None:
    definition = load(tmp_path)
    again = Definition.from_json(definition.to_json())
    assert again == definition and again.hash == definition.hash
    assert definition.config["learning_rate"] == 1e-4 and definition.config["note"] == "no"
    assert definition.timeout == 7200 and definition.memory_limit == 6 * 2**30


def test_a_file_objective_is_relative_to_the_definition(tmp_path: Path) -> None:
    definition = load(tmp_path, GOOD.replace("objective: gpt", "objective: sub/own.py:f"))
    assert definition.objective == f"{tmp_path.resolve()}/sub/own.py:f"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("search: grow", "search: grew", "'grew'.*grow"),
        ("cost: params", "cots: params", "unknown key 'cots'.*cost"),
        ("cost: params", "cost: [params]", "not a text"),
        ("cost: params", "metric: {name: loss}", "unknown key 'metric'; write `score: {metric: val_loss, direction"),
        ("cost: params", "early_terminate: {}", "unknown key 'early_terminate'; write `pruner: {name: hyperband}`"),
        ("cost: params", "method: bayes", "unknown key 'method'; write `search: grid`, or `search: tune`"),
        ("cost: params", "parameters: {}", "unknown key 'parameters'; write `axes:` in `grid:`, or `space:`"),
        ("cost: params", "program: train.py", "unknown key 'program'; write `objective: {command"),
        ("cost: params", "run_cap: 3", "unknown key 'run_cap'; write `settings:`"),
        ("direction: maximize", "goal: maximize", "unknown key 'goal'; write `direction: minimize` or `maximize`"),
        ("objective: gpt", "", "objective: is missing"),
        ("direction: maximize", "direction: up", "'up'"),
        ("metric: next_token_probability, ", "", "score: metric: is missing"),
        ("metric: next", "metrik: next", "unknown key 'metrik'.*metric"),
        ("timeout: 2h", "timeout: soon", "'soon' is not a duration"),
        ("timeout: 2h", "timeout: 0", "above zero"),
        ("timeout: 2h", "timeout: true", "not a duration"),
        ("memory_limit: 6GiB", "memory_limit: much", "'much'"),
        ("memory_limit: 6GiB", "attempts: 0", "from 1 to"),
        ("memory_limit: 6GiB", "attempts: true", "whole number"),
        ("grow: {increments: {n_head: 1}}", "grow: 3", "not a mapping"),
        ("grow: {increments: {n_head: 1}}", "", "grow: is missing"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=words) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert "own.yaml" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("n_head=4", "n_head", 4),
        ("learning_rate=1e-3", "learning_rate", 1e-3),
        ("note=null", "note", None),
        ("note='4'", "note", "4"),
        ("note=a=b", "note", "a=b"),
        ("n_head_layerlist[1]=5", "n_head_layerlist", [1, 5, 1]),
        ("n_head_layerlist=[3]", "n_head_layerlist", [3]),
        ("nested.a=2", "nested", {"a": 2}),
        ("+nested.b=2", "nested", {"a": 1, "b": 2}),
        ("+dropout=.1", "dropout", 0.1),
    ],
)
def test_set_reaches_any_key_of_the_config(tmp_path: Path, text: str, key: str, value: Any) -> None:
    assert load(tmp_path).with_settings([text]).config[key] == value


def test_set_reaches_the_searchs_own_block(tmp_path: Path) -> None:
    assert load(tmp_path).with_settings(["grow.repeats=3"]).settings == {"increments": {"n_head": 1}, "repeats": 3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("n_heads=4", r"'n_heads'.*n_head.*\+n_heads=4"),
        ("n_head", "KEY=VALUE"),
        ("=4", "KEY=VALUE"),
        ("n_head[0]=4", r"no element \[0\]"),
        ("n_head_layerlist[9]=4", r"no element \[9\]"),
        ("n_head.x=4", "below a value that is not a mapping"),
        ("n_head=[1", "n_head"),
        ("n_head=.nan", "finite"),
        ("..=1", "KEY=VALUE"),
    ],
)
def test_a_wrong_set_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        load(tmp_path).with_settings([text])
    assert "\n" not in str(caught.value)


def test_what_a_change_means(tmp_path: Path) -> None:
    old = load(tmp_path)
    change = difference(old, load(tmp_path, GOOD.replace("n_head: 1, learning", "n_head: 2, extra: 1, learning")))
    assert change.config == {"n_head": 2, "extra": 1} and not change.refused
    change = difference(old, load(tmp_path, GOOD.replace("n_head: 1}}", "n_head: 2}}")))
    assert change.settings == {"increments": {"n_head": 2}}
    for now in (
        GOOD.replace("dataset: stdlib", "dataset: elsewhere"),
        GOOD.replace("cost: params", "cost: iter"),
        GOOD.replace("maximize", "minimize"),
        GOOD.replace("note: no, ", ""),
    ):
        change = difference(old, load(tmp_path, now))
        [refused] = change.refused_with_results
        assert "\n" not in refused and bool(change.incomparable) != bool(change.refused)
    assert difference(old, load(tmp_path, GOOD.replace("2h", "3h"))).refused == []


@pytest.mark.parametrize("name", ["lobo", "a", "depth-100m", "x_1.5", "größe", "学", "a" * 100])
def test_names_that_are_fine(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "../x", "a/b", "a b", "-a", ".hidden", "a" * 300, "a\n", "a'b", 'a"b', "a;b", "a\x00", "$(x)", "a:b", "%41"],
)
def test_names_that_are_not(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_name(name)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_durations_and_sizes() -> None:
    assert [parse_duration(each, "x") for each in (90, "90", "90s", "15m", "2h", "1d12h", "1.5h")] == [
        90, 90, 90, 900, 7200, 129600, 5400,
    ]  # fmt: skip
    assert [parse_size(each, "x") for each in (1024, "1KiB", "500MB", "6GiB", "1.5 GiB")] == [
        1024, 1024, 500_000_000, 6 * 2**30, 3 * 2**29,
    ]  # fmt: skip
    for wrong in ("", "h", "-1s", "1e3s", "nan", "inf", None, [], True, 0, -3, float("nan"), float("inf")):
        with pytest.raises(UsageError):
            parse_duration(wrong, "x")
        with pytest.raises(UsageError):
            parse_size(wrong, "x")


def test_the_definitions_that_ship_are_known_by_their_hashes() -> None:
    made = {file.stem: Definition.load(file).hash for file in sorted(DEFINITIONS.glob("*.yaml"))}
    assert made == SHIPPED, "one was edited: put its hash into studies/lifecycle/order.py"
