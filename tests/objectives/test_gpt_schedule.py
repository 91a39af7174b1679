"""The plan of a training: how long it is, its batches, its learning rates, when it is evaluated."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.gpt.config import GptConfig
from objectives.gpt.schedule import Schedule
from storage.errors import UsageError

TEXT = 10_000  # tokens


def schedule(**config: Any) -> Schedule:
    return Schedule(GptConfig.parse({"batch_size": 4, "block_size": 16, **config}), TEXT)


# How long


@pytest.mark.parametrize(
    ("limits", "iterations"),
    [
        ({}, 5000),
        ({"max_iters": 7}, 7),
        ({"max_iters": None, "max_tokens": 640}, 10),
        ({"max_iters": None, "max_tokens": 641}, 11),
        ({"max_iters": None, "max_tokens": 1}, 1),
        ({"max_iters": None, "max_epochs": 2}, 313),  # 20,000 / 64
        ({"max_iters": None, "max_epochs": 0.5, "max_tokens": 6400}, 79),
        ({"max_iters": 70, "max_epochs": 0.5, "max_tokens": 6400}, 70),
        ({"max_iters": None, "max_time_seconds": 3}, None),
        ({"max_iters": 7, "max_time_seconds": 3}, 7),
        ({"max_iters": None, "max_tokens": 1280, "gpu_capacity_scalar": 2.5}, 8),
    ],
)
def test_the_first_limit_counts(limits, iterations):
    assert schedule(**limits).iterations == iterations


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"max_iters": None}, "one of max_iters, max_epochs, max_tokens, max_time_seconds is needed"),
        ({"max_epochs": 0}, "max_epochs is 0; more than 0.0 is needed"),
        ({"max_time_seconds": -1.0}, "max_time_seconds is -1.0; more than"),
        ({"max_tokens": 0}, "max_tokens is 0; at least 1"),
        ({"max_epochs_between_evals": 0.0}, "max_epochs_between_evals is 0.0; more than"),
        ({"gpu_capacity_scalar": 0.0}, "gpu_capacity_scalar is 0.0; more than"),
        ({"memory_fraction": 0}, "memory_fraction is 0; more than 0.0"),
        ({"memory_fraction": 1.01}, "memory_fraction is 1.01; at most 1.0"),
        ({"checkpoint_interval": 0}, "checkpoint_interval is 0; at least 1"),
        ({"initial_block_size": 17}, "initial_block_size 17 is above block_size 16"),
        ({"max_tokens_per_batch": 15}, "max_tokens_per_batch 15 is below block_size 16: one sequence does not fit"),
        ({"max_iters": 5, "warmup_iters": 6}, "warmup_iters 6 is above max_iters 5"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(changes, reason):
    with pytest.raises(UsageError, match=reason):
        schedule(**changes)


# Batches


def test_sequences_grow_while_the_tokens_of_an_iteration_stay():
    growing = schedule(initial_block_size=2, block_size_doubles_every=3, gpu_capacity_scalar=1.5)
    batches = [growing.batch(iteration) for iteration in range(12)]
    assert [each.block_size for each in batches] == [2] * 3 + [4] * 3 + [8] * 3 + [16] * 3
    assert [each.batch_size for each in batches] == [48] * 3 + [24] * 3 + [12] * 3 + [6] * 3
    assert growing.batch(10**9).block_size == 16


def test_a_length_that_does_not_double_into_the_last_one_is_cut_to_it():
    growing = schedule(initial_block_size=6, block_size_doubles_every=1)
    assert [(b.block_size, b.batch_size) for b in map(growing.batch, range(4))] == [(6, 10), (12, 5), (16, 4), (16, 4)]


plans = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 9),
        "block_size": st.integers(9, 40),
        "initial_block_size": st.none() | st.integers(1, 9),
        "block_size_doubles_every": st.integers(1, 5),
        "gpu_capacity_scalar": st.floats(0.1, 3.0),
    }
)


@given(plans, st.integers(0, 40))
def test_tokens_are_the_sum_over_the_batches(plan, done):
    found = schedule(**plan)
    assert found.tokens(done) == sum(found.batch(i).tokens_per_iteration for i in range(done))


@given(plans, st.integers(1, 5000))
def test_a_token_limit_is_reached_by_the_last_iteration_and_not_before(plan, most):
    found = schedule(**plan, max_iters=None, max_tokens=most)
    assert found.tokens(found.iterations) >= most > found.tokens(found.iterations - 1)


# Evaluations


def evaluations(plan: Schedule) -> list[int]:
    done = [0]
    while done[-1] != plan.iterations:
        done.append(plan.next_evaluation(done[-1]))
    return done[1:]


def test_it_is_evaluated_at_the_first_reason_and_at_the_end():
    assert evaluations(schedule(max_iters=25, eval_interval=10)) == [10, 20, 25]
    assert evaluations(schedule(max_iters=500, max_epochs_between_evals=1)) == [157, 314, 471, 500]  # 10,000 / 64
    assert evaluations(schedule(max_iters=500, max_epochs_between_evals=1, eval_interval=150)) == [150, 300, 450, 500]
    assert evaluations(schedule(max_iters=3, max_epochs_between_evals=1e-9)) == [1, 2, 3]


# Learning rates


def test_the_learning_rate_warms_up_and_follows_a_cosine():
    plan = schedule(max_iters=110, warmup_iters=10, learning_rate=1.0, min_lr=0.2)
    rates = [plan.learning_rate(iteration) for iteration in range(111)]
    assert rates[:10] == pytest.approx([(i + 1) / 11 for i in range(10)])
    assert rates[10] == 1.0
    assert rates[60] == pytest.approx(0.6)  # half-way
    assert rates[110] == pytest.approx(0.2)
    assert all(later < earlier for earlier, later in pairwise(rates[10:]))


def test_the_cosine_ends_with_the_first_limit():
    by_tokens = schedule(max_tokens=110 * 64, warmup_iters=10)
    by_iterations = schedule(max_iters=110, warmup_iters=10)
    assert [by_tokens.learning_rate(i) for i in range(110)] == [by_iterations.learning_rate(i) for i in range(110)]


def test_where_only_time_limits_it_the_rate_stays_up():
    plan = schedule(max_iters=None, max_time_seconds=60, learning_rate=0.5)
    assert plan.warmup == 100
    assert plan.learning_rate(99) < 0.5
    assert plan.learning_rate(100) == plan.learning_rate(10**7) == 0.5
