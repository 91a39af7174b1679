"""The protocol of every search: a point to evaluate, the result of a point, and the step that comes next.

A search is a pure function: `advance(state, results)` with the state after the last decision and the results
of the points it asked for. It keeps nothing, draws no random numbers and reads no clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from storage.records import EndKind

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

MAX_SEED = 2**31 - 1
"""Of every search, so that a seed is the same number to Optuna, numpy and torch."""

Config = Mapping[str, Any]
"""A configuration: JSON values by name, without the seed."""

SearchState = Mapping[str, Any]
"""What a search passes from one decision to the next: JSON values only, written to the database as they are."""


RULES_SINCE_04 = ("rule", "noise", "nested")
"""Names in a state that came with version 0.4. Without the first two, a growth's races are decided by t tests as in
0.3; without the last, a depth search writes `model.depth` as a key with a dot."""


@dataclass(frozen=True)
class Point:
    """One full assignment: everything that an objective receives. Unique in its study by `hash`."""

    config: Config
    seed: int
    params: Mapping[str, Any] = field(default_factory=dict)
    """The trial's parameters in Optuna: the varied names (dotted or indexed) and `seed`."""
    role: Mapping[str, Any] = field(default_factory=dict)
    """The point's purpose, for people: {"role": "candidate", "param": "n_head", "value": 2}."""

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the configuration and the seed, in hexadecimal; the order of keys does not matter."""
        text = json.dumps({"config": self.config, "seed": self.seed}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


WAS_PRUNED = "was pruned"
"""In the reason of a growth's candidate that the pruner gave up: a decision's record has no other place for it."""


@dataclass(frozen=True)
class Result:
    """The end of a point. `metrics` is empty unless the state is COMPLETE."""

    trial: int
    state: Literal["COMPLETE", "PRUNED", "FAIL"]
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    outcome: str | None = None
    """The outcome of the last attempt, in objectives/outcome.py's words (`out_of_memory`, `timed_out`, …); None if the
    point never ran because its objective refused it or it was withdrawn."""
    refused: bool = False
    """Whether its objective refused it."""
    last_report: tuple[int, float] | None = None
    """Of a pruned point: the last step that it reported a score at, and the score."""

    @property
    def failure(self) -> str | None:
        """`trial 3 was pruned: …`, `trial 3 failed: …`; None if it completed."""
        if self.state == "COMPLETE":
            return None
        end = WAS_PRUNED if self.state == "PRUNED" else "failed"
        return f"trial {self.trial} {end}: {self.reason or 'no reason kept'}"


Results = Mapping[str, Result]
"""Finished points by hash."""


@dataclass(frozen=True)
class Need:
    """The points that have to finish before the search can go on; none of them is in the results."""

    points: tuple[Point, ...]
    why: str
    """One line for people: `step 3: 7 candidates`."""
    settled: bool = False
    """Whether nothing is planned: the search asks for what is known of these points once no point of the study waits or
    runs any more. Points that were refused stay without a result."""


@dataclass(frozen=True)
class Decision:
    """A choice and the state after it. `record` holds the whole table that the choice was made from."""

    kind: str
    """`chosen`, `stalled`, `override`, …: each search has its own kinds."""
    record: Mapping[str, Any]
    state: SearchState
    points: tuple[Point, ...] = ()
    """A batch to plan with the decision, as a grid has. The search does not wait for its results: the next decision is
    asked for once the queue is empty. Points that the objective refuses are left out and listed in the record under
    `refused`."""


@dataclass(frozen=True)
class Done:
    """The end of the search: its answer, or why it cannot go on; its kind says which."""

    reason: str
    kind: EndKind = EndKind.ANSWERED
    waits: bool = False
    """Whether the end is reached only when no point of the study waits or runs any more."""

    @property
    def failed(self) -> bool:
        return self.kind is EndKind.FAILED

    def with_failures(self, failed: int, completed: int) -> Done:
        """The end of a search that read no results: it names the failed trials, and has failed if none completed."""
        if not failed:
            return self
        kind = self.kind if completed else EndKind.FAILED
        return replace(self, reason=f"{self.reason}; {failed} trial{'s' * (failed != 1)} failed", kind=kind)


def merged(block: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A search's block with changes; a key that becomes null is removed."""
    return {name: value for name, value in {**block, **changes}.items() if value is not None}


class Search(Protocol):
    """The interface that the engine calls. Implementations are frozen dataclasses made from a definition."""

    def start(self) -> SearchState:
        """The state before the first decision."""

    def advance(self, state: SearchState, results: Results) -> Need | Decision | Done:
        """The next step. The same arguments give the same step, on any machine."""

    def outlook(self, state: SearchState) -> Iterable[Point]:
        """Points that are known ahead, finished or not: a dry run shows them, and an override leaves them waiting."""

    def override(self, state: SearchState, changes: Mapping[str, Any]) -> Decision:
        """The decision, of kind `override`, that puts `changes` (`{"config": …}`) into effect from here on."""

    def distributions(self, params: Mapping[str, Any]) -> Mapping[str, BaseDistribution]:
        """Optuna's distribution of each parameter: the same for the same name throughout a study."""


class Past(Protocol):
    """What a search knows of its earlier decisions beyond its state."""

    def add(self, kind: str, record: Mapping[str, Any]) -> None:
        """Take in the record of the next decision in force. Records come in order, each once, as JSON keeps them."""


P = TypeVar("P", bound=Past)


class RecallingSearch(Protocol[P]):
    """A search whose next step depends on all that it chose before, which is too much for a state.

    The records of the decisions in force hold it. The caller folds them into a past, and asks the search that has it:

        past = search.past()
        for decision in decisions_in_force:
            past.add(decision.kind, decision.record)
        step = search.with_past(past).advance(state, results)

    `advance` changes nothing in the past. The caller adds the record of a decision once it stands in the ledger, so
    that a process which goes on planning folds one record a decision, and any other process all of them once. Where
    decisions are set aside, the past is begun again.
    """

    def past(self) -> P:
        """The past before the first decision."""

    def with_past(self, past: P) -> Search:
        """The search after these decisions."""
