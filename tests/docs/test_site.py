"""The site of docs/, as `mkdocs build --strict` makes it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from storage.home import CHECKOUT
from tests.support.pages import PAGES


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_every_search_has_a_picture_and_each_picture_a_place() -> None:
    shown = {name for page in PAGES.values() for name in re.findall(r"\((?:docs/)?images/([\w.-]+)\)", page.text)}
    assert shown == {file.name for file in (CHECKOUT / "docs" / "images").iterdir()}
    assert shown >= {f"{search}.png" for search in ("grow", "depth", "grid", "fit", "tune")}


def test_readme_links_to_files_that_exist() -> None:
    for target in PAGES["README"].text.split("](")[1:]:
        address = target.partition(")")[0]
        assert address.startswith("https://") or (CHECKOUT / address).is_file(), address
