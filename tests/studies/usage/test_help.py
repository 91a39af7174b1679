"""What `--help` prints: two examples a verb, which can be run as they stand, and groups of options."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cli import cli
from studies.usage.examples import EXAMPLES
from studies.usage.groups import GROUPS, VERBS
from tests.docs.test_commands import COMMANDS

SCREEN_LINES, SCREEN_COLUMNS = 50, 100


@pytest.mark.parametrize("name", COMMANDS)
def test_every_verb_has_two_examples_that_it_accepts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path))
    assert len(EXAMPLES.get(name, ())) == 2
    for example in EXAMPLES[name]:
        words, own = shlex.split(example, comments=True), name.split()
        assert words[: len(own)] == own
        COMMANDS[name].make_context(name, words[len(own) :])


def test_the_help_of_run_fits_on_two_screens_and_has_a_group_for_every_option() -> None:
    lines = help_of("run").splitlines()
    assert len(lines) <= 2 * SCREEN_LINES and max(map(len, lines)) <= SCREEN_COLUMNS
    grouped = {option for options in GROUPS["run"].values() for option in options}
    own = {each.opts[-1] for each in cli.commands["run"].params if isinstance(each, click.Option)}
    assert own - grouped == {"--storage"}


def test_every_verb_stands_in_one_group_of_the_whole_help() -> None:
    text = help_of()
    listed = [name for names in VERBS.values() for name in names]
    assert len(listed) == len(set(listed)) and set(cli.commands) <= set(listed)
    assert all(f"\n  {name} " in text for name in cli.commands) and "..." not in text.partition("\n")[2]


def test_examples_begin_as_the_program_was_called() -> None:
    assert "\n  python cli.py stop lobo\n" in help_of("stop")
    assert "\n  studyhall stop lobo\n" in help_of("stop", program="studyhall")


def help_of(*words: str, program: str = "cli.py") -> str:
    ran = CliRunner(env={"COLUMNS": str(SCREEN_COLUMNS)}).invoke(
        cli, [*words, "--help"], prog_name=program, terminal_width=SCREEN_COLUMNS
    )
    assert ran.exit_code == 0
    return ran.output
