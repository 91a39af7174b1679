"""A growth that ended since no candidate helps: the command that goes on really does."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from samplers.searches.growth.growth import Growth
from samplers.searches.plan import Decision, Need
from storage.records import EndKind
from studies.answers.stalled import more_seeds, steps_note
from tests.support.growths import growth, run


def noisy(config: Mapping[str, Any]) -> Mapping[str, float]:
    """No candidate helps with the first two seeds, but each differs much between them."""
    grown = config["n_head"] > 1
    return {"score": 1.0 + grown * (-0.6 if config["seed"] % 2 else 0.5), "params": 10.0 + config["n_head"]}


def worse(config: Mapping[str, Any]) -> Mapping[str, float]:
    return {"score": -float(config["n_head"]), "params": 10.0 + config["n_head"]}


def ended(search: Growth, objective: Any, steps: int | None = None) -> tuple[Any, list[Decision]]:
    made, done, _ = run(search, objective)
    assert done.kind is EndKind.STALLED
    return SimpleNamespace(name="own", search="grow", outcome_kind=done.kind, steps=steps), made


def test_more_seeds_are_offered_where_a_candidate_may_still_help() -> None:
    block = {"increments": {"n_head": 1}, "repeats": 2}
    study, made = ended(growth(block, {"n_head": 1}), noisy)
    assert more_seeds(study, made) == "--set grow.repeats=4"
    after = growth(block, {"n_head": 1}).override(made[-1].state, {"grow": {"repeats": 4}})
    assert isinstance(growth(block, {"n_head": 1}).advance(after.state, {}), Need)
    said = "--steps changes nothing: round 0 found no candidate that helps; more seeds: run own --set grow.repeats=4"
    assert steps_note(study, made) == said


def test_a_budget_that_is_used_up_is_raised_with_the_seeds() -> None:
    """A round that chose nothing counts as a step."""
    racing = {"max_repeats": 3}
    study, made = ended(growth({"increments": {"n_head": 1}, "repeats": 2, "steps": 5, "racing": racing}), noisy, 1)
    assert more_seeds(study, made) == "--set grow.repeats=4 --set grow.racing.max_repeats=8 --steps 2"


def test_where_the_end_is_sure_larger_steps_are_named_and_no_seeds() -> None:
    study, made = ended(growth({"increments": {"n_head": 1}, "repeats": 2}), worse)
    assert more_seeds(study, made) is None
    assert (steps_note(study, made) or "").endswith("larger steps: run own --set grow.increments.PARAM=AMOUNT")


def test_a_growth_that_goes_on_has_no_such_note() -> None:
    study = SimpleNamespace(name="own", search="grow", outcome_kind=EndKind.STEPS, steps=2)
    assert more_seeds(study, []) is None and steps_note(study, []) is None
