"""An opened study: its row, its definition, the change that the order makes to it. Checks come before any write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from objectives.process.warm import Description, WarmServer
from objectives.reference import Reference, located, reading_as, same_objective
from samplers.searches.plan import Search, SearchState
from storage.errors import UsageError, close
from storage.home import DEFINITIONS, YAML_SUFFIXES, definition_files
from storage.ledger import Ledger
from storage.moving import moved_to
from storage.program import program_name
from storage.reader import Reader
from storage.records import StudyRow
from storage.schema import read_versions
from storage.session import Session
from storage.store import Store
from storage.studies import NewStudy, create_study, set_budget
from studies.answers.stalled import steps_note
from studies.definition.assignments import parse_assignment
from studies.definition.definition import Definition
from studies.definition.searches import current_state, search_in_force, search_of
from studies.definition.trust import Trust, code_named, texts
from studies.definition.user_code import UserCode
from studies.history.recall import recalled_study
from studies.lifecycle.change import Note, StudyChange, pending, reconcile
from studies.lifecycle.checks import (
    check_arguments,
    check_metrics,
    check_same_data,
    check_sampler,
    code_of,
    sample_config,
)
from studies.lifecycle.code_check import RanCode, check_code
from studies.lifecycle.order import Order


@dataclass(frozen=True)
class OpenedStudy:
    """An order with the study that it concerns."""

    order: Order
    study: StudyRow | None
    """None: the order makes a new one."""
    definition: Definition
    """The trials' definition, changes included."""
    change: StudyChange | None
    """To an existing study."""
    state: SearchState | None = None
    """The state that the search will be in; None: its start."""

    @property
    def search(self) -> Search:
        """From its start."""
        return search_of(self.definition, self.order.source)

    @contextmanager
    def server(self, trust: Trust) -> Iterator[WarmServer]:
        """The objective's server. It sees the device of the first slot, as a trial will.

        Raises:
            UsageError: The objective's code is not trusted here; it was not imported.
        """
        slot = self.order.slots[0]
        check = partial(trust.check, self.definition.objective, study=self.order.name)
        check({})  # the objective itself, before it is searched for
        for block in (self.definition.settings, (self.state or {}).get(self.definition.search, {})):
            trust.check_sampler(block, self.order.name)
        reference = Reference.parse(self.definition.objective, DEFINITIONS).text
        with closing(WarmServer(reference, slot.threads, slot.gpu or "", check)) as warm:
            yield warm

    def trust(self, home: Path) -> Trust:
        """The code that this user trusts: remembered code, and code that the file, `--set` and `--trust-study` name."""
        trust = Trust.of(home)
        if self.order.definition is not None:
            trust = trust.given(code_named(self.order.definition))
        named = texts([parse_assignment(text)[1] for text in self.order.settings])
        trust = trust.given(located(each, Path.cwd()) for each in named)
        if self.study is not None and self.order.trust_study:
            for stored in (self.study.origin, self.study.definition):
                trust = trust.given(code_named(Definition.from_json(stored)))
        return trust

    def checked(self, warm: WarmServer, code: UserCode, results: RanCode, log: Callable[[str], None]) -> Description:
        """The objective's description, if the objective can run this study. `results`: the code that these ran.

        Raises:
            UsageError: It cannot, or its code is not known to be that of the results and `--same-code` is given.
        """
        source, corrected = self.order.source, self.change is not None and bool(self.change.corrected)
        check_sampler(self.search, self.state)
        description = warm.describe(sample_config(self.search, warm, source))
        if self.change is None or corrected:
            check_metrics(self.definition, description, source)
            check_arguments(self.definition, self.search, source)
        check_code(self.study, self.definition, code, results, self.order.same_code, log)
        if self.study is not None and self.order.join:
            check_same_data(self.study, description)
        return description

    def write(self, store: Store, description: Description) -> Note | None:
        """Make or update the study and set its budget; a note for the user, if there is one.

        Raises:
            UsageError: The study was changed meanwhile, and the order contradicts that; nothing was written.
        """
        with closing(store.write()) as session:
            reader = Reader(session)
            made = reader.find_study(self.order.name) is None and self._make(session, description)
            study = reader.study(self.order.name)
            note = None if made else reconcile(session, study, self.order, description)
            if note is None and self.order.budget.steps is not None and not self._changes:
                unhelpful = steps_note(study, reader.decisions(study.study_id))
                note = None if unhelpful is None else Note(unhelpful)
            set_budget(session, study.study_id, self.order.budget)
        return note

    @property
    def _changes(self) -> bool:
        """Whether the search begins anew from where it is."""
        return self.change is not None and bool(self.change.changes or self.change.corrected)

    def _make(self, session: Session, description: Description) -> bool:
        """False if another process made one of that name at the same moment."""
        definition, file = self.definition, self.order.definition or self.definition
        file = file.with_replaced_of(definition)
        return create_study(
            session,
            NewStudy(
                name=self.order.name,
                search=definition.search,
                scores=definition.scores,
                origin=definition.to_json(),
                definition=file.to_json(),
                hash=file.hash,
                fingerprint=description.fingerprint,
                code=code_of(definition),
                metrics=description.metrics,
            ),
        )


def open_study(store: Store, order: Order) -> OpenedStudy:
    """Open the study that an order concerns. Changes nothing.

    Raises:
        UsageError: There is neither a study nor a definition, or the order contradicts them.
    """
    study = find_study(store, order.name)
    if study is None:
        return new_study(order)
    if order.search not in (study.search, None):
        raise UsageError(
            f"run {order.search}: study {study.name!r} is a {study.search} search; {_instead(order, study)}"
        )
    with closing(store.read()) as session:
        where = moved_to(session, study.study_id)
        if where is not None:
            raise UsageError(
                f"--study: {study.name!r} was moved to {where}: run it there, by --storage; `delete` this one"
            )
        state = current_state(Ledger(session, study.study_id), study)
        change = pending(session, study, state, order)
        search = search_in_force(study)
        if change.changes:
            search = recalled_study(search, Reader(session), study.study_id)
    definition = change.applied_to(_here(study, order.definition))
    if change.changes:
        state = search.override(state, change.changes).state
        check_arguments(definition, search, order.source, state)
    return OpenedStudy(order, study, definition, change, state)


def new_study(order: Order) -> OpenedStudy:
    """A study that does not exist yet, as its definition asks for it.

    Raises:
        UsageError: There is no definition.
    """
    return OpenedStudy(order, None, _asked(order), None)


def find_study(store: Store, name: str) -> StudyRow | None:
    """The study of this name. Makes nothing: no cluster, no tables."""
    if not store.holds_anything():
        return None
    with closing(Session(store.start())) as session:
        return Reader(session).find_study(name) if read_versions(session).ours is not None else None


def _asked(order: Order) -> Definition:
    """The file's definition with `--set` applied."""
    if order.definition is None:
        what = f"--study: there is no study {order.name!r} and no definition {order.source}"
        known, stem = definition_files(), Path(order.name).stem
        if order.name.endswith(YAML_SUFFIXES) and stem in known:
            raise UsageError(f"{what}; did you mean `run {stem}`?")
        raise UsageError(what + (close(order.name, known) or f"; `{program_name()} studies` lists the definitions"))
    return order.definition.with_settings(order.settings)


def _instead(order: Order, study: StudyRow) -> str:
    """What to type in place of an order of another search than the study's."""
    if order.definition is None:
        return f"`run {study.search} {study.name}` goes on with it"
    return f"another study: `run NEW --file {order.source}`"


def _here(study: StudyRow, file: Definition | None) -> Definition:
    """The definition that a study began with; a `FILE.py:function` is taken from the local file."""
    stored = Definition.from_json(study.origin)
    if file is None:
        in_force = Definition.from_json(study.definition)
        stored = replace(stored, objective=reading_as(stored.objective, in_force.objective))
        return stored.with_code_of(in_force)
    objective = file.objective if same_objective(stored.objective, file.objective) else stored.objective
    return replace(stored, objective=objective).with_code_of(file)
