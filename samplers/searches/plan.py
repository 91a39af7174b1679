"""The words that every search speaks: a point to evaluate, what became of it, and what a search says next.

A search is a pure function: `advance(state, results)` with the state after the last decision and the results
of the points it asked for. It keeps nothing, draws no random numbers and looks at no clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

from storage.records import EndKind

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

MAX_SEED = 2**31 - 1

Config = Mapping[str, Any]
"""A configuration: JSON values by name, without the seed."""

State = Mapping[str, Any]
"""What a search carries from one decision to the next: JSON values only, written to the database as they are."""


@dataclass(frozen=True)
class Point:
    """One full assignment: everything an objective is given. Unique in its study by `hash`."""

    config: Config
    seed: int
    params: Mapping[str, Any] = field(default_factory=dict)
    """What Optuna shows as this trial's parameters: the varied names (dotted or indexed) and `seed`."""
    role: Mapping[str, Any] = field(default_factory=dict)
    """What the search wanted it for, for people: {"role": "candidate", "param": "n_head", "value": 2}."""

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the configuration and the seed, in hexadecimal; the order of keys does not matter."""
        text = json.dumps({"config": self.config, "seed": self.seed}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Result:
    """What became of a point that has finished. `metrics` is empty unless the state is COMPLETE."""

    trial: int
    state: Literal["COMPLETE", "PRUNED", "FAIL"]
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    outcome: str | None = None
    """How its last attempt ended, in objectives/outcome.py's words (`out_of_memory`, `timed_out`, …); None if it never
    ran: refused by its objective, or withdrawn."""
    refused: bool = False
    """Whether its objective refused it: it never ran."""


Results = Mapping[str, Result]
"""Finished points by hash. A hash that is missing is not finished, or not planned."""


@dataclass(frozen=True)
class Need:
    """These points have to finish before the search can go on. Only points missing from the results."""

    points: tuple[Point, ...]
    why: str
    """One line for people: `step 3: 7 candidates`."""


@dataclass(frozen=True)
class Decision:
    """A choice and the state after it. `record` holds the whole table that it was made from."""

    kind: str
    """`chosen`, `stalled`, `override`, …: the search's own words."""
    record: Mapping[str, Any]
    state: State
    points: tuple[Point, ...] = ()
    """A batch to plan with it that nobody waits for: a grid's. The next decision is asked for once the queue is empty.
    Points that the objective refuses are left out, and named in the record under `refused`."""


@dataclass(frozen=True)
class Done:
    """The search has its answer, or cannot go on: its kind says which."""

    reason: str
    kind: EndKind = EndKind.ANSWERED
    waits: bool = False
    """Only once no point of the study waits or runs any more."""

    @property
    def failed(self) -> bool:
        return self.kind is EndKind.FAILED


def merged(block: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A search's block with changes to it; what becomes null is taken out."""
    return {name: value for name, value in {**block, **changes}.items() if value is not None}


class Search(Protocol):
    """What the engine asks of a search. Implementations are frozen dataclasses made from a definition."""

    def start(self) -> State:
        """The state before the first decision."""

    def advance(self, state: State, results: Results) -> Need | Decision | Done:
        """The next thing to do. The same arguments give the same answer, on any machine."""

    def outlook(self, state: State) -> Iterable[Point]:
        """Points that can be told ahead, finished or not: what a dry run shows, and what an override leaves waiting."""

    def override(self, state: State, changes: Mapping[str, Any]) -> Decision:
        """The decision, of kind `override`, that puts `changes` (`{"config": …}`) into effect from here on."""

    def distributions(self, params: Mapping[str, Any]) -> Mapping[str, BaseDistribution]:
        """Optuna's distribution of each parameter: the same for the same name throughout a study."""
