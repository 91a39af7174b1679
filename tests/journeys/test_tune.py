"""Every sampler under kills: the settings of an undisturbed study, a passing audit, choices that replay derives.

Two samplers run once, with one score or several, a function or a command. `EVERY_CASE=1 pytest
tests/journeys/test_tune.py` runs all seven with one score and with several, with a function and with a command.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from storage.reader import Reader
from storage.session import Session
from studies.audit.audit import audit
from studies.audit.replay_study import replay_study
from tests.support.killing import run_and_kill
from tests.support.tuning import Run, tune

SETTINGS, WORKERS, KILLS = 60, 4, 10
SPACE: Mapping[str, Any] = {"x": {"float": [-5, 10]}, "n": {"range": [1, 4]}, "kind": ["flat", "steep"]}
CONFIG: Mapping[str, Any] = {"x": 0.0, "n": 1, "kind": "flat"}
LOSS, SIZE = ("loss", "minimize"), ("size", "maximize")
SAMPLERS: Mapping[str, Any] = {
    "tpe": {"name": "tpe", "multivariate": True, "constant_liar": True},
    "gp": {"name": "gp", "n_startup_trials": 52},  # a choice of it takes a second, of several scores more
    "cmaes": "cmaes",
    "nsgaii": {"name": "nsgaii", "population_size": 10},
    "nsgaiii": {"name": "nsgaiii", "population_size": 10},
    "qmc": "qmc",
    "random": "random",
}
USUAL_SCORES = {"tpe": 1, "nsgaii": 2}
"""The samplers that run without EVERY_CASE, with how many scores."""
FUNCTION = """
def own(config):
    loss = config["x"] * config["x"] + config["n"] * (2 if config["kind"] == "steep" else 1)
    return {"loss": loss, "size": config["n"] - config["x"]}
"""
METRICS = "{loss: 'loss (.*)', size: 'size (.*)'}"
SCRIPT = """
awk -v x="$1" -v n="$2" -v kind="$3" 'BEGIN {
    printf "loss %.17g\\nsize %.17g\\n", x * x + n * (kind == "steep" ? 2 : 1), n - x
}'
"""


def loss(point: Any) -> Mapping[str, float]:
    """What both objectives compute."""
    config = point.config
    value = config["x"] * config["x"] + config["n"] * (2 if config["kind"] == "steep" else 1)
    return {"loss": value, "size": config["n"] - config["x"]}


def cases() -> Iterator[Any]:
    every = bool(os.environ.get("EVERY_CASE"))
    for index, sampler in enumerate(SAMPLERS):
        for scores in [(LOSS,)] if sampler == "cmaes" else [(LOSS,), (LOSS, SIZE)]:
            for place, objective in enumerate(("function", "command")):
                if every or (place == index % 2 and len(scores) == USUAL_SCORES.get(sampler)):
                    yield pytest.param(sampler, scores, objective, id=f"{sampler}-{len(scores)}-{objective}")


@pytest.mark.parametrize(("sampler", "scores", "objective"), [*cases()])
def test_workers_that_are_killed_choose_what_one_undisturbed_worker_chooses(
    environment: dict[str, str], url: str, tmp_path: Path, sampler: str, scores: Any, objective: str
) -> None:
    file = definition(tmp_path, objective, scores, block_of(sampler))
    after = [(each + 1) * SETTINGS // (KILLS + 2) for each in range(KILLS)]
    order = ("tune", "own", "--file", file)
    assert run_and_kill(environment, url, order, WORKERS, after, made) == KILLS
    session = Session(url)
    study = Reader(session).study("own")
    chosen = [row.record["params"] for row in Reader(session).decisions(study.study_id) if row.kind == "chosen"]
    assert chosen == undisturbed(sampler, scores) and len(chosen) == SETTINGS
    certificate = audit(session, study)
    assert certificate.holds, certificate.violations
    assert replay_study(session, study, None, None).agrees
    session.close()


def made(reader: Reader, study_id: int) -> int:
    return reader.extent(study_id).decisions


def block_of(sampler: str) -> dict[str, Any]:
    return {"sampler": SAMPLERS[sampler], "space": SPACE, "settings": SETTINGS, "ahead": 6, "seed": 1}


@cache
def undisturbed(sampler: str, scores: Any) -> list[Mapping[str, Any]]:
    """The settings that one worker chooses that is never killed: the search alone, without any worker."""
    run = Run(tune(scores, CONFIG, **block_of(sampler)), loss)
    assert run.go() is not None
    return run.chosen


def definition(folder: Path, objective: str, scores: Any, block: Mapping[str, Any]) -> Path:
    (folder / "own.py").write_text(FUNCTION)
    (folder / "own.sh").write_text(SCRIPT)
    file = folder / "own.yaml"
    command = f"{{command: 'sh {folder}/own.sh {{x}} {{n}} {{kind}}', metrics: {{stdout: {METRICS}}}}}"
    score = [{"metric": metric, "direction": direction} for metric, direction in scores]
    file.write_text(
        f"search: tune\nobjective: {'own.py:own' if objective == 'function' else command}\n"
        f"score: {score if len(score) > 1 else score[0]}\ntune: {block}\nconfig: {CONFIG}\n".replace("True", "true")
    )
    return file
