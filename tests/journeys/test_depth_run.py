"""A depth study that is killed and resumed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from samplers.searches.depth.depth import Depth
from storage.session import Session
from tests.support.depth_of import depth_of
from tests.support.depths import outcome
from tests.support.program import Begin, Program, answer, until

SLOW = """
import time
from torch import nn

def build(config):
    time.sleep(0.08)
    return nn.Sequential(*(nn.Linear(config["n_embd"], config["n_embd"] + 8 * i) for i in range(config["n_layer"])))
"""


def grown(layers: int, width: int) -> int:
    """Parameters of such a model: not on a line."""
    return sum((width + 1) * (width + 8 * index) for index in range(layers))


def test_a_study_that_is_killed_and_resumed_gives_the_same_answers(
    program: Program, begin: Begin, session: Session, tmp_path: Path
) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    block = "{targets: [20000, 45000], widths: [16, 24], max_layers: 20}"
    file = depth_of(tmp_path, f"{{model: '{tmp_path}/slow.py:build'}}", block)

    def accepted() -> int:
        """Trials of the study that have their result, by the database's own word."""
        asked = "SELECT 1 FROM trials JOIN studies USING (study_id) WHERE study_name = 'deep' AND state = 'COMPLETE'"
        return len(session.execute(asked))

    for before in (0, 4):
        worker = begin("run", "depth", "--study", "deep", "--file", file, "--workers", 2)
        until(lambda before=before: accepted() > before)
        os.killpg(worker.pid, signal.SIGKILL)
    assert program("run", "depth", "--study", "deep", "--file", file, "--workers", 2).returncode == 0
    rows = answer(program, "show", "--study", "deep")["results"]
    assert [(row["width"], row["target"]) for row in rows] == [(w, t) for w in (16, 24) for t in (20000, 45000)]
    for row in rows:
        closest = min(range(1, 21), key=lambda n: (abs(grown(n, row["width"]) - row["target"]), n))
        assert (row["layers"], row["params"]) == (closest, grown(closest, row["width"]))
        assert row["counts"] > 3, "three counts do not lie on a line"
    certificate = answer(program, "audit", "--study", "deep")
    assert certificate["holds"] and certificate["points"]["accepted"] == accepted()
    search = Depth.parse({"targets": [20000, 45000], "widths": [16, 24], "max_layers": 20}, {}, "d")
    made, _, _, asked = outcome(search, grown)
    assert len(asked) == accepted(), "no count more than an undisturbed search takes"
    assert [row["counts"] for each in made for row in each.record["results"]] == [row["counts"] for row in rows]
