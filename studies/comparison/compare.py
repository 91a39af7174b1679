"""`compare A B …`: studies beside the first one, over the settings and seeds that they have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.noise import mean, standard_error, t975
from samplers.searches.plural import counted
from storage.errors import UsageError, nearest
from storage.program import program_name
from storage.reader import Reader
from storage.records import DecisionRow, StudyRow, TrialRow
from storage.session import Session
from studies.comparison.matching import Difference, Matched, Outcome, matched, side
from studies.comparison.paths import Paths
from studies.definition.units import Units, plain
from studies.history.trials import in_order
from studies.results.verdicts import VERDICT
from studies.settings.grid_points import apart
from studies.settings.tuned import tuned
from studies.tables.choice import WITH_INTERVAL
from studies.tables.digits import shown
from studies.tables.printing import Printable
from studies.tables.table import Cell, Column, Document, Figure, Table

COMPARED = ("grid", "tune", "fit")
"""Searches of settings, which are matched with each other."""
MAX_UNLIKE = 8
"""Keys in which the configs differ, that are named."""


@dataclass(frozen=True)
class Beside:
    """One study beside the first one."""

    name: str
    found: Matched


@dataclass(frozen=True)
class Comparison:
    """Studies of settings beside the first of them."""

    first: str
    metric: str
    direction: str
    units: Units
    others: Sequence[Beside]

    def document(self) -> Document:
        """A line for each setting of each other study, then what did not match."""
        rows = [(beside.name, each) for beside in self.others for each in beside.found.differences]
        notes = [line for beside in self.others for line in self._notes(beside)]
        if not rows:
            return Document(notes=notes)
        several = len(self.others) > 1
        names = list(dict.fromkeys(name for _, each in rows for name in each.setting))
        second = "other" if several else self.others[0].name
        columns = [*([Column("study")] * several), *map(Column, names)]
        columns += [Column(self.first, right=True, spare=2), Column(second, right=True, spare=1)]
        head = f"difference of {self.units.head(self.metric)}{WITH_INTERVAL}"
        columns += [Column(head, right=True, key="difference")]
        columns += [Column("n", right=True), Column(VERDICT)]
        lines: list[list[Cell]] = []
        for name, each in rows:
            cells: list[Cell] = [*([name] * several), *(str(each.setting.get(key, "–")) for key in names)]
            difference = Figure(each.mean, each.reach)
            cells += [Figure(each.one), Figure(each.other), difference, Figure(each.seeds), side(each, self.direction)]
            lines.append(cells)
        return Document([Table(columns, lines)], notes)

    def _notes(self, beside: Beside) -> list[str]:
        found = beside.found
        counts = [
            (found.alone[0], f"only in {self.first}"),
            (found.alone[1], f"only in {beside.name}"),
            (found.seedless, "in both, without a seed in common"),
        ]
        apart = ", ".join(f"{count} {where}" for count, where in counts if count)
        pairs = sum(each.seeds for each in found.differences)
        matching = f"{counted(len(found.differences), 'setting')} and {counted(pairs, 'pair')} of one seed"
        said = f"{beside.name} − {self.first}: {matching}"
        lines = [f"{said}{f'; not matched: {apart}' if apart else ''}"]
        if found.disjoint:
            lines.append(f"no value in common of {', '.join(found.disjoint)}: no setting is in both studies")
        if found.unlike:
            pairs_text = [f"{name} {_value(one)} / {_value(other)}" for name, (one, other) in found.unlike.items()]
            more = len(pairs_text) - MAX_UNLIKE
            named = ", ".join(pairs_text[:MAX_UNLIKE])
            lines.append(f"they also differ in: {named}{f' and {more} more' if more > 0 else ''}")
        means = [each.mean for each in found.differences]
        error = standard_error(means)
        if error is not None and math.isfinite(error):
            whole = Difference({}, mean(means), t975(len(means) - 1) * error, len(means))
            text = shown(Figure(whole.mean, whole.reach))
            lines.append(f"over all settings: {text} (95 %, over settings): {side(whole, self.direction)}")
        return lines

    def to_json(self) -> dict[str, Any]:
        """`compare --json`."""
        return {
            "first": self.first,
            "metric": self.metric,
            "others": [
                {
                    "study": beside.name,
                    "alone": {self.first: beside.found.alone[0], beside.name: beside.found.alone[1]},
                    "without_common_seed": beside.found.seedless,
                    "also_differ": {name: list(pair) for name, pair in beside.found.unlike.items()},
                    "settings": [
                        {
                            "setting": each.setting,
                            "first": plain(each.one),
                            "other": plain(each.other),
                            "difference": plain(each.mean),
                            "half_interval": None if each.reach is None else plain(each.reach),
                            "n": each.seeds,
                            "verdict": side(each, self.direction),
                        }
                        for each in beside.found.differences
                    ],
                }
                for beside in self.others
            ],
        }


def compare(session: Session, names: Sequence[str]) -> Printable:
    """Read studies and put them beside the first one.

    Raises:
        UsageError: They cannot be compared.
    """
    if len(names) < 2:
        raise UsageError(f"needs two studies or more: {program_name()} compare A B", "compare")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice!r} is named twice", "compare")
    reader = Reader(session)
    first, *others = [reader.study(name) for name in names]
    searches = {study.search for study in (first, *others)}
    if searches == {"grow"}:
        return Paths.of([(study, reader.decisions(study.study_id)) for study in (first, *others)])
    if not searches <= set(COMPARED):
        found = ", ".join(f"{study.name} is a {study.search} study" for study in (first, *others))
        raise UsageError(f"a growth beside growths, or {', '.join(COMPARED)} beside each other; {found}", "compare")
    own = _outcomes(reader, first, first.score)
    beside = [Beside(study.name, matched(own, _outcomes(reader, study, first.score))) for study in others]
    return Comparison(first.name, first.score, first.direction, Units.of(first), beside)


def _value(value: object) -> str:
    return "–" if value is None else str(value)


def _outcomes(reader: Reader, study: StudyRow, metric: str) -> list[Outcome]:
    """Complete trials that count, in the plan's order.

    Raises:
        UsageError: None of them has the metric.
    """
    rows = _counting(study, reader.trials(study.study_id), reader.decisions(study.study_id))
    complete = [row for row in in_order(rows) if row.state == "COMPLETE"]
    known = {name for row in complete for name in row.metrics}
    if complete and metric not in known:
        raise UsageError(f"no trial of {study.name!r} returned {metric!r}{nearest(metric, known)}", "compare")
    return [Outcome(row.config, row.seed, row.metrics.get(metric, math.nan)) for row in complete]


def _counting(study: StudyRow, rows: Sequence[TrialRow], decisions: Sequence[DecisionRow]) -> Sequence[TrialRow]:
    """Without those that the search has left behind."""
    if study.search == "grid":
        return apart(rows, decisions).in_force
    if study.search == "tune":
        others = {row.trial_id for row in tuned(rows, decisions, study).others}
        return [row for row in rows if row.trial_id not in others]
    return rows
