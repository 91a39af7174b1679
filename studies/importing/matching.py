"""Which points of a grid finished runs are: by the values of its axes, the seed, and whatever else of the config a run
tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from samplers.searches.nested import flattened
from samplers.searches.plan import Point
from samplers.searches.scores import metrics_needed
from storage.errors import UsageError, nearest
from studies.importing.run_values import (
    SEED,
    is_value,
    listed,
    metric_fault,
    metrics_of,
    other_value,
    seeds_text,
    setting_text,
    state_fault,
    taken_text,
    value_text,
)
from studies.importing.runs import Run

PREFIXES = ("params_", "user_attrs_", "config.", "config/", "params.", "summary.", "summary/", "metrics.", "metrics/")
"""What other programs write before a name: Optuna's and W&B's tables, MLflow's."""

Key = tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """A result that was made elsewhere."""

    where: str
    """`runs.csv, line 7`."""
    metrics: Mapping[str, float]


@dataclass
class Matched:
    """The points that runs are results of, and the runs that are results of none."""

    results: dict[str, Result] = field(default_factory=dict)
    """By the point's hash."""
    unfit: list[str] = field(default_factory=list)
    """A line for each run that does not fit: where it stands and why."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are in a study."""

    names: Mapping[str, str]
    """The study's name of each column."""

    @staticmethod
    def of(runs: Sequence[Run], mapping: Sequence[str], known: Iterable[str], where: str) -> Columns:
        """By their own names, without what other programs write before them, or as `--map COLUMN=NAME` says.

        Raises:
            UsageError: A mapping names no column.
        """
        columns = list(dict.fromkeys(name for run in runs for name in run.values))
        ours = set(known)
        names = {each: each for each in columns}
        for each in columns:
            short = next((each.removeprefix(prefix) for prefix in PREFIXES if each.startswith(prefix)), each)
            if each not in ours and short in ours and short not in columns:
                names[each] = short
        for text in mapping:
            left, equals, right = text.partition("=")
            if not equals or not left or not right:
                raise UsageError(f"{text!r} is not COLUMN=NAME, like --map lr=learning_rate", "--map")
            column, name = (left, right) if left in columns else (right, left)
            if column not in columns:
                raise UsageError(f"{where} has no column {left!r}{nearest(left, columns)}", "--map")
            names[column] = name
        given = list(names.values())
        twice = next((name for name in given if given.count(name) > 1), None)
        if twice is not None:
            both = " and ".join(repr(column) for column, name in names.items() if name == twice)
            raise UsageError(f"columns {both} are both {twice!r}", "--map")
        return Columns(names)

    def named(self, run: Run) -> tuple[dict[str, Any], dict[str, str]]:
        """A run's values and texts by the study's names."""
        values = {self.names[name]: value for name, value in run.values.items()}
        return values, {self.names[name]: text for name, text in run.texts.items()}


class Matching:
    """The points of a grid by the values of their axes."""

    def __init__(self, points: Iterable[Point], score: str, cost: str | None) -> None:
        self.score, self.cost = score, cost
        self._wanted = [each for each in (score, cost) if each]
        self._groups: dict[Key, dict[str, list[Point]]] = defaultdict(lambda: defaultdict(list))
        self._values: dict[str, dict[str, Any]] = defaultdict(dict)
        """The values of each axis by their texts."""
        self._config: dict[str, None] = {}
        for point in points:
            axes = point.role["setting"]
            key = tuple(sorted(axes))
            self._groups[key][value_text([axes[name] for name in key])].append(point)
            for name, value in axes.items():
                self._values[name][value_text(value)] = value
            self._config.update(dict.fromkeys(flattened(point.config)))

    @property
    def known(self) -> set[str]:
        """The names that a column may have besides a metric's."""
        return {*self._values, *self._config, SEED, *metrics_needed(self.score), *metrics_needed(self.cost)}

    def match(self, runs: Sequence[Run], columns: Columns, source: str) -> Matched:
        """Each run's point."""
        matched, taken = Matched(), dict[str, str]()
        for run in runs:
            point, why = self._point(run, columns, taken)
            if point is None:
                matched.unfit.append(f"{run.where}: {why}")
                continue
            taken[point.hash] = run.where
            values, _ = columns.named(run)
            matched.results[point.hash] = Result(f"{source}, {run.where}", self._metrics(values))
        seedless = sum(SEED not in columns.named(run)[0] for run in runs)
        if seedless and matched.results:
            matched.notes.append("runs without a seed take the seeds of their setting in the order of the file")
        return matched

    def _point(self, run: Run, columns: Columns, taken: Mapping[str, str]) -> tuple[Point | None, str]:
        values, texts = columns.named(run)
        metrics = self._metrics(values)
        fault = state_fault(values, self._values) or metric_fault(metrics, self._wanted, values)
        if fault is not None:
            return None, fault
        group = next((each for each in sorted(self._groups, key=len, reverse=True) if each_in(each, values)), None)
        if group is None:
            missing = sorted({name for each in self._groups for name in each} - values.keys())
            return None, f"no value of {', '.join(missing)}: --map COLUMN=NAME says which column it is"
        wanted = [self._on_axis(name, values[name], texts.get(name)) for name in group]
        for name, value in zip(group, wanted, strict=True):
            if value_text(value) not in self._values[name]:
                return None, f"{name} is {value!r}, none of {listed([*self._values[name].values()])}"
        points = self._groups[group].get(value_text(wanted), [])
        if not points:
            return None, f"the grid leaves this setting out: {setting_text(dict(zip(group, wanted, strict=True)))}"
        return self._free(points, values, texts, taken)

    def _free(
        self, points: Sequence[Point], values: Mapping[str, Any], texts: Mapping[str, str], taken: Mapping[str, str]
    ) -> tuple[Point | None, str]:
        """The point of a setting that a run is."""
        why = ""
        for point in points:
            other = other_value(point.config, values, texts)
            if other is not None:
                why = other
            elif SEED in values and not is_value(point.seed, values[SEED]):
                seeds = sorted({each.seed for each in points})
                why = why or f"seed is {values[SEED]!r}, none of {seeds_text(seeds)}"
            elif point.hash in taken:
                why = f"the same setting and seed as {taken[point.hash]}"
            else:
                return point, ""
        if SEED not in values and why.startswith("the same"):
            why = taken_text(len(points))
        return None, why

    def _on_axis(self, name: str, value: Any, text: str | None) -> Any:
        """A value as its axis has it: `8` may be a number or a text."""
        if text is not None and text in self._values[name].values():
            return text
        return next((each for each in self._values[name].values() if is_value(each, value)), value)

    def _metrics(self, values: Mapping[str, Any]) -> dict[str, float]:
        return metrics_of(values, self._values.keys() | self._config.keys() | {SEED}, self._wanted)


def each_in(names: Key, values: Mapping[str, Any]) -> bool:
    """Whether a run has a value of each name."""
    return all(name in values for name in names)
