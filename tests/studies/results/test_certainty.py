"""How sure a growth's choices are, in words: parted or a tie, again, errors, and scores that did not choose."""

from __future__ import annotations

import random
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from samplers.searches.growth.growth import Growth
from studies.dashboard.note import last_decision
from studies.definition.units import Units
from studies.history.certainty import certainty_text, figures_of, seeds_text
from studies.history.path_certainty import ONE_SEED, again, path_lines, unchosen
from studies.history.state import decision_text
from studies.results.growth import show_document, show_json
from studies.results.growth_tables import round_table
from studies.tables.delimited import delimited
from tests.support.growths import growth, run


def grown(gains: Mapping[str, float], sd: float = 0.1, steps: int = 2, **block: Any) -> list[Any]:
    """The decisions of a growth whose steps gain so much, at a cost of one each."""

    def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
        draw = random.Random(repr(sorted(config.items())))
        score = sum(gain * (config[name] - 1) ** 0.5 for name, gain in gains.items())
        return {"score": score + draw.gauss(0, sd), "params": float(sum(config[name] for name in gains))}

    settings = {"increments": dict.fromkeys(gains, 1), "steps": steps, "repeats": 3, "seed": 0, **block}
    search = Growth.parse(settings, dict.fromkeys(gains, 1), ("score", "maximize"), "params", "here")
    return [
        SimpleNamespace(kind=each.kind, record=each.record, state=each.state, trials=(), number=number)
        for number, each in enumerate(run(search, objective)[0])
    ]


def records(rows: list[Any]) -> list[Mapping[str, Any]]:
    return [row.record for row in rows]


def test_a_clear_choice_is_parted_and_a_close_one_a_tie_with_what_it_may_cost() -> None:
    [clear] = records(grown({"a": 9.0, "b": 1.0}, steps=1))
    assert certainty_text(clear) == "the better of the 2 (sure 0.99)" and seeds_text(clear) is None
    [close] = records(grown({"a": 1.0, "b": 1.02, "c": 0.1}, steps=1))
    said = certainty_text(close)
    assert said is not None and said.startswith("tie of ") and "a → 2" in said and "b → 2" in said and "c →" not in said
    assert "): a wrong choice would cost at most about " in said and said.endswith(" %")
    assert "no reasonable number of seeds" in (seeds_text(close) or "")


def test_a_wrong_choice_that_costs_nothing_is_not_said_to_cost_one_percent() -> None:
    [close] = records(grown({"a": 1.0, "b": 1.02, "c": 0.1}, steps=1))
    assert (certainty_text({**close, "loss_at_most": 0.004}) or "").endswith("a wrong choice would cost less than 1 %")


def without(record: Mapping[str, Any], *lost: str) -> dict[str, Any]:
    """The round as if the pruner had taken these parameters' candidates away."""
    out = {"gain": None, "score": None, "cost": None, "better": None, "tie": False, "gain_95": None, "seeds": []}
    out |= {"added_cost": None, "efficiency": None, "reason": "trial 7 was pruned: at step 3 by the median pruner"}
    rows = [{**each, **out} if each["param"] in lost else each for each in record["candidates"]]
    return {**record, "candidates": rows}


def test_a_choice_whose_rivals_were_pruned_is_not_sure() -> None:
    [clear] = records(grown({"a": 9.0, "b": 1.0, "c": 0.5}, steps=1))
    assert certainty_text(clear) == "the best of the 3 (sure 0.99)"
    none, half = without(clear, "b", "c"), without(clear, "c")
    assert certainty_text(none) == "2 of 3 candidates were pruned: the choice had no rival"
    rest = "1 of 3 candidates was pruned: the choice is among the rest, the better of the 2 (sure 0.99)"
    assert certainty_text(half) == rest
    nothing = {"sure": None, "loss_at_most": None, "again": None}
    assert figures_of(none) == figures_of(half) == nothing and figures_of(clear)["sure"] == clear["sure"]
    assert again([none]) is None and again([clear, half]) is None
    line = "whether other seeds would choose the same in rounds 0 and 1 is not known: candidates were pruned there"
    assert line in path_lines([none, {**half, "round": 1}])
    assert not any("the same path" in line for line in path_lines([clear, half]))


def test_a_growth_of_one_increment_is_not_sure_of_its_only_candidate() -> None:
    [only] = records(grown({"a": 9.0}, steps=1))
    assert certainty_text(only) == "the only candidate" and figures_of(only)["sure"] is None


def test_the_best_candidate_may_not_help_at_all() -> None:
    [clear] = records(grown({"a": 9.0, "b": 1.0}, steps=1))
    rows = [{**each, "gain": 0.018, "gain_95": 0.034} if each["chosen"] else each for each in clear["candidates"]]
    said = "the better of the 2 (sure 0.99); whether it helps at all is open (0.018 ± 0.034)"
    assert certainty_text({**clear, "candidates": rows}) == said


def test_the_end_of_a_growth_says_how_sure_it_is() -> None:
    rows = grown({"a": -1.0, "b": -2.0}, sd=0.01)
    [end] = records(rows)
    said = certainty_text(end) or ""
    assert end["event"] == "no candidate helps" and said.startswith("the smallest loss is 1.0") and "(a → 2)" in said
    assert "more seeds" not in said and said in decision_text(0, end)
    assert show_document({}, rows, ["a"], whole=False).tables[0].rows[0][-1] == f"no candidate helps; {said}"
    flat = [{**each, "gain": -0.01, "gain_95": 0.02} for each in end["candidates"]]
    assert (certainty_text({**end, "candidates": flat}) or "").endswith(": more seeds may still find one that helps")


def test_many_ties_are_counted_and_no_number_of_seeds_is_promised() -> None:
    [close] = records(grown(dict.fromkeys("abcdef", 1.0), steps=1))
    assert " more (sure" in (certainty_text(close) or "")


def test_a_number_of_seeds_is_a_lower_bound_and_at_most_four_times_what_there_is() -> None:
    rivals = [{"param": "b", "value": 2, "chosen": False, "better": 0.06, "seeds": [0] * 4, "tie": True}]
    won = {"param": "a", "value": 2, "chosen": True, "better": None, "seeds": [0] * 4, "tie": True}
    record = {"candidates": [won, *rivals], "sure": 0.94, "parted": False}
    assert seeds_text(record) == "parting b → 2 from the chosen step would take about 5 seeds or more"
    rivals[0]["better"] = 0.3
    assert "no reasonable number" in (seeds_text(record) or "")


def test_the_same_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = grown({"a": 1.0, "b": 1.02})
    said = certainty_text(rows[0].record)
    assert said is not None
    document = show_document({}, rows, ["a"], whole=True)
    assert document.tables[0].rows[0][-1] == said and said in document.tables[1].title
    assert said in decision_text(0, rows[0].record)
    rows[0].decided_at = rows[-1].decided_at = __import__("datetime").datetime(2026, 1, 2)
    assert f"{said[:1].upper()}{said[1:]}."[:20] in last_decision(rows[:1])
    table = delimited(document).splitlines()
    assert "sure,loss at most,again" in table[0]
    told = show_json({}, rows)
    assert told["rounds"][0]["sure"] == rows[0].record["sure"] and told["again"] == again(records(rows))


def test_candidates_stand_in_the_order_that_chooses_free_gains_first() -> None:
    def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
        gains, costs = {"a": 3.0, "b": 0.5, "c": 1.0, "d": -1.0}, {"a": -1.0, "b": 1.0, "c": -1.0, "d": -1.0}
        score, cost = (sum(each[name] * config[name] for name in "abcd") for each in (gains, costs))
        return {"score": score, "params": 10.0 + cost}

    search = growth({"increments": dict.fromkeys("dcba", 1), "steps": 1}, dict.fromkeys("abcd", 0))
    table = round_table(run(search, objective)[0][0].record, Units(score="score", cost="params"))
    assert [each[0] for each in table.rows] == ["a → 1", "c → 1", "b → 1", "d → 1"]


def test_the_same_path_is_less_likely_than_each_choice() -> None:
    found = records(grown({"a": 1.0, "b": 0.8}))
    whole = again(found)
    assert whole is not None and whole <= min(each["again"] for each in found)
    assert f"the same path: {whole:.2f}" in path_lines(found)[0] and "round 0" in path_lines(found)[0]
    assert again([]) is None


def test_errors_are_named() -> None:
    found = records(grown({"a": 1.0, "b": 0.8}))
    [line] = [each for each in path_lines(found) if each.startswith("± is half of a 95 % interval; ")]
    assert "sure: how likely the choice is the best of its round, not that it helps" in line
    assert "as a share of the best efficiency" in line
    before = [{name: each[name] for name in each if name not in ("rule", "again", "sure", "parted")} for each in found]
    assert path_lines(before) == ["± is one standard error"]


def test_one_seed_says_in_one_line_what_it_is_worth() -> None:
    found = records(grown({"a": 1.0, "b": 0.8}, repeats=1))
    assert certainty_text(found[0]) is None and path_lines(found) == [ONE_SEED] and again(found) is None


def test_the_paths_score_is_shown_from_seeds_that_did_not_choose_where_there_are_some() -> None:
    """Round 1 buys more seeds than round 0 needed, so its baseline has some that did not choose it."""
    found = records(grown({"a": 5.0, "b": 2.06, "c": 2.07}, repeats=2, racing={"max_repeats": 16, "within": 0.001}))
    fresh = unchosen(found[0], found[1])
    bought = len(found[1]["baseline"]["seeds"]) - 2
    assert bought > 0 and fresh is not None and fresh["seeds"] == bought
    assert fresh["score"] == pytest.approx(5.0, abs=0.2)
    assert any(f"over {bought} seeds that did not" in line for line in path_lines(found))
    assert unchosen(found[1], None) is None
    fixed = path_lines(records(grown({"a": 5.0, "b": 2.06})))
    assert any("which flatters them a little" in line for line in fixed)
