"""Which code an objective is: its repository's commit, and what was changed since. Kept once a study.

Git alone is asked, and read: nothing is fetched, no remote's address looked at, no hook, pager or viewer run. Without
git, outside a repository or in one that takes too long, it says so and is no error.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from storage.home import CHECKOUT

LIBRARIES = ("optuna", "torch", "numpy", "psycopg2-binary", "sqlalchemy")

LARGEST_DIFF = 200_000  # bytes
MOST_NAMES = 20_000  # bytes of new files' names
PATIENCE = 2.0  # seconds for each question; a usual repository answers in milliseconds
GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--no-pager")
DIFF = ("diff", "HEAD", "--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/", "--dst-prefix=b/")


@dataclass(frozen=True)
class CodeVersion:
    """The state of a repository."""

    commit: str | None
    """None: it could not be told, and `why` says why."""
    dirty: bool = False
    """Whether tracked files were changed, or there are Python files that git does not know."""
    diff: str = ""
    """The changes to tracked files, cut at LARGEST_DIFF bytes."""
    untracked: tuple[str, ...] = ()
    """Python files that git does not know, from the top of the repository."""
    cut: bool = False
    """Whether the diff or the names go on."""
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "untracked": list(self.untracked)}

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> CodeVersion:
        """What `to_json` gave."""
        return CodeVersion(**{**stored, "untracked": tuple(stored["untracked"])})

    def shown(self) -> str:
        """A few characters for people: `1f3a9c2`, with a hash of the changes where there are some: `1f3a9c2+8d0e`."""
        if self.commit is None:
            return f"unknown ({self.why})"
        changes = hashlib.sha256("\0".join((self.diff, *self.untracked)).encode()).hexdigest()
        return self.commit[:7] + (f"+{changes[:4]}" if self.dirty else "")


def read_code(folder: Path) -> CodeVersion:
    """The version of the repository that a folder lies in. Never fails, and changes nothing."""
    found, text, _ = _git(folder, LARGEST_DIFF, "rev-parse", "--show-toplevel", "HEAD")
    lines = text.split("\n")
    if not found or len(lines) < 2:
        return CodeVersion(None, why=_why(folder, text))
    top, commit = Path(lines[0]), lines[1]
    told, diff, diff_cut = _git(top, LARGEST_DIFF, *DIFF)
    named, names, names_cut = _git(top, MOST_NAMES, "ls-files", "-z", "--others", "--exclude-standard", "--", "*.py")
    if not (told and named):
        return CodeVersion(None, why="git does not answer")
    whole = names.split("\0")[:-1]
    dirty = bool(diff or whole)
    return CodeVersion(commit, dirty, diff.replace("\0", "\ufffd"), tuple(whole), diff_cut or names_cut)


def _git(folder: Path, most: int, *arguments: str) -> tuple[bool, str, bool]:
    """Whether git could answer, its answer's first `most` bytes, and whether it goes on."""
    # Variables of a git that called us would send this one elsewhere.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        process = subprocess.Popen(
            [*GIT, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**env, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
        )
    except OSError:
        return False, "", False
    assert process.stdout is not None
    with process:
        answer = _answer(process.stdout.fileno(), most)
        cut = answer is not None and len(answer) > most
        if answer is None or cut:
            process.kill()
        code = process.wait()
    text = (answer or b"")[:most].decode(errors="replace")
    return answer is not None and (cut or code == 0), text, cut


def _answer(output: int, most: int) -> bytes | None:
    """What is written to a pipe until its end or until it is more than `most`; None if that takes too long."""
    os.set_blocking(output, False)
    deadline = time.monotonic() + PATIENCE
    answer = bytearray()
    while len(answer) <= most:
        if time.monotonic() > deadline:
            return None
        with suppress(BlockingIOError):
            piece = os.read(output, 1 << 16)
            if not piece:
                break
            answer += piece
            continue
        time.sleep(0.001)
    return bytes(answer)


def _why(folder: Path, answer: str) -> str:
    if not folder.is_dir():
        return "its folder is not there"
    if answer:  # the top was told, a commit was not
        return "its repository has no commit"
    for each in (folder, *folder.resolve().parents):
        if (each / ".git").exists():
            return "git cannot read its repository"
    return "not in a git repository"


@cache
def versions() -> dict[str, str]:
    """Versions by name, ours first: the release and, in a checkout, the commit, with `+` if files differ from it."""
    found = {"studyhall": _ours(), "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _ours() -> str:
    try:
        release = metadata.version("studyhall")
    except metadata.PackageNotFoundError:
        release = "0"
    found, commit, _ = _git(CHECKOUT, MOST_NAMES, "rev-parse", "--short=12", "HEAD")
    if not found:
        return release
    _, changed, _ = _git(CHECKOUT, MOST_NAMES, "status", "--porcelain", "--untracked-files=no")
    return f"{release} {commit.strip()}{'+' if changed else ''}"
