"""What `status --watch` shows, as data: the same for every terminal and for a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from storage.records import RunningTrial
from studies.definition.units import duration_text
from studies.history.purpose import purpose
from studies.results.show import Shown
from studies.status.memory import Seen
from studies.status.pace import pace
from studies.status.round import round_at_hand
from studies.tables.table import Cell, Column, Document, Table
from studies.tables.terminal import cut, lines

ROUNDS = 8
"""Lines of the result, unless all are asked for."""
CAUSES = 5
SLOTS = [
    Column("slot"),
    Column("trial", right=True),
    Column("what"),
    Column("for", right=True, spare=4),
    Column("step", right=True),
    Column("last", right=True),
    Column("slope", right=True, spare=2),
    Column("rate", right=True, spare=3),
    Column("ETA", right=True, spare=1),
]


@dataclass(frozen=True)
class Section:
    """A document below a title. A row of its tables is one line."""

    title: str
    document: Document

    def lines(self, width: int | None) -> list[str]:
        """In so many cells; None: as many as it takes."""
        return lines(self.document, width, wrap=False)


@dataclass(frozen=True)
class View:
    """One study: a few lines, then its sections."""

    head: Sequence[str]
    sections: Sequence[Section]

    def titles(self, width: int) -> set[int]:
        """The indices of the lines that are a section's title."""
        places, place = set(), len(lines(Document(head=self.head), width))
        for section in self.sections:
            places.add(place + 1)
            place += 2 + len(section.lines(width))
        return places

    def lines(self, width: int | None) -> list[str]:
        """All of it as text."""
        shown = lines(Document(head=self.head), width)
        for section in self.sections:
            shown += ["", cut(section.title, width), *section.lines(width)]
        return shown


def view_of(seen: Seen, settled: Sequence[Section]) -> View:
    """A study as it was seen, with the sections that `settled_of` made."""
    slots = _slots(seen)
    return View(_head(seen), [*([] if slots is None else [slots]), *settled])


def settled_of(seen: Seen, whole: bool = False) -> list[Section]:
    """The current round, the result and the failures: they change only when `seen.version` does. With `whole`, all
    lines of the result."""
    sections = [_round(seen), _result(seen, whole), _failures(seen)]
    return [each for each in sections if each is not None]


def _head(seen: Seen) -> list[str]:
    status, study = seen.status, seen.study
    head = [f"{study.name} ({study.search}): {status.standing.text}", status.counts.text or "nothing planned yet"]
    if status.seconds_left is not None:
        head.append(f"about {duration_text(status.seconds_left)} to the end of this round")
    if study.max_trials is not None and not seen.over:
        head[1] += f"  (budget: {study.max_trials} trials)"
    return head + status.advice


def _slots(seen: Seen) -> Section | None:
    """Every living worker's slots with the trials that run there; then trials whose worker is gone."""
    status, score = seen.status, seen.study.origin["score"]["metric"]
    alive = {worker.worker_id: worker for worker in status.workers if worker.alive}
    orphans = seen.orphans
    hosts = {worker.host for worker in alive.values()}
    rows, notes = [], []
    for row in status.running:
        if row.number in orphans:
            notes.append(f"trial {row.number}: its worker {row.host}:{row.pid} is gone; the trial will be run again")
            continue
        name = row.slot if len(hosts) == 1 else f"{row.host}:{row.slot}"
        rows.append(_slot(name, row, seen, score))
    taken = {(row.worker_id, row.slot) for row in status.running}
    free = [
        slot if len(hosts) == 1 else f"{worker.host}:{slot}"
        for worker in alive.values()
        for slot in worker.slots
        if (worker.worker_id, slot) not in taken
    ]
    if free:
        notes.insert(0, f"free: {', '.join(free)}")
    if not rows and not notes:
        return None
    workers = ", ".join(f"{each.host}:{each.pid} ({len(each.slots)} slots)" for each in alive.values())
    return Section(f"workers: {workers or 'none'}", Document([Table(SLOTS, rows)] if rows else [], notes))


def _slot(name: str, row: RunningTrial, seen: Seen, score: str) -> list[Cell]:
    known, mean = pace(seen.reports.get(row.number, ()), score), seen.status.mean_seconds
    again = f" (attempt {row.attempt})" if row.attempt > 1 else ""
    left = "" if mean is None else f"{duration_text(mean - row.seconds)}" if mean > row.seconds else "overdue"
    return [
        name,
        str(row.number),
        purpose(row.role) + again,
        duration_text(row.seconds),
        "" if row.step is None else f"{row.step:,}",
        "" if known.value is None else f"{known.metric} {known.value:.4g}",
        "" if known.slope is None else f"{known.slope:+.2g}/step",
        "" if known.rate is None else f"{known.rate:.3g}/s",
        left,
    ]


def _round(seen: Seen) -> Section | None:
    table = round_at_hand(seen)
    return None if table is None else Section(table.title, Document([replace(table, title="")]))


def _result(seen: Seen, whole: bool) -> Section | None:
    """The last lines of what `show` prints; of a grid the first, which are the best settings."""
    study = seen.study
    rows = [row for _, row in sorted(seen.points.items())]
    document = Shown(study, rows, seen.decisions).document()
    if not document.tables:
        return Section("result", document)
    main, *others = document.tables
    kept, notes = list(main.rows), list(document.notes)
    if not whole and len(kept) > ROUNDS:
        left = len(kept) - ROUNDS
        kept = kept[:ROUNDS] if study.search == "grid" else kept[-ROUNDS:]
        where = "more below" if study.search == "grid" else "before"
        notes.insert(0, f"{left} {where}: w shows all")
    if study.search == "grid":
        every = {str(row.role.get("setting")) for row in rows if not row.retired}
        notes.insert(0, f"{len(main.rows)} of {len(every)} settings planned so far have a score")
    tables = [replace(main, rows=kept), *(others if whole or not kept else [])]
    title = "result" if seen.over else "result so far"
    return Section(title, Document([each for each in tables if each.rows], notes))


def _failures(seen: Seen) -> Section | None:
    """Causes, the most frequent first."""
    causes = list(seen.status.failures.items())
    if not causes:
        return None
    rows = [[f"{count} × {cause}"] for cause, count in causes[:CAUSES]]
    more = len(causes) - CAUSES
    notes = [f"and {more} causes more: `show --study {seen.study.name} --failures`"] if more > 0 else []
    title = f"attempts that did not end well: {sum(seen.status.failures.values())}"
    return Section(title, Document([Table([Column("")], rows)], notes))
