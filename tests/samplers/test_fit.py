"""The fit search: pure, with any limit; and as an Optuna sampler."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import BasicSamplerTestCase

from samplers.fit import FitSampler
from samplers.searches.fit.fit import Fit
from samplers.searches.plan import Result
from storage.errors import UsageError
from tests.support.fits import OOM, fit, run, up_to


@given(low=st.integers(1, 50), span=st.integers(0, 5000), limit=st.integers(0, 6000), multiple=st.integers(1, 16))
def test_the_largest_that_runs_is_found_in_logarithmically_many_probes(
    low: int, span: int, limit: int, multiple: int
) -> None:
    try:
        search = fit(low=low, high=low + span, multiple=multiple)
    except UsageError:
        assert (low + span) // multiple * multiple < low
        return
    tried, made, done = run(search, up_to(limit))
    allowed = [value for value in range(low, low + span + 1) if value % multiple == 0]
    fitting = [value for value in allowed if value <= limit]
    assert made[-1].state["fits"] == max(fitting, default=None)
    probes = math.log2(allowed[-1] / allowed[0]) + math.log2(allowed[-1] / multiple) + 3
    assert len(tried) == len(set(tried)) <= probes
    assert done.failed == (not fitting) and all(value in allowed for value in tried)


def test_the_answer_names_the_largest_and_the_best() -> None:
    tried, made, done = run(fit(high=64), up_to(11))
    assert tried == [1, 2, 4, 8, 16, 12, 10, 11]
    assert done.reason == "the largest batch_size that fits is 11, 12 does not; the best speed is at 4"
    assert [decision.kind for decision in made] == ["probed"] * 7 + ["found"]


def test_a_bound_is_not_called_a_limit() -> None:
    _, _, done = run(fit(high=16), up_to(1000))
    assert "no limit was met" in done.reason and "16" in done.reason


@pytest.mark.parametrize("outcome", ["error", "killed", "diverged"])
def test_trouble_is_not_taken_for_too_large(outcome: str) -> None:
    bad = Result(3, "FAIL", {}, f"{outcome}: something else", outcome)
    tried, made, done = run(fit(), lambda value: bad if value == 4 else Result(value, "COMPLETE", {"speed": 1.0}))
    assert done.failed and outcome in done.reason and tried == [1, 2, 4] and made[-1].kind == "failed"


@pytest.mark.parametrize("outcome", ["out_of_memory", "timed_out", None])
def test_what_cannot_run_at_that_size_bounds_it(outcome: str | None) -> None:
    bad = Result(3, "FAIL", {}, "too large", outcome)
    _, _, done = run(fit(), lambda value: bad if value > 6 else Result(value, "COMPLETE", {"speed": 1.0}))
    assert not done.failed and "is 6" in done.reason


def test_a_pruned_probe_is_not_taken_for_too_large() -> None:
    pruned = Result(3, "PRUNED", {}, "by itself", "pruned")
    tried, _, done = run(fit(), lambda value: pruned if value == 4 else Result(value, "COMPLETE", {"speed": 1.0}))
    assert done.failed and done.reason == "batch_size 4: by itself" and tried == [1, 2, 4]


@pytest.mark.parametrize("outcome", ["invalid", None])
def test_values_that_the_objective_refuses_are_no_limit_and_it_is_said(outcome: str | None) -> None:
    """Those that run are multiples of 4; 116 is the largest that fits, and not known to be."""
    refused = Result(0, "FAIL", {}, "invalid: 4 must divide it", outcome, refused=outcome is None)

    def probe(value: int) -> Result:
        return refused if value % 4 else up_to(116)(value)

    _, made, done = run(fit(low=60, high=1000), probe)
    assert made[-1].state["fits"] == 60 and not done.failed
    assert done.reason.startswith(
        "60 is the largest batch_size that was found to fit; 61 was refused (invalid: 4 must divide it), which says "
        "nothing of larger ones: `multiple` leaves such values out"
    )
    _, _, done = run(fit(low=60, high=1000, multiple=4), probe)
    assert done.reason.startswith("the largest batch_size that fits is 116, 120 does not")
    # Refused on the way, but what bounds the answer has really run out of memory.
    _, _, done = run(fit(high=128), lambda value: refused if value == 96 else up_to(70)(value))
    assert done.reason.startswith("the largest batch_size that fits is 70, 71 does not")


def test_a_lowest_value_that_fails_is_said_and_nothing_fits() -> None:
    tried, made, done = run(fit(low=8), up_to(7))
    assert tried == [8] and done.failed and made[-1].state["fits"] is None
    assert done.reason == "not even the lowest value fits: batch_size 8: out of memory: held 7 GiB"


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_never_the_best(score: float) -> None:
    def probe(value: int) -> Result:
        return OOM if value > 8 else Result(value, "COMPLETE", {"speed": score if value == 2 else 1.0 / value})

    _, made, done = run(fit(), probe)
    assert made[-1].state["best"] == {"value": 1, "score": 1.0} and "is 8" in done.reason
    for each in made:
        json.dumps([each.record, each.state], allow_nan=False)


def test_an_override_begins_again_and_known_probes_serve() -> None:
    search = fit(high=64)
    _, made, _ = run(search, up_to(11))
    decision = search.override(made[-1].state, {"fit": {"high": 8}})
    assert decision.state["fit"]["high"] == 8 and decision.state["fits"] is None
    assert [point.config["batch_size"] for point in search.outlook(decision.state)] == [1]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"axis": "batchsize"}, "fit.low: is missing, and the config has no 'batchsize' .*did you mean 'batch_size'"),
        ({"axis": "compile.size", "low": 1}, "lies below 'compile'"),
        ({"axis": None}, "fit.axis: is missing"),
        ({"low": 0}, "fit.low: 0"),
        ({"low": 9, "high": 8}, "no multiple of 1"),
        ({"low": 9, "high": 15, "multiple": 8}, "no multiple of 8"),
        ({"high": True}, "fit.high: True"),
        ({"multiple": 0}, "fit.multiple: 0"),
        ({"axis": "seed"}, "fit.axis: 'seed' is not a size"),
        ({"axis": "dataset", "low": 1}, "fit.axis: dataset is 'stdlib' in the config, not a whole number"),
        ({"axis": "learning_rate", "low": 1}, "learning_rate is 0.1 in the config"),
        ({"axis": "compile", "low": 1}, "compile is True in the config"),
        ({"high": 2**31}, "fit.high: 2147483648"),
        ({"top": 1}, "unknown key 'top'"),
    ],
)
def test_a_wrong_block(block: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        fit(**block)


def test_an_axis_may_lie_deeper_and_needs_no_twin_in_the_config() -> None:
    for config, made in (({"opt": {"batch": 4}}, {"opt": {"batch": 8}}), ({"a": 1}, {"a": 1, "opt": {"batch": 8}})):
        search = Fit.parse({"axis": "opt.batch", "low": 8}, config, ("speed", "maximize"), "here")
        (point,) = search.outlook(search.start())
        assert point.config == made and point.params == {"opt.batch": 8, "seed": 1337}


class TestFitSampler(BasicSamplerTestCase):
    """Optuna's own cases: the names there are not the search's, so they are sampled independently."""

    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return lambda: FitSampler({"batch_size": 1}, "batch_size", high=2**30, direction="minimize")


def test_a_plain_study_finds_the_largest_and_stops_by_itself() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial: optuna.Trial) -> float:
        config = FitSampler.config(trial)
        if config["batch_size"] > 11:
            raise MemoryError
        return float(config["batch_size"])

    sampler = FitSampler({"batch_size": 1}, "batch_size", high=64)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, catch=(MemoryError,))
    assert sampler.history(study)[0][-1].state["fits"] == 11 and len(study.trials) == 8
