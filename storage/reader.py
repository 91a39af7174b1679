"""Every read of the database in one class: a method a query, rows as the frozen values of records.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from storage.errors import UsageError, nearest
from storage.evidence_records import CodeResults, CodeRow, LedgerFacts, StudyDigests, TrialDigest
from storage.locks import TRIAL_LOCKS, WORKER_LOCKS
from storage.other_programs import (
    CopiedStudy,
    EndedTrial,
    EnqueuedTrial,
    MisshownMetric,
    OtherCount,
    OtherTrial,
    TakenTrial,
)
from storage.records import (
    AttemptRow,
    DecisionRow,
    EndKind,
    Ends,
    Extent,
    FailureKind,
    OpenTrial,
    ReportRow,
    RunningTrial,
    SetAside,
    StudyCounts,
    StudyGlance,
    StudyRow,
    Trace,
    TrialRow,
    WorkerRow,
)
from storage.session import Session, query
from storage.worker_records import FirstFailures, KeptTrial, Leading, LeadingSetting, SeedRow

Row = TypeVar("Row")


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
            raise UsageError(f"{name!r} cannot be a study's name", "--study")
        row = self.session.one("read_study", {"name": name})
        if row is not None and row.search is None:
            copied = self.copied_studies(name)
            what = f"{name!r} was made by another Optuna program; choose another name"
            raise UsageError(copied[0].text if copied else what, "--study")
        return None if row is None else StudyRow(**fields_of(row))

    def study_of_id(self, study_id: int) -> StudyRow | None:
        """The study of this id, if Studyhall made it."""
        row = self.session.one("name_study", {"study_id": study_id})
        return None if row is None else self.find_study(row.name)

    def name_of_key(self, key: str) -> str | None:
        """The name of the study that has this key in its digests; None: it is not in this storage."""
        row = self.session.one("find_key", {"key": key})
        return None if row is None else str(row.name)

    def study(self, name: str) -> StudyRow:
        """The study of this name.

        Raises:
            UsageError: There is none; the message names the nearest.
        """
        study = self.find_study(name)
        if study is None:
            names = [row.name for row in self.studies()]
            raise UsageError(
                f"there is no study {name!r} in this storage{nearest(name, names, 'there are: ')}", "--study"
            )
        return study

    def studies(self, name: str | None = None) -> list[StudyCounts]:
        """Every study that Studyhall made, or the one of this name."""
        return self._rows(StudyCounts, "list_studies", name=name)

    def counted_study(self, name: str) -> StudyCounts:
        """The study of this name, which was there before, with its trials counted.

        Raises:
            UsageError: It was deleted or renamed meanwhile.
        """
        found = self.studies(name)
        if not found:
            raise UsageError(f"there is no study {name!r} in this storage any more", "--study")
        return found[0]

    def copied_studies(self, name: str | None = None) -> list[CopiedStudy]:
        """Studies that another Optuna program made of the trials of ours: all, or the one of this name."""
        found = []
        for row in self.session.run("copied_studies", {"name": name}):
            mark = json.loads(row.mark)
            if isinstance(mark, dict) and {"study", "key"} <= mark.keys():
                found.append(CopiedStudy(row.name, str(mark["study"]), row.original))
        return found

    def glances(self) -> list[StudyGlance]:
        """Every study that Studyhall made, with its open work: the cost grows with the open work alone."""
        return self._rows(StudyGlance, "watch_studies", space=WORKER_LOCKS)

    def extent(self, study_id: int) -> Extent:
        """How many trials and decisions a study has, without counting them."""
        return self._rows(Extent, "read_extent", study_id=study_id)[0]

    # Trials

    def trials(self, study_id: int) -> list[TrialRow]:
        """Every trial that the search planned, by number."""
        return self._rows(TrialRow, "read_points", study_id=study_id)

    def some_trials(self, study_id: int, numbers: Sequence[int]) -> tuple[list[TrialRow], dict[int, str]]:
        """The trials of these numbers that the search planned; and the states of the others, by number."""
        rows = self.session.run("read_some_points", {"study_id": study_id, "numbers": list(numbers)})
        others = {row.number: str(row.state) for row in rows if row.hash is None}
        return [TrialRow(**fields_of(row)) for row in rows if row.hash is not None], others

    def over_trials(self, study_id: int, numbers: Sequence[int]) -> list[int]:
        """Of these numbers, the trials that have ended or were withdrawn."""
        values = {"study_id": study_id, "numbers": list(numbers)}
        return [row.number for row in self.session.run("over_trials", values)]

    def open_trials(self, study_id: int) -> list[OpenTrial]:
        """The trials that wait or run."""
        return self._rows(OpenTrial, "open_trials", study_id=study_id)

    def running_trials(self, study_id: int) -> list[RunningTrial]:
        """The trials that run now."""
        return self._rows(RunningTrial, "running_trials", study_id=study_id)

    def attempts(self, study_id: int, numbers: Sequence[int] | None = None) -> list[AttemptRow]:
        """The attempts in the order of their starts: of the trials of these numbers, or of all."""
        return self._rows(AttemptRow, "read_attempts", study_id=study_id, numbers=_listed(numbers))

    def reports(self, study_id: int, numbers: Sequence[int] | None = None) -> list[ReportRow]:
        """What trials reported, by trial and step: the trials of these numbers, or all."""
        return self._rows(ReportRow, "read_series", study_id=study_id, numbers=_listed(numbers))

    def reports_of(self, trial_id: int) -> list[ReportRow]:
        """What one trial reported, step by step."""
        return self._rows(ReportRow, "read_reports", trial_id=trial_id)

    def recent_reports(self, study_id: int, most: int) -> list[ReportRow]:
        """At most `most` reports of each running trial, the latest first."""
        return self._rows(ReportRow, "recent_reports", study_id=study_id, most=most)

    def seeds(self, study_id: int) -> list[SeedRow]:
        """The trials that have begun, by number, as a pruner of settings sees them."""
        rows = self.session.run("read_seeds", {"study_id": study_id})
        return [
            SeedRow(
                row.trial_id,
                row.number,
                row.state,
                row.setting,
                row.first,
                {step: float(text) for step, text in row.steps},
                {name: json.loads(text) for name, text in row.rungs.items()},
            )
            for row in rows
        ]

    def scores(self, study_id: int) -> dict[int, list[float]]:
        """The values that Optuna shows, a score each, by trial_id."""
        return {row.trial_id: [*row.values] for row in self.session.run("read_values", {"study_id": study_id})}

    def leading(self, study_id: int, score: str, direction: str, seeds: int) -> Leading:
        """How far a grid or a tune is, and the best settings of those with `seeds` results: all trials are read."""
        sign = -1 if direction == "maximize" else 1
        row = self.session.one("read_leading", {"study_id": study_id, "score": score, "seeds": seeds, "sign": sign})
        best = [
            LeadingSetting(
                json.loads(each["setting"]), {int(seed): float(text) for seed, text in each["scores"].items()}
            )
            for each in row.best or ()
        ]
        return Leading(row.done, row.planned, row.running, best)

    def trace(self, trial_id: int) -> Trace | None:
        """What a trial has left to look at; None if it never started."""
        return next(iter(self._rows(Trace, "read_traces", study_id=None, trial_id=trial_id)), None)

    def traces(self, study_id: int) -> list[Trace]:
        """The same of every trial of a study that started."""
        return self._rows(Trace, "read_traces", study_id=study_id, trial_id=None)

    def trial_numbers(self, study: str, digits: str, state: str | None, most: int) -> list[tuple[int, str]]:
        """Number and state of the trials of a study whose numbers begin with some digits."""
        values = {"name": study, "digits": digits, "state": state, "most": most}
        return [(row.number, row.state) for row in self.session.run("complete_trials", values)]

    def enqueued_trials(self, study_id: int) -> list[EnqueuedTrial]:
        """Trials that wait without a point."""
        return self._rows(EnqueuedTrial, "enqueued_trials", study_id=study_id)

    def ended_enqueued(self, study_id: int) -> list[EndedTrial]:
        """Trials that another program enqueued and that have ended, by number."""
        return self._rows(EndedTrial, "ended_enqueued", study_id=study_id)

    def taken_trials(self, study_id: int) -> list[TakenTrial]:
        """Planned trials that another Optuna program ended, by number."""
        return self._rows(TakenTrial, "taken_trials", study_id=study_id)

    def count_others(self, study_id: int) -> OtherCount:
        """How many trials of a study no search of ours planned, without counting them."""
        return self._rows(OtherCount, "count_others", study_id=study_id)[0]

    def first_seed(self, study_id: int) -> int:
        """The seed of the first point that was planned; 0 before it."""
        row = self.session.one("first_seed", {"study_id": study_id})
        return 0 if row is None else int(row.seed)

    def distributions(self, study_id: int) -> dict[str, str]:
        """The study's parameters in Optuna: distributions as JSON, by name."""
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

    def misshown_metrics(self, study_id: int) -> list[MisshownMetric]:
        """Metrics that Optuna's user attributes show otherwise than they were accepted."""
        return self._rows(MisshownMetric, "misshown_metrics", study_id=study_id)

    def other_trials(self, study_id: int) -> list[OtherTrial]:
        """Trials that no search of ours planned."""
        return self._rows(OtherTrial, "read_other_trials", study_id=study_id)

    def trial_digests(self, study_id: int) -> list[TrialDigest]:
        """A digest of each finished trial, by number."""
        return self._rows(TrialDigest, "trial_digests", study_id=study_id)

    # Decisions, workers, facts

    def decisions(self, study_id: int, first: int = 0) -> list[DecisionRow]:
        """The decisions of a study from number `first` on, in their order."""
        return self._rows(DecisionRow, "read_decisions", study_id=study_id, first=first)

    def workers(self, study_id: int) -> list[WorkerRow]:
        """Every worker that a study has had."""
        return self._rows(WorkerRow, "read_workers", study_id=study_id, space=WORKER_LOCKS)

    def codes(self, study_id: int) -> list[CodeRow]:
        """The versions of the user's code that workers have run, the first one first."""
        return self._rows(CodeRow, "read_codes", study_id=study_id)

    def code_results(self, study_id: int) -> list[CodeResults]:
        """The accepted results that count, by the version of the user's code."""
        return self._rows(CodeResults, "count_codes", study_id=study_id)

    def living_workers(self, study_id: int) -> int:
        """How many workers of a study live."""
        return sum(worker.alive for worker in self.workers(study_id))

    def facts(self, study_id: int) -> LedgerFacts:
        """Missing numbers, and running trials whose worker is gone."""
        return self._rows(LedgerFacts, "audit_facts", study_id=study_id, space=TRIAL_LOCKS)[0]

    def ends(self, study_id: int) -> Ends:
        """How many trials have an accepted end, and how many failed."""
        return self._rows(Ends, "count_ends", study_id=study_id)[0]

    def first_failures(self, study_id: int) -> FirstFailures:
        """A study as it is before its first success."""
        return self._rows(FirstFailures, "first_failures", study_id=study_id)[0]

    def kept_trials(self, study_id: int) -> list[KeptTrial]:
        """Trials that were set aside since they lacked a metric, with those that they returned; by number."""
        return self._rows(KeptTrial, "kept_metrics", study_id=study_id)

    def failed(self, study_id: int, answers: Sequence[str] = ()) -> int:
        """How many trials ran and failed for good, with an outcome that is not among `answers`."""
        return int(self.session.one("count_failed", {"study_id": study_id, "answers": list(answers)}).failed)

    def launches(self, study_id: int) -> list[str]:
        """The jobs that schedulers were asked for, as JSON, the oldest first."""
        return [row.value for row in self.session.run("read_launches", {"study_id": study_id})]

    # Many studies at once

    def by_study(
        self, kind: Callable[..., Row], name: str, study_ids: Sequence[int], **values: object
    ) -> dict[int, list[Row]]:
        """The rows of a query of one study for each of these studies, by its id, in one statement."""
        one = query(name).replace("%(study_id)s", "asked.id")
        asked = "unnest(%(ids)s::integer[]) AS asked(id)"
        statement = f"SELECT asked.id AS asked_id, row.* FROM {asked}, LATERAL (\n{one}\n) AS row"
        found: dict[int, list[Row]] = {study_id: [] for study_id in study_ids}
        for row in self.session.execute(statement, {"ids": [*study_ids], **values}):
            fields = fields_of(row)
            found[fields.pop("asked_id")].append(kind(**fields))
        return found

    def _rows(self, kind: type[Row], query: str, **values: object) -> list[Row]:
        return [kind(**fields_of(row)) for row in self.session.run(query, values)]


def fields_of(row: Any) -> dict[str, Any]:
    """A row's columns as the fields of its record: kinds are enums, and metrics a mapping from names to numbers.

    Metrics come as texts, since JSON has neither NaN nor infinity; reports as two arrays, `names` and `figures`.
    """
    fields: dict[str, Any] = row._asdict()
    if fields.get("outcome_kind") is not None:
        fields["outcome_kind"] = EndKind(fields["outcome_kind"])
    if fields.get("failure") is not None:
        fields["failure"] = FailureKind(fields["failure"])
    if isinstance(fields.get("set_aside"), str):
        fields["set_aside"] = SetAside(fields["set_aside"])
    if fields.get("last_report") is not None:
        step, value = fields["last_report"]
        fields["last_report"] = int(step), float(value)
    if "tags" in fields:
        fields["tags"] = {key: str(json.loads(text)) for key, text in (fields["tags"] or {}).items()}
    if "figures" in fields:
        fields["metrics"] = dict(zip(fields.pop("names") or (), fields.pop("figures") or (), strict=True))
    elif "hash" in fields:
        texts: Mapping[str, str] = fields["metrics"] or {}
        fields["metrics"] = {name: float(text) for name, text in texts.items()}
    return fields


def _listed(numbers: Sequence[int] | None) -> list[int] | None:
    return None if numbers is None else list(numbers)
