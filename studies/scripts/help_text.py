"""A script's own `--help`, run as a process: with a time limit, nothing to read, no device and no secret."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from objectives.process.warm import SECRET_VARIABLES
from storage.errors import UsageError

HELP_SECONDS = 120.0  # torch and a page of other imports on a busy machine
POLL_SECONDS = 0.05
MAX_HELP_BYTES = 10_000_000
MAX_LINE_CHARACTERS = 300
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|COOKIE|PRIVATE|DSN", re.IGNORECASE)
URL_WITH_PASSWORD = re.compile(r"://[^/\s@]*:[^/\s@]*@")
OWN = {
    "COLUMNS": "200",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "PAGER": "cat",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONIOENCODING": "utf-8",
    "CUDA_VISIBLE_DEVICES": "",
    "WANDB_MODE": "disabled",
}


class Printed(NamedTuple):
    """What a command printed."""

    out: str
    err: str


def read_help(
    arguments: Sequence[str], folder: Path, accepted: Sequence[int] = (0,), seconds: float = HELP_SECONDS
) -> Printed:
    """What a command prints.

    Args:
        accepted: Its exit codes; absl's help ends with 1.

    Raises:
        UsageError: It cannot be started, ends with another code, or does not end.
    """
    shown = " ".join(arguments)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                arguments,
                cwd=folder,
                env=environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise UsageError(f"init: {shown}: cannot be started: {error}") from error
        try:
            fault = _wait(process, (out, err), seconds)
        finally:  # its children too, whatever ended the wait
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if fault is not None:
            raise UsageError(f"init: {shown}: {fault}; does it read its flags before it trains?")
        printed = Printed(_text(out), _text(err))
    if process.returncode not in accepted:
        lines = [line.strip() for line in (printed.err or printed.out).splitlines() if line.strip()]
        last = f": {lines[-1][:MAX_LINE_CHARACTERS]}" if lines else ""
        raise UsageError(f"init: {shown}: ended with code {process.returncode}{last}")
    return printed


def _wait(process: subprocess.Popen[bytes], files: Sequence[IO[bytes]], seconds: float) -> str | None:
    """Wait for the end of a process; why the wait was given up, or None."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
            return None
        if any(os.fstat(each.fileno()).st_size > MAX_HELP_BYTES for each in files):
            return f"printed more than {MAX_HELP_BYTES:,} bytes"
    return f"did not end within {seconds:g} s"


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(MAX_HELP_BYTES).decode(errors="replace")


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that hold a secret, by their names or as a URL."""
    kept = {
        name: value
        for name, value in given.items()
        if name not in SECRET_VARIABLES
        and not name.startswith(("STUDYHALL_", "PG"))
        and not SECRET_NAME.search(name)
        and not URL_WITH_PASSWORD.search(value)
    }
    return {**kept, **OWN}
