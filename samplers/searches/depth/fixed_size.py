"""The search of one fixed size: a width whose number of layers is wanted, or a depth whose width is.

It folds closest.py over the results, one stage after the other, and turns the answers into rows of the record. The keys
and texts of a row are stored in every study and derived again by `replay`: they never change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.depth.closed_form import ClosedForm
from samplers.searches.depth.closest import Answer, Fall, closest
from samplers.searches.depth.settings import DepthSettings
from samplers.searches.nested import with_named
from samplers.searches.plan import Config, Point, Result, Results

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Missing:
    """Points that have to finish before there is an answer."""

    points: Sequence[Point]


@dataclass(frozen=True)
class Answered:
    """A row for each target."""

    rows: Sequence[Row]


@dataclass(frozen=True)
class FixedSizeSearch:
    """One width (with `solve: width`, one depth) and all targets."""

    metric: str
    settings: DepthSettings
    config: Config
    fixed: int
    uniform: bool
    predicts: bool = True
    """Whether the closed form says something of the count: it is of parameters alone."""
    nested: bool = False
    """Whether `model.depth` is `depth` inside `model`; in studies of before version 0.4 it is a key with a dot."""

    def solve(self, results: Results) -> Missing | Answered:
        """The points that are missing, or the rows. The same counts are asked for, whichever came early.

        >>> from samplers.searches.depth.settings import parse_settings
        >>> settings = parse_settings({"targets": 70, "widths": 8, "max_layers": 9}, "example")
        >>> search, results = FixedSizeSearch("params", settings, {}, 8, uniform=False), {}
        >>> while isinstance(step := search.solve(results), Missing):
        ...     print("count", [point.config["n_layer"] for point in step.points])
        ...     for point in step.points:
        ...         layers = point.config["n_layer"]
        ...         results[point.hash] = Result(layers, "COMPLETE", {"params": 10.0 * layers + 3})
        count [4, 9]
        count [6]
        count [7]
        >>> [(row["layers"], row["params"], row["reached"]) for row in step.rows]
        [(7, 73, True)]
        """
        search = closest(self.settings.targets, self.settings.last, self.uniform)
        indices: Sequence[int] = next(search)
        known: dict[int, int] = {}
        while True:
            points = {index: self._point(index) for index in indices}
            missing = [point for point in points.values() if point.hash not in results]
            if missing:
                return Missing(missing)
            for index, point in points.items():
                count = self._count(results[point.hash])
                if isinstance(count, str):
                    return self._unanswered(count, len(known))
                known[index] = count
            try:
                indices = search.send({index: known[index] for index in indices})
            except StopIteration as end:
                return self._answered(end.value, known, results)

    def _answered(
        self, answers: Sequence[Answer] | Fall, known: Mapping[int, int], results: Results
    ) -> Missing | Answered:
        """The rows of closest.py's answers; with `verify`, each distinct answer inside the range is first trained."""
        if isinstance(answers, Fall):
            earlier, later = (self.settings.value(index) for index in (answers.earlier, answers.later))
            counts = f"{known[answers.earlier]:,} at {earlier}, {known[answers.later]:,} at {later}"
            return self._unanswered(f"counts do not grow with {self.settings.solve}: {counts}", len(known))
        rows = [
            self._row(target, answer, answer.index in known, len(known))
            for target, answer in zip(self.settings.targets, answers, strict=True)
        ]
        if self.settings.verify is None:
            return Answered(rows)
        checks = {answer.index: self._point(answer.index, verify=True) for answer in answers if not answer.beyond}
        missing = [point for point in checks.values() if point.hash not in results]
        if missing:
            return Missing(missing)
        verified = {index: _verification(results[point.hash]) for index, point in checks.items()}
        return Answered(
            [
                {**row, "verify": None if answer.beyond else verified[answer.index]}
                for row, answer in zip(rows, answers, strict=True)
            ]
        )

    def _point(self, index: int, verify: bool = False) -> Point:
        layers, width = self.settings.shape(self.fixed, index)
        names = self.settings.names
        sizes = {names["layers"]: layers, names["width"]: width, names["heads"]: self.settings.num_heads}
        config = dict(self.config)
        for name, value in sizes.items():
            if name is not None:
                config = with_named(config, name, value) if self.nested else {**config, name: value}
        if verify:
            config |= {**(self.settings.verify or {}), "verify": True}
        varied, value, other = ("layers", layers, "width")
        if self.settings.solve == "width":
            varied, value, other = ("width", width, "layers")
        role = {"role": "verify" if verify else "count", "param": names[varied], "value": value, other: self.fixed}
        return Point(config, 0, {str(names["layers"]): layers, str(names["width"]): width}, role)

    def _count(self, result: Result) -> int | str:
        """The count, or why there is none."""
        if result.failure is not None:
            return result.failure
        count = result.metrics.get(self.metric)
        if count is None:
            return f"trial {result.trial} returned no metric {self.metric!r}"
        if count != count or not 0 <= count < float("inf") or count != int(count):
            what = "a number of parameters" if self.predicts else "a whole number from 0 on"
            return f"trial {result.trial} returned {self.metric} {count}: not {what}"
        return int(count)

    def _row(self, target: int, answer: Answer, counted: bool, counts: int) -> dict[str, Any]:
        """`counts` is the number of counts for all targets of this size. `counted` says whether the answer itself was
        counted, rather than derived from a line."""
        layers, width = self.settings.shape(self.fixed, answer.index)
        form = self._form
        return {
            "target": target,
            "width": width,
            "layers": layers,
            **self._named(answer.count),
            "difference": answer.count - target,
            "percent": abs(answer.count - target) / target * 100,
            "reached": not answer.beyond,
            "reason": self._out_of_reach(answer) if answer.beyond else None,
            "counts": counts,
            "counted": counted,
            "estimate": self._estimate(target),
            "calibration_ratio": None if form is None else answer.count / form.params(layers, width),
        }

    def _out_of_reach(self, answer: Answer) -> str:
        bound, gap = ("max", "still {:,} short") if answer.beyond > 0 else ("min", "already {:,} over")
        end = f"{bound}_{self.settings.solve} {self.settings.value(answer.index)}"
        return f"out of reach: at {end} {gap.format(abs(answer.beyond))}"

    def _unanswered(self, reason: str, counts: int) -> Answered:
        """Rows without an answer: a count failed, or the counts fall."""
        unknown = {"width": None, "layers": None, **self._named(None), "difference": None, "percent": None}
        unknown["width" if self.settings.solve == "layers" else "layers"] = self.fixed
        end = {"reached": False, "reason": reason, "counts": counts, "counted": False}
        return Answered(
            [
                {"target": target, **unknown, **end, "estimate": self._estimate(target), "calibration_ratio": None}
                for target in self.settings.targets
            ]
        )

    def _named(self, count: int | None) -> Row:
        """A count in a row: `params`, or `count` beside the name of another metric."""
        return {"params": count} if self.predicts else {"metric": self.metric, "count": count}

    @property
    def _form(self) -> ClosedForm | None:
        return ClosedForm.of(self.config) if self.predicts else None

    def _estimate(self, target: int) -> int | None:
        """The number of layers, or the width, that the closed form predicts."""
        form = self._form
        if form is None:
            return None
        return form.layers(target, self.fixed) if self.settings.solve == "layers" else form.width(target, self.fixed)


def count_in(row: Row) -> int | None:
    """The count of a row; None if it could not be counted."""
    count: int | None = row["count"] if "metric" in row else row["params"]
    return count


def _verification(result: Result) -> dict[str, Any]:
    """What the training step at an answer showed. Running out of memory or time is a finding too."""
    if result.state == "COMPLETE":
        figures = {name: result.metrics.get(name) for name in ("peak_memory", "memory_fraction", "seconds")}
        return {"trial": result.trial, "outcome": "completed", **figures}
    return {"trial": result.trial, "outcome": result.outcome or "failed", "reason": result.reason}
