"""Texts that others wrote reach a terminal without the characters that it would obey."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from storage.home import CHECKOUT
from studies.tables.terminal import escaped
from tests.support.program import Program, answer, growth_of
from tests.support.terminal import Terminal, needs_tmux, written_to_a_terminal

EVIL = "\x1b]0;owned\x07 \x1b[2J \x9b31m \u202etxt.exe \rgone \x08"
BODY = f"""
def own(config):
    print({EVIL!r})
    raise ValueError({EVIL!r})
"""


@pytest.mark.parametrize("text", ["a\tb\nc\r\nd", "größer → 基線\u00a0€", ""])
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b2J\x07\x7f", r"\x9b2J\x07\x7f"),
        ("done\rgone", r"done\rgone"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("a\u2028b\x85\x0b", r"a\u2028b\x85\x0b"),
        ("\udc80", r"\udc80"),
    ],
)
def test_what_a_terminal_obeys_is_shown_as_text(text: str, shown: str) -> None:
    assert escaped(text) == shown


def failed_study(program: Program, folder: Path) -> None:
    ended = program("run", "grow", "--study", "evil", "--file", growth_of(folder, BODY, "attempts: 1\n"))
    assert "\x1b" not in ended.stdout + ended.stderr and r"\x1b[2J" in ended.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "--study", "evil", "--trial", "0", "--log"),
        ("show", "--study", "evil", "--trial", "0"),
        ("show", "--study", "evil", "--failures", "--csv"),
        ("status", "--study", "evil"),
        ("export", "--study", "evil", "--as", "csv"),
        ("show", "--study", f"no{EVIL}study"),
        ("run", "grow", "--study", "evil"),
    ],
)
def test_a_terminal_gets_no_control_character_of_anothers_text(
    program: Program, environment: dict[str, str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    failed_study(program, tmp_path)
    written = written_to_a_terminal([sys.executable, str(CHECKOUT / "cli.py"), *arguments], environment)
    assert "owned" in written, written
    own = written.replace("\r\n", "\n")
    for character in ("\x1b]", "\x1b[2J", "\x07", "\x9b", "\u202e", "\x08"):
        assert character not in own, repr(written)
    assert r"\x1b" in own


def test_files_and_json_and_a_raw_log_are_exact(program: Program, environment: dict[str, str], tmp_path: Path) -> None:
    failed_study(program, tmp_path)
    raw = program("show", "--study", "evil", "--trial", "0", "--log", "--raw").stdout
    assert EVIL.replace("\r", "\n") in raw  # its pipe was read as text
    assert answer(program, "show", "--study", "evil", "--trial", "0")["attempts"][0]["message"].count("\x1b") == 2
    log = program("show", "--study", "evil", "--trial", "0", "--log").stdout
    assert "\x1b" not in log and r"\x1b[2J" in log and r"\rgone" in log
    out = tmp_path / "out.csv"
    assert program("export", "--study", "evil", "--as", "csv", "--out", out).returncode == 0
    assert "\x1b[2J" in out.read_text() and "\x1b[2J" in program("export", "--study", "evil", "--as", "csv").stdout
    assert program("show", "--study", "evil", "--trial", "0", "--raw").returncode == 2


@needs_tmux
def test_a_watched_study_cannot_draw_on_the_screen(
    program: Program, environment: dict[str, str], tmp_path: Path
) -> None:
    failed_study(program, tmp_path)
    command = [sys.executable, str(CHECKOUT / "cli.py"), "status", "--study", "evil", "--watch"]
    terminal = Terminal(command, environment)
    try:
        terminal.shows("failed attempts", r"\x1b[2J", r"\u202e")
        terminal.keys("l")
        terminal.shows("Show the log of which trial?")
        terminal.keys("Enter")
        terminal.shows("the log of trial 0", "ValueError", r"\x1b[2J")
    finally:
        terminal.close()
