"""What people write: YAML values, storage URLs, and commands that cannot be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from objectives.command.command import Command
from objectives.command.flags import Spelling
from storage.errors import UsageError
from storage.url import check_url, shown_url
from studies.definition.yaml_text import read_scalar

YAML: list[tuple[str, Any]] = [
    *[(text, True) for text in ("true", "True", "TRUE")],
    *[(text, False) for text in ("false", "False", "FALSE")],
    *[(text, None) for text in ("null", "Null", "NULL", "~", "")],
    *[(text, text) for text in ("yes", "no", "on", "off", "y", "1_000", "tRue", "0b11", "1,5", "1e", "2026-01-01")],
    *[("1e-4", 1e-4), ("1E5", 1e5), (".5", 0.5), ("5.", 5.0), ("+1.5", 1.5), ("-0", 0)],
    *[("0x1F", 31), ("0o17", 15), ("017", 17), ("-3", -3)],
    *[("[1, 2.0, x]", [1, 2.0, "x"]), ("{a: 1}", {"a": 1}), ("'1'", "1"), ('"true"', "true"), ("12:30:45", "12:30:45")],
]
WRONG_YAML = [
    *[(".nan", "finite"), (".inf", "finite"), ("99999999999999999999", "too large"), ("1e999", "too large")],
    *[("[1, 2", "expected"), ("{a: 1, a: 2}", "appears twice"), ("!!python/object:x {}", "tag")],
]


@pytest.mark.parametrize(("text", "value"), YAML)
def test_a_yaml_value(text: str, value: Any) -> None:
    found = read_scalar(text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(("text", "words"), WRONG_YAML)
def test_a_yaml_value_that_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_scalar(text)


URLS = [
    ("postgresql://me:secret@host/db", "postgresql+psycopg2://me:***@host/db"),
    ("postgres://me@host:5433/db", "postgresql+psycopg2://me@host:5433/db"),
    ("postgresql+psycopg2://me@host/db?sslmode=require", "postgresql+psycopg2://me@host/db?sslmode=require"),
    ("postgresql://me:p%40ss@host/db", "postgresql+psycopg2://me:***@host/db"),
    ("postgresql://me@/db?host=/run/postgresql", "postgresql+psycopg2://me@/db?host=/run/postgresql"),
    ("postgresql://me@host/db?password=secret", "postgresql+psycopg2://me@host/db?password=***"),
]


@pytest.mark.parametrize(("url", "shown"), URLS)
def test_a_storage_url_as_it_is_shown(url: str, shown: str) -> None:
    check_url(url)
    assert shown_url(url) == shown


@pytest.mark.parametrize("url", ["sqlite:///optuna.db", "mysql://me:secret@host/db", "redis://host", "host/db", ""])
def test_a_storage_url_that_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_url(url)
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


COMMANDS = [
    ({"flags": "absl"}, "flags: 'absl'"),
    ({"flags": "eqals"}, "'eqals'; did you mean 'equals'"),
    ({"flags": "hydra", "lists": "repeat"}, "lists: `flags: hydra` has no 'repeat'"),
    ({"words": {"yes": "1"}}, "words: 'yes'"),
    ({"words": {"true": ["1"]}}, r"words: true: \['1'\] is not a text"),
    ({"command": "python train.py > log"}, "no shell"),
    ({"command": "LR=1 python {flags}x"}, "one of its own"),
    ({"metrics": {"json": "metrics.json"}}, "one file for all trials"),
    ({"metrics": {"stdout": {"loss": "loss"}}}, "no group"),
]


@pytest.mark.parametrize(("change", "words"), COMMANDS)
def test_a_command_that_is_refused(change: dict[str, Any], words: str) -> None:
    document = {"command": "python train.py {flags}", "metrics": {"json": "{run_dir}/m.json"}, **change}
    with pytest.raises(UsageError, match=words):
        Command.parse(document, Path("/"), (), "own.yaml: objective")


VALUES = [
    ({"flags": "no-prefix"}, {"x": [1, "--y"]}, "argparse cannot be sent '--y'"),
    ({"flags": "equals", "lists": "comma"}, {"x": ["a,b"]}, "a comma in 'x'"),
    ({"flags": "hydra"}, {"x": "???"}, "Hydra takes"),
]


@pytest.mark.parametrize(("keys", "config", "words"), VALUES)
def test_a_value_that_a_mode_cannot_send_is_refused(keys: dict[str, Any], config: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Spelling.parse(keys, "own.yaml").flags(config)
