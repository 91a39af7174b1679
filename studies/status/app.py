"""`status --watch` on a terminal: textual's widgets, thin over the view. A second thread polls the storage."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from time import monotonic
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Static

from storage.errors import StudyhallError
from studies.history.state import SETTLED
from studies.status.changes import studies_table
from studies.status.dialogs import Ask, Confirm, Log
from studies.status.memory import Seen
from studies.status.polling import Moment, Polling
from studies.status.status import NO_STUDIES
from studies.status.view import Section, settled_of, view_of
from studies.tables.terminal import cut, one_line, table_lines

POLL_SECONDS = 1.0
"""Between two looks."""
PAUSE_PER_LOOK = 10
"""A look, or a computation of the results, is followed by so many times its own duration of rest."""


class Watch(App[None]):
    """The list of studies, and one of them in detail."""

    CSS = """
    #head { height: auto; text-style: bold; padding: 0 1; }
    #body { height: auto; padding: 0 1; width: 100%; }
    Ask, Confirm { align: center middle; }
    #ask { width: 100%; max-width: 76; height: auto; border: round $accent; padding: 0 1; background: $surface; }
    #ask Input { border: none; height: 1; }
    #log { width: auto; height: auto; padding: 0 1; }
    """
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "quit"),
        Binding("ctrl+c,ctrl+q", "quit", show=False),
        Binding("right,n", "switch(1)", "next study", key_display="→"),
        Binding("left,p", "switch(-1)", "previous", key_display="←"),
        Binding("s,escape", "studies", "studies"),
        Binding("enter", "open", "open", show=False),
        Binding("l", "log", "log"),
        Binding("d", "drain", "drain"),
        Binding("w", "whole", "all lines"),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
    ]

    def __init__(self, polling: Polling, name: str | None, home: Path) -> None:
        super().__init__()
        self.polling, self.study, self.home = polling, name, home
        self.moment = Moment()
        self.looked = monotonic()
        self.whole = False
        self.cursor = 0
        self.note = ""
        self.settled: tuple[tuple[object, ...], list[Section]] = ((), [])
        self.settle_after = 0.0
        self.orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.looking = threading.Thread(target=self._look, daemon=True)

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        with VerticalScroll(id="scroll", can_focus=True):
            yield Static(id="body")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#scroll").focus()
        self.set_interval(1.0, self.draw)
        self.looking.start()

    def on_resize(self) -> None:
        self.draw()

    def on_unmount(self) -> None:
        self.orders.put(None)
        self.looking.join(timeout=1.0)  # briefly: the storage may not answer

    # The polling thread

    def _look(self) -> None:
        """Look, show, wait; orders are carried out here, since the session belongs to this thread."""
        order: Callable[[], None] | None = None
        while True:
            if order is not None:
                order()
            begun, name = monotonic(), self.study
            moment = self.polling.look(name)
            self._call(lambda moment=moment, name=name: self.take(moment, name))  # type: ignore[misc]
            pause = max(POLL_SECONDS, PAUSE_PER_LOOK * (monotonic() - begun))
            try:
                order = self.orders.get(timeout=pause)
            except Empty:
                order = None
                continue
            if order is None:
                self.polling.close()
                return

    def _call(self, what: Callable[[], None]) -> None:
        if self.is_running:
            self.call_later(what)

    def _drain(self, name: str) -> None:
        try:
            line = self.polling.drain(name)
        except StudyhallError as error:
            line = f"not stopped: {error}"
        self._call(lambda: self.show_note(line))

    # The screen

    def take(self, moment: Moment, name: str | None) -> None:
        """Show the result of a look, unless another study has been opened meanwhile."""
        if moment.trouble is None or moment.gone:
            self.looked = monotonic()
        if name == self.study:
            self.moment = moment
            self.draw()

    def show_note(self, line: str) -> None:
        """Show a line until another study is opened."""
        self.note = line
        self.draw()

    def draw(self) -> None:
        """Draw everything in the width of the terminal."""
        if not self.query("#body"):
            return
        body = self.query_one("#body", Static)
        width = max(20, self.query_one("#scroll").size.width - 4)
        lines, bold = self._lines(width)
        head = [*lines[:1], *self._remarks()]
        self.query_one("#head", Static).update(Text("\n".join(cut(one_line(line), width) for line in head)))
        text = Text(no_wrap=True, overflow="crop")
        for index, line in enumerate(lines[1:], 1):
            text.append(line + "\n", style="bold" if index in bold else "reverse" if index == self._marked else "")
        body.update(text)

    def _remarks(self) -> list[str]:
        age = monotonic() - self.looked
        old = f"as it was {age:.0f} s ago" if age > 5 else None
        return list(filter(None, (self.note, self.moment.trouble, old)))

    @property
    def _marked(self) -> int | None:
        """The line of the list under the cursor."""
        return None if self.study is not None or not self.moment.studies else self.cursor + 2

    def _lines(self, width: int) -> tuple[list[str], set[int]]:
        """All lines, and the indices of titles."""
        if self.study is None:
            rows = self.moment.studies
            self.cursor = min(self.cursor, max(0, len(rows) - 1))
            if not rows:
                return ["studies", NO_STUDIES], set()
            return ["studies: enter opens one", *table_lines(studies_table(rows), width)], {1}
        seen = self.moment.seen
        if seen is None:
            return [self.study, "" if self.moment.trouble else "reading …"], set()
        view = view_of(seen, self._settled(seen), self.moment.gpus)
        return view.lines(width), view.titles(width)

    def _settled(self, seen: Seen) -> list[Section]:
        """Computed again after a change; for a large grid, which takes long, less often."""
        key = (seen.study.study_id, self.whole, seen.version)
        begun = monotonic()
        same = self.settled[0][:2] == key[:2]
        if self.settled[0] != key and (not same or seen.over or begun >= self.settle_after):
            self.settled = (key, settled_of(seen, self.whole))
            self.settle_after = monotonic() + PAUSE_PER_LOOK * (monotonic() - begun)
        return self.settled[1]

    # Keys

    def action_switch(self, by: int) -> None:
        """The next or the previous study of the list."""
        names = [row.name for row in self.moment.studies]
        if names:
            self.cursor = (names.index(self.study) + by if self.study in names else self.cursor) % len(names)
            self._choose(names[self.cursor])

    def action_studies(self) -> None:
        """Back to the list."""
        names = [row.name for row in self.moment.studies]
        self.cursor = names.index(self.study) if self.study in names else 0
        self._choose(None)

    def action_open(self) -> None:
        """Open the study under the cursor."""
        if self.study is None and self.moment.studies:
            self._choose(self.moment.studies[self.cursor].name)

    def action_move(self, by: int) -> None:
        """Move the cursor in the list; in a study, scroll."""
        if self.study is None:
            self.cursor = max(0, min(len(self.moment.studies) - 1, self.cursor + by))
            self.draw()
        else:
            self.query_one("#scroll").scroll_relative(y=by, animate=False)

    def action_whole(self) -> None:
        """Show all lines of the result, or only its end."""
        self.whole = not self.whole
        self.draw()

    def action_drain(self) -> None:
        """Ask, then let every worker drain."""
        name = self.study
        if name is None:
            self.show_note("open a study to drain it")
            return
        status = None if self.moment.seen is None else self.moment.seen.status
        if status is not None and status.standing.state in SETTLED and not status.alive:
            self.show_note(f"{name} is {status.standing.state.value}: there is nothing to stop")
            return

        def answered(sure: bool | None) -> None:
            if sure:
                self.show_note(f"{name}: stopping its workers …")
                self.orders.put(lambda: self._drain(name))

        self.push_screen(Confirm(f"Stop every worker of {name} after its running trials?"), answered)

    def action_log(self) -> None:
        """Ask for a trial and show its log."""
        seen = self.moment.seen
        if seen is None or not seen.points:
            self.show_note("no trial has a log yet")
            return
        running = [row.number for row in seen.status.running]
        known = running or [number for number, row in seen.points.items() if row.attempt] or list(seen.points)

        def answered(typed: str | None) -> None:
            if typed is not None and typed.strip().isascii() and typed.strip().isdigit():
                self.push_screen(Log(int(typed), lambda: self.moment.seen, self.home))
            elif typed is not None:
                self.show_note(f"{typed!r} is not the number of a trial")

        self.push_screen(
            Ask("Show the log of which trial? (esc: none)", str(known[-1] if not running else known[0])), answered
        )

    def _choose(self, name: str | None) -> None:
        self.study, self.note, self.moment = name, "", Moment(self.moment.studies)
        self.query_one("#scroll").scroll_home(animate=False)
        self.draw()
        self.orders.put(lambda: None)  # look at once
