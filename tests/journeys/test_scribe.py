"""The scribe beside its worker: nice, quiet, and gone with it."""

from __future__ import annotations

from pathlib import Path

import optuna
import optuna_dashboard
import psutil
import pytest

from storage.session import Session
from tests.support.program import Begin, Program, answer, until
from tests.support.stock import stock, write_grid

pytestmark = pytest.mark.usefixtures("with_scribe")


# The scribe


def scribes(worker: int) -> list[psutil.Process]:
    found = []
    for each in psutil.Process(worker).children(recursive=True):
        try:
            if "studies.dashboard.scribe_process" in each.cmdline():
                found.append(each)
        except psutil.NoSuchProcess:
            pass
    return found


def test_the_scribe_is_nice_holds_no_session_and_shows_no_url(
    begin: Begin, url: str, session: Session, tmp_path: Path, environment: dict[str, str]
) -> None:
    worker = begin("run", "grid", "--study", "slow", "--file", write_grid(tmp_path, "width: [1, 2]", seconds=6))
    (scribe,) = until(lambda: scribes(worker.pid))
    until(lambda: "slow" in optuna.get_all_study_names(url) and optuna_dashboard.get_note(stock(url, "slow")))
    until(lambda: scribe.nice() == 19)
    assert "postgresql" not in " ".join(scribe.cmdline())
    count = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
    until(lambda: session.execute(count, ["studyhall scribe"])[0].n == 0)
    descriptors = [str(each.readlink()) for each in Path(f"/proc/{scribe.pid}/fd").iterdir()]
    assert not [each for each in descriptors if environment["STUDYHALL_LOCKS"] in each]
    worker.communicate(timeout=60)
    assert worker.returncode == 0
    until(lambda: not scribe.is_running())


def test_a_killed_worker_takes_its_scribe_along_after_a_last_word(begin: Begin, url: str, tmp_path: Path) -> None:
    worker = begin(
        "run", "grid", "--study", "slow", "--file", write_grid(tmp_path, "width: {range: [1, 60, 1]}", seconds=0.5)
    )
    (scribe,) = until(lambda: scribes(worker.pid))
    until(lambda: "slow" in optuna.get_all_study_names(url) and optuna_dashboard.get_note(stock(url, "slow")))
    worker.kill()
    until(lambda: not scribe.is_running() or scribe.status() == psutil.STATUS_ZOMBIE)


def test_a_killed_scribe_is_no_trouble(begin: Begin, program: Program, url: str, tmp_path: Path) -> None:
    worker = begin("run", "grid", "--study", "slow", "--file", write_grid(tmp_path, "width: [1, 2, 3, 4]", seconds=1))
    (scribe,) = until(lambda: scribes(worker.pid))
    scribe.kill()
    output, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, output
    assert answer(program, "audit", "--study", "slow")["holds"]
