"""`storage backup` and `storage restore`: a whole database as one file, by PostgreSQL's own pg_dump and pg_restore."""

from __future__ import annotations

import subprocess
from contextlib import closing
from pathlib import Path

from storage.errors import StorageError, UsageError
from storage.files import replacing
from storage.postgres import binaries, environment
from storage.session import Session
from storage.url import shown_url, without_password, without_secrets


def backup(url: str, file: Path) -> None:
    """Write every study to a file. The file takes its name when it is complete.

    Raises:
        UsageError: The file's folder is missing or cannot be written.
        StorageError: pg_dump cannot read the database.
    """
    if not file.resolve().parent.is_dir() or file.is_dir():
        raise UsageError("there is no such folder to write a file to", str(file))
    try:
        with replacing(file.resolve(), mode=0o600) as aside:
            _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={aside}")
    except OSError as error:
        raise UsageError(error.strerror, str(file)) from error


def restore(url: str, file: Path) -> None:
    """Restore a backup into a database without studies, whole or not at all.

    Raises:
        UsageError: There is no such file, or the database holds studies.
        StorageError: The file is not a backup, or the database refuses it.
    """
    if not file.is_file():
        raise UsageError("there is no such file", str(file))
    with closing(Session(url)) as session:
        if session.execute("SELECT to_regclass('studies') IS NOT NULL AS there")[0].there:
            found = session.execute("SELECT count(*) AS studies FROM studies")[0].studies
            if found:
                raise UsageError(f"holds {found} studies; restore into a database without studies", shown_url(url))
    options = ["--no-owner", "--no-privileges", "--clean", "--if-exists", "--single-transaction", "--exit-on-error"]
    _run("pg_restore", url, *options, str(file.resolve()))


def _run(program: str, url: str, *arguments: str) -> None:
    """Run a program on the database. The password goes through its environment, which no list of processes shows."""
    where, password = without_password(url)
    try:
        ended = subprocess.run(
            [binaries() / program, f"--dbname={where}", *arguments],
            env=environment({"PGPASSWORD": password} if password else None),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    except OSError as error:
        raise StorageError(error.strerror, program) from error
    if ended.returncode != 0:
        lines = [line for line in ended.stderr.splitlines() if "error:" in line] or ended.stderr.splitlines()
        raise StorageError(without_secrets((lines or [f"{program} failed"])[0], url))
