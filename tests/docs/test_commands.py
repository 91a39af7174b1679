"""README and docs against the program: each command and option that they name exists, and each one is described."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cli import cli
from tests.support.pages import PAGES, Page, words_of

FOREIGN = {
    *("--x", "--no-x", "--lr={lr}", "--no-bias={bias}", "--bias", "--seed"),  # of a user's script
    *("--help", "--strict"),
    *("--iterations", "--random_iterations", "--num_iterations", "--efficiency_target"),  # of hyperparam_search.py
    *("--max_iters_increase", "--override", "--nlayer_dup_mode"),
    "--filter-states",  # of seml
}
"""Options of other programs that the pages name."""
WITHOUT_STORAGE = {"demo", "init", "gpus", "studies", "completion", "data prepare", "data list"}
EMBEDDED = {"storage up", "storage down", "storage status"}


def commands(group: click.Group = cli, before: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield before + name, command


COMMANDS = dict(commands())


def options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts if option.startswith("--")}


def described() -> dict[str, str]:
    """The rows of the table of commands: each command's options."""
    text = PAGES["commands"].text
    table = text[text.index("| command | options |") :].split("\n\n")[0]
    found: dict[str, str] = {}
    current: list[str] = []
    for line in table.splitlines()[2:]:
        _, names, named, _, _ = line.split("|")
        current = re.findall(r"`([a-z][a-z ]*)", names) or current
        for name in current:
            found[name.strip()] = found.get(name.strip(), "") + named
    return found


def command_of(words: list[str]) -> tuple[str, click.Command, list[str]]:
    """The command that words run, and its own arguments."""
    command: click.Command = cli
    name = ""
    while isinstance(command, click.Group):
        assert words[0] in command.commands, f"there is no command {name}{words[0]}"
        command, name, words = command.commands[words[0]], f"{name}{words[0]} ", words[1:]
    return name.strip(), command, words


def test_the_table_of_commands_and_help_name_the_same_commands_and_options() -> None:
    table = described()
    assert set(table) == set(COMMANDS)
    for name, command in COMMANDS.items():
        named = set(re.findall(r"--[a-z-]+", table[name]))
        if name.startswith("storage ") and "--json" in named and "--json" not in options(command):
            named.discard("--json")  # of one of the three in that row
        assert named | {"--storage"} == options(command) | {"--storage"}, name


def test_the_commands_that_take_no_storage_are_those_that_the_page_lists() -> None:
    without = {name for name, command in COMMANDS.items() if not any(each.name == "store" for each in command.params)}
    assert without == WITHOUT_STORAGE | EMBEDDED


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_command_of_a_page_is_parsed(page: Page, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path))
    for line in page.shell_lines():
        if (words := words_of(line)) is not None:
            name, command, rest = command_of(words)
            command.make_context(name, rest)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_every_option_that_a_page_names_exists(page: Page) -> None:
    known = {option for command in COMMANDS.values() for option in options(command)} | FOREIGN
    for span in page.spans():
        words = re.sub(r"^(python cli\.py|studyhall) ", "", span).split()
        own = next((COMMANDS[" ".join(words[:n])] for n in (2, 1) if " ".join(words[:n]) in COMMANDS), None)
        for option in re.findall(r"(?<!\S)--[\w-]+(?:=\S+)?", span):
            assert option in FOREIGN or option.partition("=")[0] in known, (span, option)
            assert own is None or option in options(own) | FOREIGN or words[0] == "init", (span, option)
