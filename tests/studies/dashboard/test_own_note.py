"""`note`: the user's own part of the dashboard's note."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from storage.errors import UsageError
from studies.dashboard.note import OWN
from studies.dashboard.own_note import FITS, FITS_END, Asked, WholeNote, with_paragraph
from tests.support.made_studies import grid
from tests.support.program import Program, call, refused

OURS = f"# own\n\n---\n\n*{OWN}*\n"


def test_the_parts_of_a_note_come_apart_and_together() -> None:
    assert WholeNote.parse(OURS) == WholeNote(OURS, "", "")
    whole = WholeNote(OURS, "mine\n\nmore", f"{FITS}\n\na law\n\n{FITS_END}")
    assert WholeNote.parse(whole.text) == whole
    assert WholeNote.parse(whole.text + "\nbelow the fits\n").own == "mine\n\nmore\n\nbelow the fits"
    assert WholeNote.parse("# a note whose last line a reader has deleted").text.endswith(f"*{OWN}*\n")


def test_a_text_is_a_paragraph_more_and_an_edit_of_what_has_changed_meanwhile_is_refused() -> None:
    assert with_paragraph("", " one ") == "one" and with_paragraph("one\n", "two") == "one\n\ntwo"
    change = Asked(editor=lambda own: own.upper()).change("mine")
    assert change("mine") == "MINE"
    with pytest.raises(UsageError, match="was changed while you edited it"):
        change("another's")
    assert Asked(editor=lambda own: None).change("mine")("mine") == "mine", "nothing was saved"


def test_a_note_is_added_to_replaced_and_printed(program: Program, tmp_path: Path, url: str) -> None:
    grid(url, "own", [{"lr": 0.1}], lambda config: {"loss": 1.0, "params": 1.0})
    assert program("note", "own").stdout == ""
    written = program("note", "own", "The jump", "is the warmup.")
    assert written.returncode == 0 and written.stdout == "own: your part of the note has 1 line now\n"
    assert program("note", "--study", "own", "Second.").returncode == 0
    assert program("note", "own").stdout == "The jump is the warmup.\n\nSecond.\n"
    file = tmp_path / "note.md"
    file.write_text("Only this.\n")
    assert program("note", "own", "--file", file).returncode == 0
    assert program("note", "own").stdout == "Only this.\n"
    refused(program("note", "own", "x", "--edit"), "give one of them")
    refused(program("note"), "which study?")
    refused(program("note", "own", "x" * 100_001), "at most 100,000 characters")
    assert program("note", "own").stdout == "Only this.\n"


def test_what_is_not_text_is_refused_and_the_note_stays(
    program: Program, environment: dict[str, str], tmp_path: Path, url: str
) -> None:
    grid(url, "own", [{"lr": 0.1}], lambda config: {"loss": 1.0, "params": 1.0})
    assert program("note", "own", "Mine.").returncode == 0
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n")
    refused(program("note", "own", "--file", picture), "--file: ", "picture.png is not UTF-8 at byte 0")
    editor = {**environment, "EDITOR": f"cp {picture}"}
    refused(call(editor, "note", "own", "--edit"), "--edit: ", "what was saved is not UTF-8 at byte 0")
    refused(program("note", "own", os.fsdecode(b"gr\xfcn")), "TEXT is not UTF-8")
    assert program("note", "own").stdout == "Mine.\n"


def test_a_mark_of_the_byte_order_is_no_part_of_a_note(program: Program, tmp_path: Path, url: str) -> None:
    grid(url, "own", [{"lr": 0.1}], lambda config: {"loss": 1.0, "params": 1.0})
    (tmp_path / "note.md").write_bytes(b"\xef\xbb\xbfMine.\r\n")
    assert program("note", "own", "--file", tmp_path / "note.md").returncode == 0
    assert program("note", "own").stdout == "Mine.\n"
