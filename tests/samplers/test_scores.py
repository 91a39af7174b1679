"""A score over metrics: which metrics a text needs, and its value."""

from __future__ import annotations

import math

import pytest

from samplers.searches.scores import (
    Scores,
    best_of,
    check_score,
    known_value,
    metrics_needed,
    parse_scores,
    value_of,
)
from storage.errors import UsageError
from storage.records import Score

LOSS, SIZE = {"metric": "loss", "direction": "minimize"}, {"metric": "params", "direction": "minimize"}


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("val_loss", ("val_loss",)),
        ("val/loss", ("val/loss",)),
        ("val-loss", ("val-loss",)),
        ("eval.loss", ("eval.loss",)),
        ("exp(-val_loss)", ("val_loss",)),
        ("loss + 0.1 * aux.loss", ("loss", "aux.loss")),
        ("seconds * 2", ("seconds",)),
        ("Accuracy (top 1)", ("Accuracy (top 1)",)),
        ("验证 loss", ("验证 loss",)),
        (None, ()),
    ],
)
def test_the_metrics_that_a_text_needs(text: str | None, needed: tuple[str, ...]) -> None:
    assert metrics_needed(text) == needed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("exp(-loss)", math.exp(-2.0)),
        ("log(params) / loss", math.log(100.0) / 2.0),
        ("a b", 3.0),
        ("loss", 2.0),
        ("loss - 1 / zero", None),
        ("exp(-other)", None),
        ("loss > 1", 1.0),
    ],
)
def test_the_value_of_a_text(text: str, value: float | None) -> None:
    assert known_value(text, {"loss": 2.0, "params": 100.0, "a b": 3.0, "zero": 0.0}) == value


def test_what_is_not_finite_stays_so_and_what_has_no_value_is_said() -> None:
    assert math.isnan(value_of("exp(-loss)", {"loss": math.nan}) or 0.0)
    with pytest.raises(UsageError, match=r"'1 / loss' with loss=0.0: division by zero"):
        value_of("1 / loss", {"loss": 0.0})
    with pytest.raises(UsageError, match=r"no function 'expp'.*'exp'"):
        check_score("expp(loss)", "own.yaml: score.metric")
    check_score("val/loss", "own.yaml: score.metric")
    assert best_of([None, math.nan, 2.0, 1.0], "maximize") == 2.0 and best_of([math.nan], "minimize") is None


def test_a_score_is_a_mapping_or_for_some_searches_a_list_of_them() -> None:
    loss, size = Score("loss", "minimize"), Score("params", "minimize")
    assert parse_scores({**LOSS, "of": "best"}, "grid", "score") == Scores((loss,), "best")
    assert parse_scores([LOSS], "grid", "score") == Scores((loss,), "last")
    assert parse_scores([LOSS, SIZE], "tune", "score") == Scores((loss, size), "last")


@pytest.mark.parametrize(
    ("given", "search", "message"),
    [
        ([LOSS, SIZE], "grid", "score: a grid search improves one metric, and 2 are given; several: tune"),
        ([], "tune", "score: is empty; like {metric: val_loss, direction: minimize}"),
        ([LOSS, LOSS], "tune", r"score\[1\].metric: 'loss' stands there twice"),
        ([LOSS, {**SIZE, "of": "best"}], "tune", "score.of: the best reported value is of one score"),
        (
            [LOSS, {**SIZE, "direction": "minimise"}],
            "tune",
            r"score\[1\].direction: 'minimise'; did you mean 'minimize'",
        ),
        ([LOSS, "params"], "tune", r"score\[1\]: 'params' is not a mapping"),
        ("loss", "grid", "score: 'loss' is not a mapping"),
        ({"direction": "minimize"}, "grid", "score: metric: is missing"),
    ],
)
def test_a_wrong_score_is_refused_with_its_place(given: object, search: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_scores(given, search, "score")
