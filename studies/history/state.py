"""Where a study stands: nine states, one line of what each means and what leads on from it, the same on every surface.

waiting ◄──► running ──► done | failed                      the search has ended
                │  └───► late | budget used up              nothing more is started until `run` gives it more
                ├──────► draining ──► stopped               after `stop`; `run` goes on
                └──────► nobody works on it                 its workers are gone; `run` goes on
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from samplers.searches.plural import counted
from storage.program import program_name
from storage.records import EndKind, StudyCounts, StudyGlance, StudyRow
from studies.history.certainty import certainty_text, chosen_of
from studies.history.decisions import event_text
from studies.history.purpose import candidate_name


class StudyState(Enum):
    """One of nine; the value is its name for people and in JSON."""

    WAITING = "waiting"
    """A worker lives and runs nothing: devices are taken, or the next trials are being planned."""
    RUNNING = "running"
    """Living workers run trials."""
    DRAINING = "draining"
    """`stop` was called; running trials finish first."""
    STOPPED = "stopped"
    """`stop` was called, and nothing runs. `run` goes on."""
    LATE = "late"
    """Its time is up. `run --timeout` gives it more."""
    BUDGET_USED_UP = "budget used up"
    """It has started as many trials as it may. `run --max-trials` raises that."""
    DONE = "done"
    """The search has its answer. A growth goes on with `run --steps`."""
    FAILED = "failed"
    """The search cannot go on. `retry` runs failed trials again."""
    IDLE = "nobody works on it"
    """No worker lives. `run` goes on."""


SETTLED = {StudyState.STOPPED, StudyState.LATE, StudyState.BUDGET_USED_UP, StudyState.DONE, StudyState.FAILED}
"""States in which a worker leaves: nothing more will be started."""


@dataclass(frozen=True)
class Standing:
    """A study's state with its detail."""

    state: StudyState
    detail: str = ""

    @property
    def text(self) -> str:
        """`done: 12 steps are done`, `late: its time is up`, `running`."""
        return f"{self.state.value}: {self.detail}" if self.detail else self.state.value

    @property
    def failed(self) -> bool:
        """Whether a command that ends with it ends with 1."""
        return self.state is StudyState.FAILED


@dataclass(frozen=True)
class Ending:
    """Why a command that works on a study, or follows it, has ended."""

    reason: str
    failed: bool = False
    interrupted: bool = False

    @staticmethod
    def of(standing: Standing) -> Ending | None:
        """None while there is something to wait for."""
        return Ending(standing.text, standing.failed) if standing.state in SETTLED else None


def standing_of(study: StudyRow | StudyCounts | StudyGlance, begun: int, running: int, alive: bool) -> Standing:
    """Where a study stands.

    Args:
        study: Its row.
        begun: Trials that do not wait: running ones, and those that have ended.
        running: Of these, the ones that run.
        alive: Whether a worker of the study is alive.
    """
    if study.outcome is not None:
        return Standing(StudyState.FAILED if study.failed else StudyState.DONE, study.outcome)
    if study.draining:
        if running and alive:
            return Standing(StudyState.DRAINING, "it was told to stop; the trials that run finish first")
        return Standing(StudyState.STOPPED, "it was told to stop")
    if running and alive:
        return Standing(StudyState.RUNNING)
    if study.late:
        return Standing(StudyState.LATE, "its time is up")
    if study.max_trials is not None and not running and begun >= study.max_trials:
        return Standing(StudyState.BUDGET_USED_UP, _started_text(study.max_trials))
    return Standing(StudyState.WAITING if alive else StudyState.IDLE)


def _started_text(count: int) -> str:
    return "its 1 trial was started" if count == 1 else f"all of its {count:,} trials were started"


def next_command(
    search: str, name: str, standing: Standing, kind: EndKind | None, steps: int | None, max_trials: int | None
) -> str | None:
    """What to do where a study does not go on by itself, with the command; None where there is nothing to do.

    Args:
        search: Its search.
        name: Its name.
        standing: Where it stands.
        kind: Of its outcome, if it has one.
        steps: Its budget of steps.
        max_trials: Its budget of trials.
    """
    run = f"{program_name()} run {search} --study {name}"
    match standing.state:
        case StudyState.STOPPED | StudyState.IDLE:
            return f"to go on: {run}"
        case StudyState.LATE:
            return f"to give it more time: {run} --timeout DURATION"
        case StudyState.BUDGET_USED_UP:
            return f"to raise its budget: {run} --max-trials {2 * max_trials if max_trials else 'N'}"
        case StudyState.DONE if kind is EndKind.STEPS:
            return f"to grow further: {run} --steps {2 * steps if steps else 'N'}"
        case StudyState.FAILED:
            retry = f"{program_name()} retry --study {name} --failed"
            return f"to run its failed trials again, once the cause is mended: {retry}"
    return None


def decided(record: Mapping[str, Any]) -> str:
    """A decision on one line."""
    chosen = chosen_of(record) or record.get("chosen")
    choice = candidate_name(chosen) if chosen else record.get("told")
    return "; ".join(filter(None, (choice, event_text(record)))) or "nothing chosen"


def decision_text(number: int, record: Mapping[str, Any]) -> str:
    """A decision on one line, with its name and how sure it is."""
    return "; ".join(filter(None, (f"{decision_name(number, record)}: {decided(record)}", certainty_text(record))))


def race_text(record: Mapping[str, Any]) -> str:
    """A decision of a tune's race: `racing begins: setting 1 leads; more seeds for 1, 4 (6 more trials)`."""
    standing = record.get("standing") or {"settings": []}
    seeds = {each["setting"]: each["seeds"] for each in standing["settings"]}
    trials = sum(count - seeds.get(number, 0) for number, count in record["more"])
    more = f" ({counted(trials, 'more trial')})" if trials else ""
    return f"racing{' begins' * (not record['outcomes'])}: {record['told']}{more}"


def decision_name(number: int, record: Mapping[str, Any]) -> str:
    """A growth's decision by its round, another search's by its number in the ledger."""
    return f"round {record['round']}" if "round" in record else f"decision {number}"
