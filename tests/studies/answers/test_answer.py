"""The answer in words: what `show --json` says, with its interval and its doubts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from samplers.searches.plan import Result
from studies.answers.answer import answer
from studies.answers.causes import cause_lines
from studies.figures.growth import pictures
from studies.results.fit import show_json
from studies.results.grid import show_json as grid_json
from studies.results.growth import show_json as growth_json
from tests.support.fits import fit, run, up_to
from tests.support.grid_rows import row, scored
from tests.support.growth_trace import BASELINE
from tests.support.growths import growth
from tests.support.growths import run as run_growth


def study(search: str, metric: str = "loss", **block: Any) -> Any:
    scores = [SimpleNamespace(metric=metric), SimpleNamespace(metric="size")]
    origin = {"config": {"n_head": 1, "n_embd": 32}, search: block}
    return SimpleNamespace(search=search, score=metric, cost="params", origin=origin, scores=scores, outcome="done")


def cell(mean: float, **more: Any) -> dict[str, Any]:
    ends = [mean - 0.01, mean + 0.01]
    made = {"setting": {"lr": 0.1}, "mean": mean, "n": 3, "interval": ends, "ranked": True, "best_tie": False}
    return {**made, "p_best": 0.001, "failed": [], **more}


@pytest.mark.parametrize("search", ["grow", "grid", "tune", "depth", "fit"])
def test_without_a_result_there_is_no_answer(search: str) -> None:
    nothing = {"rounds": [], "results": [], "best": None, "probes": [], "largest": None, "ended": None, "axis": None}
    assert answer(study(search), nothing) is None


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (
            [cell(0.5), cell(0.6)],
            "best of 2 settings is lr 0.1, with loss 0.500 ± 0.010 (95 %, 3 seeds). The seeds set it",
        ),
        (
            [cell(0.5, best_tie=True), cell(0.6, best_tie=True)],
            "1 other may be as good: the seeds do not set them apart",
        ),
        ([cell(0.5, n=1, interval=None, p_best=None)] * 2, "loss 0.5000 (1 seed). With one seed each, nothing says"),
        ([cell(0.5)], "The only setting with a result, lr 0.1, has loss 0.500 ± 0.010"),
        (
            [cell(0.4, ranked=False, failed=[{"trial": 1}]), cell(0.5), cell(0.6)],
            "The best of 2 settings is lr 0.1, with loss 0.500",
        ),
        (
            [cell(0.5), cell(0.6), cell(0.4, ranked=False)],
            "The best of 2 settings so far is lr 0.1, with loss 0.500 ± 0.010 (95 %, 3 seeds)."
            " 1 setting without all of its seeds may still become the best.",
        ),
        (
            [cell(0.5), cell(0.6, ranked=False)],
            "The only setting with all of its seeds, lr 0.1, has loss 0.500 ± 0.010 (95 %, 3 seeds). 1 setting without",
        ),
        (
            [cell(0.5, ranked=False), cell(0.6, ranked=False)],
            "The best of 2 settings so far is lr 0.1, with loss 0.500 ± 0.010 (95 %, 3 seeds). No setting has all of"
            " its seeds yet.",
        ),
        (
            [cell(0.5), cell(0.6), *[cell(0.7, n=1, p_best=None)] * 2],
            " The seeds set it apart from all that have several; 2 settings with one seed are not compared.",
        ),
        (
            [*[cell(0.5, best_tie=True)] * 2, cell(0.7, n=1, p_best=None)],
            " 1 other may be as good: the seeds do not set them apart; 1 setting with one seed is not compared.",
        ),
        ([cell(0.5), cell(0.6)], " The seeds set it apart from the other."),
        ([cell(0.5), cell(0.6), cell(0.7)], " The seeds set it apart from all others."),
    ],
)
def test_a_grid_says_its_best_setting_and_how_sure_that_is(results: list[dict[str, Any]], said: str) -> None:
    unfinished = sum(not row["ranked"] and not row["failed"] for row in results)
    assert said in str(answer(study("grid"), {"results": results, "unfinished": unfinished}))


def test_a_grid_whose_other_settings_wait_says_so() -> None:
    done = [scored(place, {"n": place // 3}, place % 3, 1.0 + place // 3 + 0.1 * (place % 3)) for place in range(6)]
    waiting = [row(place, {"n": place // 3}, place % 3, state="WAITING") for place in range(6, 12)]
    said = str(answer(study("grid"), grid_json([*done, *waiting], [], "score", "minimize")))
    assert said.startswith("The best of 2 settings so far is n 0, with loss 1.10 ± 0.25 (95 %, 3 seeds).")
    assert said.endswith(" 2 settings without all of their seeds may still become the best.")


def test_a_front_without_a_bend_names_no_setting() -> None:
    rows = [{**cell(mean), "number": number, "by_score": {}} for number, mean in enumerate([1.0, 2.0, 3.0])]
    said = str(answer(study("tune"), {"results": rows, "front": [0, 1], "best": None}))
    assert said.startswith("2 of 3 settings are on the front of loss and size. The front has no bend")
    said = str(answer(study("tune"), {"results": rows, "front": [0], "best": None}))
    assert said.startswith("1 of 3 settings is on the front of loss and size.")


@pytest.mark.parametrize(
    ("n", "verdicts", "said"),
    [
        (3, ["best", "tie", "tie", "worse"], " 2 others may be as good: the seeds do not set them apart."),
        (3, ["best", "worse", "worse (1 seed)"], " The seeds set it apart from the others that have several."),
        (1, ["best", "worse (1 seed)"], " It was measured with one seed: run it again with others"),
    ],
)
def test_a_tune_says_its_best_setting_and_how_sure_that_is(n: int, verdicts: list[str], said: str) -> None:
    rows = [cell(0.5 + place, n=n) | {"number": place, "verdict": word} for place, word in enumerate(verdicts)]
    found = str(answer(study("tune"), {"results": rows, "best": 0}))
    assert found.startswith(f"The best of {len(rows)} settings is setting 0: lr 0.1, with loss") and said in found


def test_a_growth_says_how_far_it_came_what_grew_and_its_last_step() -> None:
    def step(param: str, value: int, score: float, cost: float) -> dict[str, Any]:
        row = {
            "param": param,
            "value": value,
            "score": score,
            "cost": cost,
            "chosen": True,
            "dup": None,
            "seeds": [1, 2],
        }
        return {"baseline": {"score": 0.1, "cost": 100.0, "seeds": [{"score": 0.1}]}, "candidates": [row]}

    rounds = [step("n_embd", 64, 0.2, 2e5), step("n_head", 2, 0.3, 3e5), step("n_embd", 96, 0.4, 4e5)]
    rounds = [{**each, "round": number} for number, each in enumerate(rounds)]
    grown = {"config": {"n_head": 2, "n_embd": 96}, "overrides": [], "stop_reason": None}
    said = answer(study("grow", "score"), {**grown, "rounds": rounds})
    assert said == (
        "3 steps took score from 0.1000 to 0.4000 (2 seeds), and params from 100 to 400k: n_embd 32 → 96, n_head 1 → 2."
        " The last step was n_embd → 96."
    )
    weak = {**rounds[2]["candidates"][0], "gain": 0.004, "gain_95": 0.011}
    doubted = [*rounds[:2], {**rounds[2], "round": 2, "rule": "loss race", "candidates": [weak]}]
    said = answer(study("grow", "score"), {**grown, "rounds": doubted})
    assert said is not None and said.endswith(" Whether n_embd → 96 (round 2) helps at all is open (0.004 ± 0.011).")
    start = {**grown, "rounds": [{**rounds[0], "candidates": []}]}
    said = "No step is chosen yet. The start has score 0.1000 (1 seed) at params 100."
    assert answer(study("grow", "score"), start) == said
    said = said.replace("is chosen yet", "was chosen: no candidate helps")
    assert answer(study("grow", "score"), {**start, "stop_reason": "no candidate helps"}) == said


def test_a_growth_names_what_was_raised_and_changed_between_its_steps() -> None:
    def grown(limit: int) -> str:
        shown = growth_json({**BASELINE, "it": 1}, rows[:limit])
        return str(answer(study("grow", "score"), shown))

    def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
        return {"score": 9.0 * config["it"] + min(config["n_head"], config["it"] + 1), "params": config["n_head"]}

    search = growth({"increments": {"n_head": 1}, "on_stall": {"it": 1}, "steps": 5}, {"it": 1})
    made = run_growth(search, objective)[0]
    rows = [SimpleNamespace(kind=each.kind, record=each.record, state=each.state, trials=()) for each in made]
    assert grown(2).startswith("1 step took score from 10 to 11")
    assert grown(3).startswith("2 steps, with it raised to 2, took score from 10 to 21")
    assert grown(5).startswith("3 steps, with it raised to 3, took score from 10 to 31")
    override = search.override(made[1].state, {"config": {"n_embd": 64}})
    rows[2:2] = [SimpleNamespace(kind="override", record=override.record, state=override.state, trials=())]
    assert grown(4).startswith("2 steps, with it raised to 2 and n_embd changed to 64, took score from 10 to 21")
    path = pictures(growth_json({}, rows), "score", "params")[0]
    assert path.caption.startswith("3 steps, with it raised to 3 and n_embd changed to 64, took score from 10 to 31, ")


def test_a_depth_says_the_nearest_size_for_each_target() -> None:
    def row(target: int, width: int, layers: int, params: int, reached: bool = True) -> dict[str, Any]:
        return {"target": target, "width": width, "layers": layers, "params": params, "reached": reached}

    rows = [row(10**6, 64, 9, 1_010_000), row(10**6, 32, 40, 999_000), row(10**8, 64, 100, 10**7, reached=False)]
    said = "Nearest to 1M: 40 layers of width 32 (-0.10%). 100M is out of reach. 2 of 3 sizes were reached."
    assert answer(study("depth"), {"results": rows}) == said
    small = [row(10**6, 512, 1, 10**6), *(row(10**each, 64, 9, 100, reached=False) for each in (7, 8, 9))]
    said = "Nearest to 1M: 1 layer of width 512 (+0.00%). 10M and 100M are out of reach. There is 1 more target."
    assert answer(study("depth"), {"results": small}) == f"{said} 1 of 4 sizes was reached."
    assert answer(study("depth"), {"results": rows[2:]}) == "100M is out of reach. 0 of 1 size was reached."
    said = "Nearest to 10: 1 layer of width 8 (-100.00%). 2 of 2 sizes were reached."
    assert answer(study("depth"), {"results": [row(10, 8, 1, 0), row(10, 16, 1, 40)]}) == said
    unknown = [{**row(10**6, 64, 1, 0, reached=False), "layers": None, "params": None}]
    unknown += [{**unknown[0], "target": 10**7}, row(10**7, 128, 1, 100, reached=False)]
    said = "10M is out of reach. 1M could not be counted. 0 of 3 sizes were reached."
    assert answer(study("depth"), {"results": unknown}) == said
    going = study("depth")
    going.outcome = None
    said = "10M is out of reach so far. 1M could not be counted so far. 0 of 3 sizes were reached."
    assert answer(going, {"results": unknown}) == said


def test_a_fit_says_the_largest_value_and_the_best_one() -> None:
    shown = {"probes": [1], "axis": "batch", "largest": 96, "smallest_failing": 97, "failed": None}
    shown |= {"ended": "the largest batch that fits is 96, 97 does not; the best speed is at 64"}
    found = answer(study("fit", "speed"), {**shown, "best": {"value": 64, "score": 1234.5}})
    assert found == "The largest batch that fits is 96, 97 does not; the best speed is at 64: 1,234."
    none = {**shown, "largest": None, "ended": "not even the lowest value fits: out of memory", "best": None}
    assert answer(study("fit"), none) == "Not even the lowest value fits: out of memory."


def fitted(probe: Callable[[int], Result], decisions: int | None = None) -> tuple[str | None, dict[str, Any]]:
    """The answer and the JSON of a fit up to 64, after so many decisions."""
    made = run(fit(high=64), probe)[1][:decisions]
    shown = show_json([SimpleNamespace(kind=each.kind, record=each.record, state=each.state) for each in made])
    return answer(study("fit", "speed"), shown), shown


def test_a_fit_that_searches_says_what_was_found_so_far() -> None:
    said = "The largest batch_size found to fit so far is 4. speed is best at 4 so far: -1."
    assert fitted(up_to(12), 3)[0] == said
    assert str(fitted(up_to(12), 5)[0]).startswith("The largest batch_size found to fit so far is 8; 16 does not.")


@pytest.mark.parametrize(
    "last", [Result(5, "FAIL", {}, "ValueError: boom", "error"), Result(5, "PRUNED", {}, "by its pruner")]
)
def test_a_fit_that_ended_in_an_error_calls_no_value_too_large(last: Result) -> None:
    said, shown = fitted(lambda value: last if value == 16 else up_to(64)(value))
    assert said == (
        f"The search ended at batch_size 16: {last.reason}. The largest batch_size found to fit is 8."
        " speed is best at 4: -1."
    )
    assert (shown["largest"], shown["smallest_failing"]) == (8, None)


def test_a_fit_whose_bound_was_refused_says_so() -> None:
    said, shown = fitted(lambda value: Result(5, "FAIL", {}, "no", None, True) if value > 8 else up_to(64)(value))
    assert said is not None and said.startswith("8 is the largest batch_size that was found to fit; 9 was refused (no)")
    assert said.endswith("; the best speed is at 4: -1.") and shown["smallest_failing"] == 9


def test_causes_are_counted_and_what_answers_a_search_for_a_limit_is_none() -> None:
    def failed(reason: str, outcome: str = "error") -> Any:
        kept = {"set_aside": None, "failure": None, "retired": False, "state": "FAIL"}
        return SimpleNamespace(reason=reason, outcome=outcome, **kept)

    rows = [failed("no module"), failed("no module"), failed("too large", "out_of_memory")]
    assert cause_lines(rows, "grid") == ["2 trials failed: no module", "1 trial failed: too large"]
    assert cause_lines(rows, "fit") == ["2 trials failed: no module"]
    many = [failed(f"cause {number}") for number in range(7)]
    assert cause_lines(many, "grid")[-1] == "2 more causes of failure: show --failures lists all"
