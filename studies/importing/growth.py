"""A growth's old results become a study that goes on from its last baseline.

The old trainings are given to our own search, step by step, which takes its decisions from them as from any others. A
step after which the file goes on with another configuration, as after an override, is followed by one here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samplers.searches.growth.candidates import candidates
from samplers.searches.growth.growth import Growth
from samplers.searches.growth.settings import GrowthSettings, parse_settings
from samplers.searches.plan import Point, SearchState
from storage.errors import UsageError
from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import EndKind, StudyRow
from studies.definition.searches import current_state, search_in_force
from studies.importing.growth_file import GrowthFile, Step
from studies.importing.matching import Result
from studies.importing.settling import Settling
from studies.lifecycle.change import record_override

MAX_NAMES = 5
"""Differences that a message names."""


def check_start(search: Growth, file: GrowthFile, where: str) -> None:
    """Whether the file grew from where the study begins.

    Raises:
        UsageError: It did not.
    """
    missing = [name for name in search.settings.increments if name not in file.config]
    if missing:
        raise UsageError(f"its baseline_config has no {missing[0]!r}, which the definition grows", where)
    other = _differences(search.config, file.config)
    if other:
        names = "; ".join(f"{name} is {was!r}, the definition's {ours!r}" for name, (ours, was) in other.items())
        raise UsageError(f"its baseline_config differs: {names}", where)


class GrowthImport:
    """One file into one study."""

    def __init__(self, settling: Settling, study: StudyRow, file: GrowthFile, source: str) -> None:
        self.settling, self.study, self.file, self.source = settling, study, file, source
        self.ledger: Ledger = settling.ledger
        self.unfit: list[str] = []
        self.notes: list[str] = []

    def run(self) -> None:
        """Give the study each step's results, as far as they lead."""
        for index, step in enumerate(self.file.steps):
            state = self._state
            if state["step"] == index:
                self.settling.settle(self._results(state, step, index))
                done = self.settling.advance()
                state = self._state
                if state["step"] == index:
                    self._stopped(step, index, None if done is None else done.kind)
                    return
            if state["step"] == index + 1 and step.after is not None:
                self._follow(state, step)
        if not self.file.steps:
            self.settling.settle(self._baseline(self._state, self.file.baseline, "iteration -1"))
        elif self._state["step"] == len(self.file.steps):
            last = self.file.steps[-1]
            self.settling.settle(self._baseline(self._state, last.baseline, last.where))

    @property
    def _state(self) -> SearchState:
        return current_state(self.ledger, self.study)

    def _settings(self, state: SearchState) -> GrowthSettings:
        return parse_settings(state["grow"], state["config"], f"study {self.study.name}")

    def _results(self, state: SearchState, step: Step, index: int) -> dict[str, Result]:
        """A step's results by the hashes of our points: its baseline's and its candidates'."""
        before = self.file.steps[index - 1] if index else None
        given = self.file.baseline if before is None else before.baseline
        found = self._baseline(state, given, "iteration -1" if before is None else before.where)
        settings = self._settings(state)
        most = max(settings.repeats, settings.max_repeats or 0)
        ours = list(candidates(state["config"], settings))
        for each in step.candidates:
            name = f"{step.where}, {each.param} → {each.value}"
            same = [c for c in ours if c.param == each.param and c.value == each.value]
            same = [c for c in same if len(same) == 1 or c.copied == each.copied]
            if not same:
                self.unfit.append(f"{name}: no candidate of this growth there: see grow.increments and grow.multiples")
                continue
            for seed, metrics in each.seeds.items():
                where = f"{name}, seed {seed}"
                if not settings.seed <= seed < settings.seed + most:
                    last = settings.seed + most - 1
                    self.unfit.append(
                        f"{where}: the study's seeds are {settings.seed} … {last}: see grow.seed, grow.repeats"
                    )
                    continue
                self._add(found, Point(same[0].config, seed), metrics, where)
        return found

    def _baseline(self, state: SearchState, metrics: Mapping[str, float], where: str) -> dict[str, Result]:
        """The baseline's points that have no results yet; the file has their mean alone."""
        settings = self._settings(state)
        points = [Point(state["config"], settings.seed + each) for each in range(settings.repeats)]
        known = self.ledger.results([point.hash for point in points])
        over = [each.hash for each in known.values() if each.state not in ("WAITING", "RUNNING")]
        found: dict[str, Result] = {}
        new = [point for point in points if point.hash not in over]
        for point in new if metrics else ():
            many = f"baseline, the mean over {settings.repeats} seeds" if settings.repeats > 1 else "baseline"
            self._add(found, point, metrics, f"{where}, {many}")
        if len(found) > 1:
            self.notes.append(
                f"{where}: each of {len(found)} seeds of the baseline has their mean: the file has no more"
            )
        return found

    def _add(self, found: dict[str, Result], point: Point, given: Mapping[str, float], where: str) -> None:
        study = self.study
        metrics = dict(given)
        theirs = "loss" if study.direction == "minimize" else "score"
        if study.score not in metrics and theirs in metrics:
            metrics[study.score] = metrics[theirs]
        missing = [name for name in filter(None, (study.score, study.cost)) if name not in metrics]
        if missing:
            self.unfit.append(f"{where}: the file has no {missing[0]}")
            return
        found[point.hash] = Result(f"{self.source}, {where}", metrics)

    def _follow(self, state: SearchState, step: Step) -> None:
        """Go on with the file's configuration, where it is another one; once."""
        assert step.after is not None
        other = {name: theirs for name, (_, theirs) in _differences(state["config"], step.after, None).items()}
        with self.ledger.planning():
            last = self.ledger.last_decision()
            if not other or last is None or last[1]["step"] != state["step"] or self._is_overridden(last[0]):
                return
            search = search_in_force(self.study)
            record_override(self.ledger, search, last[1], {"config": other})
        values = ", ".join(f"{name}={value}" for name, value in list(other.items())[:MAX_NAMES])
        self.notes.append(f"{step.where}: the file goes on with {values}, unlike this search: overridden")

    def _is_overridden(self, number: int) -> bool:
        return any(row.kind == "override" for row in Reader(self.ledger.session).decisions(self.study.study_id, number))

    def _stopped(self, step: Step, index: int, kind: EndKind | None) -> None:
        """Why the file leads no further."""
        later = len(self.file.steps) - index - 1
        if kind is EndKind.STEPS:
            self.notes.append(
                f"{step.where}: the study has taken all its steps: `run --steps N` adds more, then import again"
            )
        elif step.after is not None or later:
            self.notes.append(
                f"{step.where}: some of its trials are not in the file"
                + (f"; {later} later iterations wait" if later else "")
                + ": `run` them, then import again"
            )


def _differences(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], most: int | None = MAX_NAMES
) -> dict[str, tuple[Any, Any]]:
    """Values of names that both have, where they differ: 1 and 1.0 do not."""
    names = [name for name in ours if name in theirs and ours[name] != theirs[name]]
    return {name: (ours[name], theirs[name]) for name in names[:most]}
