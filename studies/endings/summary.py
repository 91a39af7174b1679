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
from studies.trial.failures import FailureHints, failed_for_good, failure_hints

MAX_COMMANDS = 4
"""That are named."""

NO_FAILURES = FailureHints()
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
    hints: FailureHints = NO_FAILURES
    """Of the trials that failed."""

    @property
    def exit_code(self) -> int:
        """0 done, 1 the work failed; an interrupt has its own."""
        return int(self.ending.failed or self.failed > 0)

    def lines(self, seconds: float, here: int | None) -> list[tuple[str, Tone]]:
        """For people. `seconds`: of the command; `here`: trials that ended in it, None if it only followed."""
        name, ending = self.study.name, self.ending
        lines = [(f"{name}: {self.reason}", Tone.FAILURE if ending.failed else Tone.PLAIN)]
        if self.failed and not ending.interrupted and not self._reason_counts_failures:
            lines.append((f"{counted(self.failed, 'trial')} failed", Tone.FAILURE))
        noun = "count" if self.study.search == "depth" else "trial"
        took = f"took {duration_text(seconds)}" + (f" for {counted(here, noun)}" if here else "")
        logs = f"; logs: {self.folder}" if self.folder.is_dir() else ""
        lines += [(f"{took}; storage: {self.storage}{logs}", Tone.PLAIN), ("next:", Tone.PLAIN)]
        hints = (self.more_seeds, self.hints)
        named = commands(self.study, self.standing, self.failed, ending.interrupted, self.state, *hints)
        width = max(len(command) for command, _ in named)
        return lines + [(f"  {command:<{width}}  # {why}", Tone.PLAIN) for command, why in named]

    @property
    def _reason_counts_failures(self) -> bool:
        """A grid's end counts its failed trials; what a search failed of needs no count beside it."""
        kind = self.study.outcome_kind
        return kind is not None and (kind.failed or self.study.search == "grid")

    @property
    def study_ended(self) -> bool:
        """Whether the study itself ended or stopped, and not this command alone: an interrupt, or a refusal."""
        return self.ending == Ending.of(self.standing)

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
    row = reader.counted_study(study.name)
    counts, alive = Counts.of(row), reader.living_workers(study.study_id) > 0
    folder = study_folder(store.home, study.folder, study.created_at)
    standing = standing_of(study, counts.begun, counts.running, alive)
    storage = store.shown or f"embedded server in {store.home}"
    failed, state = failed_for_good(session, study), current_state(Ledger(session, study.study_id), study)
    stalled = study.outcome_kind is EndKind.STALLED
    more = more_seeds(study, reader.decisions(study.study_id)) if stalled else None
    hints = failure_hints(session, study) if failed else NO_FAILURES
    return Summary(study, ending, standing, counts, failed, folder, storage, state, more, hints)


def commands(
    study: StudyRow,
    standing: Standing,
    failed: int,
    interrupted: bool,
    state: Json,
    seeds: str | None = None,
    hints: FailureHints = NO_FAILURES,
) -> Sequence[Command]:
    """The commands that make sense next, the likeliest first. `state`: the search's, after its last decision; `seeds`:
    the options that buy a growth more of them."""
    verb = program_name() + " {} --study " + study.name
    run, report = verb.format(f"run {study.search}"), (verb.format("report"), "a page with figures")
    audit = (verb.format("audit"), "check that nothing was lost or counted twice")
    who = (verb.format("status"), "what waits, and who else runs it")
    found: list[Command]
    if interrupted:
        found = [(run, "go on"), who, report]
    elif failed or standing.state is StudyState.FAILED:
        found = _after_failures(study, verb, hints)
        found += [report if standing.state is StudyState.DONE else _onward(study, standing, run)]
    else:
        match standing.state:
            case StudyState.DONE:
                found = [report, audit, _further(study, run, verb, state, seeds)]
            case StudyState.LATE | StudyState.BUDGET_USED_UP:
                found = [_onward(study, standing, run), report, audit]
            case _:
                found = [_onward(study, standing, run), who, report]
    return found[:MAX_COMMANDS]


def _after_failures(study: StudyRow, verb: str, hints: FailureHints) -> list[Command]:
    """Why trials failed, and how they are run or read again once that is mended."""
    found = [(f"{verb.format('show')} --failures", "why they failed, and whether that would happen again")]
    if hints.trial is not None:
        log = f"{program_name()} logs {study.name} {hints.trial}"
        found.append((log, f"what trial {hints.trial} printed, its traceback too"))
    retry = verb.format("retry")
    if hints.unread:
        found.append((f"{retry} --reread", "read again what scripts left, once `metrics:` in the definition is right"))
    if hints.others or not hints.unread:
        found.append((f"{retry} --failed", "run them again with the next `run`, once the cause is mended"))
    return found


def _onward(study: StudyRow, standing: Standing, run: str) -> Command:
    """The `run` that does something: more of its budget where that is used up."""
    match standing.state:
        case StudyState.LATE:
            return f"{run} --timeout DURATION", "give it more time"
        case StudyState.BUDGET_USED_UP:
            return f"{run} --max-trials {2 * study.max_trials if study.max_trials else 'N'}", "raise its budget"
    return run, "go on"


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
        case "tune" if not state.get("used_up"):
            return f"{run} --set tune.settings={2 * int(block['settings'])}", "more settings"
        case "depth":
            return f"{verb.format('export')} --as depth-json", "the answers as a file"
        case "fit":
            return f"{verb.format('export')} --as csv", "every probe as a file"
    return verb.format("best"), "the configuration, as flags to paste"
