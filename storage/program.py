"""The program's name in the commands that its messages offer."""

from __future__ import annotations

import sys
from pathlib import Path

INSTALLED = "studyhall"
"""The name of the installed program."""


def program_name(started_as: str | None = None) -> str:
    """As it was started: `studyhall` where it is installed, else the checkout's `python cli.py`.

    >>> program_name("/home/ada/.venv/bin/studyhall"), program_name("cli.py")
    ('studyhall', 'python cli.py')
    """
    started_as = sys.argv[0] if started_as is None else started_as
    return INSTALLED if Path(started_as).name == INSTALLED else "python cli.py"
