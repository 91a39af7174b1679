"""How a study begins, how a worker joins it, and how a changed definition reaches it."""

from __future__ import annotations

from dataclasses import replace

from objectives.process.warm import Description
from objectives.reference import same_objective
from storage.errors import UsageError, nearest
from storage.home import DEFINITIONS
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from storage.studies import NewStudy, create_study, set_budget
from studies.definition.definition import Definition
from studies.lifecycle.change import _reconcile
from studies.lifecycle.checks import code_of
from studies.lifecycle.order import Request


def open_study(session: Session, request: Request, definition: Definition, description: Description) -> str | None:
    """Join the study that was asked for, or make it; put overrides and budget into force. What the user should know.

    Raises:
        UsageError: It cannot be made or joined as asked; nothing was written.
    """
    study = Reader(session).find_study(request.name)
    made = study is None and _make_study(session, request, definition, description)
    study, note = Reader(session).study(request.name), None
    if not made:
        note = _reconcile(session, study, request, description)
    set_budget(session, study.study_id, request.budget)
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
