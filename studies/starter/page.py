"""The starter as a text: YAML with a comment wherever a reader would ask why."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studies.definition.yaml_text import flow, line_text, noted, scalar
from studies.scripts.flag import Flag
from studies.starter.choices import MAX_CHOICES, MAX_SUGGESTIONS, Sent
from studies.starter.measured import Measured

MODE_NOTES = {
    "no-prefix": "--x 1; --x, --no-x",
    "value": "--x 1; --x true, --x false",
    "omit": "--x 1; --x, or nothing",
    "equals": "--x=1; --x=true",
    "python": "--x=1; --x=True, --x=None",
    "hydra": "x=1; x=true, x=null",
}


@dataclass(frozen=True)
class Starter:
    """What a starter definition says."""

    search: str
    origin: str
    """Where its values come from: `the flags of train.py (argparse)`."""
    command: Sequence[str]
    """The command as given, without what init adds."""
    cwd: str
    sent: Sent
    measured: Measured
    block: Sequence[str]
    """The lines of the search's own block."""
    next_commands: Sequence[str]

    def text(self) -> str:
        lines = [
            f"# Made by `init {self.search}` of {self.origin}: change what you like.",
            "#",
            *(f"#     {each}" for each in self.next_commands),
            "",
            f"search: {self.search}",
            "objective:",
            f"  command: {line_text(shown_command([*self.command, *self.sent.arguments]))}",
            *self._flags(),
            *([f"  cwd: {scalar(self.cwd)}"] if self.cwd != "." else []),
            *self.measured.lines(),
            *self.measured.cost_lines(),
            "",
            *self.block,
            "",
            *self._config(),
        ]
        return "\n".join(lines) + "\n"

    def _flags(self) -> list[str]:
        """How flags are sent; nothing where a file holds the config."""
        spelling = self.sent.spelling.to_json()
        if any("{config_json}" in each for each in self.command):
            return []
        return [
            noted(f"  flags: {spelling['flags']}", MODE_NOTES[spelling["flags"]]),
            *(f"  {key}: {flow(spelling[key])}" for key in ("lists", "words") if key in spelling),
        ]

    def _config(self) -> list[str]:
        """The defaults, nested, and what is left to the script."""
        lines = ["config:" + " {}" * (not self.sent.config)]
        nested: dict[str, Any] = {}
        for flag in self.sent.config:
            inside = nested
            *above, leaf = flag.name.split(".")
            for part in above:
                inside = inside.setdefault(part, {})
            inside[leaf] = flag
        lines += _nested(nested, "  ")
        if self.sent.left:
            lines += ["  #", "  # Left to the script, which takes its own:"]
            lines += [f"  #   {name}: {why}" for name, why in self.sent.left.items()]
        return lines


def grid_block(axes: Mapping[str, Sequence[Any]], has_seed: bool) -> list[str]:
    """The likeliest axis, the others as comments."""
    first, *others = list(axes.items())[: MAX_SUGGESTIONS + 1]
    return [
        "grid:",
        "  axes:",
        noted(f"    {scalar(first[0])}: {flow(first[1])}", "every combination of all axes is trained"),
        *(f"    # {scalar(name)}: {flow(values)}" for name, values in others),
        _seeds("  repeats: 3", has_seed),
    ]


def grow_block(first: Mapping[str, int], others: Mapping[str, int], has_seed: bool) -> list[str]:
    return [
        "grow:",
        "  increments:",
        *(f"    {scalar(name)}: {amount}" for name, amount in first.items()),
        *(f"    # {scalar(name)}: {amount}" for name, amount in list(others.items())[:MAX_SUGGESTIONS]),
        _seeds("  repeats: 2", has_seed),
        *([noted("  racing: {max_repeats: 16}", "more seeds where a wrong step would cost most")] if has_seed else []),
        noted("  steps: 10", "a step raises one of them"),
    ]


def fit_block(possible: Sequence[Flag]) -> list[str]:
    first, *others = possible
    return [
        "fit:",
        noted(f"  axis: {scalar(first.name)}", "the largest that does not run out of memory"),
        *(f"  # axis: {scalar(each.name)}" for each in others[:MAX_SUGGESTIONS]),
        "  low: 1",
        f"  high: {max(1024, first.default * 64)}",
    ]


def tune_block(first: Mapping[str, Any], others: Mapping[str, Any], has_seed: bool) -> list[str]:
    """The likeliest axes, the others as comments."""
    return [
        "tune:",
        noted("  sampler: tpe", "or gp, cmaes, random, …"),
        "  space:",
        *(f"    {scalar(name)}: {flow(axis)}" for name, axis in first.items()),
        *(f"    # {scalar(name)}: {flow(axis)}" for name, axis in list(others.items())[:MAX_SUGGESTIONS]),
        noted("  settings: 50", "how many are chosen, one after another"),
        *(
            [noted("  racing: {max_repeats: 5}", "then the best ones get more seeds: the first may be luck")]
            if has_seed
            else []
        ),
    ]


def shown_command(arguments: Iterable[str]) -> str:
    """Arguments as one text; placeholders need no quotes."""
    return " ".join(each if re.fullmatch(r"[\w./{}=:+~@%,-]+", each) else shlex.quote(each) for each in arguments)


def _nested(values: Mapping[str, Any], indent: str) -> list[str]:
    lines = []
    for key, value in values.items():
        if isinstance(value, Flag):
            others = [each for each in value.choices if each != str(value.default)]
            more = ", …" if len(others) > MAX_CHOICES else ""
            note = f"or {', '.join(others[:MAX_CHOICES])}{more}" if others else ""
            lines.append(noted(f"{indent}{scalar(key)}: {flow(value.default)}", note))
        else:
            lines += [f"{indent}{scalar(key)}:", *_nested(value, f"{indent}  ")]
    return lines


def _seeds(line: str, has_seed: bool) -> str:
    if has_seed:
        return noted(line, "seeds of each setting: only they show the noise")
    return noted(f"{line.partition(':')[0]}: 1", "the script reads no seed, so repeating is of no use")
