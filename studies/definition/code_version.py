"""Which code an objective is: its repository's commit, and what was changed since. Kept once a study.

It only reads from git: it fetches nothing, reads no remote's address, and runs no hook, pager or viewer. Without git,
outside a repository or in a slow one, the version holds the reason; that is no error.
"""

from __future__ import annotations

import hashlib
import os
import platform
import select
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from storage.errors import UsageError
from storage.home import CHECKOUT

LIBRARIES = ("optuna", "torch", "numpy", "psycopg2-binary", "sqlalchemy")

MAX_DIFF_BYTES = 200_000
MAX_NAMES_BYTES = 20_000  # of new files' names
GIT_SECONDS = 2.0  # for each command; a usual repository answers in milliseconds
GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--no-pager")
NEW_FILES = ("ls-files", "-z", "--others", "--exclude-standard", "--", "*.py")
DIFF = ("diff", "HEAD", "--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/", "--dst-prefix=b/")


@dataclass(frozen=True)
class CodeVersion:
    """The state of a repository."""

    commit: str | None
    """None: not known, for the reason `why`."""
    dirty: bool = False
    """Whether tracked files were changed, or there are Python files that git does not know."""
    diff: str = ""
    """The changes to tracked files, cut at MAX_DIFF_BYTES bytes."""
    untracked: tuple[str, ...] = ()
    """Python files that git does not know, from the top of the repository."""
    cut: bool = False
    """Whether the diff or the names were cut."""
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "untracked": list(self.untracked)}

    @staticmethod
    def from_json(stored: Mapping[str, Any]) -> CodeVersion:
        """What `to_json` gave."""
        return CodeVersion(**{**stored, "untracked": tuple(stored["untracked"])})

    def shown(self) -> str:
        """A short name: `1f3a9c2`, or with a hash of the changes `1f3a9c2+8d0e`."""
        if self.commit is None:
            return f"unknown ({self.why})"
        changes = hashlib.sha256("\0".join((self.diff, *self.untracked)).encode()).hexdigest()
        return self.commit[:7] + (f"+{changes[:4]}" if self.dirty else "")


def read_code(folder: Path) -> CodeVersion:
    """The version of the repository that a folder lies in. Never fails, and changes nothing."""
    found, text, _ = ask_git(folder, MAX_DIFF_BYTES, "rev-parse", "--show-toplevel", "HEAD")
    lines = text.split("\n")
    if not found or len(lines) < 2:
        return CodeVersion(None, why=_why(folder, text))
    top, commit = Path(lines[0]), lines[1]
    answered, diff, diff_cut = ask_git(top, MAX_DIFF_BYTES, *DIFF)
    named, names, names_cut = ask_git(top, MAX_NAMES_BYTES, *NEW_FILES)
    if not (answered and named):
        return CodeVersion(None, why="git does not answer")
    whole = names.split("\0")[:-1]
    dirty = bool(diff or whole)
    return CodeVersion(commit, dirty, diff.replace("\0", "\ufffd"), tuple(whole), diff_cut or names_cut)


def ask_git(folder: Path, most: int, *arguments: str) -> tuple[bool, str, bool]:
    """Whether git could answer, its answer's first `most` bytes, and whether it goes on."""
    try:
        process = subprocess.Popen(
            [*GIT, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_git_environment(),
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


def _git_environment() -> dict[str, str]:
    """Variables of a git that called us would send this one elsewhere."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**env, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def git_refusal(folder: Path) -> str | None:
    """Why git does not read the repository of a folder, with what mends it; None: there is none, or it is read."""
    above = next((each for each in (folder, *folder.resolve().parents) if (each / ".git").exists()), None)
    if above is None or ask_git(folder, MAX_NAMES_BYTES, "rev-parse", "--show-toplevel")[0]:
        return None
    try:
        asked = [*GIT, "-C", str(folder), "rev-parse", "--show-toplevel"]
        found = subprocess.run(asked, capture_output=True, env=_git_environment(), timeout=GIT_SECONDS)
    except OSError:
        return f"git is not installed, and cannot read {above}"
    except subprocess.TimeoutExpired:
        return f"git does not answer in {above}"
    if b"dubious ownership" in found.stderr:
        mend = f"git config --global --add safe.directory {above}"
        return f"git does not read {above}, which belongs to another user; `{mend}` lets it"
    return f"git cannot read {above}"


def _answer(output: int, most: int) -> bytes | None:
    """The bytes of a pipe up to its end, or a few more than `most`; None after GIT_SECONDS."""
    deadline = time.monotonic() + GIT_SECONDS
    answer = b""
    while len(answer) <= most:
        if not select.select([output], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return None
        piece = os.read(output, 1 << 16)
        if not piece:
            break
        answer += piece
    return answer


def _why(folder: Path, answer: str) -> str:
    if not folder.is_dir():
        return "its folder is not there"
    if answer:  # git printed the top, but no commit
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
    found, commit, _ = ask_git(CHECKOUT, MAX_NAMES_BYTES, "rev-parse", "--short=12", "HEAD")
    if not found:
        return release
    _, changed, _ = ask_git(CHECKOUT, MAX_NAMES_BYTES, "status", "--porcelain", "--untracked-files=no")
    return f"{release} {commit.strip()}{'+' if changed else ''}"


def parse_code(named: Any, folder: Path, where: str) -> tuple[Path, tuple[str, ...]]:
    """The folder and the patterns of a definition's `code:`; a study keeps them as a mapping.

    Raises:
        UsageError: It is no list of patterns.
    """
    if isinstance(named, dict):
        return Path(named["folder"]), tuple(named["files"])
    if not isinstance(named, list) or any(not isinstance(each, str) or not each or "\0" in each for each in named):
        raise UsageError(f"{where}: {named!r} is not a list of files, like [src/**/*.py, config.json]")
    for each in named:
        try:
            next(Path("/nowhere").glob(each), None)
        except (ValueError, NotImplementedError) as error:
            raise UsageError(f"{where}: {each!r} is not a pattern of files: {str(error).lower()}") from error
    return (folder.resolve() if named else Path("/")), tuple(named)
