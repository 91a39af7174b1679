"""A storage with a finished and a running study of each search, and a retry, an override, a pruned trial, kills."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from storage.ledger import End, Ledger
from storage.reader import Reader
from storage.records import Budget
from storage.session import Session
from storage.studies import NewWorker, set_budget, sign_in
from tests.support.program import call

OWN = """
import os
from pathlib import Path

READY = Path(__file__).parent / "ready"


def grow(config, trial):
    score = config["a"] + 2.0 * config["b"] + trial.seed / 8
    if config["a"] == 2 and not READY.exists():
        raise OSError("the disk is full")
    trial.report(1, score=score / 2)
    trial.report(2, score=score)
    return {"score": score, "params": float(config["a"] + config["b"]), "spare": 0.1}


def grid(config, trial):
    if config["a"] == 2 and not READY.exists():
        raise OSError("the disk is full")
    trial.report(1, score=config["a"] / 3)
    return {"score": config["a"] / 3 + config["b"], "params": 1.0}


def depth(config):
    if config["n_embd"] == 16 and not READY.exists():
        raise OSError("the disk is full")
    return {"params": float(config["n_embd"] * (10 + config["n_layer"]))}


def fit(config):
    if config["size"] > 40:
        raise MemoryError("too large")
    if config["size"] == 16 and not READY.exists():
        raise OSError("the disk is full")
    return {"tokens_per_second": config["size"] / 7}
"""
SCORE = "score: {metric: score, direction: maximize}\n"
BLOCKS = {
    "grow": f"{SCORE}cost: params\ngrow: {{increments: {{a: 1, b: 1}}, repeats: 2, steps: 2}}\nconfig: {{a: 1, b: 1}}",
    "grid": f"{SCORE}grid: {{axes: {{a: [1, 2, 3], b: [1, 2]}}}}\nconfig: {{a: 1, b: 1, c: 0}}\n",
    "depth": "depth: {targets: [300], widths: [8, 16, 24], max_layers: 40}\nconfig: {n_embd: 8, n_layer: 1}\n",
    "fit": "fit: {axis: size, low: 4, high: 400, multiple: 4}\nconfig: {size: 4}\n",
}
SEARCHES = tuple(BLOCKS)
FINISHED, RUNNING = ("", "-open")
"""A study is called like its search, with this behind it."""


def make_studies(environment: Mapping[str, str], url: str, folder: Path) -> None:
    """Finished studies had a failed trial that was retried; running ones have a trial that runs, and one that waits."""
    (folder / "own.py").write_text(OWN)
    for search, block in BLOCKS.items():
        (folder / f"{search}.yaml").write_text(f"search: {search}\nobjective: own.py:{search}\nattempts: 1\n{block}\n")
    for search in SEARCHES:
        run = ["run", search, "--file", folder / f"{search}.yaml", "--workers", 2]
        ended = call(environment, *run, "--study", f"{search}-open", "--max-trials", 3)
        assert ended.returncode in (0, 1), ended.stderr
        ended = call(environment, *run, "--study", search)
        assert ended.returncode in (0, 1), ended.stderr
    (folder / "ready").touch()
    for search in SEARCHES:
        for name in (search, f"{search}-open"):
            call(environment, "retry", "--study", name, "--failed")
        ended = call(environment, "run", search, "--study", search, "--workers", 2)
        assert ended.returncode == 0, ended.stderr
    session = Session(url)
    for search in SEARCHES:
        _leave_running(session, f"{search}-open")
    session.close()


def _leave_running(session: Session, name: str) -> None:
    """One trial is lost by a worker and claimed again by a worker that is then killed; others wait."""
    study = Reader(session).study(name)
    set_budget(session, study.study_id, Budget(max_trials=1000))
    worker = sign_in(session, study.study_id, NewWorker("here", 1, "me", ["cpu0"], {"studyhall": "test"}))
    ledger = Ledger(session, study.study_id)
    claim = ledger.claim_trial(worker, "cpu0")
    assert claim is not None, name
    ledger.release_trial(claim, End("given_back"))
    assert ledger.claim_trial(worker, "cpu0") is not None


def facts(session: Session, name: str) -> dict[str, object]:
    """Ids that changes are written with."""
    study = Reader(session).study(name)
    points = Reader(session).trials(study.study_id)
    used = {each for row in Reader(session).decisions(study.study_id) for each in row.trials}

    def first(state: str) -> int | None:
        return next((row.trial_id for row in points if row.state == state and not row.retired), None)

    return {
        "study": study.study_id,
        "done": first("COMPLETE"),
        "last": next((row.trial_id for row in reversed(points) if row.state == "COMPLETE"), None),
        "retired": next((row.trial_id for row in points if row.retired), None),
        "retry": next((row.trial_id for row in points if row.retry_of is not None), None),
        "waiting": first("WAITING"),
        "running": first("RUNNING"),
        "used": min(used, default=None),
        "score": json.dumps(study.score),
    }
