"""YAML as people mean it, and YAML that means harm."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import UsageError
from studies.definition.yaml_text import read_scalar, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        (".5", 0.5),
        ("3.", 3.0),
        ("-7", -7),
        ("no", "no"),
        ("off", "off"),
        ("yes", "yes"),
        ("y", "y"),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("False", False),
        ("FALSE", False),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("None", "None"),
        ("'True'", "True"),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ("010", 10),
        ("0x1F", 31),
        ("0xff", 255),
        ("-0x10", "-0x10"),
        ("0xg", "0xg"),
        ("0o17", 15),
        ("0o8", "0o8"),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("2026-01-01", "2026-01-01"),
        ("[1, 2]", [1, 2]),
        ("{a: 1e-4, b: no}", {"a": 1e-4, "b": "no"}),
        ("=", "="),
    ],
)
def test_a_scalar_is_what_it_looks_like(text: str, value: object) -> None:
    found = read_scalar(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [".nan", ".inf", "-.inf", "1e999", "!!python/object/apply:os.system [ls]", "!x 1", "[1", "{a: 1, a: 2}", "a: b: c"],
)
def test_what_cannot_be_kept_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_scalar(text)
    assert "\n" not in str(caught.value)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "more than 20,000 values"),
        ("a: &a [*a]", "levels deep|aliases|recursive"),
        ("a: " + "[" * 60 + "]" * 60, "levels deep"),
        ("a: " + "[" * 100_000, "levels deep|expected|flow"),
        ("- 1\n- 2", "mapping"),
        ("", "nothing"),
        ("just words", "mapping"),
        ("? [1]\n: 2", "key"),
        ("<<: {a: 1}", "merges"),
        ("a: 1\na: 2", "twice"),
        ("a:\n\t- 1", ":2|tab|token"),
        ("a: 1\n--- \nb: 2", "document"),
        ("a: " + "x" * (1 << 20), "larger than 1024 KiB"),
        ("a: \x00", "special characters|control|not allowed"),
    ],
    ids=[
        "bomb",
        "loop",
        "deep",
        "very deep",
        "list",
        "empty",
        "text",
        "key",
        "merge",
        "twice",
        "tab",
        "two",
        "large",
        "nul",
    ],
)
def test_a_file_that_is_no_definition_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        read_yaml(file)
    assert "\n" not in str(caught.value) and str(file) in str(caught.value)


def test_a_file_that_is_not_text_and_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_bytes(b"a: \xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_yaml(tmp_path / "bad.yaml")
    with pytest.raises(UsageError, match="No such file"):
        read_yaml(tmp_path / "nowhere.yaml")
    with pytest.raises(UsageError, match="is not a file"):
        read_yaml(tmp_path)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_comes_back_exactly(number: float) -> None:
    assert math.copysign(1, read_scalar(repr(number))) == math.copysign(1, number)
    assert read_scalar(repr(number)) == number


@given(st.text(max_size=40))
def test_no_text_makes_it_raise_anything_but_a_usage_error(text: str) -> None:
    try:
        read_scalar(text)
    except UsageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "objective:\n  command: {flags} python\n  metrics: {}\n",
        "objective: {command: python train.py {flags}, metrics: {}}\n",
        "objective:\n  {command: python train.py {flags},\n   metrics: {}}\n",
    ],
)
def test_a_command_whose_braces_stand_without_quotes_is_said_to_need_them(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"own.yaml:\d: .*; put a command that holds braces in quotes"):
        read_yaml(tmp_path / "own.yaml")


def test_other_yaml_that_cannot_be_read_gets_no_word_of_braces(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("a: {b: 1} c\n")
    with pytest.raises(UsageError, match=r"own.yaml:1: [^;]*$"):
        read_yaml(tmp_path / "own.yaml")
