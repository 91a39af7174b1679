"""A script's own `--help`, run as a process: with a time limit, nothing to read, no device and no secret."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from objectives.process.warm import SECRET_VARIABLES
from storage.errors import UsageError

HELP_SECONDS = 120.0  # torch and a page of other imports on a busy machine
MAX_HELP_BYTES = 1_000_000
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
    try:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise UsageError(f"init: {shown}: cannot be started: {error}") from error
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"init: {shown}: did not end within {seconds:g} s; does it read its flags at once?") from error
    finally:  # its children too, whatever ended the wait
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    printed = Printed(*(each[:MAX_HELP_BYTES].decode(errors="replace") for each in (out, err)))
    if process.returncode not in accepted:
        lines = [line.strip() for line in (printed.err or printed.out).splitlines() if line.strip()]
        last = f": {lines[-1][:MAX_LINE_CHARACTERS]}" if lines else ""
        raise UsageError(f"init: {shown}: ended with code {process.returncode}{last}")
    return printed


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
