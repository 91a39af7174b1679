"""A report's page in a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.session import Session
from tests.support.reports import two, written

__all__ = ["two"]  # fixtures

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")


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
        page.wait_for_function("document.querySelectorAll('.js-plotly-plot').length > 0")
        drawn = page.evaluate("[...document.querySelectorAll('.js-plotly-plot')].map(each => each.id)")
        titles = page.inner_text("body")
        browser.close()
    assert not said and [url for url in asked if not url.startswith(("data:", "blob:"))] == asked[:1]
    assert {f"{key}.svg" for key in drawn} == {file.name for file in (folder / "figures").glob("*.svg")}
    assert "loss against params" in titles and "two beside one" in titles
