"""Points begun ahead of the decision that may want them: decisions stay the same, nothing is lost or doubled."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from samplers.searches.growth.growth import Growth
from samplers.searches.growth.speculation import likely_next
from samplers.searches.plan import Decision, Done, Need, Result
from storage.session import Session
from tests.support.growth_trace import BASELINE, CHOICES, INCREMENTS, landscape, write_definition
from tests.support.program import Program, refused
from tests.support.speculating import facts, speculating


@settings(max_examples=10, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 40), st.sampled_from([None, {"max_repeats": 6}]))
def test_what_is_guessed_is_new_and_never_changes_a_decision(dice: random.Random, most: int, racing: Any) -> None:
    block = {"increments": INCREMENTS, "steps": 4, "repeats": 2, "racing": racing}
    search = Growth.parse(block, {**BASELINE, "noise": 0.01}, ("score", "maximize"), "params", "test")
    paths = []
    for ahead in (0, most):
        state, results, path = search.start(), {}, []
        while not isinstance(step := search.advance(state, results), Done):
            if isinstance(step, Decision):
                path.append(step.record["chosen"])
                state = step.state
                continue
            assert isinstance(step, Need)
            some = dice.sample(step.points, dice.randint(1, len(step.points)))
            results |= {each.hash: measured(each, len(results)) for each in some}
            guessed = likely_next(search, state, results, ahead)
            asked = {point.hash for point in search.outlook(state)}
            assert len(guessed) == len({point.hash for point in guessed}) <= ahead
            assert not {point.hash for point in guessed} & (asked | results.keys())
            results |= {each.hash: measured(each, len(results)) for each in guessed}
        paths.append(path)
    assert paths[0] == paths[1]


def test_while_a_race_waits_its_next_seeds_are_guessed_before_the_next_round() -> None:
    increments = {"n_head": 1, "mlp_size": 32}
    block = {"increments": increments, "steps": 2, "repeats": 2, "racing": {"max_repeats": 16, "within": 0.0001}}
    search = Growth.parse(block, BASELINE, ("score", "maximize"), "params", "test")

    def measured(point: Any, number: int) -> Result:
        noise = random.Random(point.hash).gauss(0, 0.0003)
        metrics = landscape({**point.config, "seed": point.seed})
        return Result(number, "COMPLETE", {**metrics, "score": metrics["score"] + noise})

    state, results = search.start(), dict[str, Result]()
    for _ in range(2):  # the baseline, then the candidates
        step = search.advance(state, results)
        assert isinstance(step, Need)
        results |= {each.hash: measured(each, len(results)) for each in step.points}
    wanted = search.advance(state, results)
    assert isinstance(wanted, Need) and {point.seed for point in wanted.points} == {1339}
    likely = likely_next(search, state, results, 40)
    first = [point.seed for point in likely[:3]]
    assert first == [1340, 1340, 1340], "a fourth seed of the baseline and of both candidates"
    assert not {point.hash for point in likely} & {point.hash for point in wanted.points}
    assert any(point.role["step"] == 1 for point in likely[3:]), "then the round after the leader's"


def measured(point: Any, number: int) -> Result:
    return Result(number, "COMPLETE", landscape({**point.config, "seed": point.seed}))


AHEAD = """
SELECT count(*) FROM studyhall_points AS point JOIN studyhall_decisions AS decision USING (study_id)
WHERE decision.number = (point.role->>'step')::integer - 1 AND point.planned_at < decision.decided_at
"""
"""Points that were planned before the decision was made which their round begins with."""


def test_slots_that_would_wait_begin_what_comes_next(program: Program, session: Session, tmp_path: Path) -> None:
    told = program("run", "grow", "--study", "trace", "--file", speculating(tmp_path), "--workers", 6)
    assert told.returncode == 0, told.stderr
    path, audit = facts(program)
    assert path == CHOICES[:4] and audit["holds"] and audit["duplicates"] == audit["holes"] == 0
    assert session.execute(AHEAD)[0].count > 0, "nothing was begun ahead"
    assert audit["points"]["waiting"] == audit["points"]["running"] == 0


def test_a_setting_that_is_no_yes_or_no_is_refused(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path, more="  speculate: 3\n")
    refused(program("run", "grow", "--study", "trace", "--file", file), "grow.speculate", "true or false")
