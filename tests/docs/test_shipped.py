"""The comments of the definitions that ship: each says its question, and commands that can be pasted as they are."""

from __future__ import annotations

import importlib
from itertools import islice
from pathlib import Path

import pytest

from cli import cli
from storage.home import CHECKOUT, DEFINITIONS
from studies.definition.definition import Definition
from studies.definition.searches import search_of
from studies.lifecycle.order import Order
from tests.support.pages import words_of

SHIPPED = sorted(DEFINITIONS.glob("*.yaml"))


def commented_commands(file: Path) -> list[list[str]]:
    """The arguments of the commands in a definition's comments, as a shell reads their lines."""
    lines = [line.removeprefix("#").strip() for line in file.read_text().splitlines() if line.startswith("#")]
    found = [words_of(line) for line in lines if line.startswith("python cli.py ")]
    return [words for words in found if words is not None]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_commands_in_comments_can_be_pasted(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path))
    commands = commented_commands(file)
    assert commands
    for verb, *words in commands:
        given = cli.commands[verb].make_context(verb, words).params
        if verb == "run":
            order = Order.of(
                **{name: given[name] for name in ("words", "name", "file", "settings", "steps", "laptop")},
                **dict.fromkeys(("gpus", "per_gpu", "gpu_memory", "threads", "timeout", "max_trials")),
                **dict.fromkeys(("same_code", "trust_study", "join", "keep_going"), False),
                workers=1,
                gpus_elsewhere=None,
            )
            assert order.definition is not None
            order.definition.with_settings(order.settings)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_definition_names_its_run_on_a_laptop(file: Path) -> None:
    runs = [words for words in commented_commands(file) if words[0] == "run"]
    assert any("--laptop" in words for words in runs) and Definition.load(file).laptop


@pytest.mark.parametrize("laptop", [False, True], ids=["whole", "laptop"])
@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_definition_begins(file: Path, laptop: bool) -> None:
    definition = Definition.load(file).with_laptop(file.name) if laptop else Definition.load(file)
    search = search_of(definition, file.name)
    ahead = list(islice(search.outlook(search.start()), 100))
    objective = importlib.import_module(f"objectives.{definition.objective}")
    assert ahead and all(objective.validate(point.config) is None for point in ahead)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_definition_asks_a_question_and_says_how_to_make_it_your_own(file: Path) -> None:
    text = file.read_text()
    (question,) = [line for line in text.splitlines() if line.startswith("question: ")]
    assert question.endswith("?") and "make it your own" in text
