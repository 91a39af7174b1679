"""How a study begins, how a worker joins it, and how a changed definition reaches it."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from objectives.command import PREFIX, Command
from objectives.reference import objective_folder, same_objective, shown_objective
from objectives.warm import Description, WarmServer
from samplers.growth import Growth
from samplers.plan import Search, State
from storage.errors import UsageError, nearest
from storage.home import DEFINITIONS
from storage.ledger import Ledger
from storage.locks import WORKER_LOCKS
from storage.records import Budget, NewStudy, StudyRow, create_study, find_study, need_study, set_budget
from storage.session import Session
from studies.code_version import CodeVersion, read_code
from studies.definition import Change, Definition, difference
from studies.place import Place
from studies.searches import search_of
from studies.slot import Slot
from studies.versions import versions

ENDLESS = 2**31
LOOKED_AT = 256
"""Points that the objective judges at once, where the first that can run is looked for."""


@dataclass(frozen=True)
class Request:
    """What `run` was asked for."""

    search: str
    name: str
    definition: Definition | None
    """As read from its file; None: there is no file, the study has to exist."""
    source: str
    """The file's name, for messages."""
    settings: Sequence[str] = ()
    """`--set KEY=VALUE` as typed."""
    budget: Budget = field(default_factory=Budget)


def search_in_force(study: StudyRow) -> Search:
    """A study's search: as it was started, with the budget of steps in force. Later changes are in its state."""
    return search_of(Definition.from_json(study.origin), f"study {study.name}", study.steps)


def search_without_budget(study: StudyRow) -> Search:
    """A study's search as replay needs it: what was decided under an earlier budget is derived again under none."""
    return search_of(Definition.from_json(study.origin), f"study {study.name}", ENDLESS)


def current_state(ledger: Ledger, study: StudyRow) -> Mapping[str, Any]:
    """The search's state after the last decision."""
    last = ledger.last_decision()
    return search_in_force(study).start() if last is None else last[1]


def open_study(session: Session, request: Request, definition: Definition, description: Description) -> str | None:
    """Join the study that was asked for, or make it; put overrides and budget into force. What the user should know.

    Raises:
        UsageError: It cannot be made or joined as asked; nothing was written.
    """
    study = find_study(session, request.name)
    made = study is None and _make_study(session, request, definition, description)
    study, note = need_study(session, request.name), None
    if not made:
        note = _reconcile(session, study, request, description)
    set_budget(session, study, request.budget)
    return note


def definition_of(request: Request, study: StudyRow | None) -> Definition:
    """What will run: the file's definition with `--set` applied; of a study that exists, the one it was begun with.

    Raises:
        UsageError: There is neither.
    """
    if study is not None:
        if study.search != request.search:
            raise UsageError(f"run {request.search}: study {study.name!r} is a {study.search} search")
        return _here(Definition.from_json(study.origin), request.definition)
    if request.definition is None:
        raise UsageError(
            f"--study: there is no study {request.name!r} and no definition {request.source}"
            + nearest(request.name, [path.stem for path in DEFINITIONS.glob("*.yaml")])
        )
    return request.definition.with_settings(request.settings)


def _here(stored: Definition, file: Definition | None) -> Definition:
    """The stored definition, with a `FILE.py:function` of another host taken from the local one."""
    if file is not None and same_objective(stored.objective, file.objective):
        return replace(stored, objective=file.objective)
    return stored


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


def _make_study(session: Session, request: Request, definition: Definition, description: Description) -> bool:
    """False if somebody else made one of that name at the same moment."""
    file = request.definition or definition
    return create_study(
        session,
        NewStudy(
            name=request.name,
            direction=definition.direction,
            search=definition.search,
            score=definition.score_metric,
            origin=definition.to_json(),
            definition=file.to_json(),
            hash=file.hash,
            fingerprint=description.fingerprint,
            code=code_of(definition),
            metrics=description.metrics,
        ),
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


@dataclass(frozen=True)
class Pending:
    """What a file and `--set` ask of a study that exists."""

    file: Definition
    """The file's definition that will be in force."""
    changes: Mapping[str, Mapping[str, Any]]
    """Of the config and of the search's block: an `override`, unless empty."""
    dataset: Any
    """Of the config as it will be in force."""
    corrected: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """What is another objective, score, cost or dataset from here on: what was and what is asked, by key."""
    note: str | None = None

    def applied_to(self, definition: Definition) -> Definition:
        """The study's definition as its objective has to be asked about it."""
        config = definition.config
        if "dataset" in config:
            definition = replace(definition, config={**config, "dataset": self.dataset})
        return self._scored(definition) if self.corrected else definition

    def origin(self, study: StudyRow) -> Definition:
        """What the search starts from, corrected. The dataset is not: it is overridden from here on."""
        return self._scored(Definition.from_json(study.origin))

    def _scored(self, definition: Definition) -> Definition:
        file = self.file
        objective = definition.objective if [*self.corrected] == ["config.dataset"] else file.objective
        return replace(
            definition,
            objective=objective,
            score_metric=file.score_metric,
            direction=file.direction,
            cost=file.cost,
        )


def foreseen(session: Session, study: StudyRow, request: Request) -> Pending:
    """What is asked of a study, as it stands at this moment; nothing is changed.

    Raises:
        UsageError: As `pending`.
    """
    ledger = Ledger(session, study.study_id)
    return pending(study, current_state(ledger, study), request, _has_results(ledger))


def _has_results(ledger: Ledger) -> bool:
    return bool(ledger.session.one("count_ends", {"study_id": ledger.study_id}).accepted)


def pending(study: StudyRow, state: State, request: Request, has_results: bool) -> Pending:
    """Read what is asked; change nothing.

    A file changes what differs from the file before it, so that what `--set` said stays until it is said otherwise.

    Raises:
        UsageError: It would make old and new results incomparable, or names what is not there.
    """
    stored = Definition.from_json(study.definition)
    file = request.definition if request.definition is not None else stored
    measured = (stored.score_metric, stored.cost) == (file.score_metric, file.cost)  # a command's names are part of it
    if measured and same_objective(stored.objective, file.objective):
        file = replace(file, objective=stored.objective).with_models_of(stored)
    note = None
    if file.hash in study.definitions and file.hash != stored.hash:
        # Another checkout, not yet up to date, must not turn the study back under everybody else.
        note = f"{request.source} is as it was before the study's last change, and is not used: go back with --set"
        file = stored
    edited = difference(stored, file)
    _refuse(edited, has_results, request.source)
    block = state[study.search]
    before = replace(stored, config=state["config"], settings=block)
    edit = replace(before, config={**before.config, **edited.config}, settings={**block, **edited.settings})
    asked = difference(before, edit.with_settings(request.settings))
    _refuse(asked, has_results, "--set")
    corrected = {**edited.incomparable, **asked.incomparable}
    changes = {name: each for name, each in (("config", asked.config), (study.search, asked.settings)) if each}
    dataset = {**state["config"], **asked.config}.get("dataset")
    return Pending(file, changes, dataset, corrected, note)


def _refuse(change: Change, has_results: bool, where: str) -> None:
    """Raises UsageError."""
    refused = change.refused_with_results if has_results else change.refused
    if refused:
        raise UsageError(f"{where}: {refused[0]}")


def _reconcile(session: Session, study: StudyRow, request: Request, description: Description) -> str | None:
    """Put a changed file and `--set` into force: what changes the search becomes an `override` decision."""
    ledger = Ledger(session, study.study_id)
    with ledger.planning():
        state = current_state(ledger, study)
        asked = pending(study, state, request, _has_results(ledger))
        if "config.dataset" not in asked.corrected:
            check_same_data(study, description)
        if asked.corrected:
            _correct(ledger, study, state, asked, description)
        elif asked.changes:
            _override(ledger, search_in_force(study), state, asked.changes)
        if asked.file.hash not in study.definitions:
            document = json.dumps(asked.file.to_json(), allow_nan=False)
            values = {"study_id": study.study_id, "definition": document, "hash": asked.file.hash}
            session.run("set_definition", values)
    return asked.note


def _override(
    ledger: Ledger, search: Search, state: State, changes: Mapping[str, Any], told: Mapping[str, Any] | None = None
) -> None:
    """Record the changes as a decision; points that wait and are no longer wanted are withdrawn."""
    last = ledger.last_decision()
    decision = search.override(state, changes)
    decision = replace(decision, record={**decision.record, **(told or {})})
    number = 0 if last is None else last[0] + 1
    ledger.record_decision(number, decision.kind, decision.record, decision.state, [], versions()["studyhall"])
    unwanted = set(ledger.waiting_points())
    for point in search.outlook(decision.state):
        unwanted.discard(point.hash)
        if not unwanted:
            break
    ledger.withdraw_points(sorted(unwanted), f"withdrawn: {decision.record.get('event', 'override')}")
    ledger.session.run("set_outcome", {"study_id": ledger.study_id, "outcome": None, "failed": False})


def _correct(ledger: Ledger, study: StudyRow, state: State, asked: Pending, description: Description) -> None:
    """Another objective, score, cost or dataset, where no result was accepted: an `override` that says so. What waits
    is withdrawn and what has failed is retired: all of it is planned anew, as far as it is still wanted.

    Raises:
        UsageError: Workers are at it, who would go on with what it was.
    """
    values = {"study_id": study.study_id}
    alive = sum(each.alive for each in ledger.session.run("read_workers", {**values, "space": WORKER_LOCKS}))
    key, (was, now) = next(iter(asked.corrected.items()))
    if alive:
        raise UsageError(
            f"{key}: {alive} workers are at {study.name!r} with {was!r}; `stop` it before it becomes {now!r}"
        )
    told = "; ".join(f"{name}: {before!r} became {after!r}" for name, (before, after) in asked.corrected.items())
    event = f"corrected: {told}"
    ledger.withdraw_points(ledger.waiting_points(), f"withdrawn: {event}")
    origin = asked.origin(study)
    ledger.session.run(
        "correct_study",
        {
            **values,
            "direction": origin.direction.upper(),
            "metric_names": json.dumps([origin.score_metric]),
            "origin": json.dumps(origin.to_json(), allow_nan=False),
            "fingerprint": json.dumps(dict(description.fingerprint)),
            "code": json.dumps(code_of(origin)),
            "metrics": list(description.metrics),
        },
    )
    search = search_of(origin, f"study {study.name}", study.steps)
    _override(ledger, search, state, asked.changes, {"event": event, "corrected": dict(asked.corrected)})


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without an entry in the passwd file
        return str(os.getuid())


@dataclass(frozen=True)
class Membership:
    """A worker's way into one study: studies/worker.py's `Hall`."""

    place: Place
    name: str
    slots: tuple[Slot, ...]

    def connect(self) -> tuple[Ledger, int]:
        """A fresh session, signed in and listening."""
        session = self.place.write()
        study = need_study(session, self.name)
        session.listen(f"studyhall_{study.study_id}")
        worker = session.one(
            "start_worker",
            {
                "study_id": study.study_id,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "account": _account(),
                "slots": [slot.name for slot in self.slots],
                "versions": json.dumps(versions()),
                "space": WORKER_LOCKS,
            },
        )
        return Ledger(session, study.study_id), worker.worker_id

    def read(self, ledger: Ledger) -> StudyRow:
        return need_study(ledger.session, self.name)

    def search(self, study: StudyRow) -> Search:
        return search_in_force(study)
