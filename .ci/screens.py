"""Make the screenshots of docs/images: reports of all searches, README, the dashboard, `status --watch` at two sizes.

python .ci/screens.py           all of them, in about three minutes; needs Chromium and the extras `test` and `docs`
python .ci/screens.py report    those whose name begins so: report, report-grow, readme, or live (dashboard and watch)
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parent.parent
sys.path.insert(0, str(CHECKOUT))
IMAGES = CHECKOUT / "docs" / "images"
COLOURS = 256
"""Of a picture, so that it is small."""
WIDTH, MAX_HEIGHT = 1000, 4200
"""Pixels."""
PORT = 48_213
STUDY = """search: grid
question: Which learning rate and width?
objective: own.py:train
score: {metric: val_loss, direction: minimize}
grid:
  axes: {learning_rate: [0.0003, 0.001, 0.003, 0.01], width: [64, 128, 256]}
  repeats: 3
config: {learning_rate: 0.001, width: 64}
"""
OBJECTIVE = """import math
import random
import time

def train(config, trial):
    random.seed(str(config))
    end = 2 - math.log10(config["width"]) / 4 + 0.2 * math.log10(config["learning_rate"] / 0.002) ** 2
    end += random.gauss(0, 0.02)
    for step in range(20):
        time.sleep(0.2)
        trial.report(step, val_loss=end + math.exp(-step / 4))
    return {"val_loss": end}
"""
PAGE = """<!doctype html><meta charset="utf-8"><style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 54em; margin: 2em auto; padding: 0 1em; color: #222 }
pre, code { font: 13px/1.45 monospace; background: #f4f4f4 } pre { padding: .8em; overflow: hidden }
table { border-collapse: collapse } td, th { border: 1px solid #ddd; padding: .3em .6em; text-align: left }
img { max-width: 100% }
</style>"""


def main() -> None:
    """Make those that are asked for."""
    wanted = sys.argv[1] if sys.argv[1:] else ""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screens-") as folder, browser() as opened:
        place = Path(folder)
        place.chmod(0o755)  # run as root, the server is another user
        for name, make in {"report": reports, "readme": readme, "live": live}.items():
            if name.startswith(wanted) or wanted.startswith(name):
                make(opened, place)


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium."""
    from playwright.sync_api import sync_playwright

    file = next((each for each in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if each), None)
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=file, args=["--no-sandbox"])
        yield opened
        opened.close()


def reports(opened: Any, place: Path) -> None:
    """The page of a study of each search."""
    from studies.report.chapters import report_of
    from tests.support import five_studies

    wanted = sys.argv[1] if sys.argv[1:] else "report"
    for name in ("grow", "depth", "grid", "fit", "tune"):
        if not f"report-{name}".startswith(wanted):
            continue
        file = place / f"{name}.html"
        file.write_text(report_of([getattr(five_studies, name)()]).page())
        shot(opened, file.as_uri(), f"report-{name}", ".js-plotly-plot .main-svg")


def readme(opened: Any, place: Path) -> None:
    """README as a browser shows it."""
    import markdown

    text = markdown.markdown((CHECKOUT / "README.md").read_text(), extensions=["tables", "fenced_code"])
    file = place / "readme.html"
    file.write_text(PAGE + re.sub(r'src="(?!http)', f'src="{CHECKOUT.as_uri()}/', text))
    shot(opened, file.as_uri(), "readme", "h1")


def live(opened: Any, place: Path) -> None:
    """The dashboard, and `status --watch`, of a study that two workers run."""
    (place / "home").mkdir()
    (place / "own.py").write_text(OBJECTIVE)
    (place / "rates.yaml").write_text(STUDY)
    environment = {**os.environ, "STUDYHALL_HOME": str(place / "home")}
    for name in ("STUDYHALL_STORAGE", "STUDYHALL_BOARD"):
        environment.pop(name, None)
    run = begin(["run", "rates", "--workers", "2"], place, environment)
    serving = None
    try:
        until_begun(place, environment)
        watch(opened, place, environment)
        run.wait()
        begin(["report", "--study", "rates", "--to-dashboard"], place, environment).wait()
        serving = begin(["dashboard", "--port", str(PORT)], place, environment)
        url = f"http://127.0.0.1:{PORT}/dashboard"
        until_answers(url)
        shot(opened, f"{url}/studies/1", "dashboard", ".js-plotly-plot .main-svg", 1500)
        shot(opened, f"{url}/studies/1/note", "dashboard-note", "h2", 1200)
    finally:
        for each in filter(None, (run, serving)):
            each.terminate()
            each.wait()
        begin(["storage", "down"], place, environment).wait()


def watch(opened: Any, place: Path, environment: dict[str, str]) -> None:
    """A terminal of each size, as textual draws it."""
    from storage.store import Store
    from studies.status.app import Watch
    from studies.status.polling import Polling

    os.environ["STUDYHALL_HOME"] = environment["STUDYHALL_HOME"]
    os.environ.pop("STUDYHALL_STORAGE", None)
    store = Store.of(None)

    async def drawn(size: tuple[int, int]) -> str:
        app = Watch(Polling(store, "rates"), "rates", store.home)
        async with app.run_test(size=size) as pilot:
            await pilot.pause(6)
            return app.export_screenshot(title="status --watch")

    for size in ((80, 24), (160, 50)):
        name = f"watch-{size[0]}x{size[1]}"
        file = place / f"{name}.html"
        with ThreadPoolExecutor() as pool:  # this thread has the browser's loop
            text = pool.submit(asyncio.run, drawn(size)).result()
        file.write_text(f"<body style='margin: 0'>{text}</body>")
        shot(opened, file.as_uri(), name, "svg")


def shot(opened: Any, url: str, name: str, element: str, width: int = WIDTH) -> None:
    """A page from its top, in few colours."""
    from PIL import Image

    page = opened.new_page(viewport={"width": width, "height": 300}, color_scheme="light")
    page.goto(url, timeout=120_000)
    page.wait_for_selector(element, timeout=120_000, state="attached")
    page.wait_for_timeout(3000)
    height = min(MAX_HEIGHT, page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(1500)
    picture = (
        Image.open(io.BytesIO(page.screenshot()))
        .convert("RGB")
        .quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    picture.save(IMAGES / f"{name}.png", optimize=True)
    page.close()
    sys.stdout.write(f"{name}.png: {(IMAGES / f'{name}.png').stat().st_size // 1000} kB\n")


def begin(words: list[str], place: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A command of the program."""
    return subprocess.Popen([sys.executable, CHECKOUT / "cli.py", *words], cwd=place, env=environment)


def until_begun(place: Path, environment: dict[str, str]) -> None:
    """A few trials of the study have ended."""
    words = [sys.executable, CHECKOUT / "cli.py", "show", "rates", "--json"]
    for _ in range(60):
        time.sleep(2)
        shown = subprocess.run(words, cwd=place, env=environment, capture_output=True)
        if shown.stdout.count(b'"mean"') > 1:
            return


def until_answers(url: str) -> None:
    """Raises:
    URLError: Nothing answers there within a minute.
    """
    for _ in range(60):
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(1)
        else:
            return
    urllib.request.urlopen(url, timeout=5).close()


if __name__ == "__main__":
    main()
