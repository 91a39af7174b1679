"""What is checked before a study is begun or joined."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from objectives.command.command import PREFIX, Command
from objectives.process.warm import Description, WarmServer
from objectives.reference import objective_folder, shown_objective
from samplers.searches.growth.growth import Growth
from samplers.searches.plan import Search
from storage.errors import UsageError, nearest
from storage.records import StudyRow
from studies.definition.code_version import CodeVersion, read_code
from studies.definition.definition import Definition

LOOKED_AT = 256
"""Points that the objective judges at once, where the first that can run is looked for."""


def check_told(definition: Definition, search: Search, where: str) -> None:
    """Of an objective that is a command: is it told everything that the search varies?

    Raises:
        UsageError: It is not: trials that differ in such a name would be the same trial over again.
    """
    if not definition.objective.startswith(PREFIX):
        return
    seen: dict[str, set[str]] = {}
    for point in islice(search.outlook(search.start()), LOOKED_AT):
        for name, value in {**point.config, "seed": point.seed}.items():
            seen.setdefault(name, set()).add(json.dumps(value))
    unheard = Command.from_text(definition.objective).unheard(name for name, values in seen.items() if len(values) > 1)
    if unheard:
        names = ", ".join(unheard)
        raise UsageError(f"{where}: objective: the command is not told {names}, which vary: add {{{unheard[0]}}} to it")


def code_of(definition: Definition) -> dict[str, Any]:
    """What is kept of the objective's code: its repository's state, and of a FILE.py its SHA-256."""
    file = Path(definition.objective.rpartition(":")[0])
    digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.suffix == ".py" and file.is_file() else None
    return {"repository": read_code(objective_folder(definition.objective)).to_json(), "file": digest}


def other_code(study: StudyRow, definition: Definition) -> str | None:
    """How the objective's code here differs from what the study was begun with; None if it does not, as far as can be
    told."""
    now = code_of(definition)
    begun, here = (CodeVersion.from_json(each["repository"]) for each in (study.code, now))
    if begun.commit is not None and here.commit is not None and begun.shown() != here.shown():
        return f"{study.name!r} was begun with code {begun.shown()}, here it is {here.shown()}"
    if study.code["file"] != now["file"]:
        return f"{study.name!r} was begun with another {Path(definition.objective.rpartition(':')[0]).name}"
    return None


def sample_config(search: Search, warm: WarmServer, where: str) -> Mapping[str, Any]:
    """A configuration that the search begins with and the objective can run: a growth's baseline, a grid's first cell.

    Raises:
        UsageError: The objective refuses all that was looked at, or there is nothing to run.
    """
    ahead = iter(search.outlook(search.start()))
    reason = "there is nothing to run"
    while batch := [point.config for point in islice(ahead, LOOKED_AT)]:
        for config, inspection in zip(batch, warm.inspect(batch), strict=True):
            if inspection.refusal is None:
                return config
            reason = f"config: {inspection.refusal.removeprefix('config: ')}"
            if isinstance(search, Growth):
                raise UsageError(f"{where}: {reason}")
    raise UsageError(f"{where}: {reason}")


def check_metrics(definition: Definition, description: Description, where: str) -> None:
    """Before anything is written.

    Raises:
        UsageError: The objective does not return what the study needs.
    """
    for key, name in (("score.metric", definition.score_metric), ("cost", definition.cost)):
        if name is not None and description.metrics and name not in description.metrics:
            raise UsageError(
                f"{where}: {key}: {shown_objective(definition.objective)} returns no {name!r} here"
                + nearest(name, description.metrics)
            )


def check_same_data(study: StudyRow, description: Description) -> None:
    """Raises:
    UsageError: The data here are not those that the study was begun with.
    """
    here = description.fingerprint
    for name, theirs in study.fingerprint.items():
        ours = here.get(name)
        if ours != theirs:
            raise UsageError(
                f"--study: {study.name!r} was begun with {name} {theirs}, here it is {ours}: results would not be "
                "comparable; copy the same data here, or begin a study of another name"
            )
