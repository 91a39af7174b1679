"""Any text at all, through the parsers themselves: what they read is what was meant."""

from __future__ import annotations

from typing import Any

import fire.parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from objectives.command.flags import Spelling

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20) | st.text(
    st.sampled_from([*"a1.e-'\\$[],:= #x(", '"', "{", "}"]), max_size=12
)
NUMBERS = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS, lambda below: st.lists(below, max_size=4), max_leaves=8
)
PARSER = OverridesParser.create()


def sent(mode: str, value: Any) -> str:
    (argument,) = Spelling(mode, "one").flags({"x": value})
    return argument.partition("=")[2]


@settings(max_examples=200, deadline=None)
@given(VALUES)
@example("\u013f")
def test_fire_reads_every_value_as_it_was(value: Any) -> None:
    assert fire.parser.DefaultParseValue(sent("python", value)) == value


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_hydra_reads_every_value_as_it_was(value: Any) -> None:
    (override,) = PARSER.parse_overrides([f"x={sent('hydra', value)}"])
    config = OmegaConf.create({"x": override.value()})
    assert OmegaConf.to_container(config, resolve=True) == {"x": value}
