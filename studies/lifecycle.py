"""How a study begins, how a worker joins it, and how a changed definition reaches it."""

from __future__ import annotations

import getpass
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from objectives.reference import same_objective, shown_objective
from objectives.warm import Description, WarmServer
from samplers.plan import Search
from storage.errors import UsageError, nearest
from storage.ledger import WORKER_LOCKS, Ledger
from storage.records import Budget, NewStudy, StudyRow, create_study, find_study, need_study, set_budget
from storage.session import Session
from studies.definition import Definition, difference
from studies.place import Place
from studies.searches import search_of
from studies.slot import Slot
from studies.versions import versions


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


def current_state(ledger: Ledger, study: StudyRow) -> Mapping[str, Any]:
    """The search's state after the last decision."""
    last = ledger.last_decision()
    return search_in_force(study).start() if last is None else last[1]


def open_study(session: Session, request: Request, definition: Definition, description: Description) -> StudyRow:
    """The study that was asked for: joined if it exists, made if it does not; with overrides and budget in force.

    Raises:
        UsageError: It cannot be made or joined as asked; nothing was written.
    """
    study = find_study(session, request.name)
    made = study is None and _make_study(session, request.name, definition, description)
    study = need_study(session, request.name)
    if not made:
        _check_same_data(study, description)
        _reconcile(session, study, request)
    set_budget(session, study, request.budget)
    return need_study(session, request.name)


def definition_of(request: Request, study: StudyRow | None) -> Definition:
    """What will run: the study's own definition, else the file's with `--set` applied.

    Raises:
        UsageError: There is neither.
    """
    if study is not None:
        if study.search != request.search:
            raise UsageError(f"run {request.search}: study {study.name!r} is a {study.search} search")
        return _here(Definition.from_json(study.definition), request.definition)
    if request.definition is None:
        raise UsageError(
            f"--study: there is no study {request.name!r} and no definition {request.source}"
            + nearest(request.name, [path.stem for path in Path(__file__).parent.glob("*.yaml")])
        )
    return request.definition.with_settings(request.settings)


def _here(stored: Definition, file: Definition | None) -> Definition:
    """The stored definition, with a `FILE.py:function` of another host taken from the local one."""
    if file is not None and same_objective(stored.objective, file.objective):
        return replace(stored, objective=file.objective)
    return stored


def check_definition(definition: Definition, warm: WarmServer, where: str) -> None:
    """Ask the objective before anything is written.

    Raises:
        UsageError: The baseline cannot run, or the objective does not return what the study needs.
    """
    search_of(definition, where)
    description = warm.describe(definition.config)
    for key, name in (("score.metric", definition.score_metric), ("cost", definition.cost)):
        if name is not None and description.metrics and name not in description.metrics:
            raise UsageError(
                f"{where}: {key}: {shown_objective(definition.objective)} returns no {name!r} here"
                + nearest(name, description.metrics)
            )
    (inspection,) = warm.inspect([definition.config])
    if inspection.refusal is not None:
        raise UsageError(f"{where}: config: {inspection.refusal}")


def _make_study(session: Session, name: str, definition: Definition, description: Description) -> bool:
    """False if somebody else made one of that name at the same moment."""
    return create_study(
        session,
        NewStudy(
            name=name,
            direction=definition.direction,
            search=definition.search,
            score=definition.score_metric,
            definition=definition.to_json(),
            hash=definition.hash,
            fingerprint=description.fingerprint,
            metrics=description.metrics,
        ),
    )


def _check_same_data(study: StudyRow, description: Description) -> None:
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


def _reconcile(session: Session, study: StudyRow, request: Request) -> None:
    """Put a changed file and `--set` into force: what changes the search becomes an `override` decision."""
    stored = Definition.from_json(study.definition)
    file = request.definition if request.definition is not None else stored
    if same_objective(stored.objective, file.objective):
        file = replace(file, objective=stored.objective)
    if file.hash in study.definitions:
        file = stored  # a file that was in force before: another checkout, not a change
    change = difference(stored, file)
    if change.refused:
        raise UsageError(f"{request.source}: {change.refused[0]}")
    ledger = Ledger(session, study.study_id)
    search = search_in_force(study)
    with ledger.planning():
        state = current_state(ledger, study)
        asked = file.with_settings(request.settings)
        typed = difference(file, asked)
        if typed.refused:
            raise UsageError(f"--set: {typed.refused[0]}")
        changes = _news(state, {**change.config, **typed.config}, {**change.settings, **typed.settings}, study.search)
        if changes:
            last = ledger.last_decision()
            decision = search.override(state, changes)
            number = 0 if last is None else last[0] + 1
            ledger.record_decision(number, decision.kind, decision.record, decision.state, [], versions()["studyhall"])
            ledger.withdraw_points(f"withdrawn: {decision.record.get('event', 'override')}")
            session.run("set_outcome", {"study_id": study.study_id, "outcome": None, "failed": False})
        if file.hash not in study.definitions:
            session.run(
                "set_definition",
                {
                    "study_id": study.study_id,
                    "definition": json.dumps(file.to_json(), allow_nan=False),
                    "hash": file.hash,
                },
            )


def _news(
    state: Mapping[str, Any], config: Mapping[str, Any], settings: Mapping[str, Any], search: str
) -> dict[str, Mapping[str, Any]]:
    """The changes that are not in force already."""
    now = state.get("config", {})
    news = {key: value for key, value in config.items() if key not in now or now[key] != value}
    asked = {key: value for key, value in settings.items() if state.get(search, {}).get(key, ...) != value}
    return {name: each for name, each in (("config", news), (search, asked)) if each}


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
