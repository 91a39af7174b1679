"""`note`: the user's part of a study's note in the dashboard. It stands below our last line, and workers keep it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO, TypeVar

from samplers.searches.plural import counted
from storage.dashboard import change_note, read_dashboard
from storage.errors import StorageError, UsageError
from storage.records import StudyRow
from storage.session import Session
from studies.dashboard.note import OWN
from studies.dashboard.renewal import renew

FITS, FITS_END = "## Fits of the last report", "*Here the report's part ends.*"
"""Between them stands what `report --to-dashboard` writes, in the same part."""
MAX_NOTE_CHARACTERS = 100_000
WRITER_SECONDS = 10.0
"""That a worker may keep writing the note before the command gives up."""

Text = TypeVar("Text", str, str | None)


@dataclass(frozen=True)
class WholeNote:
    """A note in its three parts."""

    ours: str
    """What workers renew, with the line that ends it."""
    own: str
    """The user's."""
    fits: str
    """The last report's, or nothing."""

    @staticmethod
    def parse(note: str) -> WholeNote:
        """The parts of a note as it is stored."""
        line = f"*{OWN}*\n"
        ours, _, below = note.partition(line) if line in note else (f"{note.rstrip()}\n\n---\n\n", "", "")
        before, found, rest = below.partition(FITS)
        fits, end, after = rest.partition(FITS_END) if found else ("", "", "")
        own = "\n\n".join(filter(None, (before.strip(), after.strip())))
        return WholeNote(ours + line, own, f"{found}{fits}{end}")

    @property
    def text(self) -> str:
        """As it is stored."""
        parts = [part for part in (self.own.strip(), self.fits) if part]
        return self.ours + "".join(f"\n{part}\n" for part in parts)


@dataclass(frozen=True)
class Asked:
    """What becomes of the user's part: nothing, a paragraph more, a file's text, or what an editor makes of it."""

    text: str = ""
    file: IO[str] | None = None
    editor: Callable[[str], str | None] | None = None
    """From the part to what was saved; None: nothing was."""

    @staticmethod
    def of(text: str, file: IO[str] | None, editor: Callable[[str], str | None] | None) -> Asked:
        """As typed, checked.

        Raises:
            UsageError: More than one is given, or TEXT is no text.
        """
        try:
            text.encode()
        except UnicodeEncodeError as error:  # bytes of the command line that were not UTF-8
            raise UsageError("TEXT is not UTF-8", "note") from error
        asked = Asked(text, file, editor)
        if bool(text) + (file is not None) + (editor is not None) > 1:
            raise UsageError("TEXT, --file and --edit each say what the note becomes; give one of them", "note")
        return asked

    @property
    def changes(self) -> bool:
        return bool(self.text) or self.file is not None or self.editor is not None

    def change(self, own: str) -> Callable[[str], str]:
        """The change to make, where the part is `own` now.

        Raises:
            UsageError: The file, or what the editor saved, is no text.
        """
        if self.editor is not None:
            edited = _decoded(partial(self.editor, own), "what was saved", "--edit")
            return partial(_edited, own, own if edited is None else edited)
        if self.file is not None:
            text = _decoded(self.file.read, self.file.name, "--file")
            return lambda _: text
        return partial(with_paragraph, text=self.text)


def noted(session: Session, study: StudyRow, storage: str | None, asked: Asked) -> str:
    """Change the user's part if that is asked for; else the part as it is, to print.

    Args:
        session: One that nothing else uses meanwhile.
        study: The study.
        storage: The URL of the storage without a password; None for the embedded server.
        asked: What to do.

    Raises:
        UsageError: The text is too long, or was changed while it was edited; nothing was written.
        StorageError: Workers keep writing the note.
    """
    own = WholeNote.parse(read_dashboard(session, study.study_id).note).own
    if not asked.changes:
        return own
    change = asked.change(own)
    until = time.monotonic() + WRITER_SECONDS
    if read_dashboard(session, study.study_id).token is None:
        renew(session, study.name, storage)  # there is no note yet
    while not change_note(session, study.study_id, partial(_changed, change=change)):
        if time.monotonic() > until:
            raise StorageError(f"{study.name}: the note is being written; try again", "note")
        time.sleep(0.2)
    now = WholeNote.parse(read_dashboard(session, study.study_id).note).own
    lines = counted(len(now.splitlines()), "line")
    return (
        f"{study.name}: your part of the note has {lines} now"
        if now
        else f"{study.name}: your part of the note is empty now"
    )


def with_paragraph(own: str, text: str) -> str:
    """The user's part with another paragraph at its end."""
    return "\n\n".join(filter(None, (own.strip(), text.strip())))


def _changed(note: str, change: Callable[[str], str]) -> str:
    whole = WholeNote.parse(note)
    own = change(whole.own)
    if len(own) > MAX_NOTE_CHARACTERS:
        raise UsageError(f"a note has at most {MAX_NOTE_CHARACTERS:,} characters; this one has {len(own):,}", "note")
    return WholeNote(whole.ours, own, whole.fits).text


def _decoded(read: Callable[[], Text], what: str, where: str) -> Text:
    try:
        return read()
    except UnicodeDecodeError as error:
        raise UsageError(f"{what} is not UTF-8 at byte {error.start}", where) from error


def _edited(before: str, after: str, own: str) -> str:
    if own != before:
        raise UsageError("the note was changed while you edited it; print it, and edit it again", "note")
    return after
