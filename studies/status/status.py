"""Where studies stand: counts, workers, running trials, failures. Reads only, without torch or Optuna."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from samplers.searches.plural import counted
from samplers.searches.tune.imported import imported_count
from storage.errors import EmptyStorageError
from storage.locks import WORKER_LOCKS
from storage.other_programs import TakenTrial
from storage.reader import Reader
from storage.records import Achieved, AttemptRow, DecisionRow, RunningTrial, StudyCounts, WorkerRow
from storage.session import Session
from studies.answers.best import ShortBest, short_best
from studies.dashboard.tags import has_tags, tags_text
from studies.definition.units import ago_text, plain
from studies.history.counts import Counts
from studies.history.pace import left_text, mean_trial_seconds, seconds_left
from studies.history.purpose import purpose
from studies.history.state import Standing, decision_text, next_command, standing_of
from studies.launch.launcher import Launch, read_launches_of
from studies.launch.states import launch_lines, launches_json
from studies.status.pace import RUNNING, Pace, running_row
from studies.status.slot_names import slot_names
from studies.tables.table import Cell, Column, Document, Table

MAX_LAUNCHES = 3
"""The last ones are shown."""
MAX_DECISIONS = 3
"""The last ones are shown."""
OVERVIEW_COUNTS = ("running", "waiting", "pruned", "failed", "withdrawn", "set_aside")
"""Of all studies, where one has such trials."""
NO_STUDIES = EmptyStorageError().what


@dataclass(frozen=True)
class Status:
    """One study at one moment."""

    row: StudyCounts
    workers: Sequence[WorkerRow]
    running: Sequence[RunningTrial]
    attempts: Sequence[AttemptRow]
    decisions: Sequence[DecisionRow]
    launches: Sequence[Launch] = ()
    taken: Sequence[TakenTrial] = ()
    achieved: Achieved | None = None
    best: ShortBest | None = None

    @property
    def counts(self) -> Counts:
        """Its trials by state."""
        return Counts.of(self.row)

    @property
    def alive(self) -> dict[int, WorkerRow]:
        """Living workers by id."""
        return {worker.worker_id: worker for worker in self.workers if worker.alive}

    @property
    def orphans(self) -> set[int]:
        """Numbers of RUNNING trials whose worker is gone."""
        return {row.number for row in self.running if row.worker_id not in self.alive}

    @property
    def standing(self) -> Standing:
        """Its state."""
        return standing_of(self.row, self.counts.begun, self.row.running, bool(self.alive))

    @property
    def mean_seconds(self) -> float | None:
        """Of a completed trial; None while too few have completed."""
        return mean_trial_seconds(self.attempts)

    @property
    def seconds_left(self) -> float | None:
        """For this round's open points; None if unknown."""
        slots = sum(len(worker.slots) for worker in self.alive.values())
        if self.row.outcome is not None:
            return None
        return seconds_left(self.mean_seconds, self.row.waiting, (row.seconds for row in self.running), slots)

    @property
    def advice(self) -> list[str]:
        """The command that makes the study go on, if it does not go on by itself."""
        row, standing = self.row, self.standing
        command = next_command(row.search, row.name, standing, row.outcome_kind, row.steps, row.max_trials)
        orphans = sorted(self.orphans)
        if not orphans:
            return [] if command is None else [command]
        then = "another worker takes over" if self.alive else command
        return [f"trial{'s' * (len(orphans) > 1)} {', '.join(map(str, orphans))}: the worker is gone; {then}"]

    @property
    def _last_decisions(self) -> Sequence[Any]:
        """Without a grid's plans, which only count the next points."""
        made = [each for each in self.decisions if self.row.search != "grid" or each.kind != "planned"]
        return made[-MAX_DECISIONS:]

    @property
    def failures(self) -> dict[str, int]:
        """Failed attempts by cause."""
        bad = (row for row in self.attempts if row.outcome not in (None, "completed"))
        return dict(Counter(f"{row.outcome}: {row.message}".removesuffix(": ") for row in bad).most_common())

    @property
    def head(self) -> list[str]:
        """State, counts, time left, advice: a line each."""
        row, left = self.row, self.seconds_left
        search = f"{row.search} --laptop" if row.on_laptop else row.search
        head = [f"{row.name} ({search}): {self.standing.text}", self.counts.text or "nothing planned yet"]
        if row.max_trials is not None and row.outcome is None:
            head[1] += f"  (budget: {counted(row.max_trials, 'trial')})"
        if row.search == "tune" and self.decisions and row.outcome is None:
            state = self.decisions[-1].state
            chosen = f"{state['next'] - imported_count(state)} of {state['tune']['settings']} settings are chosen"
            head.append(f"{chosen}, {len(state['open'])} of them open")
            head += [f"{imported_count(state)} more imported"] if imported_count(state) else []
        what = " in this round" if row.search in ("grow", "fit") else " for the planned trials"
        return [*head, *([] if left is None else [left_text(left) + what]), *self.advice]

    @property
    def workers_text(self) -> str:
        """`workers: host:17 (2 slots)`."""
        alive = (f"{each.host}:{each.pid} ({counted(len(each.slots), 'slot')})" for each in self.alive.values())
        return f"workers: {', '.join(alive) or 'none'}"

    def document(self) -> Document:
        """State and counts, running trials, workers, the last decisions, failures."""
        notes = [f"tags: {tags_text(self.row.tags)}"] if self.row.tags else []
        notes += [self.workers_text] if self.alive else []
        notes += launch_lines(self.launches[-MAX_LAUNCHES:])
        notes += taken_lines(self.taken)
        notes += [decision_text(each.number, each.record) for each in self._last_decisions]
        notes += [f"{count} × {cause}" for cause, count in self.failures.items()]
        names = slot_names([(each.host, each.pid, each.slot) for each in self.running], with_host=True)
        rows = [_running_row(each, names[each.host, each.pid, each.slot]) for each in self.running]
        return Document([Table(RUNNING, rows).without_empty_columns()] if rows else [], notes, self.head)

    def to_json(self) -> dict[str, Any]:
        """`status --json`: names are stable."""
        row = self.row
        return {
            "study": row.name,
            "search": row.search,
            "laptop": row.on_laptop,
            "state": self.standing.state.value,
            "outcome": row.outcome,
            "counts": self.counts.to_json(),
            "rounds": len(self.decisions),
            "budget": {"steps": row.steps, "max_trials": row.max_trials},
            "seconds_left": self.seconds_left,
            "workers": [
                {name: getattr(each, name) for name in ("host", "pid", "account", "slots", "alive")}
                for each in self.alive.values()
            ],
            "running": [
                {
                    "trial": each.number,
                    **{name: getattr(each, name) for name in ("attempt", "role", "host", "slot", "seconds", "step")},
                    "metrics": {name: plain(value) for name, value in each.metrics.items()},
                }
                for each in self.running
            ],
            "failures": self.failures,
            "taken": [{"trial": each.number, "again": each.again} for each in self.taken],
            "launches": launches_json(self.launches),
            **self._achieved_json(),
            "tags": dict(self.row.tags),
        }

    def _achieved_json(self) -> dict[str, Any]:
        planned, achieved = self.counts.planned, self.achieved
        share = {"share_done": self.counts.finished / planned if planned else None}
        if achieved is None:
            return share
        best = None if self.best is None else self.best.to_json()
        return {**share, "best": best, "last_activity": str(achieved.active_at)}


def taken_lines(taken: Sequence[TakenTrial]) -> list[str]:
    """What became of planned trials that another Optuna program ended."""
    open_, again = [each for each in taken if each.again is None], [each for each in taken if each.again is not None]
    lines = []
    if open_:
        numbers = ", ".join(f"trial {each.number}" for each in open_)
        lines.append(f"ended by another Optuna program: {numbers}; the next worker plans the points again")
    if again:
        pairs = ", ".join(f"trial {each.number} as trial {each.again}" for each in again)
        lines.append(f"ended by another Optuna program, and planned again: {pairs}")
    return lines


def _running_row(row: RunningTrial, slot: str) -> list[Cell]:
    known = Pace(*next(iter(row.metrics.items()), (None, None)))
    return running_row(slot, row.number, purpose(row.role), row.seconds, row.step, known, None)


@dataclass(frozen=True)
class Overview:
    """Every study of a storage, a line each. Only JSON reads each in full."""

    session: Session
    rows: Sequence[StudyCounts]
    wanted: Sequence[str] = ()
    """The tags that each of them has."""

    def document(self) -> Document:
        notes = [each.text for each in Reader(self.session).copied_studies()] if not self.wanted else []
        if not self.rows and self.wanted:
            return Document(notes=[f"no study has the tags {', '.join(self.wanted)}"])
        if not self.rows:
            return Document(notes=[*notes, NO_STUDIES])
        reader, counts = Reader(self.session), [Counts.of(row) for row in self.rows]
        achieved = reader.by_study(Achieved, "read_achieved", [row.study_id for row in self.rows])
        alive = {row.name: row.alive for row in reader.glances()}
        names = [name for name in OVERVIEW_COUNTS if any(getattr(each, name) for each in counts)]
        columns = [Column("study"), Column("search"), Column("state"), Column("best", right=True, spare=1)]
        columns += [Column("done", right=True), *(Column(name.replace("_", " "), right=True) for name in names)]
        columns += [Column("last activity", right=True, spare=2), Column("outcome", spare=3)]
        columns += [Column("tags", spare=1)]
        lines = []
        for row, each in zip(self.rows, counts, strict=True):
            state = standing_of(row, each.begun, row.running, alive.get(row.name, False)).state
            found = next(iter(achieved[row.study_id]), None)
            lines.append(
                [
                    *(
                        row.name,
                        row.search,
                        state.value,
                        "" if found is None else short_best(self.session, row.name, found).text,
                    ),
                    f"{each.finished:,}/{each.planned:,}",
                    *(f"{getattr(each, name):,}" if getattr(each, name) else "" for name in names),
                    "" if found is None else ago_text(found.idle),
                    row.outcome or "",
                    tags_text(row.tags),
                ]
            )
        return Document([Table(columns, lines).without_empty_columns()], notes)

    def to_json(self) -> list[dict[str, Any]]:
        """`status --json`."""
        return [each.to_json() for each in _statuses(self.session, self.rows)]


def read_status(session: Session, name: str) -> Status:
    """One study, which has to exist."""
    (status,) = _statuses(session, [Reader(session).counted_study(name)])
    return status


def _statuses(session: Session, rows: Sequence[StudyCounts]) -> Iterator[Status]:
    """Studies in full, by the same seven statements however many there are."""
    reader, ids = Reader(session), [row.study_id for row in rows]
    workers = reader.by_study(WorkerRow, "read_workers", ids, space=WORKER_LOCKS)
    running = reader.by_study(RunningTrial, "running_trials", ids)
    attempts = reader.by_study(AttemptRow, "read_attempts", ids, numbers=None)
    decisions = reader.by_study(DecisionRow, "read_decisions", ids, first=0)
    taken = reader.by_study(TakenTrial, "taken_trials", ids)
    launches = read_launches_of(session, ids)
    achieved = reader.by_study(Achieved, "read_achieved", ids)
    for row in rows:
        each = row.study_id
        found = next(iter(achieved[each]), None)
        yield Status(
            *(row, workers[each], running[each], attempts[each], decisions[each], launches[each], taken[each], found),
            None if found is None else short_best(session, row.name, found),
        )


def read_overview(session: Session, name: str | None, tags: Sequence[str] = ()) -> Status | Overview:
    """The study of this name, or all of them: with `tags` those that have each of these, `KEY` or `KEY=VALUE`."""
    if name is None:
        return Overview(session, [row for row in Reader(session).studies() if has_tags(row.tags, tags)], tags)
    return read_status(session, Reader(session).study(name).name)
