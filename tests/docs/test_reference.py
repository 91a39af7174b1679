"""The reference pages against the code: every key of a definition, every metric, every placeholder has its place."""

from __future__ import annotations

import re

import pytest

from objectives import difficulty, gpt, parameters
from objectives.command.command import COMMAND_KEYS, TRIAL_PLACEHOLDERS
from objectives.command.measures import MEASURES
from objectives.loggers import LOGGERS
from samplers.searches.blocks import block_keys
from samplers.searches.grid.operators import FUNCTIONS
from samplers.searches.tune.samplers import BUILT_IN
from storage.home import CHECKOUT
from studies.definition.definition import DEFINITION_KEYS, SEARCHES
from studies.definition.pruner import PRUNERS
from studies.history.state import StudyState
from tests.support.pages import PAGES


def section(page: str, title: str) -> str:
    """The text below a heading of a page, up to the next one of its kind."""
    text = PAGES[page].text
    assert f"\n## {title}\n" in text, f"{page} has no section {title!r}"
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str) -> set[str]:
    """The names in the first column of a section's tables."""
    first = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    return {name for cell in first for name in re.findall(r"`([\w.]+)`", cell)}


@pytest.mark.parametrize("search", SEARCHES)
def test_every_key_of_a_search_has_a_row(search: str) -> None:
    assert {name for name in rows(section("yaml", f"`{search}:`")) if "." not in name} == set(block_keys(search))


def test_every_key_of_a_definition_has_a_row() -> None:
    named = {name for name in rows(section("yaml", "The file")) if "." not in name}
    assert named == set(DEFINITION_KEYS) - set(SEARCHES)


def test_every_metric_of_an_objective_that_ships_has_a_row() -> None:
    named = rows(PAGES["metrics"].text)
    for metrics in (gpt.METRICS, gpt.CUDA_METRICS, parameters.METRICS, difficulty.METRICS):
        assert set(metrics) <= named


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("your-script", TRIAL_PLACEHOLDERS),
        ("your-script", set(COMMAND_KEYS) - {"command", "metrics"}),
        ("your-script", MEASURES),
        ("metrics", MEASURES),
        ("tune", BUILT_IN),
        ("yaml", FUNCTIONS),
        ("yaml", PRUNERS),
        ("yaml", LOGGERS),
    ],
)
def test_every_name_of_a_kind_is_on_its_page(page: str, names: tuple[str, ...]) -> None:
    shown = " ".join(PAGES[page].spans()) + " ".join(PAGES[page].blocks("yaml"))
    for name in names:
        assert re.search(rf"\b{name}\b", shown), name


def test_every_state_in_which_nothing_runs_is_in_troubleshooting() -> None:
    shown = PAGES["troubleshooting"].text
    for state in StudyState:
        busy = state in (StudyState.RUNNING, StudyState.DRAINING, StudyState.DONE, StudyState.FAILED)
        assert busy or f"state `{state.value}`" in shown, state


def test_every_folder_of_studies_is_in_the_tree() -> None:
    (tree,) = (text for text in PAGES["how-it-works"].blocks("text") if "studies/" in text)
    for init in (CHECKOUT / "studies").glob("*/__init__.py"):
        assert f"\n  {init.parent.name}/ " in tree, init.parent.name
