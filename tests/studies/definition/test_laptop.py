"""The block `laptop:` of a definition: what it replaces, what is refused, and how it is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.errors import UsageError
from studies.definition.definition import Definition
from tests.support.definitions import GOOD, load

BLOCK = """
laptop:
  grow: {increments: {n_head_layerlist: 1}, repeats: 3}
  config: {learning_rate: 1e-2, max_iters: 20}
  timeout: 90s
"""


def test_each_key_of_the_block_replaces_the_files_whole(tmp_path: Path) -> None:
    file = load(tmp_path, GOOD + BLOCK)
    laid = file.with_laptop("own.yaml")
    assert laid.settings == {"increments": {"n_head_layerlist": 1}, "repeats": 3}
    assert laid.config == {**file.config, "learning_rate": 1e-2, "max_iters": 20}
    assert laid.timeout == 90 and laid.memory_limit == file.memory_limit
    assert laid.on_laptop and not file.on_laptop


def test_without_the_option_the_block_changes_nothing(tmp_path: Path) -> None:
    bare, file = load(tmp_path), load(tmp_path, GOOD + BLOCK)
    assert file.config == bare.config and file.settings == bare.settings and file.timeout == bare.timeout


def test_a_definition_with_its_block_survives_its_way_into_the_database(tmp_path: Path) -> None:
    laid = load(tmp_path, GOOD + BLOCK).with_laptop("own.yaml")
    again = Definition.from_json(laid.to_json())
    assert again == laid and again.hash == laid.hash and again.on_laptop
    assert again.with_laptop("own.yaml") is again


def test_set_comes_after_the_block(tmp_path: Path) -> None:
    laid = load(tmp_path, GOOD + BLOCK).with_laptop("own.yaml")
    made = laid.with_settings(["learning_rate=1", "attempts=3"])
    assert made.config["learning_rate"] == 1 and made.attempts == 3 and made.on_laptop
    assert Definition.from_json(made.to_json()).on_laptop


def test_a_model_of_the_block_lies_beside_the_definition(tmp_path: Path) -> None:
    text = (
        "search: depth\nobjective: parameters\ndepth: {targets: [1000], widths: [16]}\nconfig: {family: gpt2}\n"
        "laptop: {config: {model: sub/own.py:build}}\n"
    )
    assert load(tmp_path, text).with_laptop("").config["model"] == f"{tmp_path.resolve()}/sub/own.py:build"


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("laptop: 3", "own.yaml: laptop: 3 is not a mapping"),
        ("laptop: {}", "laptop: .* is not a mapping"),
        ("laptop: {confg: {}}", "laptop: unknown key 'confg'.*config"),
        ("laptop: {grid: {}}", "laptop: unknown key 'grid'"),
        ("laptop: {objective: other}", "laptop: unknown key 'objective'"),
        ("laptop: {config: 3}", "laptop: config: 3 is not a mapping"),
        ("laptop: {grow: {repeat: 3}}", "laptop: grow: unknown key 'repeat'.*repeats"),
        ("laptop: {config: {n_heads: 3}}", "laptop: config: .*'n_heads'.*n_head"),
        ("laptop: {timeout: soon}", "laptop: timeout: 'soon' is not a duration"),
        ("laptop: {attempts: 0}", "laptop: attempts: 0 is not a whole number"),
    ],
)
def test_a_wrong_block_is_one_line_with_or_without_the_option(tmp_path: Path, block: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        load(tmp_path, f"{GOOD}{block}\n")
    assert "\n" not in str(caught.value)


def test_a_definition_without_the_block_cannot_be_run_on_a_laptop(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--laptop: own\.yaml has no block"):
        load(tmp_path).with_laptop("own.yaml")


def test_set_does_not_reach_into_the_block(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="laptop: a block of the file"):
        load(tmp_path, GOOD + BLOCK).with_settings(["laptop.timeout=3"])
