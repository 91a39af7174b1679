"""Every YAML block of README and docs is a definition that is read, whose search begins, as a dry run begins it."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from studies.definition.definition import Definition
from studies.definition.searches import search_of
from tests.support.pages import PAGES

SHOWN = [(page.name, name) for page in PAGES.values() for name in page.files() if name.endswith(".yaml")]


@pytest.mark.parametrize(("page", "name"), SHOWN)
def test_a_definition_that_a_page_shows_begins(page: str, name: str, tmp_path: Path) -> None:
    PAGES["first-study"].write(tmp_path)
    PAGES[page].write(tmp_path)
    definition = Definition.load(tmp_path / name)
    search = search_of(definition, name)
    assert list(islice(search.outlook(search.start()), 3))


def test_every_block_of_yaml_is_a_file() -> None:
    for page in PAGES.values():
        shown = [name for name in page.files() if name.endswith(".yaml")]
        assert len(page.blocks("yaml")) == len(shown), f"{page.name}: begin each block with `# NAME.yaml`"


def test_every_block_of_python_is_python() -> None:
    for page in PAGES.values():
        for text in page.blocks("python"):
            compile(text, page.name, "exec")


def test_every_search_has_a_page_with_a_definition() -> None:
    for search in ("grow", "grid", "fit", "tune", "depth"):
        assert any(f"search: {search}\n" in text for text in PAGES[search].files().values()), search


def test_readme_fits_three_screens() -> None:
    assert len(PAGES["README"].text.splitlines()) <= 150
