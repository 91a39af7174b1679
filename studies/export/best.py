"""`best`: the best configuration that a study has found, as flags to paste."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from objectives.command.command import COMMAND_PREFIX, Command
from samplers.searches.nested import flattened
from storage.errors import UsageError
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from studies.definition.units import plain
from studies.history.grid_points import apart
from studies.results.grid_cells import Cell, ranking
from studies.results.tuned import tuned
from studies.tables.table import Document


@dataclass(frozen=True)
class Best:
    """One configuration."""

    objective: str
    values: Mapping[str, Any]
    """What it has otherwise than the study's own config, dotted."""
    config: Mapping[str, Any]
    scores: Mapping[str, float]
    """Its means; empty where it is the state of a growth."""
    setting: int | None = None
    """Its number, of a `tune`."""

    def document(self) -> Document:
        """One line: a command's own flags, all of them; else KEY=VALUE as `run` takes it, of what differs."""
        return Document(notes=[shlex.join(self._words())])

    def to_json(self) -> dict[str, Any]:
        return {
            "setting": self.setting,
            "values": dict(self.values),
            "scores": {name: plain(value) for name, value in self.scores.items()},
            "config": dict(self.config),
        }

    def _words(self) -> list[str]:
        if self.objective.startswith(COMMAND_PREFIX):
            return Command.from_text(self.objective).spelling.flags(self.config)
        return [
            f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in self.values.items()
        ]


def best(session: Session, study: StudyRow) -> Best:
    """The best setting of a grid or a tune, of several scores the knee of the front; the state of a growth.

    Raises:
        UsageError: There is none yet, or it is a search for something else.
    """
    reader = Reader(session)
    rows, decisions = reader.trials(study.study_id), reader.decisions(study.study_id)
    objective, base = str(study.origin["objective"]), study.origin["config"]
    if study.search == "grow" and decisions:
        config = decisions[-1].state["config"]
        return Best(objective, _differing(config, base, ()), config, {})
    cells, number = list[Cell](), None
    if study.search == "grid":
        cells = list(ranking(apart(rows, decisions).in_force, study.score, study.direction).ranked[:1])
    elif study.search == "tune":
        found = tuned(rows, decisions, study).best
        cells, number = ([], None) if found is None else (list(found.cells), found.number)
    elif study.search == "grow":
        raise UsageError(f"{study.name!r} has made no decision yet", "best")
    else:
        raise UsageError(f"{study.name!r} is a {study.search} study: `show` prints its answer", "best")
    if not cells:
        raise UsageError(f"no setting of {study.name!r} has all its seeds yet", "best")
    means = {score.metric: cell.mean for score, cell in zip(study.scores, cells, strict=False)}
    return Best(objective, _differing(cells[0].config, base, cells[0].setting), cells[0].config, means, number)


def _differing(config: Mapping[str, Any], base: Mapping[str, Any], varied: Any) -> dict[str, Any]:
    """The config's values that are varied, or differ from those of the base."""
    before = flattened(base)
    return {
        name: value
        for name, value in flattened(config).items()
        if name in varied or json.dumps(before.get(name)) != json.dumps(value) or name not in before
    }
