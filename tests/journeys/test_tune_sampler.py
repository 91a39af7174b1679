"""Optuna's own cases for samplers, with TuneSampler around each of those that draw from models or populations.

Those of the Gaussian process take minutes and run with `EVERY_CASE=1`.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import optuna
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from tests.samplers.tune.test_tune_sampler import of


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


class TestTpe(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return of("tpe", n_startup_trials=0)


class TestQmc(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return of("qmc")


class TestNsga2(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return of("nsgaii", population_size=4)


class TestNsga3(BasicSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        return of("nsgaiii", population_size=4)


if os.environ.get("EVERY_CASE"):

    class TestGp(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
        @pytest.fixture
        def sampler(self) -> Callable[[], BaseSampler]:
            return of("gp", n_startup_trials=0)
