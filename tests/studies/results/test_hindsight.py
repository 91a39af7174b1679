"""A growth in hindsight: the front over all that it measured, and the steps of its path that lie behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplers.searches.plan import Decision
from studies.figures import growth as figures
from studies.figures.picture import Line, Points
from studies.results.growth import show_document, show_json
from studies.results.hindsight import Behind, Hindsight, Place, front_of, hindsight
from tests.support.growths import growth, run

START = {"a": 1, "b": 1}
SCORES = {(1, 1): 0.0, (2, 1): 3.0, (1, 2): 6.0, (3, 1): 3.5, (2, 2): 3.4, (4, 1): 3.6, (3, 2): 3.52}
COSTS = {"a": 2.0, "b": 5.0}
"""Round 0 takes a → 2 (3 for 2), though b → 2 scores 6 for 5; round 1 takes a → 3 (0.5 for 2)."""


def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
    here = (config["a"], config["b"])
    wobble = 0.01 * ((config["seed"] * 7 + sum(here)) % 3 - 1)
    cost = COSTS["a"] * (config["a"] - 1) + COSTS["b"] * (config["b"] - 1)
    return {"score": SCORES.get(here, 3.7) + wobble, "params": 10.0 + cost}


def rows(made: list[Decision]) -> list[Any]:
    return [SimpleNamespace(kind=each.kind, record=each.record, state=each.state, trials=()) for each in made]


def grown(steps: int = 3, repeats: int = 1, sign: float = 1.0) -> list[Any]:
    search = growth({"increments": {"a": 1, "b": 1}, "steps": steps, "seed": 0, "repeats": repeats}, START)
    search = replace(search, direction="maximize" if sign > 0 else "minimize")

    def signed(config: Mapping[str, Any]) -> Mapping[str, float]:
        metrics = objective(config)
        return {**metrics, "score": sign * metrics["score"]}

    return rows(run(search, signed)[0])


def looked_back(steps: int = 3, repeats: int = 1, sign: float = 1.0) -> Hindsight:
    found = hindsight(grown(steps, repeats, sign), "maximize" if sign > 0 else "minimize")
    assert found is not None
    return found


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_candidate_that_was_passed_over_is_on_the_front_and_the_steps_after_it_are_behind(sign: float) -> None:
    found = looked_back(sign=sign)
    assert [each.text for each in found.front] == ["start", "a → 2", "a → 3", "b → 2 (round 0, not taken)"]
    assert [(each.step.round, each.step.name, each.better.round, each.better.name) for each in found.behind] == [
        (2, "a → 4", 0, "b → 2")
    ]
    assert found.rounds == (0, 2) and found.measured == 7


def test_what_is_said_has_the_difference_and_how_sure_it_is() -> None:
    front, behind = looked_back().notes
    assert front == (
        "in hindsight, the best scores for their cost among all 7 configurations that rounds 0 to 2 measured, from"
        " cheap to dear: start, a → 2, a → 3, b → 2 (round 0, not taken)"
    )
    assert behind.startswith("in hindsight, round 2 took a → 4 at cost 16, but b → 2 of round 0 costs 15 and scores 2.")
    assert behind.endswith(" better; one seed cannot tell")
    many = looked_back(repeats=3).notes[1]
    assert "± " in many and many.endswith(" better")


def test_the_document_the_json_and_the_figure_agree() -> None:
    made = grown(repeats=2)
    told = show_json(START, made)["hindsight"]
    assert [each["chosen"] for each in told["front"] if not each["taken"]] == [{"param": "b", "value": 2}]
    assert [each["taken"]["chosen"] for each in told["otherwise"]] == [{"param": "a", "value": 4}]
    notes = show_document(START, made, ["a", "b"], False).notes
    assert sum(each.startswith("in hindsight") for each in notes) == 2
    path = figures.pictures(show_json(START, made), "score", "params")[0]
    front = next(each for each in path.marks if isinstance(each, Line) and each.dashed)
    assert list(front.x) == [each["cost"] for each in told["front"]]
    places = next(each for each in path.marks if isinstance(each, Points) and each.name == front.name)
    assert "b → 2" in places.hover, "what the path passed over"
    assert "In hindsight 1 step lies behind the dashed front." in path.caption


def test_a_path_is_not_behind_its_own_later_steps() -> None:
    search = growth({"increments": {"a": 1}, "steps": 3}, {"a": 0})
    made = rows(run(search, lambda config: {"score": 1.0 * config["a"], "params": 10.0 - config["a"]})[0])
    found = hindsight(made, "maximize")
    assert found is not None and found.behind == [] and [each.name for each in found.front] == ["a → 3"]
    assert not found.short


def test_steps_behind_beyond_those_that_are_listed_are_counted() -> None:
    place = Place(0, "a → 2", {}, 1.0, 1.0, [1.0], True)
    for count, said in ((4, "1 more step is behind"), (5, "2 more steps are behind")):
        found = Hindsight((0, 5), 9, [place], [Behind(place, replace(place, taken=False))] * count)
        assert found.notes[-1] == f"in hindsight, {said}: show --json lists them"


def test_one_round_has_nothing_to_look_back_on() -> None:
    made = grown(steps=1)
    assert hindsight(made, "maximize") is None and show_json(START, made)["hindsight"] is None
    assert hindsight([], "maximize") is None
    assert "Dashed" not in figures.pictures(show_json(START, made), "score", "params")[0].caption


def test_scores_are_compared_only_while_nothing_was_raised_or_overridden() -> None:
    made = grown()
    overridden = SimpleNamespace(kind="override", record={"round": 1}, state={})
    assert hindsight([made[0], overridden, made[1]], "maximize") is None
    raised = SimpleNamespace(**{**vars(made[0]), "record": {**made[0].record, "raised": {"c": 2}}})
    found = hindsight([raised, *made[1:]], "maximize")
    assert found is not None and found.rounds == (1, 2)


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(st.tuples(st.integers(1, 4), st.integers(1, 4)), st.integers(0, 5)), st.sampled_from([1.0, -1.0])
)
def test_nothing_measured_beats_the_front_and_each_step_is_on_it_or_behind(
    scores: dict[tuple[int, int], int], sign: float
) -> None:
    def drawn(config: Mapping[str, Any]) -> Mapping[str, float]:
        score = float(scores.get((config["a"], config["b"]), 0)) + config["a"] + config["b"]
        return {"score": sign * score, "params": 1.0 * config["a"] + 2 * config["b"]}

    search = growth({"increments": {"a": 1, "b": 1}, "steps": 3, "seed": 0}, START)
    search = replace(search, direction="maximize" if sign > 0 else "minimize")
    made = rows(run(search, drawn)[0])
    found = hindsight(made, search.direction)
    if found is None:
        assert len(made) < 2
        return
    costs, marks = [each.cost for each in found.front], [sign * each.score for each in found.front]
    assert costs == sorted(set(costs)) and marks == sorted(set(marks))
    assert front_of(found.front, sign) == list(found.front)
    for each in found.behind:
        assert each.step.taken and not each.better.taken
        assert each.better in found.front and each.better.cost <= each.step.cost and each.better_by > 0
