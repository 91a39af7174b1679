"""Several scores: which setting of the front is named as the best, and what is said where none is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from storage.records import Score
from studies.settings.grid_cells import cells_of, ranking_of
from studies.settings.tuned import Tuned, TunedSetting
from tests.support.grid_rows import row

LOSS, PARAMS = Score("loss", "minimize"), Score("params", "minimize")


def measured(*points: tuple[float, float]) -> Tuned:
    """A tune of two scores, a setting a point."""
    settings = []
    for number, (loss, params) in enumerate(points):
        rows = [row(number, {"x": number}, metrics={"loss": loss, "params": params})]
        settings.append(TunedSetting(number, [cells_of(rows, each.metric)[0] for each in (LOSS, PARAMS)], {}))
    ranked = ranking_of([each.cell for each in settings], "minimize")
    return Tuned([LOSS, PARAMS], settings, ranked, [])


@pytest.mark.parametrize(
    "points", [[(1.16, 3944), (1.94, 2613), (1.97, 2144)], [(1.0, 20), (2.0, 10)], [(1.0, 3), (2.0, 2), (3.0, 1)]]
)
def test_a_front_without_a_bend_has_no_best_setting_and_says_how_to_choose(
    points: Sequence[tuple[float, float]],
) -> None:
    found = measured(*points)
    assert found.best is None and len(found.front) == len(points)
    said = str(found.no_knee("mine"))
    assert said.startswith("no knee: the front has no bend; choose with: best mine --where ")
    assert f'"params <= {points[len(points) // 2][1]}"' in said


def test_with_every_setting_the_front_comes_first() -> None:
    found = measured((2.0, 3.0), (1.0, 5.0), (1.5, 1.0), (0.9, 9.0))
    assert [each.number for each in found.front] == [3, 1, 2]
    assert [each.number for each in found.front_first] == [3, 1, 2, 0]


def test_a_front_with_a_bend_or_of_one_setting_has_a_best_one() -> None:
    bent = measured((1.0, 100), (1.1, 20), (3.0, 10))
    assert bent.best is bent.settings[1] and bent.no_knee("mine") is None
    alone = measured((1.0, 10), (2.0, 20))
    assert alone.best is alone.settings[0] and alone.no_knee("mine") is None
    nothing = measured()
    assert nothing.best is None and nothing.no_knee("mine") is None
