"""The demonstration, whole: in a pipe, without the extras' libraries, and killed on the way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from storage.home import CHECKOUT
from tests.support.program import until

DEMO = ["env", "--default-signal=INT", sys.executable, CHECKOUT / "cli.py", "demo"]
WITHOUT_EXTRAS = "raise ImportError('an extra that a bare installation lacks')\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The current folder and the folder of temporary files: what the demonstration leaves, it leaves there."""
    (tmp_path / "temporary").mkdir()
    for each in (tmp_path, *tmp_path.parents[:2], tmp_path / "temporary"):
        each.chmod(0o755)  # run as root, the server is another user
    return tmp_path


@pytest.fixture
def bare(environment: dict[str, str], place: Path) -> dict[str, str]:
    """An environment without the libraries of extras, with a storage that the demonstration must not use."""
    (place / "lacking").mkdir()
    for name in ("matplotlib", "plotly", "pandas", "scipy"):
        (place / "lacking" / f"{name}.py").write_text(WITHOUT_EXTRAS)
    path = os.pathsep.join(filter(None, (str(place / "lacking"), environment.get("PYTHONPATH"))))
    return {**environment, "TMPDIR": str(place / "temporary"), "NO_COLOR": "1", "PYTHONPATH": path}


def processes_of(place: Path) -> list[str]:
    """Command lines of the processes that know the place."""
    found = []
    for each in psutil.process_iter():
        try:
            told = " ".join([*each.cmdline(), *each.environ().values()])
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
        if str(place / "temporary") in told:
            found.append(" ".join(each.cmdline()))
    return found


def test_the_demonstration_kills_a_worker_and_loses_nothing(bare: dict[str, str], place: Path) -> None:
    ended = subprocess.run(DEMO, env=bare, cwd=place, capture_output=True, text=True, timeout=900)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == "" and "\x1b" not in ended.stdout
    killed = re.search(r"worker 2 \(process \d+\) is killed with -9 in the middle of (trial \d+) ", ended.stdout)
    assert killed is not None and f"{killed[1]} (" in ended.stdout.split("runs again")[0].splitlines()[-1]
    passed = re.search(r"audit passed: (\d+) of (\d+) results counted once, (\d+) of (\d+) decisions", ended.stdout)
    assert passed is not None and passed[1] == passed[2] and passed[3] == passed[4]
    assert len(set(re.findall(r"step \d+: (\w+) →", ended.stdout))) == 3
    page = (place / "studyhall-demo.html").read_text()
    assert "<svg" in page and "<polyline" in page and "its worker was killed here" in page and killed[0] in page
    assert ended.stdout.count("\n  python cli.py ") == 3
    assert not list((place / "temporary").iterdir()) and until(lambda: not processes_of(place))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_a_demonstration_that_is_ended_leaves_nothing(how: signal.Signals, bare: dict[str, str], place: Path) -> None:
    with subprocess.Popen(DEMO, env=bare, cwd=place, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        lines = iter(demo.stdout.readline, "")
        assert next(line for line in lines if "worker 2" in line)
        demo.send_signal(how)
        assert demo.wait(60) in (130, -how)
    assert until(lambda: not processes_of(place)) and until(lambda: not list((place / "temporary").iterdir()))
    assert not (place / "studyhall-demo.html").exists()


def test_a_page_that_is_not_the_demonstrations_own_is_never_replaced(bare: dict[str, str], place: Path) -> None:
    (place / "notes.html").write_text("mine")
    ended = subprocess.run([*DEMO, "--out", "notes.html"], env=bare, cwd=place, capture_output=True, text=True)
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1 and ended.stdout == ""
    assert (place / "notes.html").read_text() == "mine" and not list((place / "temporary").iterdir())
