"""What {flags} sends in each mode, and what a script is known not to hear."""

from __future__ import annotations

import ast
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.command.command import Command
from objectives.command.flags import Spelling
from storage.errors import UsageError

METRICS = {"json": "{run_dir}/m.json"}
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def spelling(**keys: Any) -> Spelling:
    return Spelling.parse(keys, "own.yaml: objective")


def command(arguments: str, folder: Path = Path("/"), **keys: Any) -> Command:
    text = f"{shlex.quote(sys.executable)} {arguments}"
    return Command.parse({"command": text, "metrics": METRICS, **keys}, folder, (), "own.yaml: objective")


CONFIG = {"x": 1, "on": True, "off": False, "none": None, "sizes": [64, 128], "opt": {"lr": 1e-4}, "t": "a b"}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, "--x 1 --on --no-off --sizes 64 128 --opt.lr 0.0001 --t 'a b'"),
        ({"flags": "omit"}, "--x 1 --on --sizes 64 128 --opt.lr 0.0001 --t 'a b'"),
        ({"flags": "value"}, "--x 1 --on true --off false --sizes 64 128 --opt.lr 0.0001 --t 'a b'"),
        ({"flags": "value", "lists": "one"}, "--x 1 --on true --off false --sizes [64,128] --opt.lr 0.0001 --t 'a b'"),
        ({"flags": "equals"}, "--x=1 --on=true --off=false --sizes=[64,128] --opt.lr=0.0001 '--t=a b'"),
        ({"flags": "python"}, "--x=1 --on=True --off=False --none=None --sizes=[64,128] --opt.lr=0.0001 '--t=a b'"),
        ({"flags": "hydra"}, """x=1 on=true off=false none=null sizes=[64,128] opt.lr=0.0001 "t='a b'" """),
        (
            {"flags": "equals", "lists": "comma", "words": {"true": "1", "null": "none"}},
            "--x=1 --on=1 --off=false --none=none --sizes=64,128 --opt.lr=0.0001 '--t=a b'",
        ),
        ({"words": {"false": ""}}, "--x 1 --on --off '' --sizes 64 128 --opt.lr 0.0001 --t 'a b'"),
        ({"lists": "repeat"}, "--x 1 --on --no-off --sizes 64 --sizes 128 --opt.lr 0.0001 --t 'a b'"),
    ],
)
def test_each_mode_writes_a_configuration_its_own_way(keys: dict[str, Any], expected: str) -> None:
    made = spelling(**keys)
    assert made.flags(CONFIG) == shlex.split(expected)
    assert spelling(**made.to_json()) == made


@given(TEXTS)
def test_a_text_is_a_text_to_a_script_that_evaluates_python(text: str) -> None:
    (argument,) = spelling(flags="python").flags({"x": text})
    read = argument.removeprefix("--x=")
    try:
        value = ast.literal_eval(read)
    except (SyntaxError, ValueError):
        value = read
    assert value == text


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"flags": "equal"}, "flags: 'equal'.*'equals'"),
        ({"lists": "ones"}, "lists: 'ones'.*'one'"),
        ({"flags": "hydra", "lists": "several"}, "has no 'several'"),
        ({"words": {"yes": "1"}}, "words: 'yes'"),
        ({"words": {"true": None}}, "words: true: None is not a text"),
        ({"words": "1"}, "words: '1' is not a mapping"),
    ],
)
def test_an_unknown_way_is_one_line(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        spelling(**keys)


def test_null_that_varies_needs_a_word() -> None:
    varied = {"dropout": [0.1, None]}
    told = command("train.py {flags}").unheard(varied)
    assert told is not None and told.startswith("dropout: null has no word in `flags: no-prefix`")
    assert command("train.py {flags} --dropout={dropout}").unheard(varied) is None, "it is told as null"
    for keys in ({"flags": "python"}, {"flags": "hydra"}, {"flags": "equals", "words": {"null": "none"}}):
        assert command("train.py {flags}", **keys).unheard(varied) is None


def test_placeholders_inside_a_nested_mapping_are_heard() -> None:
    assert command("train.py --depth={model.depth} --seed={seed}").unheard({"model.depth": [1, 2]}) is None
    assert command("train.py --model={model}").unheard({"model.depth": [1, 2]}) is None
    told = command("train.py --width={model.width}").unheard({"model.depth": [1, 2]})
    assert told == "the command has no argument for model.depth, which vary; add {model.depth}"


SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--bias", type=bool, default=True)
parser.add_argument("--fused", action="store_true", default=True)
parser.add_argument("--use-rope", action="store_true")
parser.add_argument("--tied", action=argparse.BooleanOptionalAction)
"""


@pytest.mark.parametrize(
    ("name", "keys", "words"),
    [
        ("bias", {"flags": "value"}, 'train.py:4: --bias has `type=bool`.*false: ""'),
        ("bias", {"flags": "value", "words": {"false": ""}}, None),
        ("fused", {"flags": "omit"}, "train.py:5: --fused is on by default"),
        ("use_rope", {"flags": "value"}, "train.py:6: --use_rope is a `store_true` switch.*omit"),
        ("use_rope", {"flags": "omit"}, None),
        ("tied", {}, None),
    ],
)
def test_a_boolean_that_the_script_cannot_hear_is_refused(
    tmp_path: Path, name: str, keys: dict[str, Any], words: str | None
) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    told = command("train.py {flags}", tmp_path, **keys).unheard({name: [True, False]})
    assert told is None if words is None else told is not None and re.search(words, told)


@pytest.mark.parametrize(
    ("script", "arguments", "config", "keys", "words"),
    [
        (SCRIPT, "{flags}", {"bias": False}, {"flags": "value"}, 'train.py:4: --bias has `type=bool`.*false: ""'),
        (SCRIPT, "{flags}", {"bias": False}, {"flags": "omit"}, "train.py:4: --bias has `type=bool`"),
        (SCRIPT, "{flags}", {"fused": False}, {"flags": "omit"}, "train.py:5: --fused is on by default"),
        (SCRIPT, "{flags}", {"bias": False}, {"flags": "value", "words": {"false": ""}}, None),
        (SCRIPT, "{flags}", {"bias": True, "fused": True, "use_rope": False}, {"flags": "omit"}, None),
        (SCRIPT, "--lr={lr}", {"bias": False}, {"flags": "value"}, None),
        (SCRIPT.replace("type=bool, default=True", "type=bool"), "{flags}", {"bias": False}, {"flags": "omit"}, None),
        (SCRIPT.replace("argparse", "jsonargparse"), "{flags}", {"bias": False}, {"flags": "value"}, None),
    ],
)
def test_a_fixed_false_that_the_script_would_take_for_true_is_refused(
    tmp_path: Path, script: str, arguments: str, config: dict[str, Any], keys: dict[str, Any], words: str | None
) -> None:
    (tmp_path / "train.py").write_text(script)
    told = command(f"train.py {arguments}", tmp_path, **keys).unheard({}, config)
    assert told is None if words is None else told is not None and re.search(words, told)


OTHER_SCRIPTS = {
    "absl": 'from absl import flags\nflags.DEFINE_boolean("bias", True, "")\n',
    "click": 'import click\n@click.option("--bias", is_flag=True, default=True)\ndef main(bias): pass\n',
    "Fire": "import fire\nfire.Fire(lambda bias=True: bias)\n",
}


@pytest.mark.parametrize(
    ("kind", "keys", "words"),
    [
        ("absl", {"flags": "value"}, "train.py:2: --bias is absl's.*`flags: equals`"),
        ("absl", {"flags": "omit"}, "train.py:2: --bias is on by default"),
        ("absl", {"flags": "equals"}, None),
        ("click", {"flags": "omit"}, "train.py:2: --bias is on by default"),
        ("Fire", {"flags": "value"}, "train.py: Fire reads false as a text.*bias.*`flags: python`"),
        ("Fire", {"flags": "equals"}, "train.py: Fire reads false as a text"),
        ("Fire", {"flags": "equals", "words": {"true": "True", "false": "False"}}, None),
        ("Fire", {"flags": "python"}, None),
    ],
)
def test_other_parsers_booleans_that_are_not_heard_are_refused(
    tmp_path: Path, kind: str, keys: dict[str, Any], words: str | None
) -> None:
    (tmp_path / "train.py").write_text(OTHER_SCRIPTS[kind])
    told = command("train.py {flags}", tmp_path, **keys).unheard({"bias": [True, False]})
    assert told is None if words is None else told is not None and re.search(words, told)


def test_one_leaf_with_two_spellings_is_refused() -> None:
    told = command("train.py {flags}").validate({"opt.lr": 1, "opt": {"lr": 2}})
    assert told is not None and "'opt.lr' is written twice" in told
