"""A worker harmed before and after every thing that it asks of the server: the next one carries on to the same end.

The walk goes from the first statement to the last, until a run passes unharmed; each kind of harm strikes every
fifteenth statement, and among them they strike every third. `EVERY_CASE=1 pytest tests/journeys/test_fault_points.py`
lets each kind strike every statement. The study grows two parameters in two steps; one trial fails at first, so that
every verb of the ledger is on the way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from storage.home import CHECKOUT
from storage.reader import Reader
from storage.session import Session
from studies.audit.audit import audit
from tests.support.faulty import KINDS

OWN = """
from pathlib import Path

def own(config, trial):
    trial.report(1, score=0.5)
    once = Path(trial.checkpoint_dir, "once")
    if config["b"] == 2 and config["a"] == 1 and not once.exists():
        once.touch()
        raise RuntimeError("at first")
    return {"score": -2 / config["a"] - 1 / config["b"], "params": config["a"] + 2 * config["b"]}
"""
DEFINITION = """
search: grow
objective: own.py:own
score: {metric: score, direction: maximize}
cost: params
grow: {increments: {a: 1, b: 1}, steps: 2}
config: {a: 1, b: 1}
"""


STRIDE = 3
"""From a statement that is struck to the next one, by whichever kind."""


class Stage:
    """Runs of one study, each under a name of its own, in processes forked from one."""

    def __init__(self, url: str, folder: Path) -> None:
        (folder / "own.py").write_text(OWN)
        (folder / "own.yaml").write_text(DEFINITION)
        self.url, self.folder = url, folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.faulty"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": "/usr/bin:/bin", "STUDYHALL_LOCKS": str(folder / "locks")},
        )
        self.session = Session(url)
        # No server dies here, so nothing has to reach the disk: it would take longer than all the rest.
        name = self.session.execute("SELECT current_database() AS name")[0].name
        self.session.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')

    def run(self, study: str, kind: str = "", at: int = 0, slots: int = 1) -> Mapping[str, Any]:
        """Run a study's worker to its end, be it a violent one; then wait until the server has seen it end, too."""
        given = {"study": study, "kind": kind, "at": at, "slots": slots, "url": self.url, "home": str(self.folder)}
        paths = {"file": str(self.folder / "own.yaml"), "objective": f"{self.folder}/own.py:own"}
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps({**given, **paths}) + "\n")
        self.process.stdin.flush()
        answer: Mapping[str, Any] = json.loads(self.process.stdout.readline())
        others = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        deadline = time.monotonic() + 30
        while len(self.session.execute(others)) > 1:
            assert time.monotonic() < deadline, "a session of a worker that has ended is still there"
            time.sleep(0.002)
        return answer

    def path(self, study: str) -> list[Any]:
        """What was decided, with what: everything but the numbers of trials and times."""
        row = Reader(self.session).study(study)
        decisions = Reader(self.session).decisions(row.study_id)
        points = Reader(self.session).trials(row.study_id)
        ends = sorted((each.hash, each.state, str(each.metrics)) for each in points)
        return [[each.record for each in decisions], ends]

    def close(self) -> None:
        self.session.close()
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture
def stage(url: str, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(url, tmp_path)
    yield stage
    stage.close()


@pytest.mark.parametrize("kind", KINDS)
def test_harmed_at_any_of_its_statements_a_study_comes_to_the_same_end(stage: Stage, kind: str) -> None:
    whole = stage.run("undisturbed")
    assert whole["code"] == 0, whole
    expected = stage.path("undisturbed")
    assert len(expected[0]) == 2 and len(expected[1]) == 5
    again, claimed = [], 0
    first, step = (1, 1) if os.environ.get("EVERY_CASE") else (1 + STRIDE * KINDS.index(kind), STRIDE * len(KINDS))
    walk = range(first, 10_000, step)
    for at in walk:
        name = f"study-{at}"
        harmed = stage.run(name, kind, at)
        assert harmed["code"] in ((-9, 0) if kind.startswith("killed") else (1, 0)), harmed
        if harmed["code"] != 0:
            again.append(at)
            assert stage.run(name)["code"] == 0, (at, harmed)
        else:
            claimed += harmed["claimed"]
            assert not harmed["robbed"], (at, "the trial of a living worker was taken from it")
        certificate = audit(stage.session, Reader(stage.session).study(name))
        assert certificate.holds, (at, certificate.violations)
        assert certificate.duplicates == certificate.holes == 0
        assert (certificate.points["accepted"], certificate.points["planned"]) == (5, 5), (at, certificate)
        assert stage.path(name) == expected, at
        if harmed["code"] == 0 and harmed["counted"] < at:
            break
    assert again == list(walk[: len(again)])
    if kind.startswith("killed"):
        # A slow worker looks around once or twice more.
        assert abs(len(again) * walk.step - whole["counted"]) <= 3 + walk.step and whole["counted"] > 90
    else:
        assert len(again) * walk.step < 30 + walk.step < at, "a worker that has signed in comes back by itself"
    assert claimed > 10 // walk.step or kind != "robbed before"
