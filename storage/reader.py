"""Every read of the database in one class: a method a query, rows as the frozen values of records.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storage.errors import UsageError, nearest
from storage.locks import TRIAL_LOCKS, WORKER_LOCKS
from storage.records import (
    AttemptRow,
    DecisionRow,
    EndKind,
    Ends,
    EnqueuedTrial,
    Extent,
    FailureKind,
    LedgerFacts,
    OpenTrial,
    OtherTrial,
    ReportRow,
    RunningTrial,
    StudyCounts,
    StudyDigests,
    StudyGlance,
    StudyRow,
    Trace,
    TrialDigest,
    TrialRow,
    WorkerRow,
)
from storage.session import Session


def metrics_of(texts: Mapping[str, str] | None) -> dict[str, float]:
    """Metrics as the database writes them: text, since JSON has neither NaN nor infinity."""
    return {name: float(text) for name, text in (texts or {}).items()}


class Reader:
    """Reads over one session. Each method is one statement; `session.snapshot()` makes several of one moment."""

    def __init__(self, session: Session) -> None:
        self.session = session

    # Studies

    def find_study(self, name: str) -> StudyRow | None:
        """The study of this name, or None if there is none.

        Raises:
            UsageError: The name belongs to a study that stock Optuna made: it has no plan.
        """
        if not name.isprintable():
            raise UsageError(f"--study: {name!r} cannot be a study's name")
        row = self.session.one("read_study", {"name": name})
        if row is not None and row.search is None:
            raise UsageError(f"--study: {name!r} was made by another Optuna program; choose another name")
        return None if row is None else StudyRow(**_ended(row))

    def study(self, name: str) -> StudyRow:
        """The study of this name.

        Raises:
            UsageError: There is none; the message names the nearest.
        """
        study = self.find_study(name)
        if study is None:
            names = [row.name for row in self.studies()]
            raise UsageError(f"--study: there is no study {name!r} in this storage{nearest(name, names)}")
        return study

    def studies(self, name: str | None = None) -> list[StudyCounts]:
        """Every study of ours with its counts, or the one of this name."""
        return [StudyCounts(**_ended(row)) for row in self.session.run("list_studies", {"name": name})]

    def glances(self) -> list[StudyGlance]:
        """Every study of ours with its open work: costs as much as there is open work."""
        return [StudyGlance(**_ended(row)) for row in self.session.run("watch_studies", {"space": WORKER_LOCKS})]

    def extent(self, study_id: int) -> Extent:
        """How many trials and decisions a study has, without counting them."""
        row = self.session.one("read_extent", {"study_id": study_id})
        return Extent(row.trials, row.decisions)

    # Trials

    def trials(self, study_id: int) -> list[TrialRow]:
        """Every trial that the search planned, by number."""
        return [_trial(row) for row in self.session.run("read_points", {"study_id": study_id})]

    def some_trials(self, study_id: int, numbers: Sequence[int]) -> tuple[list[TrialRow], dict[int, str]]:
        """The trials of these numbers that the search planned; and the states of the others, by number."""
        rows = self.session.run("read_some_points", {"study_id": study_id, "numbers": list(numbers)})
        others = {row.number: str(row.state) for row in rows if row.hash is None}
        return [_trial(row) for row in rows if row.hash is not None], others

    def open_trials(self, study_id: int) -> list[OpenTrial]:
        """The trials that wait or run."""
        return [OpenTrial(**row._asdict()) for row in self.session.run("open_trials", {"study_id": study_id})]

    def running_trials(self, study_id: int) -> list[RunningTrial]:
        """What runs now."""
        rows = self.session.run("running_trials", {"study_id": study_id})
        return [RunningTrial(**_figured(row)) for row in rows]

    def attempts(self, study_id: int, number: int | None = None) -> list[AttemptRow]:
        """Every attempt of a study in the order of their starts, or those of one trial."""
        rows = self.session.run("read_attempts", {"study_id": study_id, "number": number})
        return [AttemptRow(**row._asdict()) for row in rows]

    def some_attempts(self, study_id: int, numbers: Sequence[int]) -> list[AttemptRow]:
        """The attempts of the trials of these numbers, by trial."""
        rows = self.session.run("read_some_attempts", {"study_id": study_id, "numbers": list(numbers)})
        return [AttemptRow(**row._asdict()) for row in rows]

    def reports(self, study_id: int, numbers: Sequence[int] | None = None) -> list[ReportRow]:
        """What trials reported, by trial and step: of these numbers, or of all."""
        values = {"study_id": study_id, "numbers": None if numbers is None else list(numbers)}
        return [ReportRow(**_figured(row)) for row in self.session.run("read_series", values)]

    def reports_of(self, trial_id: int) -> list[ReportRow]:
        """What one trial reported, step by step."""
        rows = self.session.run("read_reports", {"trial_id": trial_id})
        return [ReportRow(**_figured(row)) for row in rows]

    def recent_reports(self, study_id: int, most: int) -> list[ReportRow]:
        """Of each running trial the latest reports, at most so many, the latest first."""
        rows = self.session.run("recent_reports", {"study_id": study_id, "most": most})
        return [ReportRow(**_figured(row)) for row in rows]

    def scores(self, study_id: int) -> dict[int, float]:
        """The value that Optuna shows, by trial_id."""
        return {row.trial_id: row.value for row in self.session.run("read_values", {"study_id": study_id})}

    def trace(self, trial_id: int) -> Trace | None:
        """What a trial that was begun has left to look at."""
        row = self.session.one("read_traces", {"study_id": None, "trial_id": trial_id})
        return None if row is None else Trace(**row._asdict())

    def traces(self, study_id: int) -> list[Trace]:
        """The same of every trial of a study that was begun."""
        rows = self.session.run("read_traces", {"study_id": study_id, "trial_id": None})
        return [Trace(**row._asdict()) for row in rows]

    def trial_numbers(self, study: str, digits: str, state: str | None, most: int) -> list[tuple[int, str]]:
        """Number and state of the trials of a study whose numbers begin with some digits."""
        values = {"name": study, "digits": digits, "state": state, "most": most}
        return [(row.number, row.state) for row in self.session.run("complete_trials", values)]

    def enqueued_trials(self, study_id: int) -> list[EnqueuedTrial]:
        """Trials that wait without a point."""
        return [EnqueuedTrial(**row._asdict()) for row in self.session.run("enqueued_trials", {"study_id": study_id})]

    def distributions(self, study_id: int) -> dict[str, str]:
        """What Optuna was told of the study's parameters: distributions as JSON, by name."""
        return {row.name: row.distribution for row in self.session.run("known_params", {"study_id": study_id})}

    # Digests

    def digests(self, study_id: int) -> StudyDigests:
        """A study's own digests and sums."""
        row = self.session.one("read_digests", {"study_id": study_id})
        return StudyDigests(**{**row._asdict(), "plan": int(row.plan)})

    def params(self, study_id: int) -> dict[int, list[tuple[str, float, str]]]:
        """The parameters that Optuna shows of every point, by trial_id: name, internal value, distribution."""
        rows = self.session.run("read_params", {"study_id": study_id})
        return {row.trial_id: [(name, float(text), kind) for name, text, kind in row.params] for row in rows}

    def other_trials(self, study_id: int) -> list[OtherTrial]:
        """Trials that no search of ours planned."""
        return [OtherTrial(**row._asdict()) for row in self.session.run("read_other_trials", {"study_id": study_id})]

    def trial_digests(self, study_id: int) -> list[TrialDigest]:
        """A digest of each finished trial, by number."""
        return [TrialDigest(**row._asdict()) for row in self.session.run("trial_digests", {"study_id": study_id})]

    # Decisions, workers, facts

    def decisions(self, study_id: int, first: int = 0) -> list[DecisionRow]:
        """The decisions of a study from a number on, first to last."""
        rows = self.session.run("read_decisions", {"study_id": study_id, "first": first})
        return [DecisionRow(**row._asdict()) for row in rows]

    def workers(self, study_id: int) -> list[WorkerRow]:
        """Every worker that a study has had."""
        rows = self.session.run("read_workers", {"study_id": study_id, "space": WORKER_LOCKS})
        return [WorkerRow(**row._asdict()) for row in rows]

    def living_workers(self, study_id: int) -> int:
        """How many workers of a study live."""
        return sum(worker.alive for worker in self.workers(study_id))

    def facts(self, study_id: int) -> LedgerFacts:
        """Missing numbers, and trials that nobody runs."""
        row = self.session.one("audit_facts", {"study_id": study_id, "space": TRIAL_LOCKS})
        return LedgerFacts(row.missing, row.orphans)

    def ends(self, study_id: int) -> Ends:
        """How many trials ended, and how."""
        row = self.session.one("count_ends", {"study_id": study_id})
        return Ends(row.accepted, row.failed)

    def launches(self, study_id: int) -> list[str]:
        """What was asked of schedulers, as JSON, the oldest first."""
        return [row.value for row in self.session.run("read_launches", {"study_id": study_id})]


def failure_of(text: str | None) -> FailureKind | None:
    """The kind of a FAIL, as the database has it."""
    return None if text is None else FailureKind(text)


def _ended(row: Any) -> dict[str, Any]:
    """A study's row whose outcome has its kind."""
    values: dict[str, Any] = row._asdict()
    kind = values["outcome_kind"]
    return {**values, "outcome_kind": None if kind is None else EndKind(kind)}


def _trial(row: Any) -> TrialRow:
    values = {**row._asdict(), "metrics": metrics_of(row.metrics), "failure": failure_of(row.failure)}
    return TrialRow(**values)


def _figured(row: Any) -> dict[str, Any]:
    """A row whose names and figures become one mapping."""
    values: dict[str, Any] = row._asdict()
    names, figures = values.pop("names"), values.pop("figures")
    return {**values, "metrics": dict(zip(names or (), figures or (), strict=True))}
