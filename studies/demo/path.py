"""What the demonstration's growth measured: the loss of every candidate at its size, and the steps that were taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.noise import mean
from studies.history.purpose import candidate_name

LOSS = "val_loss"


@dataclass(frozen=True)
class Measured:
    """A configuration: its size and its loss, a mean over its seeds."""

    name: str
    """`start`, or the step that leads to it."""
    kind: str
    """The parameter that the step raises; empty at the start."""
    params: float
    loss: float


@dataclass(frozen=True)
class GrowthPath:
    """All that was measured."""

    path: Sequence[Measured]
    """The start, then each step that was taken."""
    others: Sequence[Measured]
    """Candidates that were not chosen."""

    @staticmethod
    def of(records: Sequence[Mapping[str, Any]]) -> GrowthPath:
        """Of the records of a growth's decisions, in their order."""
        path: list[Measured] = []
        others: list[Measured] = []
        for record in records:
            if not path:
                path.append(_measured("start", "", record["baseline"]))
            for row in record["candidates"]:
                if any(LOSS in seed["metrics"] for seed in row["seeds"]):
                    (path if row["chosen"] else others).append(_measured(candidate_name(row), row["param"], row))
        return GrowthPath(path, others)

    @property
    def kinds(self) -> list[str]:
        """The parameters that steps raised, each once."""
        return list(dict.fromkeys(step.kind for step in self.path[1:]))


def _measured(name: str, kind: str, row: Mapping[str, Any]) -> Measured:
    losses = [seed["metrics"][LOSS] for seed in row["seeds"] if LOSS in seed["metrics"]]
    return Measured(name, kind, row["cost"], mean(losses))
