"""What a report is made from: everything of one study, read once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from storage.reader import Reader
from storage.records import DecisionRow, ReportRow, StudyRow, TrialRow
from storage.session import Session
from studies.figures.labels import shortened
from studies.figures.paired import Outcome
from studies.figures.picture import Picture
from studies.figures.series import Run
from studies.figures.study import pictures_of
from studies.history.counts import Counts
from studies.history.purpose import purpose, setting_name
from studies.history.state import Standing, standing_of
from studies.history.trials import in_order
from studies.results.grid_cells import ranking
from studies.results.growth_path import Measured, Stretch, longest, stretches
from studies.results.show import Shown

COSTS = ("params", "flops", "vram", "peak_memory", "iter", "cumulative_time")
"""Metrics that are costs wherever they are returned; a study's own cost comes before them."""
LOSSES = ("val_loss", "loss", "train_loss")
GROUPS = 5
"""Settings, or places of a path, whose series are drawn."""
AXES = {
    "step": ("step",),
    "tokens": ("tokens", "tokens_seen", "num_tokens"),
    "epoch": ("epoch",),
    "seconds": ("cumulative_time", "time", "seconds"),
}
"""What series are drawn over, each by the first name under which it was reported."""


@dataclass(frozen=True)
class Trial:
    """One finished trial with its metrics."""

    number: int
    config: Mapping[str, Any]
    seed: int
    metrics: Mapping[str, float]
    label: str


@dataclass(frozen=True)
class Facts:
    """One study as it stood when it was read."""

    study: StudyRow
    points: Sequence[TrialRow]
    decisions: Sequence[DecisionRow]
    reports: Sequence[ReportRow]
    """Of the trials that series are drawn of."""
    alive: bool = False
    """Whether a worker of it lived."""

    @staticmethod
    def read(session: Session, study: StudyRow) -> Facts:
        reader = Reader(session)
        bare = Facts(study, reader.trials(study.study_id), reader.decisions(study.study_id), ())
        numbers = [number for _, trials in bare.groups for number in trials]
        reports = reader.reports(study.study_id, numbers) if numbers else []
        alive = reader.living_workers(study.study_id) > 0
        return Facts(study, bare.points, bare.decisions, reports, alive)

    @property
    def name(self) -> str:
        return self.study.name

    @property
    def score(self) -> str:
        return str(self.study.origin["score"]["metric"])

    @property
    def maximizes(self) -> bool:
        return bool(self.study.origin["score"]["direction"] == "maximize")

    @property
    def cost(self) -> str | None:
        """Its own, as the definition names it."""
        return self.study.origin.get("cost")

    @cached_property
    def trials(self) -> list[Trial]:
        """Those that are complete and stand."""
        return [
            Trial(row.number, row.config, row.seed, row.metrics, purpose(row.role))
            for row in self.points
            if row.state == "COMPLETE" and not row.retired
        ]

    @cached_property
    def costs(self) -> list[str]:
        """Metrics that are costs, of which the trials have more than one value."""
        names = dict.fromkeys([*([self.cost] if self.cost else []), *COSTS])
        known = {name: {trial.metrics[name] for trial in self.trials if name in trial.metrics} for name in names}
        if known.get("vram"):
            known["peak_memory"] = set()  # the same on CUDA
        return [name for name in names if name != self.score and len(list(filter(math.isfinite, known[name]))) > 1]

    @cached_property
    def loss(self) -> str | None:
        """A loss beside the score."""
        known = {name for trial in self.trials for name in trial.metrics}
        return next((name for name in LOSSES if name in known and name != self.score), None)

    @cached_property
    def stretches(self) -> list[Stretch]:
        """The path of a growth; of another study, none."""
        return stretches(self.study.origin["config"], self.decisions) if self.study.search == "grow" else []

    @cached_property
    def stretch(self) -> Stretch:
        """The longest along which scores can be compared."""
        return longest(self.stretches)

    @cached_property
    def groups(self) -> list[tuple[str, Sequence[int]]]:
        """Settings whose series are drawn, the best last: places of the path, or the best settings of a grid."""
        if self.study.search == "grow":
            places = [place for each in self.stretches for place in each.places]
            step = max(1, math.ceil((len(places) - 1) / (GROUPS - 1))) if len(places) > 1 else 1
            kept = sorted({*range(0, len(places), step), len(places) - 1}) if places else []
            return [(f"{number}: {shortened(places[number].label, 24)}", places[number].trials) for number in kept]
        if self.study.search == "grid":
            best = ranking(self.points, self.score, "maximize" if self.maximizes else "minimize").scored[:GROUPS]
            return [
                (shortened(setting_name(cell.setting)), [row.number for row in cell.rows]) for cell in reversed(best)
            ]
        return []

    def runs(self, metric: str, axis: str, only: str | None = None, name: str | None = None) -> list[Run]:
        """Series of one metric over one of `AXES`; of the group `only` alone, under another name, if that is asked."""
        group_of = {number: group for group, trials in self.groups for number in trials}
        series: dict[int, list[tuple[float, float]]] = {}
        for row in self.reports:
            told_ = {"step": float(row.step), **row.metrics}
            x = next((told_[each] for each in AXES[axis] if each in told_), math.nan)
            if metric in told_ and row.number in group_of:
                series.setdefault(row.number, []).append((x, told_[metric]))
        return [
            Run(name or group_of[number], [x for x, _ in pairs], [y for _, y in pairs])
            for number, pairs in series.items()
            if only is None or group_of[number] == only
        ]

    @property
    def reported(self) -> str | None:
        """What series show: the score, or else a loss; None where neither was reported."""
        names = {name for row in self.reports for name in row.metrics}
        return next((each for each in (self.score, *LOSSES) if each in names), None)

    @cached_property
    def measured(self) -> list[Measured]:
        """Every configuration with its means over seeds, of any study but a growth."""
        cells: dict[str, list[Trial]] = {}
        for trial in self.trials:
            cells.setdefault(json.dumps(trial.config, sort_keys=True), []).append(trial)
        return [_mean(each, self.score, self.cost) for each in cells.values()]

    def outcomes(self) -> list[Outcome]:
        """Trials as a comparison pairs them: a retry in place of what it stands in for."""
        return [
            Outcome(row.config, row.seed, row.metrics.get(self.score, math.nan))
            for row in in_order(self.points)
            if row.state == "COMPLETE"
        ]

    def pictures(self) -> list[Picture]:
        """The figures that the dashboard shows too."""
        shown = Shown(self.study, self.points, self.decisions).to_json()
        return pictures_of(self.study, shown, self.points)

    @property
    def counts(self) -> Counts:
        """Trials by state."""
        return Counts.of_trials(self.points)

    @property
    def standing(self) -> Standing:
        """Where the study stood."""
        return standing_of(self.study, self.counts.begun, self.counts.running, self.alive)


def _mean(trials: Sequence[Trial], score: str, cost: str | None) -> Measured:
    names = [name for name in trials[0].metrics if all(name in each.metrics for each in trials)]
    means = {name: sum(each.metrics[name] for each in trials) / len(trials) for name in names}
    return Measured(
        trials[0].label,
        trials[0].config,
        means.get(score, math.nan),
        means.get(cost or "", math.nan),
        means,
        [each.number for each in trials],
    )
