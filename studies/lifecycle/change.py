"""The changes that an edited definition and `--set` make to an existing study, and how they take effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from objectives.process.warm import Description
from objectives.reference import reading_as, same_objective
from samplers.searches.plan import Search, SearchState
from storage.errors import UsageError
from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from storage.studies import Correction, correct_study, set_definition, set_outcome
from studies.definition.assignments import parse_assignment
from studies.definition.change import Change, difference
from studies.definition.code_version import versions
from studies.definition.definition import Definition
from studies.definition.searches import current_state, search_in_force, search_of
from studies.history.recall import recalled_study
from studies.lifecycle.checks import check_same_data, code_of
from studies.lifecycle.order import Order


@dataclass(frozen=True)
class Note:
    """What the user should know of the file and of the options."""

    text: str
    file_unused: bool = False
    """Whether it says that the file is left aside."""


@dataclass(frozen=True)
class StudyChange:
    """The changes that a file and `--set` make to an existing study."""

    file: Definition
    """The definition file that will be in force."""
    changes: Mapping[str, Mapping[str, Any]]
    """Of the config and of the search's block; they become an `override`, unless empty."""
    dataset: Any
    """Of the config that will be in force."""
    corrected: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """A new objective, score, cost or dataset: the old and the new value by key."""
    note: Note | None = None

    def applied_to(self, definition: Definition) -> Definition:
        """The definition that the objective has to judge."""
        config = definition.config
        if "dataset" in config:
            definition = replace(definition, config={**config, "dataset": self.dataset})
        return self._scored(definition) if self.corrected else definition

    def origin(self, study: StudyRow) -> Definition:
        """The definition that the search starts from, corrected, except for the dataset, which is overridden."""
        return self._scored(Definition.from_json(study.origin))

    def _scored(self, definition: Definition) -> Definition:
        file = self.file
        objective = definition.objective if [*self.corrected] == ["config.dataset"] else file.objective
        corrected = replace(definition, objective=objective, score_metric=file.score_metric, direction=file.direction)
        return replace(corrected, more_scores=file.more_scores, score_of=file.score_of, cost=file.cost)


def pending(session: Session, study: StudyRow, state: SearchState, order: Order) -> StudyChange:
    """The changes that an order makes to a study in this state. Changes nothing.

    A file changes only what differs from the file before it, so that earlier `--set` values stay.

    Raises:
        UsageError: Old and new results would not be comparable, or a name is unknown.
    """
    has_results = bool(Reader(session).ends(study.study_id).accepted)
    stored = Definition.from_json(study.definition)
    before_file = stored.of_file
    file = _as_begun(stored, order)
    # A command's metric names are part of it.
    measured = before_file.measures == file.measures
    if measured and same_objective(stored.objective, file.objective):
        objective = reading_as(stored.objective, file.objective)  # a corrected pattern is taken over
        file = replace(file, objective=objective).with_models_of(stored)
    file = file.with_helpers_of(before_file)
    if file.code == stored.code:
        file = file.with_code_of(stored)  # its folder is another one on another host
    note = None
    if file.hash in study.definitions and file.hash != before_file.hash:
        # An outdated checkout must not undo a change that others have made.
        why = "is older than the study's last change and is not used; to go back, use --set"
        note = Note(f"{order.source} {why}", file_unused=True)
        file = before_file
    elif order.unedited and file.hash != before_file.hash:
        # It came with another version of Studyhall: nobody asked for a change of this study.
        why = "came with another version of Studyhall and is not used; to change the study, use --set"
        note = Note(f"{order.source} {why}", file_unused=True)
        file = before_file
    file = file.with_replaced_of(stored)
    edited = difference(stored, file)
    _check_allowed(edited, has_results, order.source)
    _check_steps(study, order)
    before = replace(file, config=state["config"], settings=state[study.search])
    edit = replace(file, config={**before.config, **edited.config}, settings={**before.settings, **edited.settings})
    given = edit.with_settings(order.settings)
    asked = difference(before, given)
    _check_allowed(asked, has_results, "--set")
    file = file.of_file.with_replaced_of(given)
    corrected = {**edited.incomparable, **asked.incomparable}
    changes = {name: each for name, each in (("config", asked.config), (study.search, asked.settings)) if each}
    dataset = {**state["config"], **asked.config}.get("dataset")
    return StudyChange(file, changes, dataset, corrected, note)


def _as_begun(stored: Definition, order: Order) -> Definition:
    """The order's file; with its `laptop:` block laid over it where the study was begun so, whether or not the order
    says so again.

    Raises:
        UsageError: The study was begun without, or the file has lost its block.
    """
    if order.laptop and not stored.on_laptop:
        other = f"`run {order.search} --study OTHER --file {order.source} --laptop`"
        raise UsageError(f"--laptop: study {order.name!r} was begun without it; another study: {other}")
    if order.definition is None:
        return stored.of_file
    if stored.on_laptop and not order.definition.laptop:
        raise UsageError(f"laptop: is missing; study {order.name!r} was begun with it: put it back", order.source)
    return order.definition.with_laptop(order.source) if stored.on_laptop else order.definition


def _check_allowed(change: Change, has_results: bool, where: str) -> None:
    refused = change.refused_with_results if has_results else change.refused
    if refused:
        raise UsageError(refused[0], where)


def _check_steps(study: StudyRow, order: Order) -> None:
    """A growth's budget of steps, once given, is the one that counts."""
    steps = study.steps if order.budget.steps is None else order.budget.steps
    sets = [parse_assignment(text)[0] for text in order.settings]
    if steps is not None and study.search == "grow" and {("steps",), ("grow", "steps")} & set(sets):
        raise UsageError(f"steps: the study has a budget of {steps} steps, which counts; raise it by --steps", "--set")


def reconcile(session: Session, study: StudyRow, order: Order, description: Description) -> Note | None:
    """Apply an edited file and `--set`: a change of the search becomes an `override` decision. Returns a note."""
    ledger = Ledger(session, study.study_id)
    with ledger.planning():
        state = current_state(ledger, study)
        asked = pending(session, study, state, order)
        if "config.dataset" not in asked.corrected:
            check_same_data(study, description)
        if asked.corrected:
            _correct(ledger, study, state, asked, description)
        elif asked.changes:
            record_override(ledger, search_in_force(study), state, asked.changes)
        _put_into_force(session, study, asked.file)
    return asked.note


def _put_into_force(session: Session, study: StudyRow, definition: Definition) -> None:
    """Store the definition, unless it is in force already, with the hashes of the files that it and the last one are
    of: so an older file is known by its hash, whatever `--set` changed of it."""
    if definition.hash == study.definitions[-1]:
        return
    known = {*study.definitions}
    for each in (Definition.from_json(study.definition).of_file, definition.of_file):
        if each.hash not in known:
            set_definition(session, study.study_id, each.to_json(), each.hash)
    set_definition(session, study.study_id, definition.to_json(), definition.hash)


def record_override(
    ledger: Ledger, search: Search, state: SearchState, changes: Mapping[str, Any], **more: object
) -> None:
    """Record the changes as a decision, with `more` in its record, inside `planning()`; withdraw waiting points that it
    no longer needs."""
    last = ledger.last_decision()
    decision = search.override(state, changes)
    record = {**decision.record, **more}
    number = 0 if last is None else last[0] + 1
    ledger.record_decision(number, decision.kind, record, decision.state, [], versions()["studyhall"])
    unwanted = set(ledger.waiting_points())
    if unwanted:
        for point in recalled_study(search, Reader(ledger.session), ledger.study_id).outlook(decision.state):
            unwanted.discard(point.hash)
            if not unwanted:
                break
    ledger.withdraw_points(sorted(unwanted), f"withdrawn: {record.get('event', 'override')}")
    set_outcome(ledger.session, ledger.study_id)


def _correct(ledger: Ledger, study: StudyRow, state: SearchState, asked: StudyChange, description: Description) -> None:
    """Change objective, score, cost or dataset, allowed only before the first accepted result; recorded as an
    `override`. Waiting points are withdrawn and failed ones retired; the search plans again those that it still needs.

    Raises:
        UsageError: Workers are still running it under the old value.
    """
    alive = Reader(ledger.session).living_workers(study.study_id)
    key, (was, now) = next(iter(asked.corrected.items()))
    if alive:
        workers = f"{alive} worker{'s run' if alive > 1 else ' runs'} {study.name!r}"
        raise UsageError(f"{workers} with {was!r}; `stop` it before changing this to {now!r}", key)
    changes = "; ".join(f"{name}: {before!r} became {after!r}" for name, (before, after) in asked.corrected.items())
    event = f"corrected: {changes}"
    ledger.withdraw_points(ledger.waiting_points(), f"withdrawn: {event}")
    origin = asked.origin(study)
    described = (description.fingerprint, code_of(origin), description.metrics)
    correction = Correction(origin.to_json(), origin.scores, *described)
    correct_study(ledger.session, study.study_id, correction)
    search = search_of(origin, f"study {study.name}", study.steps)
    record_override(ledger, search, state, asked.changes, event=event, corrected=dict(asked.corrected))
