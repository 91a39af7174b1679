"""What a changed definition and `--set` ask of a study that exists, and how it is put into force."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from objectives.process.warm import Description
from objectives.reference import same_objective
from samplers.searches.plan import Search, SearchState
from storage.errors import UsageError
from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from storage.studies import Correction, correct_study, set_definition, set_outcome
from studies.definition.change import Change, difference
from studies.definition.code_version import versions
from studies.definition.definition import Definition
from studies.definition.searches import current_state, search_in_force, search_of
from studies.lifecycle.checks import check_same_data, code_of
from studies.lifecycle.order import Order


@dataclass(frozen=True)
class StudyChange:
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


def foreseen(session: Session, study: StudyRow, order: Order) -> StudyChange:
    """What is asked of a study, as it stands at this moment; nothing is changed.

    Raises:
        UsageError: As `pending`.
    """
    ledger = Ledger(session, study.study_id)
    return pending(study, current_state(ledger, study), order, _has_results(ledger))


def _has_results(ledger: Ledger) -> bool:
    return bool(Reader(ledger.session).ends(ledger.study_id).accepted)


def pending(study: StudyRow, state: SearchState, order: Order, has_results: bool) -> StudyChange:
    """Read what is asked; change nothing.

    A file changes what differs from the file before it, so that what `--set` said stays until it is said otherwise.

    Raises:
        UsageError: It would make old and new results incomparable, or names what is not there.
    """
    stored = Definition.from_json(study.definition)
    file = order.definition if order.definition is not None else stored
    measured = (stored.score_metric, stored.cost) == (file.score_metric, file.cost)  # a command's names are part of it
    if measured and same_objective(stored.objective, file.objective):
        file = replace(file, objective=stored.objective).with_models_of(stored)
    note = None
    if file.hash in study.definitions and file.hash != stored.hash:
        # Another checkout, not yet up to date, must not turn the study back under everybody else.
        note = f"{order.source} is as it was before the study's last change, and is not used: go back with --set"
        file = stored
    edited = difference(stored, file)
    _refuse(edited, has_results, order.source)
    block = state[study.search]
    before = replace(stored, config=state["config"], settings=block)
    edit = replace(before, config={**before.config, **edited.config}, settings={**block, **edited.settings})
    asked = difference(before, edit.with_settings(order.settings))
    _refuse(asked, has_results, "--set")
    corrected = {**edited.incomparable, **asked.incomparable}
    changes = {name: each for name, each in (("config", asked.config), (study.search, asked.settings)) if each}
    dataset = {**state["config"], **asked.config}.get("dataset")
    return StudyChange(file, changes, dataset, corrected, note)


def _refuse(change: Change, has_results: bool, where: str) -> None:
    """Raises UsageError."""
    refused = change.refused_with_results if has_results else change.refused
    if refused:
        raise UsageError(f"{where}: {refused[0]}")


def reconcile(session: Session, study: StudyRow, order: Order, description: Description) -> str | None:
    """Put a changed file and `--set` into force: what changes the search becomes an `override` decision."""
    ledger = Ledger(session, study.study_id)
    with ledger.planning():
        state = current_state(ledger, study)
        asked = pending(study, state, order, _has_results(ledger))
        if "config.dataset" not in asked.corrected:
            check_same_data(study, description)
        if asked.corrected:
            _correct(ledger, study, state, asked, description)
        elif asked.changes:
            _override(ledger, search_in_force(study), state, asked.changes)
        if asked.file.hash not in study.definitions:
            set_definition(session, study.study_id, asked.file.to_json(), asked.file.hash)
    return asked.note


def _override(
    ledger: Ledger,
    search: Search,
    state: SearchState,
    changes: Mapping[str, Any],
    told: Mapping[str, Any] | None = None,
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
    set_outcome(ledger.session, ledger.study_id)


def _correct(ledger: Ledger, study: StudyRow, state: SearchState, asked: StudyChange, description: Description) -> None:
    """Another objective, score, cost or dataset, where no result was accepted: an `override` that says so. What waits
    is withdrawn and what has failed is retired: all of it is planned anew, as far as it is still wanted.

    Raises:
        UsageError: Workers are at it, who would go on with what it was.
    """
    alive = Reader(ledger.session).living_workers(study.study_id)
    key, (was, now) = next(iter(asked.corrected.items()))
    if alive:
        raise UsageError(
            f"{key}: {alive} workers are at {study.name!r} with {was!r}; `stop` it before it becomes {now!r}"
        )
    told = "; ".join(f"{name}: {before!r} became {after!r}" for name, (before, after) in asked.corrected.items())
    event = f"corrected: {told}"
    ledger.withdraw_points(ledger.waiting_points(), f"withdrawn: {event}")
    origin = asked.origin(study)
    correct_study(
        ledger.session,
        study.study_id,
        Correction(
            origin.to_json(),
            origin.direction,
            origin.score_metric,
            description.fingerprint,
            code_of(origin),
            description.metrics,
        ),
    )
    search = search_of(origin, f"study {study.name}", study.steps)
    _override(ledger, search, state, asked.changes, {"event": event, "corrected": dict(asked.corrected)})
