"""Flags out of help, as each parser prints it."""

from __future__ import annotations

import pytest

from studies.scripts.flag import Flag, Missing, Switch
from studies.scripts.help_flags import (
    absl_flags,
    argparse_flags,
    click_flags,
    config_flags,
    fire_flags,
    positionals,
    stated_default,
)

TYPER = """
 Usage: train.py [OPTIONS] {data}

 Train.

╭─ Arguments ──────────────────────────────────────────────────────────────────╮
│ *    data      TEXT  [required]                                              │
╰──────────────────────────────────────────────────────────────────────────────╯
╭─ Options ────────────────────────────────────────────────────────────────────╮
│ --lr                            FLOAT    [default: 0.1]                      │
│ --bias     --no-bias                     [default: bias]                     │
│ --amp      --no-amp                      [default: no-amp]                   │
│ --act                           TEXT     which [default: relu]               │
│ --mode                          <a|b>    [default: a]                        │
│ --fast                          <bool>   Be fast.                            │
│ --install-completion                     Install completion.                 │
│ --help                                   Show this message and exit.         │
╰──────────────────────────────────────────────────────────────────────────────╯
"""
CLICK = """Usage: train.py train [OPTIONS] DATA

Options:
  -l, --lr FLOAT       Rate; long
                       enough to be wrapped.  [default: 0.1; x>=0]
  --shout / --no-shout
  --on / --off         [default: on]
  --mode [a|b]         [required]
  --debug BOOLEAN      [default: False]
"""
ABSL = """
train.py:
  --lr: Rate.
    (default: '0.1')
    (a non-negative number)
  --[no]bias: Whether.
    (default: 'false')
  --layers: How many.
    (default: '2')
    (an integer in the range [1, 9])
  --tag: A text.
    (default: '12')
  --sizes: Some.;
    repeat this option to specify a list of values
    (default: '[1, 2]')
    (an integer)

absl.logging:
  --verbosity: Logging.
    (default: '-1')
    (an integer)
"""
FIRE = """NAME
    train.py

SYNOPSIS
    train.py DATA <flags>

POSITIONAL ARGUMENTS
    DATA

FLAGS
    -l, --lr=LR
        Type: float
        Default: 0.001
    --kind=KIND
        Default: 'a b'

NOTES
    You can also use flags syntax for POSITIONAL ARGUMENTS
"""
REQUIRED = """usage: train.py [-h] [--lr LR] --out OUT [--size N [N ...]]
                data

positional arguments:
  data

options:
  -h, --help            show this help message and exit
  --lr LR               rate (default: 1e-3)
  --out OUT
  --size N [N ...]      (default: [1, (2)])
  --quiet
"""


def test_typer_and_click() -> None:
    assert click_flags(TYPER) == [
        Flag("lr", 0.1, choices=[]),
        Flag("bias", True, Switch.PAIR),
        Flag("amp", False, Switch.PAIR),
        Flag("act", "relu", choices=[]),
        Flag("mode", "a", choices=["a", "b"]),
        Flag("fast", False, Switch.PRESENT),
    ]
    assert positionals(TYPER) == ["data"] and positionals(CLICK) == ["train", "DATA"]
    rate, shout, on, mode, debug = click_flags(CLICK)
    assert (rate.name, rate.default) == ("lr", 0.1)
    assert (shout.name, shout.switch) == ("shout", Switch.PAIR) and "--off" in on.fault
    assert mode.default is Missing.REQUIRED and mode.choices == ["a", "b"]
    assert debug.switch is Switch.VALUE and debug.default is False


def test_absl_has_types_and_only_the_scripts_own_flags() -> None:
    found = {each.name: each for each in absl_flags(ABSL, {"train"})}
    defaults = {name: each.default for name, each in found.items()}
    assert defaults == {"lr": 0.1, "bias": False, "layers": 2, "tag": "12", "sizes": [1, 2]}
    assert found["sizes"].repeated and found["bias"].switch is Switch.VALUE


def test_fire() -> None:
    assert fire_flags(FIRE) == [Flag("data", Missing.REQUIRED), Flag("lr", 0.001), Flag("kind", "a b")]


def test_argparse_shows_what_it_requires_in_its_usage() -> None:
    rate, out, size, quiet = argparse_flags(REQUIRED)
    assert rate.default == 1e-3 and out.default is Missing.REQUIRED and quiet == Flag("quiet", False, Switch.PRESENT)
    assert size.default == [1, 2] and positionals(REQUIRED) == ["data"]


def test_a_printed_configuration() -> None:
    text = "a:\n  b: 1\n  _target_: x.Y\n  c: ${a.b}\n  d: ???\ne: [1, 2]\nf: [{g: 1}]\nh: yes\n"
    found = {each.name: each for each in config_flags(text)}
    assert found["a.b"].default == 1 and found["e"].default == [1, 2] and found["h"].default == "yes"
    assert found["a.d"].default is Missing.REQUIRED
    assert all(found[name].fault for name in ("a._target_", "a.c", "f"))


@pytest.mark.parametrize(
    ("help_", "stated"),
    [
        ("rate (default: 0.1)", "0.1"),
        ("rate, default: (0.9, 0.99)", "(0.9, 0.99)"),
        ("(type: list[int], default: [64, 128])", "[64, 128]"),
        ("rate [default: 0.1; x>=0]", "0.1"),
        ("by default it is off", None),
    ],
)
def test_defaults_that_help_states(help_: str, stated: str | None) -> None:
    assert stated_default(help_) == stated
