"""`storage backup` and `storage restore`: a whole database as one file, by PostgreSQL's own pg_dump and pg_restore."""

from __future__ import annotations

import subprocess
from pathlib import Path

from storage.errors import StorageError, UsageError
from storage.files import replacing
from storage.postgres import binaries, environment
from storage.session import Session
from storage.url import shown_url, without_password, without_secrets


def backup(url: str, file: Path) -> None:
    """Write every study to a file: aside, then renamed, so that a file of that name is always whole.

    Raises:
        UsageError: The file's folder is not there or cannot be written.
        StorageError: pg_dump cannot read the database.
    """
    if not file.resolve().parent.is_dir() or file.is_dir():
        raise UsageError(f"{file}: there is no such folder to write a file to")
    try:
        with replacing(file.resolve(), mode=0o600) as aside:
            _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={aside}")
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error


def restore(url: str, file: Path) -> None:
    """Read a backup into a database without any study: whole, or not at all.

    Raises:
        UsageError: There is no such file, or the database holds studies.
        StorageError: It is not a backup, or the database refuses it.
    """
    if not file.is_file():
        raise UsageError(f"{file}: there is no such file")
    session = Session(url)
    try:
        if session.execute("SELECT to_regclass('studies') IS NOT NULL AS there")[0].there:
            found = session.execute("SELECT count(*) AS studies FROM studies")[0].studies
            if found:
                raise UsageError(f"{shown_url(url)} holds {found} studies: restore into a database that has none")
    finally:
        session.close()
    options = ["--no-owner", "--no-privileges", "--clean", "--if-exists", "--single-transaction", "--exit-on-error"]
    _run("pg_restore", url, *options, str(file.resolve()))


def _run(program: str, url: str, *arguments: str) -> None:
    """Run it on that database; the password goes by its environment, where no list of processes shows it."""
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
        raise StorageError(f"{program}: {error.strerror}") from error
    if ended.returncode != 0:
        lines = [line for line in ended.stderr.splitlines() if "error:" in line] or ended.stderr.splitlines()
        raise StorageError(without_secrets((lines or [f"{program} failed"])[0], url))
