"""What stands below a tune's settings: how sure the best one is."""

from __future__ import annotations

import pytest

from studies.results.tune import comparison_of
from studies.settings.grid_cells import Cell, ranking_of


def cell(*scores: float) -> Cell:
    return Cell({}, {}, rows=[None] * len(scores), scores=dict(enumerate(scores)))  # type: ignore[list-item]


ALIKE = [(0.70, 0.72, 0.71), (0.70, 0.71, 0.72), (0.69, 0.72, 0.70)]
FAR = (0.20, 0.22, 0.21)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (
            [*ALIKE, (0.5,)],
            "2 other settings may be as good as the best (95 % over all 3 comparisons, 3 seeds); 1",
        ),
        ([ALIKE[0], FAR, (0.1,)], "the seeds set the first apart from all that have several seeds"),
        ([ALIKE[0], FAR], "the seeds set the first apart from the other (95 %, 3 seeds)"),
        ([(0.5,), (0.4,)], "one seed each: nothing says how much of the best score is chance"),
    ],
)
def test_the_note_says_how_many_may_be_as_good_as_the_best(scores: list[tuple[float, ...]], said: str) -> None:
    note = comparison_of(ranking_of([cell(*each) for each in scores], "maximize"))
    assert note is not None and said in note


def test_a_setting_alone_is_compared_with_nothing() -> None:
    assert comparison_of(ranking_of([cell(0.5)], "maximize")) is None
