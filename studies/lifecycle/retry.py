"""`retry`: run failed trials again; `--reread`: read the metrics again that a script has left, without running it."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from objectives.command.again import PastTrial, read_again
from objectives.command.command import COMMAND_PREFIX, Command
from objectives.outcome import AttemptError, Kind, Outcome, Report
from objectives.reference import reading_as
from storage.errors import UsageError
from storage.home import definition_file, trial_folder
from storage.ledger import End, Ledger
from storage.reader import Reader
from storage.records import AttemptRow, StudyRow, TrialRow
from storage.session import Session
from storage.store import Store
from storage.studies import set_outcome, sign_out
from studies.definition.definition import Definition
from studies.engine.membership import Membership
from studies.engine.policy import Requirements, judge, with_best
from studies.engine.running import STEP_LIMIT
from studies.engine.taken import decide_again, effect_of_again
from studies.slots.slot import Slot
from studies.tables.digits import number as shown_number

READING_SLOT = Slot("reread", "cpu", 1)


def retry(session: Session, study: StudyRow, numbers: Sequence[int] | None) -> list[str]:
    """Each failed point gets a new trial; a line each. None: all failed points that were not retried yet.

    A depth or fit search decides again what it had decided from one of them.

    Raises:
        UsageError: No trial failed, or one of the given trials did not; nothing was written.
    """
    ledger = Ledger(session, study.study_id)
    for number in numbers or ():
        if not 0 <= number < 2**31:
            raise UsageError(f"--trial: {number} is not the number of a trial")
    with ledger.planning():
        renewed = ledger.retry_points(numbers)
        missing = sorted(set(numbers or ()) - {each.old for each in renewed})
        if missing:
            raise UsageError(f"--trial: {missing[0]} is not a failed trial of {study.name!r} that can be retried")
        if not renewed:
            raise UsageError(f"--failed: no trial of {study.name!r} has failed")
        decided = decide_again(ledger, study, renewed)
        set_outcome(session, study.study_id)
    effect = effect_of_again(study)
    return [f"trial {each.old}: retried as trial {each.new}{f'; {effect}' * (each in decided)}" for each in renewed]


@dataclass(frozen=True)
class ReadAgain:
    """A failed trial whose files were read again."""

    row: TrialRow
    attempt: AttemptRow
    outcome: Outcome
    reports: Sequence[Report] = ()


def reread(store: Store, study: StudyRow, numbers: Sequence[int] | None, file: Path | None) -> list[str]:
    """Read the metrics of trials that ended well and could not be read; a line each. Those that can be read now are
    results: each point gets a new trial, which is complete at once, with the code version that trained it.

    Args:
        store: Where the study is.
        study: The study of a command.
        numbers: Of the failed trials; None: all that ended so on this host.
        file: The definition's file, whose `metrics:` say how to read; None: NAME.yaml, else as the study has it.

    Raises:
        UsageError: None of them can be read; nothing was written.
    """
    definition = Definition.from_json(study.definition)
    if not definition.objective.startswith(COMMAND_PREFIX):
        raise UsageError("--reread: the objective is a function; only a command leaves files to be read again")
    named = file if file is not None else definition_file(study.name)
    edited = definition if named is None else Definition.load(named, study.search)
    objective = reading_as(definition.objective, edited.objective)
    required = Requirements.of(definition, study)
    with closing(store.read()) as session:
        found = _unread(Reader(session), study, numbers)
    read = [_read(each, attempt, study, store.home, Command.from_text(objective), required) for each, attempt in found]
    good = {each.row.number: each for each in read if each.outcome.kind is Kind.COMPLETED}
    lines = [f"trial {each.row.number}: {each.outcome.message}" for each in read if each.row.number not in good]
    if not good:
        raise UsageError("; ".join(lines) or f"no trial of {study.name!r} ended well here without metrics", "--reread")
    return [*_complete(store, study, good, required), *lines]


def _unread(reader: Reader, study: StudyRow, numbers: Sequence[int] | None) -> list[tuple[TrialRow, AttemptRow]]:
    """Failed trials whose last attempt ended well on this host, without the metrics that the study needs."""
    last = {each.number: each for each in reader.attempts(study.study_id)}
    rows = {row.number: row for row in reader.trials(study.study_id) if row.state == "FAIL" and not row.retired}
    wrong = next((each for each in numbers or () if each not in rows or each not in last), None)
    if wrong is not None:
        raise UsageError(f"--trial: {wrong} is not a failed trial of {study.name!r} that can be read again")
    here = {
        number: each
        for number, each in last.items()
        if each.outcome == Kind.INVALID.value and each.host == socket.gethostname()
    }
    elsewhere = next((each for each in numbers or () if each not in here), None)
    if elsewhere is not None:
        why = f"ended as {last[elsewhere].outcome} on {last[elsewhere].host}"
        raise UsageError(f"--trial: {elsewhere} {why}: there is nothing to read again here")
    return [(rows[number], here[number]) for number in numbers or rows if number in here]


def _read(
    row: TrialRow, attempt: AttemptRow, study: StudyRow, home: Path, command: Command, required: Requirements
) -> ReadAgain:
    folder = trial_folder(home, study.folder, study.created_at, row.number)
    trial = PastTrial(row.seed, row.number, attempt.attempt, folder.run(attempt.attempt), folder.checkpoint)
    config: Mapping[str, object] = {**row.config, "seed": row.seed}
    measured = {"seconds": attempt.seconds} if attempt.seconds is not None and "seconds" in command.needs else {}
    left = replace(command, needs=[name for name in command.needs if name not in measured])
    try:
        metrics = {**measured, **read_again(left, config, trial, folder.log(attempt.attempt))}
    except AttemptError as error:
        return ReadAgain(row, attempt, Outcome(error.kind, message=error.message))
    outcome = with_best(Outcome(Kind.COMPLETED, metrics), [each.metrics for each in trial.reports], required)
    return ReadAgain(row, attempt, judge(outcome, required), trial.reports)


def _complete(store: Store, study: StudyRow, good: Mapping[int, ReadAgain], required: Requirements) -> list[str]:
    """Give each point a new trial and complete it, all in one transaction.

    Raises:
        UsageError: One of them cannot begin: the study is stopped, or its budget is used up.
    """
    ledger, worker = Membership(store, study.name, (READING_SLOT,)).connect()
    lines = []
    with closing(ledger.session):
        with ledger.planning():
            renewed = ledger.retry_points([*good])
            decided = decide_again(ledger, study, renewed)
            for each in renewed:
                read = good[each.old]
                claim = ledger.claim_trial(worker, READING_SLOT.name, True, each.new, read.attempt.code)
                if claim is None:
                    raise UsageError(f"{study.name!r} is stopped, or its budget is used up: run it first", "--reread")
                kept = [report for report in read.reports if abs(report.step) < STEP_LIMIT]
                steps = {report.step: required.with_score(report.metrics) for report in kept}
                shown = [required.reported(metrics) for metrics in steps.values()]
                ledger.report_steps(claim, [*zip(steps, steps.values(), shown, strict=True)])
                metrics = read.outcome.metrics
                end = End(Kind.COMPLETED.value, f"read again from trial {each.old}, attempt {read.attempt.attempt}")
                ledger.finish_trial(claim, "COMPLETE", end, required.values(metrics), metrics, None)
                effect = f"; {effect_of_again(study)}" * (each in decided)
                scores = ", ".join(f"{name} {shown_number(metrics[name])}" for name in required.scores)
                told = f"read again as trial {each.new}: {scores}{effect}"
                lines.append(f"trial {each.old}: {told}")
            set_outcome(ledger.session, study.study_id)
        sign_out(ledger.session, worker)
    return lines
