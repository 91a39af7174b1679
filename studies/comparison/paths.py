"""The paths of growths, step by step: where they part, and what each scores at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from samplers.searches.nested import flattened
from storage.errors import UsageError
from storage.records import DecisionRow, StudyRow
from studies.comparison.matching import Difference, paired_difference, side
from studies.definition.units import Units
from studies.history.certainty import chosen_of
from studies.history.decisions import in_force
from studies.history.purpose import candidate_name
from studies.results.verdicts import VERDICT
from studies.tables.table import Cell, Column, Document, Figure, Table


@dataclass(frozen=True)
class Path:
    """One growth."""

    name: str
    units: Units
    start: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    """The chosen candidate of each round that chose one."""
    end: Mapping[str, Any]
    """Its configuration now."""


@dataclass(frozen=True)
class Paths:
    """Growths beside the first of them."""

    paths: Sequence[Path]
    direction: str

    @staticmethod
    def of(read: Sequence[tuple[StudyRow, Sequence[DecisionRow]]]) -> Paths:
        """Raises:
        UsageError: Their scores are different metrics.
        """
        first = read[0][0]
        other = next((study for study, _ in read if study.score != first.score), None)
        if other is not None:
            raise UsageError(
                f"{first.name!r} is scored by {first.score!r}, {other.name!r} by {other.score!r}", "compare"
            )
        return Paths([_path(study, decisions) for study, decisions in read], first.direction)

    def document(self) -> Document:
        """A line a step, with the choice, score and cost of each."""
        columns = [Column("step", right=True)]
        for path in self.paths:
            score = path.units.head(path.units.score) if path.units.unit(path.units.score) else "score"
            cost = path.units.head(path.units.cost or "cost")
            columns += [Column(path.name), Column(score, right=True), Column(cost, right=True, spare=1)]
        columns.append(Column("choice"))
        columns += [Column("difference", right=True), Column(VERDICT)] if len(self.paths) == 2 else []
        rows: list[list[Cell]] = []
        for number, steps in enumerate(zip_longest(*(path.steps for path in self.paths))):
            cells: list[Cell] = [str(number)]
            for step in steps:
                cells += (
                    ["–", "", ""]
                    if step is None
                    else [candidate_name(step), Figure(step["score"]), Figure(step["cost"])]
                )
            cells.append("same" if len({_choice(step) for step in steps}) == 1 else "differs")
            found = difference(*steps) if len(self.paths) == 2 else None
            if found is not None:
                cells += [Figure(found.mean, found.reach), side(found, self.direction)]
            rows.append([*cells, *[""] * (len(columns) - len(cells))])
        notes = [line for other in self.paths[1:] for line in self._notes(other)]
        return Document([Table(columns, rows)] if rows else [], notes)

    def _notes(self, other: Path) -> list[str]:
        first = self.paths[0]
        pair = f"{first.name} and {other.name}"
        same = self.shared(other)
        shorter, longer = sorted((len(first.steps), len(other.steps)))
        steps = "step" if same == 1 else f"{same:,} steps"
        if longer == 0:
            notes = [f"neither {first.name} nor {other.name} has taken a step"]
        elif shorter == 0:
            notes = [f"only one of {pair} has taken a step"]
        elif same == 0:
            notes = [f"{pair} part at the first step"]
        elif same == longer:
            notes = [f"{pair} took the same {steps}"]
        elif same == shorter:
            notes = [f"{pair} took the same first {steps}; then only one has gone on"]
        else:
            notes = [f"{pair} took the same first {steps} and part at step {same}"]
        mine, theirs = flattened(first.end), flattened(other.end)
        unlike = [name for name in dict.fromkeys((*mine, *theirs)) if mine.get(name) != theirs.get(name)]
        if unlike:
            said = ", ".join(f"{name} {mine.get(name, '–')} and {theirs.get(name, '–')}" for name in unlike)
            notes.append(f"their configurations now differ in {said}")
        return notes

    def shared(self, other: Path) -> int:
        """How many steps from the first one on are the same."""
        count = 0
        for mine, theirs in zip(self.paths[0].steps, other.steps, strict=False):
            if _choice(mine) != _choice(theirs):
                break
            count += 1
        return count

    def to_json(self) -> dict[str, Any]:
        """`compare --json`."""
        return {
            "first": self.paths[0].name,
            "paths": [
                {
                    "study": path.name,
                    "steps": [
                        {name: step[name] for name in ("param", "value", "score", "cost")} for step in path.steps
                    ],
                    "config": dict(path.end),
                    "same_steps": self.shared(path),
                }
                for path in self.paths
            ],
        }


def difference(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> Difference | None:
    """Of the scores after a step, other minus one, over common seeds; None without one."""
    if one is None or other is None:
        return None
    mine, theirs = ({seed["seed"]: seed["score"] for seed in each["seeds"]} for each in (one, other))
    common = sorted(mine.keys() & theirs.keys())
    if not common:
        return None
    return paired_difference({}, [mine[seed] for seed in common], [theirs[seed] for seed in common])


def _path(study: StudyRow, decisions: Sequence[DecisionRow]) -> Path:
    chosen = [chosen_of(row.record) for row in in_force(decisions)]
    end = decisions[-1].state["config"] if decisions else study.origin["config"]
    return Path(study.name, Units.of(study), study.origin["config"], [each for each in chosen if each is not None], end)


def _choice(step: Mapping[str, Any] | None) -> tuple[Any, ...]:
    return () if step is None else (step["param"], step["value"], step.get("dup"))
