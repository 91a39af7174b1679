"""The commands of README and docs, run as they stand there, on the files that their pages show."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import optuna
import pytest

from storage.home import CHECKOUT
from tests.support.growth_trace import write_definition
from tests.support.pages import PAGES, Page, words_of
from tests.support.program import Program, answer

SKIPPED = {
    "pip install": "the tests' environment has it",
    "cli.py demo": "test_demo.py runs it whole",
    "python3 -m venv": "the tests have an environment",
    "kubectl": "needs a cluster",
    "export STUDYHALL_STORAGE": "names a server that does not exist; the tests name their own",
    "--launch": "needs a scheduler: test_slurm.py and test_ray.py have one",
    "--gpus": "needs GPUs",
    "--gpu-memory": "needs GPUs",
}
"""Commands that are not run, by what they hold, and why."""
NOT_HERE = (
    "python cli.py run grow --study lobo",
    "python cli.py run grow --study lobo --workers 4 --threads 2",
    "python cli.py run grow --study lobo --laptop",
    "python cli.py run grow --study lobo --trust-study",
)
"""Hours of training; with a laptop's budget the growth that test_demo.py trains."""
BEFORE = {"changing-your-mind": "first-study"}
"""Pages that go on from the studies of another one."""
OF_LOBO = ("README", "certificate", "notebook", "troubleshooting")
"""Pages about the study that README begins: a short growth of that name stands for it."""
CLOCK = re.compile(r"^\d\d:\d\d:\d\d ")
EXACT = ("depth", "first-study", "grid", "grow", "tune", "your-script")
"""Pages whose printed results are the same on every machine."""


def runnable(page: Page) -> list[list[str]]:
    """The arguments of its commands that can be run here."""
    lines = [line for line in page.shell_lines() if line not in NOT_HERE]
    found = [(line, words_of(line)) for line in lines if not any(part in line for part in SKIPPED)]
    assert all(words is not None for _, words in found), [line for line, words in found if words is None]
    return [words for _, words in found if words is not None]


WITH_COMMANDS = [name for name, page in PAGES.items() if runnable(page)]


def run_page(page: Page, program: Program, folder: Path) -> str:
    """Run its commands in a folder with its files; what they printed."""
    page.write(folder)
    printed = ""
    for words in runnable(page):
        ended = program(*words, timeout=600)
        printed += ended.stdout + ended.stderr
        assert ended.returncode == 0, f"{words}\n{ended.stdout}{ended.stderr}"
    return printed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: what the pages name of the checkout is there, what they write goes nowhere else."""
    place = tmp_path / "place"
    place.mkdir()
    for name in ("studies", "README.md"):
        (place / name).symlink_to(CHECKOUT / name)
    monkeypatch.chdir(place)
    return place


@pytest.mark.parametrize("name", WITH_COMMANDS)
def test_the_commands_of_a_page(name: str, program: Program, folder: Path) -> None:
    if name in BEFORE:
        run_page(PAGES[BEFORE[name]], program, folder)
    if name in OF_LOBO:
        begun = program("run", "grow", "--study", "lobo", "--file", write_definition(folder, steps=2))
        assert begun.returncode == 0, begun.stderr
    printed = run_page(PAGES[name], program, folder)
    printed = printed.replace("python cli.py", "studyhall")  # the name that it was started by
    lines = {CLOCK.sub("", line.rstrip()) for line in printed.splitlines()}
    for each in "".join(PAGES[name].blocks("text")).splitlines() if name in EXACT else ():
        shown = CLOCK.sub("", each)
        exempt = shown == "…" or shown.startswith(("trial ", "definition: ", "took "))
        assert exempt or shown.rstrip() in lines, f"{name}: the page shows what is not printed: {shown}"


def test_every_definition_that_a_page_shows_can_be_run(program: Program, folder: Path) -> None:
    """In a dry run: some need a cluster's time."""
    PAGES["first-study"].write(folder)  # its train.py serves the page of all keys too
    for page in PAGES.values():
        page.write(folder)
        for file in sorted(page.files()):
            if file.endswith(".yaml"):
                ended = program("run", file.removesuffix(".yaml"), "--dry-run")
                assert ended.returncode == 0, f"{page.name}: {file}: {ended.stderr}"


def test_the_python_of_the_notebook(
    program: Program, environment: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = program("run", "grow", "--study", "lobo", "--file", write_definition(folder, steps=2))
    assert begun.returncode == 0, begun.stderr
    for name in ("STUDYHALL_STORAGE", "STUDYHALL_HOME", "STUDYHALL_LOCKS"):
        monkeypatch.setenv(name, environment[name])
    reading, sampling = PAGES["notebook"].blocks("python")
    names: dict[str, Any] = {}
    exec(reading, names)
    lobo = names["lobo"]
    assert len(lobo.frame()) > 0 and lobo.figures()
    given = {
        "optuna": optuna,
        "config": {"n_layer": 1, "n_embd": 32},
        "increments": {"n_layer": 1, "n_embd": 32},
        "count": lambda config: config["n_layer"] * config["n_embd"] ** 2,
        "train": lambda config: 1 - 1 / min(config["n_layer"], 3) / min(config["n_embd"], 96),
    }
    exec(sampling, given)
    assert given["study"].best_value == 1 - 1 / 3 / 96


def test_the_command_runs_a_script_that_knows_nothing_of_us(program: Program, folder: Path) -> None:
    PAGES["your-script"].write(folder)
    by_hand = subprocess.run(["python", "fit_line.py"], capture_output=True, text=True)
    assert by_hand.stdout.startswith("val loss ")
    ended = program("run", "line")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert answer(program, "audit", "line")["points"]["accepted"] == 12
