"""A study's note: what it says, and that no name or value in it is taken for markup."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace as Row
from typing import Any

import pytest
import yaml

from storage.records import StudyRow
from studies.dashboard.note import note, results_text
from studies.history.counts import Counts
from studies.results.growth import show_document
from studies.tables.markdown import escaped, fenced
from studies.tables.table import Column, Document, Figure, Table

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
GROW = {
    "question": "Which one next?",
    "search": "grow",
    "objective": "gpt",
    "score": {"metric": "score", "direction": "maximize"},
    "cost": "params",
    "grow": {"increments": {"n_head": 1}},
    "config": {"n_head": 1},
    "attempts": 2,
}


def study(**other: Any) -> StudyRow:
    row = StudyRow(
        study_id=1,
        name="lobo",
        folder="lobo",
        search="grow",
        origin=GROW,
        definition=GROW,
        definitions=["h"],
        fingerprint={},
        code={},
        metrics=[],
        steps=None,
        max_trials=None,
        deadline=None,
        draining=False,
        outcome=None,
        outcome_kind=None,
        failed=False,
        created_at=WHEN,
        late=False,
        now=WHEN,
    )
    return replace(row, **other)


def counts(**other: int) -> Counts:
    return Counts(**other)


def code(text: str, language: str) -> str:
    """The block of that language."""
    found = re.search(rf"^(`{{3,}}){language}\n(.*?)\n\1$", text, re.M | re.S)
    assert found is not None
    return found[2]


def test_an_empty_study_says_what_it_asks_and_how_to_go_on() -> None:
    text = note(study(), counts(), False, [], Document(), None)
    assert text.startswith("**There is no result yet.**\n\n**Asks:** Which one next?")
    assert "none is planned yet" in text and "No results yet." in text and "Nothing yet." in text
    assert "Written 2026-01-02 03:04:05 UTC" in text
    assert code(text, "sh") == "python cli.py run grow --study lobo"
    assert yaml.safe_load(code(text, "yaml")) == GROW


def test_the_answer_is_a_table_and_the_last_decision_says_why() -> None:
    won = {"param": "n_head", "value": 2, "score": 0.25, "gain": 0.5, "gain_error": 0.01, "added_cost": 10.0}
    won |= {"cost": 110.0, "efficiency": 0.05, "chosen": True, "tie": True, "dup": None, "seeds": [{}, {}]}
    other = {**won, "value": 3, "chosen": False}
    record = {"round": 0, "candidates": [won, other], "event": None}
    decision = Row(kind="chosen", record=record, trials=[1], decided_at=WHEN, state={"config": {"n_head": 2}})
    results = show_document({}, [decision], ["n_head"], False)
    text = note(study(), counts(complete=3, waiting=2, failed=1), True, [decision], results, None)
    row = "| 0     | n_head → 2 |   2 | 0.2500 | 0.500 ± 0.010 |         10 |    0.05000 |  110 | tie     | tie of"
    assert row in text
    assert "now: n_head=2" in text and "2 waiting, 3 complete, 1 failed" in text
    assert "Round 0 (2026-01-02 03:04 UTC): n_head → 2, a gain of 0.500 ± 0.010 for 10 more cost." in text
    assert "Tie of n_head → 2 and n_head → 3." in text


def test_a_storage_of_the_team_is_named_without_its_password() -> None:
    text = note(study(), counts(), False, [], Document(), "postgresql://me@host:5432/db?sslmode=require")
    assert code(text, "sh").endswith("--study lobo --storage 'postgresql://me@host:5432/db?sslmode=require'")
    assert "PGPASSWORD" in text


def test_a_used_up_budget_is_said_and_the_command_raises_it() -> None:
    text = note(study(max_trials=10), counts(complete=10, waiting=5), True, [], Document(), None)
    assert "budget used up: all of its 10 trials were started" in text and code(text, "sh").endswith("--max-trials 20")
    text = note(study(max_trials=10), counts(complete=9, running=1), True, [], Document(), None)
    assert "**State:** running." in text and "--max-trials" not in code(text, "sh")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"outcome": "4 steps are done"}, "done: 4 steps are done"),
        ({"outcome": "nothing runs", "failed": True}, "failed: nothing runs"),
        ({"draining": True}, "stopped: it was told to stop"),
        ({"late": True}, "late: its time is up"),
    ],
)
def test_the_state_is_one_line(other: dict[str, Any], said: str) -> None:
    assert f"**State:** {said}" in note(study(**other), counts(complete=1), False, [], Document(), None)


def test_the_first_line_is_the_answer_over_seeds() -> None:
    text = note(study(), counts(complete=3), True, [], Document(), None, answer="3 steps took a|b to 2.")
    assert text.startswith(
        "**3 steps took a\\|b to 2.** *(Means over seeds: the dashboard's Best Trial is one trial, so"
    )
    alone = note(study(search="fit"), counts(complete=3), True, [], Document(), None, answer="96 fits.")
    assert alone.startswith("**96 fits.**\n"), "its trials have no seeds"


def test_a_study_that_failed_says_its_cause_and_the_command_that_helps() -> None:
    failed = study(outcome="the first 8 trials failed alike", failed=True)
    causes = ["8 trials failed: error: no module named <x>"]
    text = note(failed, counts(failed=8), False, [], Document(), None, causes=causes)
    assert text.startswith("**It has failed:** the first 8 trials failed alike.\n\n- 8 trials failed: error")
    assert code(text, "sh") == "python cli.py retry --study lobo --failed"
    known = note(failed, counts(failed=8), False, [], Document(), None, answer="The start has 3.", causes=causes)
    assert known.index("It has failed") < known.index("The start has 3.")


def test_an_override_is_listed_below_the_definition_that_was_begun_with() -> None:
    change = Row(kind="override", record={"event": "override: max_iters=10"}, trials=[], decided_at=WHEN)
    text = note(study(), counts(), True, [change], Document(), None)
    assert text.index("- changed: max_iters=10") > text.index("## Definition")


def settings(*names: str) -> Document:
    """Results with a line for each setting."""
    columns = [Column("setting"), Column("score", right=True), Column("n", right=True)]
    return Document([Table(columns, [[name, Figure(0.5), Figure(2)] for name in names])])


ODD = ["<script>alert(1)</script>", "a|b", "`tick` ```", "[x](javascript:1)", "# head", "- item", "1. one", "$x$ ~~y~~"]
ODD += ["line\nbreak", "宽度 ширина عرض", "\u202eturned", "http://evil.example"]


@pytest.mark.parametrize("odd", ODD)
def test_odd_names_and_values_are_text(odd: str) -> None:
    grid = {**GROW, "search": "grid", "grid": {"axes": {"a": [1]}}, "question": odd}
    text = note(study(search="grid", origin=grid), counts(), False, [], settings(f"a {odd}"), None)
    outside = text.replace(code(text, "yaml"), "")
    assert "<script" not in outside.replace("\\<", "") and "\u202e" not in text
    rows = [line for line in text.splitlines() if line.startswith("| a ")]
    assert len(rows) == 1 and len(rows[0].replace("\\|", "").split("|")) == 5
    heads = [line.strip("# ") for line in outside.splitlines() if line.startswith("#")]
    assert heads == ["Results so far", "Decided last", "To resume it", "Definition"]


def test_a_definition_cannot_leave_its_block() -> None:
    odd = {**GROW, "config": {"n_head": 1, "text": "```\n# out\n````\n<b>"}}
    text = note(study(origin=odd), counts(), False, [], Document(), None)
    assert "`````yaml" in text and yaml.safe_load(code(text, "yaml")) == odd


def test_a_value_of_a_thousand_letters_is_shortened_and_said_to_be() -> None:
    text = note(study(), counts(), False, [], settings("x" * 5000), None)
    assert "x" * 100 not in text and "…" in text
    large = {**GROW, "config": {f"name_{index}": "v" * 50 for index in range(1000)}}
    assert "characters more" in note(study(origin=large), counts(), False, [], Document(), None)


def test_many_settings_are_cut_and_said_to_be() -> None:
    grid = {**GROW, "search": "grid", "grid": {"axes": {"a": [1]}}}
    text = note(study(search="grid", origin=grid), counts(), False, [], settings(*map(str, range(100))), None)
    assert "85 rows more" in text


def test_escaped_text_reads_as_it_was() -> None:
    assert escaped("0.5") == "0.5" and escaped("1. one") == "1\\. one" and escaped("-x") == "\\-x"
    assert escaped("a_b*c _d_") == "a_b\\*c \\_d\\_" and escaped("a: b::c") == "a: b\\:\\:c"


def test_a_block_has_more_ticks_than_it_holds() -> None:
    assert fenced("```", "").startswith("````")


def test_a_rows_sentence_is_whole_where_a_name_is_shortened() -> None:
    sentence = "tie of " + ", ".join(f"a{index} → {index}" for index in range(20)) + ": a wrong choice may cost 3 %"
    found = results_text(Document([Table([Column("chosen"), Column("notes")], [["x" * 100, sentence]])], ()), last=True)
    assert sentence in found and "x" * 61 not in found
