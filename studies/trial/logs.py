"""What an attempt at a trial printed: `logs`, `show --trial N --log`; and as it grows, until the attempt ends."""

from __future__ import annotations

import codecs
import socket
import time
from collections.abc import Callable, Iterator, Sequence

from samplers.searches.plural import counted
from storage.errors import UsageError
from storage.home import home, trial_folder
from storage.program import program_name
from storage.records import AttemptRow, StudyRow
from storage.session import Session
from studies.history.trials import FINISHED
from studies.trial.story import TrialStory, show_trial

POLL_SECONDS = 0.5
"""Between two looks at a log that grows."""


def trial_of(words: Sequence[str], name: str | None) -> tuple[str, int]:
    """The study and the trial that `logs NAME N`, or `logs N --study NAME`, names.

    >>> trial_of(["lobo", "3"], None), trial_of(["3"], "lobo")
    (('lobo', 3), ('lobo', 3))

    Raises:
        UsageError: One of them is missing, or the trial is not a number.
    """
    if len(words) != (2 if name is None else 1):
        raise UsageError(f"needs a study and a trial: {program_name()} logs NAME N", "logs")
    *named, number = words
    if not (number.isascii() and number.isdigit()):
        raise UsageError(f"{number!r} is not the number of a trial: {program_name()} logs NAME N", "logs")
    return name or named[0], int(number)


def trial_log(session: Session, study: StudyRow, number: int | None) -> bytes:
    """The log of a trial's last attempt, as `show --trial N --log` prints it.

    Raises:
        UsageError: No trial was named, or there is no log of it here.
    """
    if number is None:
        raise UsageError("needs --trial N", "--log")
    return attempt_log(session, study, number)


def attempt_log(session: Session, study: StudyRow, number: int, attempt: int | None = None) -> bytes:
    """The log of an attempt, the last one by default: of this host, else its last lines from the database.

    Raises:
        UsageError: There is no such attempt, or no log of it here.
    """
    story = show_trial(session, study, number)
    last = max(1, story.point.attempt)
    if attempt is not None and not 1 <= attempt <= last:
        has = counted(last, "attempt") if story.point.attempt else "no attempt yet"
        raise UsageError(f"trial {number} has {has}, not {attempt}", "--attempt")
    log = story.log if attempt is None else story.log.with_name(f"attempt-{attempt}.log")
    if log.exists() and (text := log.read_bytes()):
        return text
    rows = [each for each in story.attempts if attempt in (None, each.attempt)]
    kept = [each.tail for each in rows if each.tail]
    if rows and rows[-1].host == socket.gethostname() and not rows[-1].tail:  # an empty log is removed
        return f"the log of trial {number} is empty: it printed nothing\n".encode()
    if not kept:
        raise UsageError(f"trial {number} of {study.name!r} has no log on this host ({log})")
    return str(kept[-1]).encode()


def last_lines(text: str, count: int | None) -> str:
    """The end of a text.

    >>> last_lines("a\\nb\\nc\\n", 2), last_lines("a\\nb", 1), last_lines("a\\n", None)
    ('b\\nc\\n', 'b', 'a\\n')
    """
    return text if count is None else "".join(text.splitlines(keepends=True)[-count:])


def followed_log(
    session: Session,
    study: StudyRow,
    number: int,
    attempt: int | None,
    tail: int | None,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """The log of an attempt as it grows, until the attempt has ended; of a trial that waits, of its next attempt.

    Args:
        session: Of the study's storage.
        study: The trial's.
        number: The trial's.
        attempt: None: the one that runs, else the last.
        tail: Only so many of the lines that are there already.
        pause: Waits between two looks.

    Raises:
        UsageError: The attempt runs on another host.
    """
    story = show_trial(session, study, number)
    wanted = attempt or story.point.attempt + (story.point.state == "WAITING")
    log = trial_folder(home(), study.folder, study.created_at, number).log(max(1, wanted))
    decoder, read, grown = codecs.getincrementaldecoder("utf-8")("replace"), 0, False
    while True:
        row = _row(story, wanted)
        over = row is not None and row.outcome is not None
        if row is not None and not over and row.host not in (None, socket.gethostname()):
            raise UsageError(f"trial {number} runs on {row.host}: its log grows there", "--follow")
        if log.exists():
            with log.open("rb") as file:
                file.seek(read)
                new = file.read()
            read += len(new)
            text = decoder.decode(new, final=over)
            yield text if grown else last_lines(text, tail)
            grown = grown or bool(new)
        if over or (row is None and story.point.state in FINISHED):
            if not grown:
                yield last_lines(attempt_log(session, study, number, attempt).decode(errors="replace"), tail)
            return
        pause(POLL_SECONDS)
        story = show_trial(session, study, number)


def _row(story: TrialStory, attempt: int) -> AttemptRow | None:
    """The attempt of that number; None before it has begun."""
    return next((each for each in story.attempts if each.attempt == attempt), None)


def output_of(session: Session, study: StudyRow, number: int) -> str:
    """A trial's console output, as far as this host and the database have it; else a line that says so."""
    try:
        return trial_log(session, study, number).decode(errors="replace")
    except UsageError as error:
        return f"[{error.what}]\n"
    except OSError as error:
        return f"[its log cannot be read: {error.strerror}]\n"
