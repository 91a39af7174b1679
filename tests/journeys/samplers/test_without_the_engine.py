"""Searches under plain Optuna with what goes wrong there: other processes, kills, Ctrl-C, errors, wrong studies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from samplers.depth import DepthSampler
from samplers.ends import MAX_ATTEMPTS, POINT
from samplers.fit import FitSampler
from samplers.grid import GridSampler
from samplers.grow import GrowSampler
from samplers.planned import PlannedSampler

AXES = {"width": [16, 32, 48, 64], "heads": [1, 2, 3, 4]}
PROCESSES = multiprocessing.get_context("spawn")
DEADLINE_SECONDS = 120


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a storage of Optuna's own, with an empty study."""
    url = f"sqlite:///{tmp_path}/s.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("empty_url").replace("postgresql://", "postgresql+psycopg2://")
    RDBStorage(url).engine.dispose()
    return url


def evaluations(study: optuna.Study) -> Counter[str]:
    return Counter(trial.system_attrs[POINT]["hash"] for trial in study.trials if POINT in trial.system_attrs)


def growing() -> GrowSampler:
    return GrowSampler({"a": 1, "b": 1}, {"a": 1, "b": 1}, steps=2)


def optimize(url: str, sampler: Callable[[], PlannedSampler], objective: Callable[[optuna.Trial], float]) -> None:
    """One process of a study; RuntimeErrors are caught."""
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    storage = RDBStorage(url)
    study = optuna.load_study(study_name="s", storage=storage, sampler=sampler())
    study.optimize(objective, catch=(RuntimeError,))
    storage.engine.dispose()


def b_fails(trial: optuna.Trial) -> float:
    """A candidate that fails whenever it is run, and the others slow enough to overlap."""
    config = PlannedSampler.config(trial)
    trial.set_user_attr("params", config["a"])
    time.sleep(0.05)
    if config["b"] > 1:
        raise RuntimeError("no")
    return float(config["a"])


def hangs_where_b_grows(trial: optuna.Trial) -> float:
    if PlannedSampler.config(trial)["b"] > 1:
        time.sleep(DEADLINE_SECONDS)
    return b_fails(trial)


def begun(url: str) -> optuna.Study:
    return optuna.create_study(study_name="s", direction="maximize", storage=RDBStorage(url))


def closed(study: optuna.Study) -> None:
    study._storage._backend.engine.dispose()  # type: ignore[attr-defined]


def test_threads_of_one_process_never_evaluate_a_cell_twice(tmp_path: Path) -> None:
    for turn in range(5):
        study = optuna.create_study(
            direction="maximize", sampler=GridSampler(AXES), storage=f"sqlite:///{tmp_path}/{turn}.db"
        )
        study.optimize(lambda trial: float(GridSampler.config(trial)["width"]), n_jobs=8)
        assert len(evaluations(study)) == 16 == evaluations(study).total()
        closed(study)


def test_two_processes_end_though_a_point_fails_every_time(storage: str) -> None:
    study = begun(storage)
    processes = [PROCESSES.Process(target=optimize, args=(storage, growing, b_fails)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(DEADLINE_SECONDS)
    codes = [process.exitcode for process in processes]
    for process in processes:
        process.kill()
    decisions, _ = growing().history(study)
    assert codes == [0, 0] and [decision.record["chosen"]["param"] for decision in decisions] == ["a", "a"]
    assert max(evaluations(study).values()) <= 2
    closed(study)


def test_a_point_of_a_killed_process_is_evaluated_once_more_and_its_failure_counts(storage: str) -> None:
    study = begun(storage)
    process = PROCESSES.Process(target=optimize, args=(storage, growing, hangs_where_b_grows))
    process.start()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while len(evaluations(study)) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    optimize(storage, growing, b_fails)
    decisions, _ = growing().history(study)
    assert [decision.record["chosen"]["param"] for decision in decisions] == ["a", "a"]
    states = Counter(trial.state for trial in study.trials)
    assert states[TrialState.RUNNING] == 1 and max(evaluations(study).values()) == 2
    closed(study)


def test_the_first_end_of_a_point_counts_good_or_bad() -> None:
    sampler = GrowSampler({"a": 1}, {"a": 1}, cost="value", steps=1)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    slow, quick = study.ask(), study.ask()  # one point: the second takes the first for lost
    study.tell(quick, state=TrialState.FAIL)
    step = sampler.history(study)[1]
    assert "the baseline cannot be measured: trial 1 failed" in step.reason  # type: ignore[union-attr]
    study.tell(slow, 1.0)
    assert sampler.history(study)[1] == step


def fitting(limit: int, error: Callable[[int], BaseException | None] = lambda _: None) -> Callable[..., float]:
    """An objective that runs out of memory above the limit, or raises what `error` gives for a size."""

    def objective(trial: optuna.Trial) -> float:
        size = FitSampler.config(trial)["batch_size"]
        raised = error(size)
        if raised is not None:
            raise raised
        if size > limit:
            raise MemoryError
        return float(size)

    return objective


def fit_study(**settings: Any) -> tuple[FitSampler, optuna.Study]:
    sampler = FitSampler({"batch_size": 1}, "batch_size", high=64, **settings)
    return sampler, optuna.create_study(direction="maximize", sampler=sampler)


def test_an_interrupted_probe_is_no_answer_and_is_asked_again() -> None:
    sampler, study = fit_study()
    interrupts = iter([KeyboardInterrupt(), KeyboardInterrupt(), KeyboardInterrupt()])

    def error(size: int) -> BaseException | None:
        return next(interrupts, None) if size == 8 else None

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            study.optimize(fitting(37, error), catch=(MemoryError,))
    study.optimize(fitting(37), catch=(MemoryError,))
    assert sampler.history(study)[0][-1].state["fits"] == 37


def test_an_interrupted_cell_of_a_grid_is_asked_again() -> None:
    study = optuna.create_study(direction="maximize", sampler=GridSampler(AXES))
    interrupts = iter([KeyboardInterrupt()])

    def objective(trial: optuna.Trial) -> float:
        for interrupt in interrupts:
            raise interrupt
        return float(GridSampler.config(trial)["width"])

    with pytest.raises(KeyboardInterrupt):
        study.optimize(objective)
    study.optimize(objective)
    assert Counter(trial.state for trial in study.trials) == {TrialState.COMPLETE: 16, TrialState.FAIL: 1}


@pytest.mark.parametrize("returned", [RuntimeError("a bug"), float("nan")])
def test_an_error_that_says_nothing_of_the_size_is_asked_again_and_then_ends_the_search(returned: Any) -> None:
    sampler, study = fit_study()

    def objective(trial: optuna.Trial) -> float:
        if FitSampler.config(trial)["batch_size"] != 8:
            return 1.0
        if isinstance(returned, Exception):
            raise returned
        return float(returned)

    study.optimize(objective, catch=(RuntimeError,))
    decision = sampler.history(study)[0][-1]
    assert decision.kind == "failed" and f"{MAX_ATTEMPTS} attempts" in decision.record["event"]
    sizes = Counter(trial.system_attrs[POINT]["config"]["batch_size"] for trial in study.trials)
    assert sizes == {1: 1, 2: 1, 4: 1, 8: MAX_ATTEMPTS}


def test_an_error_that_ends_optimize_costs_no_attempt() -> None:
    sampler, study = fit_study()
    for _ in range(MAX_ATTEMPTS + 1):
        with pytest.raises(RuntimeError):
            study.optimize(fitting(37, lambda size: RuntimeError("a bug") if size == 8 else None))
    study.optimize(fitting(37), catch=(MemoryError,))
    assert sampler.history(study)[0][-1].state["fits"] == 37


def test_errors_that_mean_no_are_the_users_to_name() -> None:
    class TooLongError(Exception):
        pass

    for failures in [(TooLongError,), (f"{__name__}.{TooLongError.__qualname__}",)]:
        sampler, study = fit_study(failures=failures)
        study.optimize(fitting(64, lambda size: TooLongError() if size > 9 else None), catch=(TooLongError,))
        assert sampler.history(study)[0][-1].state["fits"] == 9


def test_torch_out_of_memory_means_no_unless_told_otherwise() -> None:
    torch = pytest.importorskip("torch")
    sampler, study = fit_study()
    out_of_memory = torch.cuda.OutOfMemoryError
    study.optimize(fitting(64, lambda size: out_of_memory("no") if size > 11 else None), catch=(out_of_memory,))
    assert sampler.history(study)[0][-1].state["fits"] == 11


def test_a_trial_that_its_process_left_behind_is_asked_again() -> None:
    """Optuna's heartbeat marks such a trial as failed; no sampler sees it end."""
    sampler, study = fit_study()
    lost = study.ask()
    study._storage.set_trial_state_values(lost._trial_id, TrialState.FAIL)
    study.optimize(fitting(37), catch=(MemoryError,))
    assert sampler.history(study)[0][-1].state["fits"] == 37


@pytest.mark.parametrize(
    "sampler",
    [
        lambda: GridSampler(AXES),
        growing,
        lambda: FitSampler({"batch_size": 1}, "batch_size"),
        lambda: DepthSampler(100, direction="maximize"),
    ],
)
@pytest.mark.parametrize(
    ("study", "words"),
    [
        ({"direction": "minimize"}, "the study minimizes, the search maximizes"),
        ({"directions": ["maximize", "minimize"]}, r"the study has 2 objectives \(maximize, minimize\)"),
    ],
)
def test_a_refused_study_is_left_without_a_running_trial(
    sampler: Callable[[], PlannedSampler], study: dict[str, Any], words: str
) -> None:
    refused = optuna.create_study(sampler=sampler(), **study)
    with pytest.raises(ValueError, match=words) as error:
        refused.optimize(lambda trial: 1.0)
    assert "\n" not in str(error.value) and "direction='maximize'" in str(error.value)
    assert [trial.state for trial in refused.trials] == [TrialState.FAIL]
