"""A real PostgreSQL of the system, older than the embedded one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INSTALLED = Path("/usr/lib/postgresql")
OLDER = ("16", "15", "14", "13")


def older_binaries() -> Path | None:
    """The folder of an installed server before 17; None: there is none."""
    folders = (INSTALLED / version / "bin" for version in OLDER)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


@contextmanager
def older_server(binaries: Path) -> Iterator[str]:
    """Start one with an empty database; its URL."""
    folder = Path(tempfile.mkdtemp(prefix="studyhall-older-"))
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    if user is not None:
        shutil.chown(folder, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data, options = str(folder / "data"), f"-c listen_addresses=127.0.0.1 -p {port} -k {folder}"

    def call(program: str, *arguments: str) -> None:
        command = [binaries / program, "-D", data, *arguments]
        subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    call("initdb", "--auth=trust", "--username=studyhall", "--encoding=UTF8", "--no-locale")
    call("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://studyhall@127.0.0.1:{port}/postgres"
    finally:
        call("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder)
