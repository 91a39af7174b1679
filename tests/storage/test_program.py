"""The commands in messages begin with the name that the program was started by."""

from __future__ import annotations

import sys

import pytest

from storage.errors import EmptyStorageError
from storage.program import program_name
from studies.demo.narration import next_lines
from studies.history.state import Standing, StudyState, next_command

STARTED = [("/home/ada/.venv/bin/studyhall", "studyhall"), ("cli.py", "python cli.py"), ("/x/pytest", "python cli.py")]


@pytest.mark.parametrize(("started_as", "name"), STARTED)
def test_the_program_is_named_as_it_was_started(started_as: str, name: str) -> None:
    assert program_name(started_as) == name


def test_every_offered_command_is_one_of_the_installed_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/local/bin/studyhall", "status"])
    assert next_command("grow", "lobo", Standing(StudyState.IDLE), None, None, None) == (
        "to go on: studyhall run grow --study lobo"
    )
    assert "`studyhall run grow --study lobo` begins one" in str(EmptyStorageError())
    assert all("  studyhall " in line for line in next_lines()[1:])
