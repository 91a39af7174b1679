"""Figures as data: what the table says they say, whatever the study holds."""

from __future__ import annotations

import math
from typing import Any

import pytest

from studies.figures import depth, difficulty, fit, grid, growth
from studies.figures.parts import parts_of
from studies.figures.picture import Area, Heat, Line, Picture, Points, Rule


def row(param: str, value: int, score: float, cost: float, **more: Any) -> dict[str, Any]:
    seeds = [{"seed": 1, "score": score, "cost": cost, "trial": 0, "metrics": {"params": cost}}]
    made = {"param": param, "value": value, "score": score, "cost": cost, "gain": 0.1, "added_cost": 10.0}
    made |= {"efficiency": 0.01, "eligible": True, "chosen": False, "tie": False, "reason": None, "dup": None}
    return {**made, "gain_error": None, "efficiency_error": None, "trials": [0], "seeds": seeds, **more}


def round_(number: int, *candidates: dict[str, Any], event: str | None = None, **baseline: Any) -> dict[str, Any]:
    base = {"score": 0.1, "cost": 100.0, "trials": [0], "seeds": [{"seed": 1, "score": 0.1, "metrics": {}}], **baseline}
    return {"round": number, "baseline": base, "candidates": list(candidates), "chosen": None, "event": event}


def shown(*rounds: dict[str, Any]) -> dict[str, Any]:
    return {"search": "grow", "config": {}, "rounds": list(rounds), "overrides": []}


def mark(picture: Picture, kind: type) -> Any:
    return next(each for each in picture.marks if isinstance(each, kind))


def test_the_path_begins_at_the_start_and_goes_by_what_was_chosen() -> None:
    first = round_(0, row("n_head", 2, 0.2, 110, chosen=True), row("n_embd", 64, 0.3, 400))
    second = round_(1, row("n_embd", 64, 0.4, 450, chosen=True), row("n_head", 3, 0.3, 120), score=0.2, cost=110.0)
    path, last = growth.pictures(shown(first, second), "score", "params")
    assert list(mark(path, Line).x) == [100.0, 110, 450] and list(mark(path, Line).y) == [0.1, 0.2, 0.4]
    steps = next(each for each in path.marks if isinstance(each, Points) and each.labels)
    assert list(steps.hover) == ["start", "n_head → 2", "n_embd → 64"]
    assert "2 steps took score from 0.1 to 0.4, and params from 100 to 450" in path.caption
    assert last.key == "growth-round" and last.x.ticks == ["n_embd → 64", "n_head → 3"]


def test_the_efficiencies_of_a_round_have_their_intervals_and_a_unit_that_people_read() -> None:
    won = row("n_head", 2, 0.2, 110, chosen=True, efficiency=3e-8, efficiency_95=1e-8)
    lost = row("n_embd", 64, 0.3, 400, efficiency=1e-8, efficiency_95=1e-8)
    (_, last) = growth.pictures(shown(round_(0, won, lost)), "score", "params")
    chosen = mark(last, Points)
    assert (
        chosen.name == "chosen"
        and list(chosen.y) == pytest.approx([0.03])
        and last.y.title == "efficiency (per M params)"
    )
    assert list(chosen.reach) == pytest.approx([0.01]) and "95 % intervals" in last.caption and last.lies
    assert mark(last, Rule).at == 0


def test_a_candidate_out_of_the_round_has_no_row_and_is_named() -> None:
    gone = row("n_layer", 2, None, None, gain=None, added_cost=None, efficiency=None, eligible=False, reason="failed")  # type: ignore[arg-type]
    free = row("n_qk", 2, 0.2, 100, added_cost=0.0, efficiency=None)
    two = (row("n_head", 2, 0.2, 110), row("n_embd", 2, 0.2, 110))
    last = growth.pictures(shown(round_(0, *two, gone, free)), "score", "params")[1]
    assert last.x.ticks == ["n_head → 2", "n_embd → 2"]
    assert "Out of the round: n_layer → 2" in last.caption and "costs nothing: n_qk → 2" in last.caption


def test_a_round_of_one_candidate_is_no_figure() -> None:
    (path,) = growth.pictures(shown(round_(0, row("n_head", 2, 0.2, 110, chosen=True))), "score", "params")
    assert path.key == "growth-path"


def test_shares_of_parameters_add_up_to_all_of_them() -> None:
    seeds = [{"seed": 1, "score": 0.1, "metrics": {"params": 100.0, "params_mlp": 60.0, "params_attention": 30.0}}]
    later = [{"seed": 1, "score": 0.2, "metrics": {"params": 200.0, "params_mlp": 150.0, "params_attention": 50.0}}]
    parts = growth.pictures(
        shown(round_(0, row("m", 2, 0.2, 200, chosen=True, seeds=later), seeds=seeds)), "s", "params"
    )[-1]
    assert {each.name: list(each.y) for each in parts.marks if isinstance(each, Area)} == {
        "mlp": [0.6, 0.75],
        "attention": [0.3, 0.25],
        "rest": [0.1, 0.0],
    }
    assert "mlp grew from 60% to 75%, rest fell from 10% to 0%" in parts.caption
    assert parts_of({"params": 10.0, "non_embedding_params": 7.0}) == {"embedding": 3.0, "all else": 7.0}
    assert parts_of({"params": 10.0}) == parts_of({"loss": 1.0}) == {}
    assert parts_of({"params": 10.0, "params_mlp": 12.0}) == {}, "parts that are more than the whole are none"


def test_a_front_in_hindsight_is_drawn_only_where_the_path_is_not_all_of_it() -> None:
    def place(score: float, taken: bool) -> dict[str, Any]:
        return {"round": 0, "chosen": {"param": "n", "value": 2}, "score": score, "cost": 100 * score, "taken": taken}

    rounds = shown(round_(0, row("n", 2, 0.2, 110, chosen=True)))
    for taken in (True, False):
        looked = {"front": [place(0.1, True), place(0.2, taken)], "otherwise": [] if taken else [{}]}
        (path,) = growth.pictures({**rounds, "hindsight": looked}, "score", "params")
        assert any(isinstance(each, Line) and each.dashed for each in path.marks) == (not taken)
        assert ("1 step lies behind" in path.caption) == (not taken)


def test_only_what_was_chosen_is_a_step_of_the_path() -> None:
    stalled = round_(0, row("n_head", 2, 0.05, 110, eligible=False), event="no candidate helps: max_iters=10")
    again = round_(1, row("n_head", 2, 0.4, 110, chosen=True), score=0.3, event="max_iters=10")
    last = round_(2, row("n_head", 3, 0.5, 120), score=0.45, cost=110.0, event="no candidate helps")
    path = growth.pictures(shown(stalled, again, last), "score", "params")[0]
    assert list(mark(path, Line).x) == [100, 110] and list(mark(path, Line).y) == [0.1, 0.4]
    steps = next(each for each in path.marks if isinstance(each, Points) and each.labels)
    assert list(steps.hover) == ["start", "n_head → 2"]
    assert path.caption.startswith("1 step took score from 0.1 to 0.4, and params from 100 to 110.")


def test_the_start_of_the_path_is_shown_however_far_off_it_is() -> None:
    tried = [row("n_embd", each, 0.03 + each / 10000, 150.0) for each in range(9)]
    won = row("n_head", 2, 0.03, 110, chosen=True)
    path = growth.pictures(shown(round_(0, won, *tried)), "loss", "params")[0]
    assert "not shown" not in path.caption and path.y.limits == pytest.approx((0.023, 0.107))
    far = row("n_embd", 99, 0.25, 150.0)
    path = growth.pictures(shown(round_(0, won, far, *tried)), "loss", "params")[0]
    assert "1 setting above 0.1 is not shown" in path.caption and path.y.limits is not None and path.y.limits[1] > 0.1


def test_pruned_candidates_are_counted_where_they_have_no_place() -> None:
    won, pruned = row("n_head", 2, 0.3, 110, chosen=True), row("n_embd", 64, 0.2, 150.0)
    pruned |= {"score": None, "gain": None, "efficiency": None, "reason": "trial 6 was pruned: by the median pruner"}
    path = growth.pictures(shown(round_(0, won, pruned)), "score", "params")[0]
    assert path.caption.endswith("1 candidate was pruned and has no score to be drawn.")


def test_nothing_is_drawn_of_nothing() -> None:
    assert growth.pictures(shown(), "score", "params") == []
    assert depth.pictures({"results": []}, "layers") == []
    assert grid.pictures({"results": [], "failed": [{"setting": {}}]}, "loss") == []
    assert (
        fit.pictures({"axis": None, "probes": [], "best": None, "largest": None, "smallest_failing": None}, "s") == []
    )
    assert difficulty.pictures({"results": []}, 0.5) == []


def test_a_round_without_candidates_is_the_start_of_the_path_alone() -> None:
    (path,) = growth.pictures(shown(round_(0, event="the search ended")), "score", "params")
    line = mark(path, Line)
    assert (list(line.x), list(line.y)) == ([100.0], [0.1]) and path.caption.startswith("The start: score 0.1")


def test_depth_draws_a_gap_for_a_target_out_of_reach() -> None:
    def answer(target: int, width: int, layers: int, reached: bool = True) -> dict[str, Any]:
        return {"target": target, "width": width, "layers": layers, "reached": reached, "params": target - 2}

    rows = [answer(100, 32, 9), answer(100, 16, 20, reached=False), answer(50, 32, 4)]
    (answers,), (distances,) = (make({"results": rows}, "layers") for make in (depth.pictures, depth.further))
    line = mark(answers, Line)
    assert list(line.x) == [16, 32] and math.isnan(line.y[0]) and line.y[1] == 9
    assert "1 of 3 is out of reach or could not be counted: this is a gap." in answers.caption
    assert mark(distances, Points).y[1] == -0.02 and mark(distances, Rule).at == 0
    assert "Nearest to 100: width 32, layers 9 (-2.00%)" in answers.caption
    turned = depth.pictures({"results": rows}, "width")[0]
    assert turned.x.title == "layers" and turned.y.title == "width"


def test_fit_draws_what_was_measured_and_where_it_ends() -> None:
    probes = [
        {"value": value, "fits": value < 8, "metrics": {"tokens_per_second": 10.0 * value, "peak_memory": 5.0 * value}}
        for value in (8, 4, 2, 1)
    ]
    probes[0]["metrics"] = {}
    ends = {"largest": 4, "smallest_failing": 8, "best": {"value": 4}}
    made = fit.pictures({"axis": "batch", "probes": probes, **ends}, "tokens_per_second")
    assert [each.key for each in made] == ["fit-score", "fit-memory"]
    assert list(mark(made[0], Line).x) == [1, 2, 4]
    assert [each.at for each in made[0].marks if isinstance(each, Rule)] == [4, 8]
    assert "1 that did not fit have no point" in made[0].caption and "is best at 4." in made[0].caption
    assert fit.pictures({"axis": "batch", "probes": probes[2:], **ends}, "tokens_per_second") == [], "two points"


def test_difficulty_draws_the_target_as_a_contour() -> None:
    results = [
        {"setting": {"alpha_X": x, "alpha_Z": z}, "difficulty": x + z, "mark": "nearest" if x == z else ""}
        for x in (0.1, 0.5)
        for z in (0.1, 0.5)
    ]
    (picture,) = difficulty.pictures({"results": results}, 0.75)
    assert mark(picture, Heat).contour == 0.75 and "Nearest to it: 2 of 4" in picture.caption


def test_a_depth_of_another_metric_names_it() -> None:
    row = {"target": 100, "width": 8, "layers": 4, "metric": "flops", "count": 110, "reached": True, "reason": None}
    (closest,), (distance,) = (make({"results": [row]}, "layers") for make in (depth.pictures, depth.further))
    assert "flops is closest" in closest.caption and distance.caption.startswith("Flops beyond the target")
    assert mark(distance, Points).y == [0.1]
