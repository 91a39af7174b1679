"""Shows the progress of long work on standard error: a bar on a terminal, otherwise a line at each tenth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

ShowProgress = Callable[[str, int, int], None]
"""Called with the name of the work, how much is done, and how much there is."""


@contextmanager
def progress() -> Iterator[ShowProgress]:
    """Yield a function to call as the work goes on."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console, self._last = console, ("", -1)

    def __call__(self, what: str, done: int, total: int) -> None:
        now = what, done * 10 // max(1, total)
        if now != self._last:
            self._last = now
            self._console.print(f"{what}: {now[1]}0%", soft_wrap=True, markup=False)
