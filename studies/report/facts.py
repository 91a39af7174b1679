"""Everything that a report needs of one study, read once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from storage.reader import Reader
from storage.records import DecisionRow, ReportRow, StudyRow, TrialRow
from storage.session import Session
from studies.comparison.matching import Outcome
from studies.figures.axes import text_of, varied
from studies.figures.labels import shortened
from studies.figures.picture import Picture
from studies.figures.series import Run
from studies.figures.study import pictures_of
from studies.history.counts import Counts
from studies.history.purpose import purpose, setting_name
from studies.history.state import Standing, standing_of
from studies.history.trials import in_order
from studies.results.growth_path import Measured, Stretch, longest, stretches
from studies.results.show import Shown
from studies.settings.grid_cells import ranking
from studies.settings.importance import Importance, importance_of

COST_METRICS = ("params", "flops", "vram", "peak_memory", "iter", "cumulative_time")
"""Metrics that are costs in every study; a study's own cost comes before them."""
LOSSES = ("val_loss", "loss", "train_loss")
MAX_GROUPS = 5
"""Settings, or places of a path, whose series are drawn."""
AXES = {
    "step": ("step",),
    "tokens": ("tokens", "tokens_seen", "num_tokens"),
    "epoch": ("epoch",),
    "seconds": ("cumulative_time", "time", "seconds"),
}
"""The x axes of series; each is read from the first of its names that was reported."""


@dataclass(frozen=True)
class Facts:
    """One study as it stood when it was read."""

    study: StudyRow
    points: Sequence[TrialRow]
    decisions: Sequence[DecisionRow]
    reports: Sequence[ReportRow]
    """Of the trials whose series are drawn."""
    alive: bool
    """Whether a worker of the study was alive."""

    @staticmethod
    def read(session: Session, study: StudyRow) -> Facts:
        reader = Reader(session)
        bare = Facts(study, reader.trials(study.study_id), reader.decisions(study.study_id), (), False)
        numbers = [number for _, trials in bare.groups for number in trials]
        reports = reader.reports(study.study_id, numbers) if numbers else []
        return replace(bare, reports=reports, alive=reader.living_workers(study.study_id) > 0)

    @cached_property
    def trials(self) -> list[TrialRow]:
        """Complete trials that are not retired."""
        return [row for row in self.points if row.state == "COMPLETE" and not row.retired]

    @cached_property
    def costs(self) -> list[str]:
        """Metrics that are costs and have more than one value."""
        names = dict.fromkeys(filter(None, (self.study.cost, *COST_METRICS)))
        known = {name: {trial.metrics[name] for trial in self.trials if name in trial.metrics} for name in names}
        if known.get("vram"):
            known["peak_memory"] = set()  # the same on CUDA
        known[self.study.score] = set()
        return [name for name in names if sum(map(math.isfinite, known[name])) > 1]

    @cached_property
    def loss(self) -> str | None:
        """A loss beside the score."""
        known = {name for trial in self.trials for name in trial.metrics}
        return next((name for name in LOSSES if name in known and name != self.study.score), None)

    @cached_property
    def stretches(self) -> list[Stretch]:
        """The path of a growth; of another search, none."""
        return stretches(self.study.origin["config"], self.decisions) if self.study.search == "grow" else []

    @cached_property
    def stretch(self) -> Stretch:
        """The longest along which scores can be compared."""
        return longest(self.stretches)

    @cached_property
    def groups(self) -> list[tuple[str, Sequence[int]]]:
        """Trial numbers by setting, the best last: places of the path, or the best settings of a grid."""
        if self.study.search == "grow":
            places = [place for each in self.stretches for place in each.places]
            step = max(1, math.ceil((len(places) - 1) / (MAX_GROUPS - 1))) if len(places) > 1 else 1
            kept = sorted({*range(0, len(places), step), len(places) - 1}) if places else []
            return [(f"{number}: {shortened(places[number].label, 24)}", places[number].trials) for number in kept]
        if self.study.search == "tune":
            rows = [row for row in self.shown["results"] if row["mean"] is not None][:MAX_GROUPS]
            return [(f"setting {row['number']}", row["trials"]) for row in rows[::-1]]
        if self.study.search == "grid":
            best = ranking(self.points, self.study.score, self.study.direction).scored[:MAX_GROUPS]
            names = self.axes
            return [(_values_text(each.setting, names), [row.number for row in each.rows]) for each in best[::-1]]
        return []

    @property
    def axes(self) -> list[str]:
        """Of a grid, the axes that vary: the names of its groups are their values."""
        return varied(self.shown["results"]) if self.study.search == "grid" else []

    def runs(self, metric: str, axis: str, only: str | None = None, name: str | None = None) -> list[Run]:
        """Series of one metric over one of `AXES`; with `only`, those of one group, under another name."""
        group_of = {number: group for group, trials in self.groups for number in trials}
        series: dict[int, list[tuple[float, float]]] = {}
        for row in self.reports:
            values = {"step": float(row.step), **row.metrics}
            x = next((values[each] for each in AXES[axis] if each in values), math.nan)
            if metric in values and row.number in group_of:
                series.setdefault(row.number, []).append((x, values[metric]))
        return [
            Run(name or group_of[number], [x for x, _ in pairs], [y for _, y in pairs])
            for number, pairs in series.items()
            if only is None or group_of[number] == only
        ]

    @property
    def reported(self) -> str | None:
        """The metric of series: the score, else a loss; None if neither was reported."""
        names = {name for row in self.reports for name in row.metrics}
        return next((each for each in (self.study.score, *LOSSES) if each in names), None)

    @cached_property
    def measured(self) -> list[Measured]:
        """Every configuration with its means over seeds."""
        cells: dict[str, list[TrialRow]] = {}
        for trial in self.trials:
            cells.setdefault(json.dumps(trial.config, sort_keys=True), []).append(trial)
        return [_mean(each, self.study.score, self.study.cost) for each in cells.values()]

    def outcomes(self) -> list[Outcome]:
        """Complete trials in the plan's order, each retry in the place of its original: pairs of a comparison."""
        return [
            Outcome(row.config, row.seed, row.metrics.get(self.study.score, math.nan))
            for row in in_order(self.points)
            if row.state == "COMPLETE"
        ]

    @cached_property
    def results(self) -> Shown:
        """What `show` prints."""
        return Shown(self.study, self.points, self.decisions)

    @cached_property
    def shown(self) -> Mapping[str, Any]:
        """`show --json`."""
        return self.results.to_json()

    @cached_property
    def importance(self) -> Importance:
        """How much each axis of a tune matters; of another search, empty."""
        return importance_of(self.study, self.decisions)

    def pictures(self) -> list[Picture]:
        """The figures that the dashboard shows too."""
        return pictures_of(self.study, self.shown, self.points)

    @property
    def counts(self) -> Counts:
        """Trials by state."""
        return Counts.of_trials(self.points)

    @property
    def standing(self) -> Standing:
        """The state of the study."""
        counts = self.counts
        return standing_of(self.study, counts.begun, counts.running, self.alive)


def _values_text(setting: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(text_of(setting.get(name)) for name in names) or setting_name(setting)


def _mean(trials: Sequence[TrialRow], score: str, cost: str | None) -> Measured:
    names = [name for name in trials[0].metrics if all(name in each.metrics for each in trials)]
    means = {name: sum(each.metrics[name] for each in trials) / len(trials) for name in names}
    own = (means.get(score, math.nan), means.get(cost or "", math.nan))
    return Measured(purpose(trials[0].role), trials[0].config, *own, means, [each.number for each in trials])
