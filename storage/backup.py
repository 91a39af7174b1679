"""`storage backup` and `storage restore`: a whole database as one file, by PostgreSQL's own pg_dump and pg_restore."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from typing import IO

from storage.errors import StorageError, UsageError
from storage.files import replacing
from storage.postgres import binaries, environment
from storage.session import Session
from storage.url import shown_url, without_password, without_secrets

UNKNOWN_SETTING = b"SET transaction_timeout = 0;\n"
UNKNOWN_SETTING_BEFORE = 170000
"""A pg_restore of PostgreSQL 17 or later begins with a setting that servers before 17 refuse."""


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
        version = int(session.execute("SELECT current_setting('server_version_num') AS number")[0].number)
    options = ["--no-owner", "--no-privileges", "--clean", "--if-exists"]
    if version >= UNKNOWN_SETTING_BEFORE:
        _run("pg_restore", url, *options, "--single-transaction", "--exit-on-error", str(file.resolve()))
        return
    with tempfile.TemporaryFile() as script, tempfile.TemporaryFile() as known:
        _run("pg_restore", None, *options, "--file=-", str(file.resolve()), output=script)
        script.seek(0)
        _copy_without(UNKNOWN_SETTING, script, known)
        known.seek(0)
        strictly = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        _run("psql", url, *strictly, stdin=known)


def _copy_without(line: bytes, script: IO[bytes], target: IO[bytes]) -> None:
    """Copy a script without the first line that reads so: below, the same text may be data."""
    for each in script:
        if each == line:
            break
        target.write(each)
    shutil.copyfileobj(script, target)


def _run(
    program: str, url: str | None, *arguments: str, stdin: IO[bytes] | None = None, output: IO[bytes] | None = None
) -> None:
    """Run a program, on a database. The password goes through its environment, which no list of processes shows."""
    where, password = without_password(url) if url is not None else ("", "")
    try:
        ended = subprocess.run(
            [binaries() / program, *([f"--dbname={where}"] if where else []), *arguments],
            env=environment({"PGPASSWORD": password} if password else None),
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.DEVNULL if output is None else output,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise StorageError(error.strerror, program) from error
    if ended.returncode != 0:
        said = ended.stderr.decode(errors="replace").splitlines()
        lines = [line for line in said if "error:" in line or "ERROR:" in line] or said
        raise StorageError(without_secrets((lines or [f"{program} failed"])[0], url or ""))
