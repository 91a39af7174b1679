"""Figures as data and as plotly reads them: what the table says they say, whatever the study holds."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from studies.figures import depth, difficulty, fit, grid, growth
from studies.figures.drawn_by_plotly import plotly_json, to_plotly
from studies.figures.labels import labels
from studies.figures.picture import Area, Axis, Band, Bars, Heat, Line, Parallel, Picture, Points, Rule

SCRIPTS = ["宽度", "ширина", "عرض", "चौड़ाई", "<b>x</b>", "a|b`c$d", "\u202eolleh"]


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
    second = round_(1, row("n_embd", 64, 0.4, 450, chosen=True), score=0.2, cost=110.0)
    path, last = growth.pictures(shown(first, second), "score", "params")
    assert list(mark(path, Line).x) == [100.0, 110, 450] and list(mark(path, Line).y) == [0.1, 0.2, 0.4]
    steps = next(each for each in path.marks if isinstance(each, Points) and each.labels)
    assert list(steps.labels) == ["start", "n_head → 2", "n_embd → 64"]
    assert steps.reach == () and "One seed" in path.caption
    assert last.key == "growth-round" and mark(last, Bars).at == ["n_embd → 64"]


def test_error_bars_are_standard_errors_over_the_seeds() -> None:
    seeds = [{"seed": s, "score": score, "metrics": {}} for s, score in enumerate((0.1, 0.2, 0.3))]
    path = growth.pictures(
        shown(round_(0, row("n_head", 2, 0.2, 110, chosen=True, seeds=seeds), seeds=seeds)), "s", "c"
    )
    steps = next(each for each in path[0].marks if isinstance(each, Points) and each.labels)
    assert steps.reach[1] == pytest.approx(0.1 / math.sqrt(3))


def test_a_candidate_out_of_the_round_has_no_bar_and_is_named() -> None:
    gone = row("n_layer", 2, None, None, gain=None, added_cost=None, efficiency=None, eligible=False, reason="failed")  # type: ignore[arg-type]
    free = row("n_qk", 2, 0.2, 100, added_cost=0.0, efficiency=None)
    last = growth.pictures(shown(round_(0, row("n_head", 2, 0.2, 110), gone, free)), "score", "params")[1]
    assert [list(each.at) for each in last.marks if isinstance(each, Bars)] == [["n_head → 2"]]
    assert "Out of the round: n_layer → 2" in last.caption and "costs nothing: n_qk → 2" in last.caption


def test_shares_of_parameters_add_up_to_all_of_them() -> None:
    seeds = [{"seed": 1, "score": 0.1, "metrics": {"params": 100.0, "params_mlp": 60.0, "params_attention": 30.0}}]
    later = [{"seed": 1, "score": 0.2, "metrics": {"params": 200.0, "params_mlp": 150.0, "params_attention": 50.0}}]
    parts = growth.pictures(
        shown(round_(0, row("m", 2, 0.2, 200, chosen=True, seeds=later), seeds=seeds)), "s", "params"
    )[2]
    assert {each.name: list(each.y) for each in parts.marks if isinstance(each, Area)} == {
        "mlp": [0.6, 0.75],
        "attention": [0.3, 0.25],
        "rest": [0.1, 0.0],
    }
    assert growth.parts_of({"params": 10.0, "non_embedding_params": 7.0}) == {"embedding": 3.0, "all else": 7.0}
    assert growth.parts_of({"params": 10.0}) == growth.parts_of({"loss": 1.0}) == {}
    assert growth.parts_of({"params": 10.0, "params_mlp": 12.0}) == {}, "parts that are more than the whole are none"


def test_a_round_with_nothing_chosen_adds_no_step_and_a_new_baseline_does() -> None:
    stalled = round_(0, row("n_head", 2, 0.05, 110, eligible=False), event="stalled: max_iters → 10")
    again = round_(1, row("n_head", 2, 0.4, 110, chosen=True), score=0.3, event="max_iters → 10")
    path = growth.pictures(shown(stalled, again), "score", "params")[0]
    assert list(mark(path, Line).y) == [0.1, 0.3, 0.4]


def test_nothing_is_drawn_of_nothing() -> None:
    assert growth.pictures(shown(), "score", "params") == []
    assert depth.pictures({"results": []}, "layers") == []
    assert grid.pictures({"results": [], "failed": [{"setting": {}}]}, "loss") == []
    assert fit.pictures({"axis": None, "probes": [], "largest": None, "smallest_failing": None}, "s") == []
    assert difficulty.pictures({"results": []}, 0.5) == []


def cell(mean: float, n: int = 3, **setting: Any) -> dict[str, Any]:
    interval = [mean - 0.1, mean + 0.1] if n > 1 else None
    return {"setting": setting, "mean": mean, "n": n, "interval": interval, "best_tie": False, "failed": []}


def test_two_axes_of_a_grid_are_a_heat_map_with_gaps_where_there_is_no_score() -> None:
    results = [cell(0.1, lr=0.1, act="relu"), cell(0.2, lr=0.01, act="gelu"), cell(0.3, lr=0.01, act="relu")]
    made = {each.key: each for each in grid.pictures({"results": results, "failed": [1]}, "loss")}
    heat = mark(made["grid-heat"], Heat)
    assert list(heat.x) == ["0.01", "0.1"] and list(heat.y) == ["relu", "gelu"]
    assert [list(map(str, line)) for line in heat.z] == [["0.3", "0.1"], ["0.2", "nan"]]
    assert "1 settings have no score" in made["grid-heat"].caption
    assert [name for name, _ in mark(made["grid-parallel"], Parallel).axes] == ["lr", "act", "loss"]
    json.dumps(plotly_json(made["grid-heat"]), allow_nan=False)


def test_one_axis_of_numbers_is_an_axis_of_numbers() -> None:
    results = [cell(0.1, width=64), cell(0.2, n=1, width=8), cell(0.3, width=512)]
    (picture,) = grid.pictures({"results": results, "failed": []}, "loss")
    points = mark(picture, Points)
    assert list(points.x) == [8, 64, 512] and picture.x.log and math.isnan(points.reach[0])
    assert "1 settings have one seed" in picture.caption
    assert plotly_json(picture)["layout"]["xaxis"]["type"] == "log"


def test_one_seed_everywhere_has_no_interval_and_says_so() -> None:
    (picture,) = grid.pictures({"results": [cell(0.1, n=1, a="x"), cell(0.2, n=1, a="y")], "failed": []}, "loss")
    assert mark(picture, Points).reach == () and "One seed each" in picture.caption


def test_a_large_grid_is_thinned_and_says_so() -> None:
    results = [cell(index / 20_000, a=index % 200, b=index // 200, c=index % 7) for index in range(20_000)]
    made = grid.pictures({"results": results, "failed": []}, "loss")
    for picture in made:
        assert "20,000" in picture.caption and len(json.dumps(plotly_json(picture))) < 60_000
    two = [cell(index / 20_000, a=index % 200, b=index // 200) for index in range(20_000)]
    heat = next(each for each in grid.pictures({"results": two, "failed": []}, "loss") if each.key == "grid-heat")
    assert "Of 200, 80 evenly spaced" in heat.caption and len(json.dumps(plotly_json(heat))) < 100_000


def test_thousand_letters_stay_apart_and_short() -> None:
    long = ["x" * 1000 + "a" + "y" * 1000, "x" * 1000 + "b" + "y" * 1000]
    given = labels([*long, long[0]])
    assert given[0] == given[2] != given[1] and max(map(len, given)) <= 40
    (picture,) = grid.pictures({"results": [cell(0.1, a=long[0]), cell(0.2, a=long[1])], "failed": []}, "loss")
    assert len(set(mark(picture, Points).x)) == 2


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_name_of_any_script_is_shown_and_is_no_markup(name: str) -> None:
    results = [cell(0.1, **{name: "1"}), cell(0.2, **{name: "2020-01"})]
    (picture,) = grid.pictures({"results": results, "failed": []}, name)
    drawn = plotly_json(picture)
    assert drawn["layout"]["xaxis"]["type"] == "category", "neither numbers nor dates"
    assert "<b>x" not in json.dumps(drawn, ensure_ascii=False) and "\u202eolleh 1" not in drawn["data"][0]["x"]
    to_plotly(picture)


def test_depth_draws_a_gap_for_a_target_out_of_reach() -> None:
    def answer(target: int, width: int, layers: int, reached: bool = True) -> dict[str, Any]:
        return {"target": target, "width": width, "layers": layers, "reached": reached, "params": target - 2}

    rows = [answer(100, 32, 9), answer(100, 16, 20, reached=False), answer(50, 32, 4)]
    answers, distances = depth.pictures({"results": rows}, "layers")
    line = mark(answers, Line)
    assert list(line.x) == [16, 32] and math.isnan(line.y[0]) and line.y[1] == 9
    assert "1 of 3 are out of reach" in answers.caption
    assert mark(distances, Points).y[1] == -0.02 and mark(distances, Rule).at == 0
    turned = depth.pictures({"results": rows}, "width")[0]
    assert turned.x.title == "layers" and turned.y.title == "width"


def test_fit_draws_what_was_measured_and_where_it_ends() -> None:
    probes = [
        {"value": value, "fits": value < 8, "metrics": {"tokens_per_second": 10.0 * value, "peak_memory": 5.0 * value}}
        for value in (8, 4, 2, 1)
    ]
    probes[0]["metrics"] = {}
    made = fit.pictures({"axis": "batch", "probes": probes, "largest": 4, "smallest_failing": 8}, "tokens_per_second")
    assert [each.key for each in made] == ["fit-score", "fit-memory"]
    assert list(mark(made[0], Line).x) == [1, 2, 4]
    assert [each.at for each in made[0].marks if isinstance(each, Rule)] == [4, 8]
    assert "1 probes did not fit" in made[0].caption


def test_difficulty_draws_the_target_as_a_contour() -> None:
    results = [
        {**cell(0.1, alpha_X=x, alpha_Z=z), "difficulty": x + z, "mark": "nearest" if x == z else ""}
        for x in (0.1, 0.5)
        for z in (0.1, 0.5)
    ]
    (picture,) = difficulty.pictures({"results": results}, 0.75)
    assert mark(picture, Heat).contour == 0.75 and "2 settings are nearest" in picture.caption
    kinds = [trace["type"] for trace in plotly_json(picture)["data"]]
    assert kinds == ["heatmap", "contour"]


def test_every_mark_is_drawn_without_a_number_that_json_lacks() -> None:
    nan, inf = math.nan, math.inf
    marks = [
        Line("line", [1, 2, 3], [1.0, nan, inf], dashed=True),
        Points("points", ["a", "b"], [1, 2], [1, nan], labels=["<i>", "&"]),
        Bars("bars", ["a", "b"], [1, nan], [1, 1]),
        Area("area", [1, 2], [0.5, 0.5]),
        Band("band", [1, 2], [0, 1], [2, nan]),
        Heat("heat", ["a"], [1, 2], [[nan], [2]], 1.5),
        Rule("rule", 2.0),
        Parallel("parallel", [("a", ["x", "y"]), ("b", [1, nan])]),
    ]
    for each in marks:
        drawn = plotly_json(Picture("key", "Title <b>", Axis("x"), Axis("y", percent=True), [each]))
        text = json.dumps(drawn, allow_nan=False)
        assert len(text) < 2500 and "<i>" not in text
        figure = to_plotly(Picture("key", "Title", Axis("x"), Axis("y"), [each]))
        assert len(figure.to_json()) < 2500, "plotly's template is left out"


def test_a_round_without_candidates_is_the_start_of_the_path_alone() -> None:
    (path,) = growth.pictures(shown(round_(0, event="the search ended")), "score", "params")
    line, steps = plotly_json(path)["data"]
    assert (line["x"], line["y"], steps["text"]) == ([100], [0.1], ["start"])


def test_a_score_that_is_no_number_is_a_gap_under_its_name() -> None:
    odd = round_(0, row("n", 2, math.nan, 1.0, efficiency=math.nan, chosen=True), score=math.inf)
    path, last = (plotly_json(each) for each in growth.pictures(shown(odd), "score", "params"))
    assert json.loads(json.dumps([path, last], allow_nan=False)) == [path, last], "a browser reads it"
    assert [trace["y"] for trace in path["data"]] == [[None, None]] * 2 and path["data"][1]["text"] == [
        "start",
        "n → 2",
    ]
    (bar,) = last["data"]
    assert (bar["name"], bar["x"], bar["y"]) == ("chosen", ["n → 2"], [None])


def test_a_depth_of_another_metric_names_it() -> None:
    row = {"target": 100, "width": 8, "layers": 4, "metric": "flops", "count": 110, "reached": True, "reason": None}
    closest, distance = depth.pictures({"results": [row]}, "layers")
    assert "flops is closest" in closest.caption and distance.caption.startswith("flops beyond the target")
    assert mark(distance, Points).y == [0.1]
