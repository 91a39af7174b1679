"""A grid's pruner gives up settings, not seeds: judged over the seeds so far, and for good."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest

from storage.reader import Reader
from storage.session import Session
from storage.worker_records import SeedRow
from studies.definition.pruner import make_pruner
from studies.engine.settings_view import judged
from tests.support.program import Begin, Program, answer, until

STUDY: Any = SimpleNamespace(name="own", direction="maximize")
MEDIAN = {"name": "median", "n_startup_trials": 1}


def seed(number: int, setting: str, state: Any, steps: Mapping[int, float], **rungs: float) -> SeedRow:
    first = {"a": 0, "b": 10, "c": 20}[setting]
    return SeedRow(100 + number, number, state, setting, first, steps, rungs)


def ends(rows: list[SeedRow], mine: SeedRow, block: Mapping[str, Any] = MEDIAN) -> bool:
    return judged(make_pruner(block, "here"), STUDY, rows, mine).pruned


def test_a_setting_is_judged_by_the_mean_over_its_seeds_so_far() -> None:
    whole = [seed(0, "a", "COMPLETE", {1: 1.0, 2: 1.0}), seed(1, "a", "COMPLETE", {1: 3.0, 2: 3.0})]
    unlucky = seed(11, "b", "RUNNING", {1: 1.0})
    assert ends([*whole, unlucky], unlucky), "alone, it is below the other setting's mean of 2"
    lucky = seed(10, "b", "COMPLETE", {1: 4.0, 2: 0.0})
    assert not ends([*whole, lucky, unlucky], unlucky), "with its first seed its mean is 2.5 at this step"


def test_steps_that_the_running_seed_has_not_reached_do_not_count() -> None:
    rows = [seed(0, "a", "COMPLETE", {1: 1.0, 2: 5.0}), seed(10, "b", "COMPLETE", {1: 2.0, 2: 2.0})]
    mine = seed(11, "b", "RUNNING", {1: 2.0})
    assert not ends([*rows, mine], mine)


def test_startup_trials_are_settings() -> None:
    rows = [seed(number, "a", "COMPLETE", {1: 5.0}) for number in range(3)]
    mine = seed(10, "b", "RUNNING", {1: 1.0})
    assert ends([*rows, mine], mine) and not ends([*rows, mine], mine, {**MEDIAN, "n_startup_trials": 2})


def test_a_judgement_is_not_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[str] = []
    logger = optuna.logging.get_logger("optuna.storages._in_memory")
    monkeypatch.setattr(logger, "handle", lambda record: logged.append(record.getMessage()))
    mine = seed(10, "b", "RUNNING", {1: 1.0})
    ends([seed(0, "a", "COMPLETE", {1: 5.0}), mine], mine)
    assert logged == []


def test_rungs_of_halving_are_compared_between_settings_and_kept_for_the_seed() -> None:
    halving = make_pruner({"name": "successive_halving", "min_resource": 1, "reduction_factor": 2}, "here")
    rows = [seed(0, "a", "RUNNING", {1: 5.0}, completed_rung_0=5.0), seed(1, "a", "RUNNING", {1: 6.0})]
    mine = seed(10, "b", "RUNNING", {1: 1.0})
    verdict = judged(halving, STUDY, [*rows, mine], mine)
    assert verdict.pruned and verdict.rungs == {"completed_rung_0": 1.0}
    better = seed(11, "b", "RUNNING", {1: 11.0})
    assert judged(halving, STUDY, [*rows, mine, better], better).rungs["completed_rung_0"] == 6.0


LEARNER = (
    "import time\n"
    "def own(config, trial):\n"
    "    for step in range(1, 31):\n"
    "        trial.report(step, score=config['n'] * step)\n"
    "        time.sleep(0.1 if config['n'] == 1 else 0.04)\n"
    "        if trial.should_stop():\n"
    "            return {'score': 0.0}\n"
    "    return {'score': config['n'] + trial.seed / 1000}\n"
)


def learner_of(folder: Path) -> Path:
    (folder / "own.py").write_text(LEARNER)
    file = folder / "own.yaml"
    file.write_text(
        "search: grid\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\n"
        "pruner: {name: median, n_startup_trials: 1}\n"
        "grid: {axes: {n: [3, 1, 2]}, where: n != 2, repeats: 3, seed: 1}\nconfig: {n: 0}\n"
    )
    return file


def check_pruned(program: Program, url: str) -> None:
    shown = answer(program, "show", "--study", "own")
    assert [(each["setting"], each["n"], each["ranked"]) for each in shown["results"]] == [({"n": 3}, 3, True)]
    [gone] = shown["pruned"]
    assert gone["setting"] == {"n": 1} and gone["n"] == 0 and len(gone["pruned"]) == 3 and not shown["failed"]
    study = optuna.load_study(study_name="own", storage=url)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3 + ["PRUNED"] * 3
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["points"]["accepted"] == 6


def test_a_pruned_setting_runs_no_further_seed_and_is_not_called_failed(
    program: Program, tmp_path: Path, url: str
) -> None:
    ended = program("run", "grid", "--study", "own", "--file", learner_of(tmp_path))
    assert ended.returncode == 0, ended.stderr
    check_pruned(program, url)
    study = optuna.load_study(study_name="own", storage=url)
    assert [len(trial.intermediate_values) > 0 for trial in study.trials] == [True] * 4 + [False] * 2
    reasons = [each["reason"] for each in answer(program, "show", "--study", "own")["pruned"][0]["pruned"]]
    assert reasons == ["pruned: by the median pruner"] + ["pruned: with its setting, by the median pruner"] * 2
    told = program("show", "--study", "own").stdout
    assert "pruned 3/3" in told and "pruned: by the median pruner" in told and "failed" not in told


def test_a_tune_prunes_settings_and_the_sampler_is_told_how_far_they_came(
    program: Program, tmp_path: Path, url: str
) -> None:
    (tmp_path / "own.py").write_text(LEARNER)
    (tmp_path / "own.yaml").write_text(
        "search: tune\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\n"
        "pruner: {name: median, n_startup_trials: 1}\nconfig: {n: 0}\n"
        "tune: {space: {n: [3, 1]}, enqueue: [{n: 3}, {n: 1}], settings: 2, repeats: 3, seed: 1, ahead: 1}\n"
    )
    ended = program("run", "tune", "own", "--file", tmp_path / "own.yaml", "--workers", 1)
    assert ended.returncode == 0, ended.stderr
    study = optuna.load_study(study_name="own", storage=url)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 3 + ["PRUNED"] * 3
    shown = answer(program, "show", "own")
    assert [(each["number"], each["n"], len(each["pruned"])) for each in shown["results"]] == [(0, 3, 0), (1, 0, 3)]
    with closing(Session(url)) as session:
        decisions = Reader(session).decisions(Reader(session).study("own").study_id)
    told = decisions[-1].record["outcome"]
    step, value = told["last_report"]
    assert told["state"] == "PRUNED" and value == study.trials[3].intermediate_values[step]
    assert answer(program, "audit", "own")["holds"] and answer(program, "replay", "own")["agrees"]


@pytest.mark.parametrize("workers", [3])
def test_seeds_that_run_beside_the_pruned_one_end_with_it_whoever_is_killed(
    program: Program, begin: Begin, tmp_path: Path, url: str, workers: int
) -> None:
    """The worker is killed as soon as the first seed was pruned; the next one ends the others."""
    running = begin("run", "grid", "--study", "own", "--file", learner_of(tmp_path), "--workers", workers)

    def first_pruned() -> bool:
        try:
            study = optuna.load_study(study_name="own", storage=url)
        except KeyError:
            return False
        return any(trial.state.name == "PRUNED" for trial in study.trials)

    until(first_pruned)
    running.kill()
    running.wait()
    assert program("run", "grid", "--study", "own").returncode == 0
    check_pruned(program, url)
