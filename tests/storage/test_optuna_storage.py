"""Optuna's own suite on our storage, and what a stock Optuna client sees of a planned study."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.testing.pytest_storages import StorageTestCase
from optuna.trial import TrialState

from storage.ledger import End, Verdict
from storage.optuna_storage import StudyStorage
from storage.reader import Reader
from storage.records import Score
from storage.studies import Correction, correct_study
from tests.support.emptied import emptied
from tests.support.planned import begin, new_points


@pytest.fixture(scope="module")
def opened(shared_url: str) -> Iterator[StudyStorage]:
    storage = StudyStorage(shared_url)
    yield storage
    storage.engine.dispose()


class TestStudyStorage(StorageTestCase):
    @pytest.fixture
    def storage(self, opened: StudyStorage) -> Iterator[StudyStorage]:
        yield from emptied(opened)


def test_a_stock_client_reads_a_running_study_rightly(url: str) -> None:
    ledger, worker = begin(url, "mixed")
    with ledger.planning():
        ledger.plan_points(new_points(4), 0)
    done, running = ledger.claim_trial(worker, "cpu0"), ledger.claim_trial(worker, "cpu1")
    assert done is not None and running is not None
    ledger.report_steps(done, [(10, {"loss": 2.0, "odd": float("nan")}, 0.125), (20, {"loss": 1.0}, float("inf"))])
    assert ledger.finish_trial(done, "COMPLETE", End("completed"), [0.25], {"params": 8321.0}, None) is Verdict.ACCEPTED

    storage = RDBStorage(url)
    study = optuna.load_study(study_name="mixed", storage=storage)
    states = [trial.state for trial in study.trials]
    assert states == [TrialState.COMPLETE, TrialState.RUNNING, TrialState.WAITING, TrialState.WAITING]
    assert [trial.number for trial in study.trials] == [0, 1, 2, 3]
    assert study.best_value == 0.25 and study.best_params == {"n_layer": 1, "seed": 1337}
    assert study.trials[0].intermediate_values == {10: 0.125, 20: float("inf")}
    assert study.trials[0].duration is not None and study.trials[0].duration.total_seconds() >= 0
    assert study.metric_names == ["score"]
    storage.remove_session()
    storage.engine.dispose()


def test_a_stock_client_reads_a_study_of_several_scores(url: str) -> None:
    ledger, worker = begin(url, "front", [Score("loss", "minimize"), Score("speed", "maximize")])
    with ledger.planning():
        ledger.plan_points(new_points(2), 0)
    for values in ([0.25, 3.0], [0.5, 2.0]):
        claim = ledger.claim_trial(worker, "cpu0")
        assert claim is not None
        metrics = dict(zip(("loss", "speed"), values, strict=True))
        assert ledger.finish_trial(claim, "COMPLETE", End("completed"), values, metrics, None) is Verdict.ACCEPTED

    storage = RDBStorage(url)
    study = optuna.load_study(study_name="front", storage=storage)
    assert [each.name for each in study.directions] == ["MINIMIZE", "MAXIMIZE"]
    assert study.metric_names == ["loss", "speed"]
    assert [trial.values for trial in study.best_trials] == [[0.25, 3.0]]
    assert [*Reader(ledger.session).scores(ledger.study_id).values()] == [[0.25, 3.0], [0.5, 2.0]]
    storage.remove_session()
    storage.engine.dispose()


def test_a_correction_may_change_how_many_scores_there_are(url: str) -> None:
    ledger, _ = begin(url, "front", [Score("loss", "minimize"), Score("speed", "maximize")])
    origin = Reader(ledger.session).study("front").origin
    for scores in (
        [Score("loss", "maximize")],
        [Score("a", "minimize"), Score("b", "minimize"), Score("c", "maximize")],
    ):
        correct_study(ledger.session, ledger.study_id, Correction(origin, scores, {}, {}, ()))
        digests = Reader(ledger.session).digests(ledger.study_id)
        assert [each.lower() for each in digests.directions] == [each.direction for each in scores]


def test_a_stock_client_numbers_its_own_trial_after_ours(url: str) -> None:
    ledger, _ = begin(url, "shared")
    with ledger.planning():
        ledger.plan_points(new_points(3), 0)
    storage = RDBStorage(url)
    study = optuna.load_study(study_name="shared", storage=storage)
    study.add_trial(optuna.trial.create_trial(value=1.0))
    with ledger.planning():
        ledger.plan_points(new_points(5), 1)
    assert [trial.number for trial in study.trials] == list(range(6))
    storage.remove_session()
    storage.engine.dispose()


def test_a_pickled_storage_opens_a_session_of_its_own(url: str) -> None:
    storage = StudyStorage(url)
    first = storage.session.backend
    copy = pickle.loads(pickle.dumps(storage))
    assert copy.session.backend != first
    for each in (storage, copy):
        each.session.close()
        each.engine.dispose()


@pytest.mark.filterwarnings("ignore:Argument ``heartbeat_interval`` is an experimental feature")
@pytest.mark.filterwarnings("ignore:Heartbeat of storage is supposed to be used with")
def test_optunas_heartbeats_fail_a_trial_whose_process_is_gone(url: str) -> None:
    """Its own trials: a planned trial beside it, which runs without a heartbeat, is left alone."""
    stale: list[int] = []
    storage = StudyStorage(
        url,
        heartbeat_interval=1,
        grace_period=1,
        heartbeat_stale_trial_callback=lambda study, trial: stale.append(trial.number),
    )
    assert storage.get_heartbeat_interval() == 1
    ledger, worker = begin(url, "mixed")
    with ledger.planning():
        ledger.plan_points(new_points(1), 0)
    assert ledger.claim_trial(worker, "cpu0") is not None
    study = optuna.load_study(study_name="mixed", storage=storage)
    trial = study.ask()
    storage.record_heartbeat(trial._trial_id)
    ledger.session.execute("UPDATE trial_heartbeats SET heartbeat = heartbeat - interval '1 minute'")
    study.optimize(lambda trial: 1.0, n_trials=1)
    assert stale == [1]
    assert [each.state.name for each in study.trials] == ["RUNNING", "FAIL", "COMPLETE"]
    storage.remove_session()
    storage.engine.dispose()


def test_metrics_and_the_reason_of_a_failure_are_user_attributes(url: str) -> None:
    ledger, worker = begin(url, "mixed")
    with ledger.planning():
        ledger.plan_points([*new_points(3), replace(new_points(1, 9)[0], refusal="invalid: too wide")], 0)
    claims = [ledger.claim_trial(worker, f"cpu{slot}") for slot in range(2)]
    assert claims[0] is not None and claims[1] is not None
    metrics = {"score": 0.1, "params": 8321.0, "loss": float("nan")}
    ledger.finish_trial(claims[0], "COMPLETE", End("completed"), [0.1], metrics, None)
    ledger.finish_trial(claims[1], "FAIL", End("error", "no 'disk'"), (), {}, "error: no 'disk'")
    assert ledger.withdraw_points(["point-3"], "withdrawn: not asked for") == 1
    storage = RDBStorage(url)
    shown = [trial.user_attrs for trial in optuna.load_study(study_name="mixed", storage=storage).trials]
    assert shown[0].pop("loss") != 0 and shown[0] == {"score": 0.1, "params": 8321}
    reasons = ["error: no 'disk'", "withdrawn: not asked for", "invalid: too wide"]
    assert shown[1:] == [{"reason": reason} for reason in reasons]
    storage.remove_session()
    storage.engine.dispose()
