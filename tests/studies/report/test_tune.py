"""A tune's figures: what its results say, and nothing where there is nothing to say."""

from __future__ import annotations

from typing import Any

from storage.records import Score
from studies.figures.picture import Line, Picture, Points
from studies.figures.tune import further, pictures

LOSS, SIZE = Score("loss", "minimize"), Score("size", "maximize")


def row(number: int, loss: float | None, size: float | None = None, **excess: float) -> dict[str, Any]:
    both = {"loss": {"mean": loss}, "size": {"mean": size}}
    setting = {"x": number / 2, "kind": "a" if number % 2 else "b"}
    ends: dict[str, Any] = {"failed": [], "pruned": []}
    return {"number": number, "mean": loss, "setting": setting, "by_score": both, "constraints": excess, **ends}


def by_key(found: list[Picture]) -> dict[str, Picture]:
    return {each.key: each for each in found}


def test_the_history_goes_in_the_order_of_choice_and_its_best_never_gets_worse() -> None:
    shown = {"results": [row(2, 1.0), row(0, 3.0), row(1, 4.0), row(3, 0.5, vram=2.0), row(4, None)]}
    found = by_key(pictures(shown, [LOSS]))
    settings, best = found["tune-history"].marks
    assert isinstance(settings, Points) and isinstance(best, Line)
    assert list(settings.x) == [0.0, 1.0, 2.0] and list(best.y) == [3.0, 3.0, 1.0]
    assert "1 that miss a constraint" in found["tune-history"].caption
    assert set(found) == {"tune-history", "tune-parallel"}, "an axis against three settings says nothing"


def test_the_axes_that_matter_most_have_a_figure_with_the_best_settings_marked() -> None:
    rows = [{**row(number, float((number - 8) ** 2)), "mean": float((number - 8) ** 2)} for number in range(20)]
    found = pictures({"results": rows}, [LOSS])
    assert [each.key for each in found] == ["tune-history", "tune-slice-x", "tune-slice-kind", "tune-parallel"]
    others, best = found[1].marks
    assert isinstance(best, Points) and sorted(map(float, best.x)) == [3.5, 4.0, 4.5]
    assert isinstance(others, Points) and len(others.x) == 17
    assert "the best 3 lie between 3.5 and 4.5" in found[1].caption
    assert found[2].lies and "2 of the best 3 have a" in found[2].caption


def test_the_front_is_the_one_of_the_results_and_its_volume_only_grows() -> None:
    rows = [row(0, 3.0, 1.0), row(1, 2.0, 2.0), row(2, 4.0, 3.0), row(3, 5.0, 0.0)]
    found = by_key(pictures({"results": rows, "front": [1, 2]}, [LOSS, SIZE]))
    behind, line, ahead = found["tune-front"].marks
    assert isinstance(behind, Points) and isinstance(line, Line) and isinstance(ahead, Points)
    assert list(line.x) == [2.0, 4.0] and list(line.y) == [2.0, 3.0] and len(behind.x) == 2
    assert "tune-volume" not in found, "a volume has no unit: it stands behind the others"
    (volume,) = by_key(further({"results": rows, "front": [1, 2]}, [LOSS, SIZE]))["tune-volume"].marks
    assert isinstance(volume, Line) and list(volume.y) == sorted(volume.y)


def test_no_point_of_a_front_is_cut_however_far_it_is() -> None:
    near = [row(number, 1.0 + number / 100, 1.0 + number / 100) for number in range(9)]
    rows = [*near, row(9, 9.0, 50.0), row(10, 99.0, 0.5)]
    picture = by_key(pictures({"results": rows, "front": [8, 9]}, [LOSS, SIZE]))["tune-front"]
    for axis, values in ((picture.x, (1.08, 9.0)), (picture.y, (1.08, 50.0))):
        assert axis.limits is None or (axis.limits[0] <= min(values) and max(values) <= axis.limits[1])


def test_nothing_is_drawn_before_a_setting_has_a_score() -> None:
    assert pictures({"results": [row(0, None)], "front": []}, [LOSS, SIZE]) == []
