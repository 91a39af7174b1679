"""Checks before a study is started or joined."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from objectives.command.command import COMMAND_PREFIX, Command
from objectives.command.placeholders import leaves
from objectives.process.warm import Description, WarmServer
from objectives.reference import objective_folder, shown_objective
from samplers.searches.grid.grid import Grid
from samplers.searches.growth.growth import Growth
from samplers.searches.plan import Search, SearchState
from samplers.searches.scores import metrics_needed
from samplers.searches.tune.tune import Tune
from storage.errors import UsageError, nearest
from storage.records import StudyRow
from studies.definition.code_version import read_code
from studies.definition.definition import Definition
from studies.scripts.accepted import refused_flag

POINTS_AT_ONCE = 256
"""Points that the objective judges in one call, while the first is searched that can run."""


def check_arguments(definition: Definition, search: Search, where: str, state: SearchState | None = None) -> None:
    """Whether a command hears every value that the search varies from this state on, or from its start.

    Raises:
        UsageError: It does not hear one: trials that differ in it would be the same trial. Or its script takes a fixed
            `false` for true, or has no flag for a key that it would be sent.
    """
    if not definition.objective.startswith(COMMAND_PREFIX):
        return
    command, state = Command.from_text(definition.objective), state or search.start()
    ahead = [point.config for point in islice(search.outlook(state), POINTS_AT_ONCE)]
    fault = command.unheard(_varied(search, state), next(iter(ahead), None)) or refused_flag(command, ahead)
    if fault is not None:
        raise UsageError(fault, f"{where}: objective")


def check_sampler(search: Search, state: SearchState | None) -> None:
    """Whether the sampler of a `tune` can choose on this host, in a state or at its start.

    Raises:
        UsageError: It cannot: a package is missing, or no setting is allowed.
    """
    if isinstance(search, Tune):
        (search if state is None else search.in_force(state)).check_here()


def _varied(search: Search, state: SearchState) -> dict[str, list[Any]]:
    """The values of each leaf of the configuration, and of the seed, that differ between the first points; of a grid's
    axes, of which the first points may hold one value alone, the axis' own."""
    seen: dict[str, dict[str, Any]] = {}
    configs: list[Mapping[str, Any]] = [
        {**point.config, "seed": point.seed} for point in islice(search.outlook(state), POINTS_AT_ONCE)
    ]
    points, conditional = len(configs), set[str]()
    if isinstance(search, Grid):
        settings = search.settings_in(state)
        configs += [
            {name: value}
            for block in settings.blocks
            for dimension in block.dimensions
            for name, values in dimension.axes.items()
            if block.paths[name] is not None
            for value in islice(values, POINTS_AT_ONCE)
        ]
        configs += [{"seed": settings.seed + index} for index in range(min(settings.repeats, 2))]
        conditional = {name for block in settings.blocks for name in block.when}
    if isinstance(search, Tune):
        tuned = search.settings_in(state)
        configs += [
            {name: value}
            for name, axis in tuned.space.axes.items()
            if tuned.relations.paths[name] is not None
            for value in axis.values
        ]
        configs += [{"seed": seed} for seed in tuned.seeds[:2]]
        conditional = {*tuned.conditions}
    for index, config in enumerate(configs):
        for name, value in leaves(config):
            if value is None and name in conditional and index < points:
                continue  # where its axis does not exist: shown as the absence that it is
            seen.setdefault(name, {})[json.dumps(value)] = value
    return {name: list(values.values()) for name, values in seen.items() if len(values) > 1}


def other_python(definition: Definition) -> str | None:
    """That a command's `python` is another interpreter than ours, if it is."""
    if not definition.objective.startswith(COMMAND_PREFIX):
        return None
    return Command.from_text(definition.objective).other_python()


def code_of(definition: Definition) -> dict[str, Any]:
    """The version of the objective's code: its repository's state, and a FILE.py's SHA-256."""
    file = Path(definition.objective.rpartition(":")[0])
    digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.suffix == ".py" and file.is_file() else None
    return {"repository": read_code(objective_folder(definition.objective)).to_json(), "file": digest}


def sample_config(search: Search, warm: WarmServer, where: str) -> Mapping[str, Any]:
    """A configuration that the search starts with and the objective can run: a growth's baseline, a grid's first cell.

    Raises:
        UsageError: The objective refuses all of them, or the search has none.
    """
    ahead = iter(search.outlook(search.start()))
    reason = "there is nothing to run"
    while batch := [point.config for point in islice(ahead, POINTS_AT_ONCE)]:
        for config, inspection in zip(batch, warm.inspect(batch), strict=True):
            if inspection.refusal is None:
                return config
            reason = (
                inspection.refusal if inspection.refusal.startswith("config: ") else f"config: {inspection.refusal}"
            )
            if isinstance(search, Growth):
                raise UsageError(reason, where)
    raise UsageError(reason, where)


def check_metrics(definition: Definition, description: Description, where: str) -> None:
    """Whether the objective returns the metrics that the study needs.

    Raises:
        UsageError: It lacks one.
    """
    for key, name in ((key, name) for key, text in definition.measures for name in metrics_needed(text)):
        if description.metrics and name not in description.metrics:
            what = f"{shown_objective(definition.objective)} returns no {name!r} here"
            raise UsageError(what + nearest(name, description.metrics), f"{where}: {key}")


def check_same_data(study: StudyRow, description: Description) -> None:
    """Raises:
    UsageError: The data here differ from those that the study began with.
    """
    for name, theirs in study.fingerprint.items():
        ours = description.fingerprint.get(name)
        if ours != theirs:
            what = f"{study.name!r} began with {name} {theirs}; here it is {ours}: results would not be comparable"
            raise UsageError(f"{what}; copy the same data here, or start a study under another name", "--study")
