"""`best`: the best configuration that a study has found, as flags to paste, or as the file that a command reads."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives.command.command import COMMAND_PREFIX, Command
from objectives.command.placeholders import gathered
from samplers.searches.nested import flattened
from samplers.searches.noise import mean
from samplers.searches.plural import counted
from samplers.searches.scores import value_of
from storage.errors import UsageError
from storage.reader import Reader
from storage.records import StudyRow, TrialRow
from storage.session import Session
from studies.definition.units import plain
from studies.definition.yaml_text import is_plain, quoted
from studies.results.grid_table import cell_values, verdict_of
from studies.results.tune import setting_values
from studies.settings.grid_cells import Cell, Ranking, ranking
from studies.settings.grid_points import apart
from studies.settings.tuned import Tuned, TunedSetting, tuned
from studies.tables.choice import Choice
from studies.tables.table import Document


@dataclass(frozen=True)
class Best:
    """One configuration."""

    objective: str
    values: Mapping[str, Any]
    """What it has otherwise than the study's own config, dotted."""
    config: Mapping[str, Any]
    scores: Mapping[str, float]
    """Its means over the seeds that have finished."""
    setting: int | None = None
    """Its number, of a `tune`."""
    ties: int = 0
    """Other settings that may be as good."""

    def document(self) -> Document:
        """One line: a command's own flags, all of them, or the JSON that it reads; else KEY=VALUE as `run` takes it, of
        what differs. Without a seed."""
        if self.objective.startswith(COMMAND_PREFIX) and Command.from_text(self.objective).reads_file:
            return Document(notes=[json.dumps(gathered(self.config), ensure_ascii=False)])
        return Document(notes=[shlex.join(self._words())])

    @property
    def doubts(self) -> list[str]:
        """What a reader of the flags ought to know, a line each."""
        if not self.ties:
            return []
        return [f"{counted(self.ties, 'other setting')} may be as good: the seeds do not set them apart"]

    def to_json(self) -> dict[str, Any]:
        return {
            "setting": self.setting,
            "values": dict(self.values),
            "scores": {name: plain(value) for name, value in self.scores.items()},
            "config": dict(self.config),
            "ties": self.ties,
        }

    def _words(self) -> list[str]:
        if self.objective.startswith(COMMAND_PREFIX):
            return Command.from_text(self.objective).spelling.flags(self.config)
        return [f"{name}={_assigned(value)}" for name, value in self.values.items()]


def _assigned(value: Any) -> str:
    """A value as `run` reads it in KEY=VALUE: a text that would be read as another value is quoted."""
    is_bare = isinstance(value, str) and value.isprintable() and is_plain(value)
    return str(value) if is_bare else quoted(value)


def best(session: Session, study: StudyRow, where: str | None = None) -> Best:
    """The best setting of a grid or a tune, of several scores the knee of the front; the state of a growth.

    Args:
        session: Of the storage.
        study: The study.
        where: Only settings that satisfy this, `params < 4000`; of several scores, the first is then the one that
            counts.

    Raises:
        UsageError: There is none yet, or it is a search for something else.
    """
    reader = Reader(session)
    rows, decisions = reader.trials(study.study_id), reader.decisions(study.study_id)
    objective, base = str(study.origin["objective"]), study.origin["config"]
    if where is not None and study.search not in ("grid", "tune"):
        raise UsageError(
            f"--where chooses a setting of a grid or a tune; {study.name!r} is a {study.search} study", "best"
        )
    if study.search == "grow" and decisions:
        state = decisions[-1].state
        config, grown = state["config"], {name.partition("[")[0] for name in state["grow"].get("increments", {})}
        return Best(objective, _differing(config, base, grown), config, _means(rows, config, study))
    cells, number, ties = list[Cell](), None, 0
    if study.search == "grid":
        ranked = ranking(apart(rows, decisions).in_force, study.score, study.direction)
        cells = _of_grid(ranked, study.score, where)[:1]
        ties = _ties(ranked, cells)
    elif study.search == "tune":
        found = tuned(rows, decisions, study)
        chosen = found.best if where is None else next(iter(_of_tune(found, where)), None)
        unclear = found.no_knee(study.name) if where is None else None
        if unclear is not None:
            raise UsageError(unclear, "best")
        cells, number = ([], None) if chosen is None else (list(chosen.cells), chosen.number)
        ties = _ties(found.ranking, cells) if len(found.scores) == 1 else 0
    elif study.search == "grow":
        raise UsageError(f"{study.name!r} has made no decision yet", "best")
    else:
        raise UsageError(f"{study.name!r} is a {study.search} study: `show` prints its answer", "best")
    if not cells:
        those = "" if where is None else f" and satisfies {where!r}"
        raise UsageError(f"no setting of {study.name!r} has all its seeds{' yet' * (not those)}{those}", "best")
    means = {score.metric: cell.mean for score, cell in zip(study.scores, cells, strict=False)}
    values = _differing(cells[0].config, base, cells[0].setting)
    return Best(objective, values, cells[0].config, means, number, ties)


def _means(rows: Sequence[TrialRow], config: Mapping[str, Any], study: StudyRow) -> dict[str, float]:
    """The mean of each score over the finished trials of this configuration."""
    ended = [row for row in rows if row.state == "COMPLETE" and not row.retired and row.config == config]
    found = {}
    for score in study.scores:
        values = [value for row in ended if (value := value_of(score.metric, row.metrics)) is not None]
        if values:
            found[score.metric] = mean(values)
    return found


def _of_grid(ranked: Ranking, metric: str, where: str | None) -> list[Cell]:
    """Ranked settings that satisfy the condition, the best first."""

    def values(cell: Cell) -> Mapping[str, Any]:
        return cell_values(cell, metric, verdict_of(cell, ranked).value)

    return Choice(where=where).rows(ranked.ranked, values)


def _of_tune(found: Tuned, where: str) -> Sequence[TunedSetting]:
    """The same of a tune, by its first score."""
    whole = [each for each in found.ranked if each.is_whole and each.is_feasible]
    return Choice(where=where).rows(whole, lambda each: setting_values(each, found))


def _ties(ranked: Ranking, cells: Sequence[Cell]) -> int:
    """How many others the seeds do not set apart from this setting; 0 unless it is the best of all."""
    is_best = bool(cells and ranked.ranked) and cells[0] is ranked.ranked[0]
    return max(0, len(ranked.ties) - 1) if is_best else 0


def _differing(config: Mapping[str, Any], base: Mapping[str, Any], varied: Any) -> dict[str, Any]:
    """The config's values that are varied, or differ from those of the base."""
    before = flattened(base)
    return {
        name: value
        for name, value in flattened(config).items()
        if name in varied or json.dumps(before.get(name)) != json.dumps(value) or name not in before
    }
