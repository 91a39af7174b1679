"""`run --notify COMMAND`: a command of the user's, run once when a study ends or stops, with why in its environment.

Where several workers share a study, one statement decides which of them runs it. The command is a convenience: whatever
it does, the study's result and exit code stay.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from storage.errors import UsageError, one_line
from storage.session import Session
from storage.studies import claim_notice
from studies.endings.summary import Summary
from studies.export.best import best

NOTICE_SECONDS = 10.0
"""That the command may take."""
SHELL = "/bin/sh"
PROGRAM = re.compile(r"[\w./+-]+")
"""A first word that is looked for before the study begins."""


@dataclass(frozen=True)
class Notice:
    """A command that can be run."""

    command: str

    @staticmethod
    def of(command: str | None) -> Notice | None:
        """As typed, checked; None where none is wanted.

        Raises:
            UsageError: The shell cannot read it, or its program is not there.
        """
        if command is None:
            return None
        try:
            words = [] if "\0" in command else shlex.split(command)
        except ValueError as error:
            raise UsageError(f"{command!r}: {error}", "--notify") from error
        if not words:
            raise UsageError(f"{command!r} is no command", "--notify")
        read = subprocess.run([SHELL, "-n", "-c", command], capture_output=True, text=True)
        if read.returncode:
            why = next(iter(read.stderr.splitlines()), "the shell cannot read it")
            raise UsageError(f"{command!r}: {why}", "--notify")
        look = [SHELL, "-c", 'command -v "$1"', SHELL, words[0]]
        if PROGRAM.fullmatch(words[0]) and subprocess.run(look, capture_output=True).returncode:
            raise UsageError(f"there is no program {words[0]!r}", "--notify")
        return Notice(command)

    def give(self, session: Session, summary: Summary, worker_id: int | None) -> str | None:
        """Run it, if this command is the one that does; a line about what went wrong, or None.

        Args:
            session: Any.
            summary: How the study ended.
            worker_id: Of the worker that has ended here; None: workers were followed.
        """
        study = summary.study
        if not claim_notice(session, study.study_id, summary.reason, worker_id, alone=not summary.study_ended):
            return None
        try:
            text = best(session, study).document().notes[0]
        except UsageError:
            text = ""
        return self.run({"STUDY": study.name, "ENDING": summary.kind, "REASON": summary.reason, "BEST": text})

    def run(self, facts: Mapping[str, str], seconds: float = NOTICE_SECONDS) -> str | None:
        """Run it with these variables beside the user's own; a line about what went wrong, or None."""
        given = {name: value.replace("\0", "") for name, value in facts.items()}
        try:
            process = subprocess.Popen(
                [SHELL, "-c", self.command],
                env={**os.environ, **given},
                stdin=subprocess.DEVNULL,
                stdout=2,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            return f"--notify: {one_line(error)}"
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return f"--notify: {self.command!r} took longer than {seconds:g} s and was killed"
        return f"--notify: {self.command!r} exited with {code}" if code else None
