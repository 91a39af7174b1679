"""A report's page in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from storage.session import Session
from tests.support.reports import two, written

__all__ = ["two"]  # fixtures

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


def drawn_in(page: Any, least: int) -> list[str]:
    """The ids of drawn figures, once there are so many."""
    page.wait_for_function(f"document.querySelectorAll('.js-plotly-plot').length >= {least}", polling=200)
    found: list[str] = page.evaluate("[...document.querySelectorAll('.js-plotly-plot')].map(each => each.id)")
    return found


def test_a_page_draws_every_figure_without_a_network(two: Session, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    browser_file = next((path for path in BROWSERS if Path(path).exists()), None)
    folder = written(two, tmp_path / "out", "one", "two")
    said: list[str] = []
    asked: list[str] = []
    with playwright.sync_playwright() as started:
        try:
            browser = started.chromium.launch(executable_path=browser_file, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium here: {str(error).splitlines()[0]}")
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto((folder / "index.html").as_uri())
        before = drawn_in(page, 1)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        more = page.evaluate("document.querySelectorAll('.plot').length")
        assert len(before) < len(drawn_in(page, more)) == more, "what is behind `more` is drawn once it is open"
        page.set_viewport_size({"width": 390, "height": 800})
        page.wait_for_function("document.documentElement.scrollWidth <= 390", polling=200)  # nothing to scroll sideways
        drawn = page.evaluate("[...document.querySelectorAll('.js-plotly-plot')].map(each => each.id)")
        titles = page.inner_text("body")
        browser.close()
    assert not said and [url for url in asked if not url.startswith(("data:", "blob:"))] == asked[:1]
    assert {f"{key}.svg" for key in drawn} == {file.name for file in (folder / "figures").glob("*.svg")}
    assert "loss against params" in titles and "two beside one" in titles
