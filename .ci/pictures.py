"""Make the pictures of docs/: run the commands of each search's page, report on its study, keep one figure.

python .ci/pictures.py          writes docs/images/PAGE.png and demo.svg; two minutes, on homes that are removed again
python .ci/pictures.py demo     README's alone: the picture of the demonstration's page
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
sys.path.insert(0, str(CHECKOUT))
PICTURES = {
    "grow": ("tower", "growth-path"),
    "depth": ("d768", "depth-answer"),
    "grid": ("close", "grid-settings"),
    "fit": ("largest", "fit-score"),
    "tune": ("valley", "tune-history"),
}
"""Of each page: a study that it makes, and the figure of its report."""


def main() -> None:
    """Make all of them, or README's alone."""
    images = CHECKOUT / "docs" / "images"
    images.mkdir(exist_ok=True)
    (images / "demo.svg").write_text(demonstration())
    if sys.argv[1:] != ["demo"]:
        searches(images)


def demonstration() -> str:
    """The picture of the page that `demo` leaves."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        call(["demo", "--out", "demo.html"], Path(folder), dict(os.environ))
        page = (Path(folder) / "demo.html").read_text()
    return page[page.index("<svg") : page.index("</svg>")] + "</svg>\n"


def searches(images: Path) -> None:
    """The pictures of the searches' pages, each from a folder with its page's files."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # run as root, the server is another user
        (home / "home").mkdir()
        environment = {**os.environ, "STUDYHALL_HOME": str(home / "home"), "STUDYHALL_BOARD": "off"}
        environment.pop("STUDYHALL_STORAGE", None)
        try:
            for page, (study, figure) in PICTURES.items():
                made = picture(page, study, figure, home, environment)
                shutil.copy(made, images / f"{page}.png")
        finally:
            call(["storage", "down"], home, environment)


def picture(page: str, study: str, figure: str, folder: Path, environment: dict[str, str]) -> Path:
    """The figure's file, of the study that a page's commands make."""
    from tests.support.pages import PAGES, words_of

    place = folder / page
    place.mkdir()
    (place / "studies").symlink_to(CHECKOUT / "studies")
    PAGES[page].write(place)
    for line in PAGES[page].shell_lines():
        words = words_of(line)
        if words is not None and words[0] == "run" and study in words and "--dry-run" not in words:
            call(words, place, environment)
    call(["report", "--study", study, "--out", "report"], place, environment)
    return place / "report" / "figures" / f"{figure}.png"


def call(words: list[str], folder: Path, environment: dict[str, str]) -> None:
    """Run a command of the program."""
    subprocess.run([sys.executable, CHECKOUT / "cli.py", *words], cwd=folder, env=environment, check=True)


if __name__ == "__main__":
    main()
