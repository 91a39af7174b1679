"""DepthSampler under plain Optuna, without the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase

from samplers.depth import DepthSampler
from samplers.ends import SCORE
from storage.errors import UsageError
from storage.optuna_storage import StudyStorage
from tests.support.depths import CEHR, REFERENCE, cehr


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


class TestDepthSampler(BasicSamplerTestCase):
    """Optuna's own cases: the names there are not the search's, so they are sampled independently."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        # Whatever a case returns, or however often it fails: there is always another width to ask for.
        return lambda: DepthSampler(10**6, widths=list(range(8, 8000, 8)))


def objective(trial: optuna.Trial) -> float:
    config = DepthSampler.config(trial)
    return cehr(config["n_layer"], config["n_embd"])


def rows(sampler: DepthSampler, study: optuna.Study) -> dict[int, Mapping[str, Any]]:
    return {row["width"]: row for made in sampler.history(study)[0] for row in made.record["results"]}


@pytest.mark.parametrize("n_jobs", [1, 4])
def test_a_plain_study_finds_the_depths_of_the_reference_and_stops_by_itself(n_jobs: int) -> None:
    sampler = DepthSampler(100_000_000, CEHR, widths=[320, 480, 768, 1024, 1280], uniform=True)
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_jobs=n_jobs)
    found = rows(sampler, study)
    assert {str(width): [row["layers"], row["params"]] for width, row in found.items()} == {
        str(width): REFERENCE[str(width)] for width in found
    }
    assert len(found) == 5 and (n_jobs > 1 or len(study.trials) == 15)


def test_unless_a_stack_is_said_to_be_uniform_every_answer_is_counted() -> None:
    sampler = DepthSampler(100_000_000, CEHR, widths=[320, 480, 768, 1024, 1280])
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective)
    counted = {(trial.system_attrs["studyhall:point"]["config"]["n_embd"], trial.value) for trial in study.trials}
    for width, row in rows(sampler, study).items():
        assert [row["layers"], row["params"]] == REFERENCE[str(width)] and (width, row["params"]) in counted
    assert 15 < len(study.trials) <= 5 * 9


def test_an_objective_may_ask_name_by_name_and_a_study_may_be_taken_up_again(tmp_path: Path) -> None:
    def by_name(trial: optuna.Trial) -> float:
        return cehr(trial.suggest_int("n_layer", 1, 100), trial.suggest_int("n_embd", 8, 4096))

    def sampler() -> DepthSampler:
        return DepthSampler([60_000_000, 100_000_000], CEHR, widths=[480, 768], uniform=True)

    storage = f"sqlite:///{tmp_path}/s.db"
    study = optuna.create_study(sampler=sampler(), storage=storage)
    study.optimize(by_name, n_trials=2)
    again = sampler()
    study = optuna.load_study(study_name=study.study_name, storage=storage, sampler=again)
    study.optimize(by_name)
    assert [len(each.record["results"]) for each in again.history(study)[0]] == [2, 2] and len(study.trials) == 6
    assert study.trials[0].params == {"n_layer": 1, "n_embd": 480}


def test_it_works_on_our_storage_too(url: str) -> None:
    sampler = DepthSampler(20_000_000, CEHR, solve="width", layers=[2, 6], max_width=640)
    study = optuna.create_study(sampler=sampler, storage=StudyStorage(url))
    study.optimize(objective)
    for each in sampler.history(study)[0]:
        (row,) = each.record["results"]
        widths = range(16, 641, 16)
        assert row["width"] == min(widths, key=lambda width: abs(cehr(row["layers"], width) - 20_000_000))


def test_a_count_that_failed_leaves_its_width_without_an_answer() -> None:
    def fails(trial: optuna.Trial) -> float:
        if DepthSampler.config(trial)["n_embd"] == 480:
            raise RuntimeError("no")
        return objective(trial)

    sampler = DepthSampler(100_000_000, CEHR, widths=[480, 768])
    study = optuna.create_study(sampler=sampler)
    study.optimize(fails, catch=(RuntimeError,))
    found = [row for made in sampler.history(study)[0] for row in made.record["results"]]
    assert found[0]["layers"] is None and "failed" in found[0]["reason"] and found[1]["layers"] == 13
    assert sampler._search.metric == SCORE  # type: ignore[attr-defined]


def test_wrong_settings_are_said() -> None:
    with pytest.raises(UsageError, match=r"DepthSampler: depth\.targets: 0 is not a whole number"):
        DepthSampler(0)
    with pytest.raises(UsageError, match="is not used with `solve: layers`"):
        DepthSampler(5, layers=[3])
