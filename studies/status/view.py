"""What `status --watch` shows of a study, as data: the same for every terminal and for a pipe."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from studies.definition.units import Units
from studies.history.purpose import purpose
from studies.results.show import Shown
from studies.status.events import last_events
from studies.status.gpus import SeenDevice, gpu_table
from studies.status.memory import Seen, finished
from studies.status.pace import RUNNING, pace, running_row
from studies.status.round import current_round
from studies.status.slot_names import slot_names
from studies.tables.digits import number
from studies.tables.sparkline import sparkline
from studies.tables.table import Column, Document, Table
from studies.tables.terminal import cut, lines, one_line

MAX_ROUNDS = 8
"""Lines of the result, unless all are shown."""
MAX_CAUSES = 5
MAX_EVENTS = 6
WIDE_CELLS = 100
"""In a terminal as wide as this, there is room for GPUs, the best so far and the last events."""
BEST_CELLS = 40
MIN_SCORES = 3
"""Before they make a line."""


@dataclass(frozen=True)
class Section:
    """A document below a title. A row of its tables is one line."""

    title: str
    document: Document
    wide: bool = False
    """Only for a wide terminal."""

    def lines(self, width: int | None) -> list[str]:
        """A blank line, the title, the document; None: nothing is cut."""
        return ["", cut(one_line(self.title), width), *lines(self.document, width, wrap=False)]


@dataclass(frozen=True)
class View:
    """One study: a head, then its sections."""

    head: Sequence[str]
    sections: Sequence[Section]

    def _shown(self, width: int | None) -> list[Section]:
        is_wide = width is not None and width >= WIDE_CELLS
        return [each for each in self.sections if is_wide or not each.wide]

    def titles(self, width: int) -> set[int]:
        """The indices of the lines that are titles."""
        places, place = set(), len(lines(Document(head=self.head), width))
        for section in self._shown(width):
            places.add(place + 1)
            place += len(section.lines(width))
        return places

    def lines(self, width: int | None) -> list[str]:
        """The lines of the whole view."""
        head = lines(Document(head=self.head), width)
        return head + [line for section in self._shown(width) for line in section.lines(width)]


def view_of(seen: Seen, settled: Sequence[Section], gpus: Sequence[SeenDevice] = ()) -> View:
    """A study as it was seen, with the sections that `settled_of` made, and the GPUs of this host."""
    slots = _slots(seen)
    devices = [Section("GPUs", Document([gpu_table(gpus)]), wide=True)] if gpus else []
    return View(seen.status.head, [*([] if slots is None else [slots]), *devices, *settled])


def settled_of(seen: Seen, whole: bool = False) -> list[Section]:
    """The current round, the result and the failures, which change only with `seen.version`. `whole`: all lines of the
    result."""
    sections = [_best(seen), _round(seen), _result(seen, whole), _failures(seen), _last_events(seen)]
    return [each for each in sections if each is not None]


def _slots(seen: Seen) -> Section | None:
    """The slots of living workers with their trials, then trials whose worker is gone."""
    status = seen.status
    alive, orphans, mean = status.alive, status.orphans, status.mean_seconds
    several = len({worker.host for worker in alive.values()}) > 1
    places = [(each.host, each.pid, slot) for each in alive.values() for slot in each.slots]
    names = slot_names(places, with_host=several)
    rows, notes = [], []
    for row in status.running:
        if row.number in orphans:
            notes.append(f"trial {row.number}: its worker {row.host}:{row.pid} is gone; the trial will be run again")
            continue
        slot = names.get((row.host, row.pid, row.slot), row.slot)
        what = purpose(row.role) + (f" (attempt {row.attempt})" if row.attempt > 1 else "")
        known = pace(seen.reports.get(row.number, ()), seen.study.score)
        rows.append(running_row(slot, row.number, what, row.seconds, row.step, known, mean))
    taken = {(row.worker_id, row.slot) for row in status.running}
    free = [
        names[worker.host, worker.pid, slot]
        for worker in alive.values()
        for slot in worker.slots
        if (worker.worker_id, slot) not in taken
    ]
    if free:
        notes.insert(0, f"free: {', '.join(free)}")
    tables = [Table(RUNNING, rows)] if rows else []
    return Section(status.workers_text, Document(tables, notes)) if rows or notes else None


def _round(seen: Seen) -> Section | None:
    table = current_round(seen)
    return None if table is None else Section(table.title, Document([replace(table, title="")]))


def _result(seen: Seen, whole: bool) -> Section | None:
    """The last lines of `show`; of a grid the first, which are the best settings."""
    study = seen.study
    rows = [row for _, row in sorted(seen.points.items())]
    document = Shown(study, rows, seen.decisions).document()
    if not document.tables:
        return Section("result", document)
    main, *others = document.tables
    kept, notes = list(main.rows), list(document.notes)
    if not whole and len(kept) > MAX_ROUNDS:
        where = "more below" if study.search == "grid" else "before"
        notes.insert(0, f"{len(kept) - MAX_ROUNDS} {where}: w shows all")
        kept = kept[:MAX_ROUNDS] if study.search == "grid" else kept[-MAX_ROUNDS:]
    if study.search == "grid":
        every = {str(row.role.get("setting")) for row in rows if not row.retired}
        scored = {str(row.role.get("setting")) for row in rows if not row.retired and study.score in row.metrics}
        notes.insert(0, f"{len(scored)} of {len(every)} settings planned so far have a score")
    tables = [replace(main, rows=kept), *(others if whole or not kept else [])]
    title = "result" if seen.over else "result so far"
    return Section(title, Document([each for each in tables if each.rows], notes))


def _best(seen: Seen) -> Section | None:
    """The best trial after each one that ended: a seed each, so that it says how the search goes, not what is best."""
    study = seen.study
    ended = [row for row in finished(seen.points.values()) if row.datetime_complete is not None]
    ended.sort(key=lambda row: (row.datetime_complete, row.number))
    scores = [row.metrics.get(study.score, math.nan) for row in ended]
    known = [each for each in scores if math.isfinite(each)]
    if len(known) < MIN_SCORES:
        return None
    best = list(accumulate(known, max if study.direction == "maximize" else min))
    last = Units.of(study).text(study.score, number(best[-1]))
    line = f"{sparkline(best, BEST_CELLS)}  {study.score} {last}, of {len(known)} trials with a score"
    return Section("best trial so far (one seed)", Document(notes=[line]), wide=True)


def _last_events(seen: Seen) -> Section | None:
    events = last_events(seen, MAX_EVENTS)
    return Section("last events", Document(notes=events), wide=True) if events else None


def _failures(seen: Seen) -> Section | None:
    """Causes, the most frequent first."""
    causes = list(seen.status.failures.items())
    if not causes:
        return None
    rows = [[f"{count} × {cause}"] for cause, count in causes[:MAX_CAUSES]]
    more = len(causes) - MAX_CAUSES
    notes = [f"and {more} more causes: `show --study {seen.study.name} --failures`"] if more > 0 else []
    title = f"failed attempts: {sum(seen.status.failures.values())}"
    return Section(title, Document([Table([Column("")], rows)], notes))
