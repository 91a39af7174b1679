"""The version of the user's code that a worker's next trial runs: read once, and again when a file was changed.

A command reads its files anew for each trial. A function is loaded once, by the warm server: its version stays until
that server starts again.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from objectives.process.warm import WarmServer
from storage.session import Session
from storage.studies import keep_code
from studies.definition.definition import Definition
from studies.definition.user_code import UserCode, changed_files, read_user_code, version_text

CHECK_SECONDS = 1.0
"""Between two looks at the files, where there are many."""
FEW_FILES = 200
"""So many are looked at before each trial."""


class CodeWatch:
    """The user's code as one worker runs it."""

    def __init__(
        self, definition: Definition, code: UserCode, warm: WarmServer, same: bool, log: Callable[[str], None]
    ) -> None:
        """`code` was read before the warm server loaded it. `same`: no trial may run other code."""
        self.definition, self.code, self.warm, self.same, self.log = definition, code, warm, same, log
        self.boots = warm.boots
        self.checked_at = time.monotonic()
        self.kept: set[str] = set()
        self.refusal: str | None = None
        """Why no further trial may run."""

    def version(self, session: Session, study_id: int) -> str | None:
        """The version that a trial runs which starts now; kept with the study. None: no trial may start."""
        if self._may_have_changed():
            self._read_again()
        if self.refusal is not None:
            return None
        if self.code.version not in self.kept:
            keep_code(session, study_id, self.code.version, self.code.details)
            self.kept.add(self.code.version)
        return self.code.version

    def _may_have_changed(self) -> bool:
        if self.code.loaded:
            return self.warm.boots != self.boots
        if len(self.code.stamps) > FEW_FILES and time.monotonic() - self.checked_at < CHECK_SECONDS:
            return False
        self.checked_at = time.monotonic()
        return self.code.changed

    def _read_again(self) -> None:
        before, self.code, self.boots = self.code, read_user_code(self.definition), self.warm.boots
        if self.code.version == before.version:
            return
        names = ", ".join(changed_files(before.details, self.code.details)[:3]) or "its repository"
        what = f"the code was changed while it runs ({names}): it was {before.version}"
        if self.same:
            self.refusal = f"--same-code: {what}; nothing more is started"
        else:
            self.log(f"{what}, from here on it is {version_text(self.code.version, self.code.details)}")
