"""What changed nothing, to the last bit, is named: axes, keys and seeds."""

from __future__ import annotations

import math
from typing import Any

import pytest

from studies.settings.unheard import Unheard, unheard
from tests.support.grid_rows import row


def rows(function: Any, seeds: tuple[int, ...] = (1, 2)) -> list[Any]:
    settings = [{"n": n, "bias": bias} for n in (1, 2) for bias in (True, False)]
    return [
        row(number, setting, seed, metrics=function(seed=seed, **setting))
        for number, (setting, seed) in enumerate((setting, seed) for setting in settings for seed in seeds)
    ]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda n, bias, seed: {"loss": n + seed / 10}, Unheard(["bias"], False)),
        (lambda n, bias, seed: {"loss": n + bias}, Unheard([], True)),
        (lambda n, bias, seed: {"loss": n + bias + seed}, Unheard([], False)),
        (lambda n, bias, seed: {"loss": 1.0}, Unheard(["n", "bias"], True)),
        (lambda n, bias, seed: {"loss": math.nan}, Unheard(["n", "bias"], True)),
        (lambda n, bias, seed: {"loss": n + (n == 2) * bias * 1e-15 + seed}, Unheard([], False)),
        (lambda n, bias, seed: {"acc": 1.0, "params": n + 10 * bias, "seed": seed}, Unheard([], False)),
        (
            lambda n, bias, seed: {
                "loss": n + seed,
                "train_time": id(n) + bias,
                "tokens_per_second": bias,
                "vram": bias,
            },
            Unheard(["bias"], False),
        ),
    ],
)
def test_what_changed_nothing_is_named(function: Any, expected: Unheard) -> None:
    assert unheard(rows(function)) == expected


def test_nothing_is_said_where_nothing_can_be_compared() -> None:
    settings = [{"n": 1, "bias": True}, {"n": 2, "bias": False}]  # each pair differs in two axes
    assert unheard([row(i, each, metrics={"loss": 1.0}) for i, each in enumerate(settings)]) == Unheard([], False)
    failed = [row(i, {"n": i}, state="FAIL") for i in range(3)]
    assert unheard(failed) == unheard([]) == Unheard([], False)


def test_the_question_names_the_kind_of_objective() -> None:
    found = Unheard(["use_bias"], True)
    assert found.notes('command:{"command": []}') == [
        "use_bias changed nothing: does the command hear it?",
        "all seeds gave the same numbers: does the command hear the seed?",
    ]
    assert found.notes("own.py:own")[0] == "use_bias changed nothing: does the objective read it?"
