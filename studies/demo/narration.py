"""The lines of the demonstration: one a happening."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from samplers.searches.plural import counted
from storage.program import program_name
from studies.demo.path import GrowthPath, Measured
from studies.history.counts import Counts
from studies.history.purpose import purpose

COMMANDS = (
    (
        "run grow --study lobo --laptop",
        "the same growth in your own storage: kill it as you like",
    ),
    ("studies", "the definitions that ship; each is a file to copy"),
    ('init grid --command "python train.py"', "a first definition from the flags of your own script"),
)
"""What to do next."""


def step_lines(records: Sequence[Mapping[str, Any]], printed: int) -> list[str]:
    """A line for each step after the first `printed` ones."""
    path = GrowthPath.of(records).path
    return [
        _step(number, before, after) for number, (before, after) in enumerate(pairwise(path), 1) if number > printed
    ]


def _step(number: int, before: Measured, after: Measured) -> str:
    sizes = f"{before.params:,.0f} → {after.params:,.0f} parameters"
    return f"step {number}: {after.name}: loss {before.loss:.3f} → {after.loss:.3f}, {sizes}"


def trial_name(number: int, role: Mapping[str, Any], seed: int) -> str:
    """`trial 23 (n_head → 2, seed 1338)`."""
    return f"trial {number} ({purpose(role)}, seed {seed})"


def progress_line(counts: Counts) -> str:
    """`12 trials done, 2 running`."""
    done = counts.finished
    return f"{counted(done, 'trial')} done, {counts.running} running"


def caption(found: GrowthPath, killed: Measured | None) -> str:
    """Of the picture."""
    cross = "" if killed is None else " The cross: a worker was killed in that trial, which ran again and counts once."
    return (
        f"Each dot is an enlargement that was trained; the line is the path of {len(found.path) - 1} steps that the "
        f"growth took, each the most gain for its parameters.{cross}"
    )


def next_lines() -> list[str]:
    """The next commands, each with what it is for."""
    commands = [(f"{program_name()} {words}", what) for words, what in COMMANDS]
    width = max(len(command) for command, _ in commands)
    return ["next:", *(f"  {command:<{width}}  # {what}" for command, what in commands)]
