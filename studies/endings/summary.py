"""What `run` prints below the result: how it ended, how long it took, where things lie, and the next commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samplers.searches.plural import counted
from storage.home import study_folder
from storage.ledger import Ledger
from storage.program import program_name
from storage.reader import Reader
from storage.records import EndKind, Json, StudyRow
from storage.session import Session
from storage.store import Store
from studies.answers.stalled import more_seeds
from studies.definition.searches import current_state
from studies.definition.units import duration_text
from studies.history.counts import Counts
from studies.history.state import Ending, Standing, StudyState, standing_of
from studies.tables.log import Tone
from studies.trial.failures import failed_for_good

MAX_COMMANDS = 3
"""That are named."""

Command = tuple[str, str]
"""What to type, and what it is for."""


@dataclass(frozen=True)
class Summary:
    """The end of one command that worked on a study, or followed it."""

    study: StudyRow
    ending: Ending
    standing: Standing
    counts: Counts
    failed: int
    """Trials that failed for good."""
    folder: Path
    """Of its trials' files on this host."""
    storage: str
    state: Json
    """The search's, after its last decision."""
    more_seeds: str | None = None
    """Of a growth that ended since no candidate helps: the options that go on."""

    @property
    def exit_code(self) -> int:
        """0 done, 1 the work failed; an interrupt has its own."""
        return int(self.ending.failed or self.failed > 0)

    def lines(self, seconds: float, here: int | None) -> list[tuple[str, Tone]]:
        """For people. `seconds`: of the command; `here`: trials that ended in it, None if it only followed."""
        name, ending = self.study.name, self.ending
        lines = [(f"{name}: {self.reason}", Tone.FAILURE if ending.failed else Tone.PLAIN)]
        if self.failed and not ending.interrupted and "failed" not in self.reason:
            lines.append((f"{counted(self.failed, 'trial')} failed", Tone.FAILURE))
        took = f"took {duration_text(seconds)}" + (f" for {counted(here, 'trial')}" if here else "")
        logs = f"; logs: {self.folder}" if self.folder.is_dir() else ""
        lines += [(f"{took}; storage: {self.storage}{logs}", Tone.PLAIN), ("next:", Tone.PLAIN)]
        named = commands(self.study, self.standing, self.failed, ending.interrupted, self.state, self.more_seeds)
        width = max(len(command) for command, _ in named)
        return lines + [(f"  {command:<{width}}  # {why}", Tone.PLAIN) for command, why in named]

    @property
    def reason(self) -> str:
        """Why it ended."""
        if not self.ending.interrupted:
            return self.ending.reason
        done = f"{self.counts.finished:,} of {counted(self.counts.planned, 'planned trial')}"
        return f"interrupted: {done} {'is' if self.counts.finished == 1 else 'are'} done; run the same command to go on"

    @property
    def kind(self) -> str:
        """In one word or two: `done`, `failed`, `budget used up`, `late`, `stopped`, `interrupted`."""
        if self.ending.interrupted:
            return "interrupted"
        return StudyState.FAILED.value if self.ending.failed else self.standing.state.value


def read_summary(session: Session, study: StudyRow, ending: Ending, store: Store) -> Summary:
    """Where a study stands after a command has ended."""
    reader = Reader(session)
    (row,) = reader.studies(study.name)
    counts, alive = Counts.of(row), reader.living_workers(study.study_id) > 0
    folder = study_folder(store.home, study.folder, study.created_at)
    standing = standing_of(study, counts.begun, counts.running, alive)
    storage = store.shown or f"embedded server in {store.home}"
    failed, state = failed_for_good(session, study), current_state(Ledger(session, study.study_id), study)
    stalled = study.outcome_kind is EndKind.STALLED
    more = more_seeds(study, reader.decisions(study.study_id)) if stalled else None
    return Summary(study, ending, standing, counts, failed, folder, storage, state, more)


def commands(
    study: StudyRow, standing: Standing, failed: int, interrupted: bool, state: Json, seeds: str | None = None
) -> Sequence[Command]:
    """The commands that make sense next, the likeliest first. `state`: the search's, after its last decision; `seeds`:
    the options that buy a growth more of them."""
    verb = program_name() + " {} --study " + study.name
    run, report = verb.format(f"run {study.search}"), (verb.format("report"), "a page with figures")
    audit = (verb.format("audit"), "check that nothing was lost or counted twice")
    found: list[Command]
    if interrupted:
        found = [(run, "go on"), (verb.format("status"), "what waits, and who else runs it"), report]
    elif failed or standing.state is StudyState.FAILED:
        found = [(f"{verb.format('show')} --failures", "why they failed, and whether that would happen again")]
        found += [(f"{verb.format('retry')} --failed", "run them again, with the next `run`")]
        found += [report if standing.state is StudyState.DONE else (run, "go on")]
    else:
        match standing.state:
            case StudyState.DONE:
                found = [report, audit, _further(study, run, verb, state, seeds)]
            case StudyState.LATE:
                found = [(f"{run} --timeout DURATION", "give it more time"), report, audit]
            case StudyState.BUDGET_USED_UP:
                more = 2 * study.max_trials if study.max_trials else "N"
                found = [(f"{run} --max-trials {more}", "raise its budget"), report, audit]
            case _:
                found = [(run, "go on"), (verb.format("status"), "what waits, and who else runs it"), report]
    return found[:MAX_COMMANDS]


def _further(study: StudyRow, run: str, verb: str, state: Json, seeds: str | None) -> Command:
    """The command that goes beyond an answer, by what the study was asked."""
    block = state[study.search]
    match study.search:
        case "grow" if study.outcome_kind is EndKind.STEPS:
            return f"{run} --steps {2 * state['step']}", "grow further"
        case "grow" if seeds is not None:
            return f"{run} {seeds}", "more seeds: one may still help"
        case "grid" if not block.get("racing"):
            return f"{run} --set grid.repeats={2 * int(block.get('repeats', 1))}", "more seeds for each setting"
        case "tune":
            return f"{run} --set tune.settings={2 * int(block['settings'])}", "more settings"
        case "depth":
            return f"{verb.format('export')} --as depth-json", "the answers as a file"
        case "fit":
            return f"{verb.format('export')} --as csv", "every probe as a file"
    return verb.format("best"), "the configuration, as flags to paste"
