"""The flags of an argparse script, out of its text: all of them, or none are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from objectives.command.command import Command
from studies.scripts.accepted import accepted_flags, refused_flag, unknown_flag
from studies.scripts.source import Source

PLAIN = """
import argparse
parser = argparse.ArgumentParser()
group = parser.add_argument_group("model")
parser.add_argument("--lr", "-l", type=float)
group.add_argument("--bias", action=argparse.BooleanOptionalAction)
{}
args = parser.parse_args()
"""


def accepted(tmp_path: Path, more: str) -> frozenset[str] | None:
    (tmp_path / "train.py").write_text(PLAIN.format(more))
    return accepted_flags(Source.of(tmp_path / "train.py"))


def test_every_declared_flag_is_accepted(tmp_path: Path) -> None:
    assert accepted(tmp_path, "") == {"--help", "--lr", "-l", "--bias", "--no-bias"}


def test_a_parser_that_an_own_function_makes_is_known(tmp_path: Path) -> None:
    text = (
        "def make():\n    parser = argparse.ArgumentParser()\n    parser.add_argument('--width')\n    return parser\n"
    )
    found = accepted(tmp_path, text + "make().parse_args()")
    assert found is not None and "--width" in found


def test_flags_of_an_own_module_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "flags.py").write_text("def add_flags(parser):\n    parser.add_argument('--width')\n")
    found = accepted(tmp_path, "from flags import add_flags\nadd_flags(parser)")
    assert found is not None and "--width" in found


@pytest.mark.parametrize(
    "more",
    [
        "for name in ('a', 'b'): parser.add_argument('--' + name)",
        "for name in ('a', 'b'): parser.add_argument(f'--{name}')",
        "names = ['--a']\nparser.add_argument(*names)",
        "import library\nlibrary.add_flags(parser)",
        "from library import add_flags\nadd_flags(parser=parser)",
        "args, rest = parser.parse_known_args()",
        "import sys\nprint(sys.argv)",
        "child = argparse.ArgumentParser(parents=[parser])",
        "class Mine(argparse.ArgumentParser): pass",
        "import library\nother = library.parser()\nother.parse_args()",
        "import transformers\nfrom transformers import HfArgumentParser",
    ],
)
def test_where_the_text_does_not_tell_all_flags_none_are_named(tmp_path: Path, more: str) -> None:
    assert accepted(tmp_path, more) is None


def test_an_unknown_flag_is_named_with_the_nearest_and_an_abbreviation_is_known() -> None:
    assert unknown_flag(["--widht"], ["--width", "--lr"]) == "--widht; did you mean '--width'?"
    assert unknown_flag(["--wid", "--lr"], ["--width", "--lr"]) is None


@pytest.mark.parametrize(
    ("arguments", "config", "words"),
    [
        ("{flags}", {"lr": 1, "bias": False, "seed": 0}, None),
        ("{flags}", {"lr": 1, "widht": 8}, "command: train.py has no flag --widht; did you mean '--width'?"),
        ("--seed {seed} {flags}", {"lr": 1, "widht": None}, None),
        ("--x={widht}", {"widht": 8}, None),
        ("{config_json}", {"widht": 8}, None),
    ],
)
def test_a_key_that_a_script_has_no_flag_for_is_named(
    tmp_path: Path, arguments: str, config: dict[str, Any], words: str | None
) -> None:
    accepted(tmp_path, "parser.add_argument('--width')\nparser.add_argument('--seed')")
    document = {"command": f"python train.py {arguments}", "metrics": {"json": "stdout"}}
    assert refused_flag(Command.parse(document, tmp_path, (), "own.yaml"), [config]) == words


def test_a_script_without_a_seed_is_told_how_to_be_called(tmp_path: Path) -> None:
    accepted(tmp_path, "")
    document = {"command": "python train.py {flags}", "metrics": {"json": "stdout"}}
    told = refused_flag(Command.parse(document, tmp_path, (), "own.yaml"), [{"lr": 1}])
    assert told is not None and told.endswith("name each key in the command in place of {flags}: --lr {lr}")
