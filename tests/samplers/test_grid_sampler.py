"""GridSampler under plain Optuna, without the engine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase
from optuna.trial import TrialState

from samplers.ends import POINT
from samplers.grid import GridSampler
from storage.errors import UsageError
from storage.optuna_storage import StudyStorage

AXES = {"width": [16, 32, 48, 64], "heads": [1, 2, 3, 4]}


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


class TestGridSampler(BasicSamplerTestCase):
    """Optuna's own cases: the names there are not the grid's, so they are sampled independently."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: GridSampler({"n_layer": [1, 2, 3]}, direction="minimize", repeats=20)


def objective(trial: optuna.Trial) -> float:
    config = GridSampler.config(trial)
    return float(config["width"] // config["heads"])


def evaluated(study: optuna.Study) -> Counter[tuple[int, int, int]]:
    points = [trial.system_attrs[POINT] for trial in study.trials if POINT in trial.system_attrs]
    return Counter((each["config"]["width"], each["config"]["heads"], each["seed"]) for each in points)


@pytest.mark.parametrize("n_jobs", [1, 4])
def test_every_cell_is_evaluated_once_and_optimize_ends_by_itself(n_jobs: int) -> None:
    study = optuna.create_study(direction="maximize", sampler=GridSampler(AXES))
    study.optimize(objective, n_jobs=n_jobs)
    assert len(evaluated(study)) == 16 and set(evaluated(study).values()) == {1}
    assert study.best_trial.system_attrs[POINT]["params"] == {"width": 64, "heads": 1, "seed": 1337}


def test_an_objective_may_ask_name_by_name_and_a_second_process_goes_on(tmp_path: Path) -> None:
    def by_name(trial: optuna.Trial) -> float:
        width, heads = trial.suggest_int("width", 1, 4096), trial.suggest_categorical("heads", [1, 2, 3, 4])
        kind = trial.suggest_categorical("kind", ["a", "b"])
        return width / heads + (kind == "b")

    def sampler() -> GridSampler:
        return GridSampler({**AXES, "kind": ["a", "b"]}, where="width % heads == 0")

    storage = f"sqlite:///{tmp_path}/s.db"
    study = optuna.create_study(direction="maximize", sampler=sampler(), storage=storage)
    study.optimize(by_name, n_trials=10)
    study = optuna.load_study(study_name=study.study_name, storage=storage, sampler=sampler())
    study.optimize(by_name)
    assert len(study.trials) == 2 * (4 * 3 + 1) == len({str(trial.params) for trial in study.trials})
    assert study.best_params == {"width": 64, "heads": 1, "kind": "b"}


def test_cells_run_by_another_process_come_last(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/s.db"
    study = optuna.create_study(direction="maximize", sampler=GridSampler(AXES), storage=storage, study_name="s")
    study.ask()  # taken, and never told: its process may be dead
    other = optuna.load_study(study_name="s", storage=storage, sampler=GridSampler(AXES))
    other.optimize(objective)
    assert len(evaluated(study)) == 16 and evaluated(study).total() == 17
    assert evaluated(study)[16, 1, 1337] == 2 and other.trials[-1].system_attrs[POINT]["config"]["heads"] == 1


def test_a_cell_that_fails_is_not_evaluated_again_and_does_not_hold_up_the_others() -> None:
    def fails(trial: optuna.Trial) -> float:
        if GridSampler.config(trial)["heads"] == 3:
            raise RuntimeError("no")
        return objective(trial)

    study = optuna.create_study(direction="maximize", sampler=GridSampler(AXES))
    study.optimize(fails, catch=(RuntimeError,))
    assert Counter(trial.state for trial in study.trials) == {TrialState.COMPLETE: 12, TrialState.FAIL: 4}


def test_more_points_than_a_batch_holds_are_all_evaluated() -> None:
    study = optuna.create_study(direction="maximize", sampler=GridSampler({"x": {"range": [1, 7, 1]}}, repeats=150))
    search = study.sampler._search  # type: ignore[attr-defined]
    first = search.advance(search.start(), {})
    assert len(first.points) == 1000
    for place, point in enumerate(first.points):
        attributes = {POINT: {"hash": point.hash, "config": point.config, "seed": point.seed, "params": {}}}
        study.add_trial(optuna.trial.create_trial(value=float(place), system_attrs=attributes))
    study.optimize(lambda trial: float(GridSampler.config(trial)["x"]))
    assert len(study.trials) == 1050 and len(study.sampler.history(study)[0]) == 2  # type: ignore[attr-defined]


def test_threads_at_the_end_of_a_grid_leave_its_last_points_alone() -> None:
    def slow_last(trial: optuna.Trial) -> float:
        deadline = time.monotonic() + 20
        if GridSampler.config(trial)["heads"] == 4:  # until all others are through
            while sum(each.state.is_finished() for each in trial.study.trials) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
        return 1.0

    study = optuna.create_study(direction="maximize", sampler=GridSampler({"heads": [4, 3, 2, 1]}))
    study.optimize(slow_last, n_jobs=3)
    assert Counter(trial.state for trial in study.trials if POINT in trial.system_attrs) == {TrialState.COMPLETE: 4}


def test_it_works_on_our_storage_too(url: str) -> None:
    study = optuna.create_study(direction="maximize", sampler=GridSampler(AXES, repeats=2), storage=StudyStorage(url))
    study.optimize(objective)
    assert len(evaluated(study)) == 32 == len(study.trials)


def test_helpers_stay_out_of_the_config_and_wrong_settings_are_said() -> None:
    seen: list[dict[str, Any]] = []

    def kept(trial: optuna.Trial) -> float:
        seen.append(GridSampler.config(trial))
        return 1.0

    sampler = GridSampler({"factor": [1, 2], "n_head": [2]}, {"n_embd": 8, "n_head": 1}, derive={"n_embd": "factor*8"})
    optuna.create_study(direction="maximize", sampler=sampler).optimize(kept)
    assert seen == [{"n_embd": 8, "n_head": 2, "seed": 1337}, {"n_embd": 16, "n_head": 2, "seed": 1337}]
    with pytest.raises(UsageError, match=r"'n_heads' is not in the config; did you mean 'n_head'"):
        GridSampler({"n_heads": [1]}, {"n_head": 1})
    study = optuna.create_study(direction="minimize", sampler=GridSampler(AXES))
    with pytest.raises(ValueError, match="direction"):
        study.optimize(objective, n_trials=1)
