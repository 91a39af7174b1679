"""Dialogs over the view: a question, or the log of a trial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import ScrollableContainer, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, Static

from studies.status.logs import log_lines
from studies.status.memory import Seen
from studies.tables.terminal import one_line

LOG_SECONDS = 1.0
"""Between two reads of a log."""


class Confirm(ModalScreen[bool]):
    """A question: y confirms it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("y", "dismiss(True)"), Binding("n,escape,q", "dismiss(False)")]

    def __init__(self, question: str) -> None:
        super().__init__()
        self.question = question

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="ask", can_focus=False):
            yield Static(Text(f"{one_line(self.question)} y: yes, n: no"))


class Ask(ModalScreen[str | None]):
    """A question with a typed answer; None: no answer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)")]

    def __init__(self, question: str, given: str) -> None:
        super().__init__()
        self.question, self.given = question, given

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="ask", can_focus=False):
            yield Static(Text(self.question))
            yield Input(self.given)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class Log(ModalScreen[None]):
    """The end of a trial's log, followed as it grows while its last line is in sight."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,l", "dismiss(None)", "back")]

    def __init__(self, number: int, seen: Callable[[], Seen | None], home: Path) -> None:
        super().__init__()
        self.number, self.seen, self.home = number, seen, home
        self.shown: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static(Text(f"the log of trial {self.number}", style="bold"))
        with ScrollableContainer(id="page"):
            yield Static(id="log")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#page").focus()
        self.set_interval(LOG_SECONDS, self.follow)
        self.follow()

    def follow(self) -> None:
        """Read it again."""
        seen = self.seen()
        lines = self.shown if seen is None else log_lines(seen, self.number, self.home)
        if lines == self.shown:
            return
        page = self.query_one("#page")
        at_end = not self.shown or page.scroll_y >= page.max_scroll_y
        self.shown = lines
        self.query_one("#log", Static).update(Text("\n".join(lines), no_wrap=True))
        if at_end:
            page.scroll_end(animate=False)
