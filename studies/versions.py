"""What code runs here: recorded with every worker and every decision."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib import metadata

from storage.home import CHECKOUT

LIBRARIES = ("optuna", "torch", "numpy", "psycopg2-binary", "sqlalchemy")


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
    commit = _git("rev-parse", "--short=12", "HEAD")
    if not commit:
        return release
    return f"{release} {commit}{'+' if _git('status', '--porcelain', '--untracked-files=no') else ''}"


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(CHECKOUT), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
