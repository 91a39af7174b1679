"""The depth search without a database: closest places on any range, decisions in order, bounds that are no answers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samplers.searches.depth.closed_form import ClosedForm
from samplers.searches.depth.closest import Answer, Fall, closest
from samplers.searches.depth.depth import Depth
from samplers.searches.plan import Decision, Done, Need, Result
from storage.errors import UsageError
from studies.history.decisions import first_state
from tests.support.depths import CEHR, REFERENCE, Row, cehr, outcome

# The range search alone


def answers(counts: Sequence[int], targets: Sequence[int], straight: bool) -> tuple[Sequence[Answer] | Fall, set[int]]:
    """What `closest` says of a function given as a list, and which places it counted."""
    search = closest(targets, len(counts) - 1, straight)
    seen: set[int] = set()
    places = next(search)
    while True:
        assert places and not seen & set(places)
        seen |= set(places)
        try:
            places = search.send({place: counts[place] for place in places})
        except StopIteration as end:
            return end.value, seen


growing = st.lists(st.integers(0, 10**6), min_size=1, max_size=300).map(sorted)
strictly = st.lists(st.integers(0, 10**12), min_size=1, max_size=300, unique=True).map(sorted)


def bound(counts: Sequence[int]) -> float:
    return math.log2(max(1, len(counts) - 1)) + 3


def best(counts: Sequence[int], target: int) -> int:
    return min(range(len(counts)), key=lambda place: (abs(counts[place] - target), place))


@settings(deadline=None, max_examples=400)
@given(strictly, st.data())
def test_the_closest_place_is_found_for_any_growing_function_within_the_bound(counts, data):
    target = data.draw(st.one_of(st.sampled_from(counts), st.integers(0, max(counts) + 5)))
    (answer,), seen = answers(counts, [target], straight=False)
    assert answer.index == best(counts, target) and answer.count == counts[answer.index]
    assert len(seen) <= bound(counts)
    assert (answer.beyond == 0) == (counts[0] <= target <= counts[-1])


plateaus = st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 40)), min_size=1, max_size=12).map(
    lambda runs: sorted(itertools.chain.from_iterable([count] * length for count, length in runs))
)


@settings(deadline=None, max_examples=600)
@given(
    st.one_of(growing, plateaus, st.integers(1, 300).map(lambda n: [7 * (place // 2) for place in range(n)])), st.data()
)
def test_of_a_plateau_the_fewest_layers_are_the_answer_within_the_bound_for_plateaus(counts, data):
    middle = (counts[0] + counts[-1]) // 2
    target = data.draw(st.one_of(st.sampled_from(counts), st.integers(0, max(counts) + 5), st.just(middle)))
    (answer,), seen = answers(counts, [target], straight=False)
    assert answer.count == counts[answer.index] and len(seen) <= 2 + 2 * (len(counts) - 1).bit_length()
    assert answer.beyond or answer.index == best(counts, target)


@settings(deadline=None, max_examples=300)
@given(st.one_of(growing, plateaus, strictly), st.data())
def test_an_answer_was_counted_itself_and_so_was_its_neighbour_across_the_target(counts, data):
    targets = data.draw(st.lists(st.integers(counts[0], counts[-1]), min_size=1, max_size=5))
    told, seen = answers(counts, targets, straight=False)
    for target, answer in zip(targets, told, strict=True):
        assert answer.index in seen and answer.index == best(counts, target)
        assert answer.index == 0 or answer.index - 1 in seen
        if answer.count < target:
            assert min(place for place in range(len(counts)) if counts[place] >= target) in seen


@pytest.mark.parametrize("from_layer", [2, 33, 51, 52, 98])
def test_three_counts_that_lie_on_a_line_by_chance_give_no_false_answer(from_layer):
    """An embedding of 12,345 from some layer on, with the ends and the middle back on the line."""
    on_line = {0, 49, 50, 99}
    counts = [1000 + 100_000 * n + (12_345 if n >= from_layer and n not in on_line else 0) for n in range(100)]
    for target in range(1000, counts[-1], 40_000):
        (answer,), seen = answers(counts, [target], straight=False)
        assert answer.index == best(counts, target) and answer.index in seen and len(seen) <= bound(counts)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=120), st.integers(0, 50))
def test_of_any_function_an_answer_is_the_closest_of_all_that_was_counted_and_none_of_it_falls(counts, target):
    told, seen = answers(counts, [target], straight=False)
    if isinstance(told, Fall):
        assert told.earlier < told.later and counts[told.later] < counts[told.earlier]
        return
    places = sorted(seen)
    assert [counts[place] for place in places] == sorted(counts[place] for place in places)
    assert told[0].beyond or told[0].index == min(places, key=lambda each: (abs(counts[each] - target), each))


@settings(deadline=None, max_examples=300)
@given(
    st.integers(0, 10**9), st.integers(0, 10**7), st.integers(1, 10_000), st.lists(st.integers(1, 10**12), min_size=1)
)
def test_a_line_takes_three_counts_whatever_the_number_of_targets(base, slope, length, targets):
    counts = range(base, base + slope * length, slope) if slope else [base] * length
    told, seen = answers(counts, targets, straight=True)
    assert len(seen) <= 3
    for target, answer in zip(targets, told, strict=True):
        assert answer.count == counts[answer.index]
        assert answer.beyond or answer.index == best(counts, target)


@settings(deadline=None, max_examples=200)
@given(strictly, st.data())
def test_several_targets_share_counts_and_each_keeps_to_its_bound(counts, data):
    targets = data.draw(st.lists(st.integers(0, max(counts) + 5), min_size=1, max_size=6))
    told, seen = answers(counts, targets, straight=False)
    assert [answer.index for answer in told] == [best(counts, target) for target in targets]
    assert len(seen) <= 1 + sum(bound(counts) - 1 for _ in targets)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.integers(1, 50), min_size=2, max_size=6), st.integers(4, 150), st.data())
def test_sizes_that_repeat_every_few_layers_keep_the_bound_of_log2_plus_3(sizes, length, data):
    steps = itertools.islice(itertools.cycle(sizes), length)
    counts = list(itertools.accumulate(steps, initial=1000))
    target = data.draw(st.sampled_from(counts))
    (answer,), seen = answers(counts, [target], straight=True)
    assert len(seen) <= bound(counts) + 1, "a line was looked for in vain"
    if len(seen) > 3:
        assert answer.index == best(counts, target)


def test_a_repeating_pattern_whose_period_divides_the_range_is_not_taken_for_a_line():
    counts = list(itertools.accumulate(itertools.islice(itertools.cycle([2, 1, 6]), 99), initial=10))
    for target in range(10, counts[-1] + 1):
        (answer,), _ = answers(counts, [target], straight=True)
        assert answer.index == best(counts, target)


def test_counts_that_fall_are_said_and_nothing_is_concluded():
    assert answers([5, 4], [4], straight=True)[0] == Fall(0, 1)
    assert isinstance(answers([1, 9, 2, 3, 4, 5, 6, 8], [3], straight=False)[0], Sequence | Fall)
    assert answers([0, 50, 60, 9], [7], straight=False)[0] in (Fall(1, 3), Fall(2, 3))


# The search


def of_family(block: Mapping[str, Any], config: Mapping[str, Any] | None = None) -> Depth:
    """The search where the objective `parameters` counts a family: a uniform stack."""
    return Depth.parse(block, CEHR if config is None else config, "d", families=True)


def rows(decisions: Sequence[Decision]) -> list[Mapping[str, Any]]:
    return [row for each in decisions for row in each.record.get("results", ())]


def test_the_24_depths_of_the_reference_come_out_exactly():
    widths = [int(width) for width in REFERENCE]
    search = of_family({"targets": [100_000_000], "widths": widths})
    made, done, _, asked = outcome(search)
    assert {str(row["width"]): [row["layers"], row["params"]] for row in rows(made)} == REFERENCE
    capped = [row for row in rows(made) if row["layers"] == 100]
    assert len(capped) == 17 and not any(row["reached"] for row in capped)
    assert all(f"max_layers 100 still {100_000_000 - row['params']:,} short" in row["reason"] for row in capped)
    assert done.reason == "7 of 24 targets reached" and not done.failed
    assert len(asked) <= 3 * len(widths)


def test_20_automatic_widths_and_5_targets_take_at_most_60_counts():
    targets = [10_000_000, 30_000_000, 100_000_000, 300_000_000, 1_000_000_000]
    made, _, _, asked = outcome(of_family({"targets": targets}))
    assert len(made) == 20 and len(rows(made)) == 100 and len(asked) <= 60
    for row in rows(made):
        depth = min(range(1, 101), key=lambda n: (abs(cehr(n, row["width"]) - row["target"]), n))
        assert (row["layers"], row["params"]) == (depth, cehr(depth, row["width"]))
        assert row["difference"] == row["params"] - row["target"]
        assert row["percent"] == abs(row["difference"]) / row["target"] * 100


def test_a_row_says_the_closed_form_and_how_far_it_is_off():
    made, _, _, _ = outcome(Depth.parse({"targets": 100_000_000, "widths": 768}, CEHR, "d"))
    (row,) = rows(made)
    form = ClosedForm(6516, 2048)
    assert row["estimate"] == 13 and row["reached"] and row["reason"] is None
    assert row["calibration_ratio"] == 99332354 / form.params(13, 768)
    assert list(row)[:9] == [
        "target",
        "width",
        "layers",
        "params",
        "difference",
        "percent",
        "reached",
        "reason",
        "counts",
    ]


def test_what_is_not_uniform_by_construction_is_counted_at_its_answers():
    """A factory that lies on the line at both ends and in the middle, and beside it at the answer."""

    def stepped(layers: int, width: int) -> int:
        return cehr(layers, width) + 7_000_000 * (layers in (12, 13))

    target = cehr(13, 768) + 10
    for block, config, families, trusted in (
        ({}, {"model": "a:b", "vocab_size": 6516}, True, False),
        ({}, {"hf": {"model_type": "llama"}}, True, False),
        ({}, CEHR, False, False),  # another objective than `parameters`: its families are not ours
        ({}, {**CEHR, "family": "lobo", "mlp_size_layerlist": [64, 128]}, True, False),
        ({"uniform": False}, CEHR, True, False),
        ({}, CEHR, True, True),
        ({"uniform": True}, {"model": "a:b"}, True, True),
    ):
        search = Depth.parse({"targets": target, "widths": [768], **block}, config, "d", families=families)
        made, _, results, asked = outcome(search, stepped)
        (row,) = rows(made)
        counted = {point.config["n_layer"] for point in asked}
        assert row["counted"] == (row["layers"] in counted) == (not trusted)
        assert row["counts"] == len(asked) == (3 if trusted else row["counts"])
        if not trusted:
            assert row["params"] == stepped(row["layers"], 768) and row["reached"]
            assert {row["layers"], row["layers"] - 1} <= counted or row["layers"] == 1
            after = next((n for n in sorted(counted) if stepped(n, 768) >= target), None)
            assert after is not None and after - 1 in counted
        assert len(results) == len(asked)


def test_counts_that_were_seen_to_fall_leave_no_claim_of_the_closest():
    made, done, _, _ = outcome(
        Depth.parse({"targets": [40, 900], "widths": 8}, {"model": "a:b"}, "d"),
        lambda layers, _: 10 * layers + 500 * (layers % 2),
    )
    for row in rows(made):
        assert not row["reached"] and row["layers"] is None
        assert row["reason"].startswith("counts do not grow with layers: ") and "\n" not in row["reason"]
    assert done.failed and "1 of 1 widths could not be counted" in done.reason


@settings(deadline=None, max_examples=25)
@given(st.randoms(use_true_random=False), st.booleans())
def test_decisions_do_not_depend_on_the_order_of_arrival(rng, uneven):
    def crooked(layers: int, width: int) -> int:
        return cehr(layers, width) + (layers // 3) * 17 * uneven

    search = Depth.parse({"targets": [5_000_000, 40_000_000], "widths": [64, 160, 320]}, CEHR, "d")
    first, _, _, _ = outcome(search, crooked)
    second, _, _, _ = outcome(search, crooked, shuffle=rng)
    told = [[(each.kind, each.record, each.state) for each in made] for made in (first, second)]
    assert told[0] == told[1] and [each.record["fixed"] for each in second] == [64, 160, 320]


def test_a_decision_follows_from_the_counts_of_its_own_width_alone():
    search = Depth.parse({"targets": [100_000_000], "widths": [320, 768]}, CEHR, "d")
    made, _, results, asked = outcome(search)
    state = search.start()
    for decision in made:
        own = {p.hash: results[p.hash] for p in asked if p.config["n_embd"] == decision.record["fixed"]}
        again = search.advance(state, own)
        assert again == decision
        state = decision.state


def test_every_width_is_asked_for_at_once():
    search = of_family({"targets": [100_000_000]})
    step = search.advance(search.start(), {})
    assert isinstance(step, Need) and len(step.points) == 40
    assert [p.hash for p in search.outlook(search.start())] == [p.hash for p in step.points]
    point = step.points[0]
    assert point.config == {**CEHR, "n_layer": 1, "n_embd": 16, "n_head": 8} and point.seed == 0
    assert point.params == {"n_layer": 1, "n_embd": 16}
    assert point.role == {"role": "count", "param": "n_layer", "value": 1, "width": 16}
    for name, distribution in search.distributions(point.params).items():
        assert distribution._contains(point.params[name])


def test_a_failed_count_is_not_taken_for_too_big_and_leaves_the_other_widths_alone():
    def fails(layers: int, width: int) -> int | str:
        return "killed" if width == 320 and layers == 100 else cehr(layers, width)

    search = Depth.parse({"targets": [100_000_000, 50_000_000], "widths": [320, 768]}, CEHR, "d")
    made, done, _, _ = outcome(search, fails)
    bad, good = rows(made)[:2], rows(made)[2:]
    for row in bad:
        assert row["layers"] is None and row["params"] is None and not row["reached"] and row["width"] == 320
        assert row["reason"] == "trial 1 failed: killed"
    assert all(row["reached"] for row in good)
    assert done.reason == "2 of 4 targets reached; 1 of 2 widths could not be counted" and not done.failed


@pytest.mark.parametrize("said", [math.nan, math.inf, 1.5, -3.0, None])
def test_what_is_no_number_of_parameters_is_said(said):
    search = Depth.parse({"targets": 10, "widths": 8}, {}, "d")
    results = {
        point.hash: Result(4, "COMPLETE", {} if said is None else {"params": said})
        for point in search.outlook(search.start())
    }
    decision = search.advance(search.start(), results)
    assert isinstance(decision, Decision)
    (row,) = decision.record["results"]
    assert "trial 4 returned" in row["reason"] and row["estimate"] is None
    done = search.advance(decision.state, results)
    assert isinstance(done, Done) and done.failed


def test_counts_that_do_not_grow_are_said():
    made, done, _, _ = outcome(Depth.parse({"targets": 10, "widths": 8}, {}, "d"), lambda layers, _: 500 - layers)
    assert rows(made)[0]["reason"] == "counts do not grow with layers: 450 at 50, 400 at 100" and done.failed


def test_a_target_below_the_first_bound_is_out_of_reach_too():
    made, done, _, asked = outcome(of_family({"targets": [1000], "widths": [768]}))
    (row,) = rows(made)
    assert row["reason"] == f"out of reach: at min_layers 1 already {row['params'] - 1000:,} over"
    assert not row["reached"] and len(asked) == 2 and done.reason == "0 of 1 targets reached" and not done.failed


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(10**5, 10**9))
def test_the_other_way_round_finds_the_width_for_a_depth(layers, target):
    block = {"targets": target, "solve": "width", "layers": [layers], "min_width": 16, "max_width": 2048}
    made, _, _, asked = outcome(Depth.parse(block, CEHR, "d"))
    (row,) = rows(made)
    widths = range(16, 2049, 16)
    assert row["width"] == min(widths, key=lambda width: (abs(cehr(layers, width) - target), width))
    assert row["layers"] == layers and len(asked) <= math.log2(len(widths) - 1) + 3
    assert row["reached"] == (cehr(layers, 16) <= target <= cehr(layers, 2048))
    form, estimate = ClosedForm(6516, 2048), row["estimate"]
    assert form.params(layers, estimate - 1) < target < form.params(layers, estimate + 1)


def test_names_of_the_config_are_the_definitions():
    keys = {"layers": "depth", "width": "dim", "heads": None}
    search = Depth.parse({"targets": 5, "widths": [7], "keys": keys}, {"seed": 3, "a": 1}, "d")
    assert [p.config for p in search.outlook(search.start())] == [
        {"a": 1, "depth": 50, "dim": 7},
        {"a": 1, "depth": 100, "dim": 7},
    ]


def test_an_override_answers_anew_from_counts_that_are_known():
    search = of_family({"targets": [100_000_000], "widths": [320, 768]})
    _, _, results, _ = outcome(search)
    decision = search.override(
        search.start(), {"depth": {"targets": [100_000_000, 60_000_000], "widths": [768, 320, 480]}}
    )
    assert decision.kind == "override" and "widths=[768, 320, 480]" in decision.record["event"]
    _, done, _, more = outcome(search, state=decision.state, known=dict(results))
    assert {point.config["n_embd"] for point in more} == {480} and done.reason == "6 of 6 targets reached"
    assert search.override(decision.state, {"depth": {"solve": "width", "layers": [4]}}).state["depth"]["layers"] == [4]
    with pytest.raises(UsageError, match="num_heads 8 does not divide 12"):
        search.override(decision.state, {"depth": {"widths": [12]}})


def test_verify_asks_for_one_step_at_each_distinct_answer_and_keeps_its_findings():
    targets = [99_000_000, 100_000_000, 50_000_000, 10]
    block = {"targets": targets, "widths": [768], "verify": {"batch_size": 2, "seq_length": 64}}
    search = Depth.parse(block, CEHR, "d")
    results: dict[str, Result] = {}
    state = search.start()
    step = search.advance(state, results)
    while isinstance(step, Need) and "verify" not in step.points[0].config:
        for point in step.points:
            results[point.hash] = Result(len(results), "COMPLETE", {"params": cehr(point.config["n_layer"], 768)})
        step = search.advance(state, results)
    assert isinstance(step, Need) and [p.config["n_layer"] for p in step.points] == [13, 6]
    assert step.points[0].config["batch_size"] == 2 and step.points[0].role["role"] == "verify"
    figures = {"peak_memory": 512.0, "memory_fraction": 0.5, "seconds": 2.0}
    ends = [
        Result(8, "COMPLETE", {"params": 1.0, **figures}),
        Result(9, "FAIL", reason="out of memory: no", outcome="out_of_memory"),
    ]
    results |= {point.hash: end for point, end in zip(step.points, ends, strict=True)}
    decision = search.advance(state, results)
    assert isinstance(decision, Decision)
    told = [row["verify"] for row in decision.record["results"]]
    assert told[0] == told[1] == {"trial": 8, "outcome": "completed", **figures}
    assert told[2] == {"trial": 9, "outcome": "out_of_memory", "reason": "out of memory: no"} and told[3] is None
    assert decision.state["reached"] == 3


# Wrong input


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({}, "depth.targets: is missing; give a list of whole numbers"),
        ({"targets": []}, "depth.targets: the list is empty"),
        ({"targets": [0]}, "depth.targets: 0 is not a whole number from 1 to"),
        ({"targets": [-5]}, "-5 is not a whole number"),
        ({"targets": 1e8}, "100000000.0 is not a whole number"),
        ({"targets": True}, "True is not a whole number"),
        ({"targets": 2**60}, "is not a whole number from 1 to"),
        ({"targets": [5, 5]}, "5 is listed twice"),
        ({"target": 5}, "unknown key 'target'; did you mean 'targets'"),
        ({"targets": 5, "widths": []}, "depth.widths: the list is empty"),
        ({"targets": 5, "widths": "all"}, "'all' is neither `auto` nor"),
        ({"targets": 5, "widths": [12]}, "num_heads 8 does not divide 12; the nearest multiples are 8 and 16"),
        ({"targets": 5, "widths": [8] * 10_001}, "10,001 values are too many"),
        ({"targets": 5, "num_heads": 0}, "depth.num_heads: 0"),
        ({"targets": 5, "min_layers": 9, "max_layers": 8}, "min_layers 9 is above max_layers 8"),
        ({"targets": 5, "max_layers": 10_001}, "depth.max_layers: 10001 is not a whole number"),
        ({"targets": 5, "min_layers": "a"}, "depth.min_layers: 'a'"),
        ({"targets": 5, "uniform": "yes"}, "depth.uniform: 'yes' is not true or false"),
        ({"targets": 5, "solve": "width", "layers": 2, "uniform": True}, "uniform: is not used with `solve: width`"),
        ({"targets": 5, "solve": "depth"}, "'depth' is not one of layers, width"),
        ({"targets": 5, "solve": "width"}, "depth.layers: is missing"),
        ({"targets": 5, "solve": "width", "layers": 2, "widths": 8}, "widths: is not used with `solve: width`"),
        ({"targets": 5, "layers": 2}, "depth.layers: is not used with `solve: layers`"),
        ({"targets": 5, "solve": "width", "layers": 2, "max_width": 8}, "min_width 16 is above max_width 8"),
        ({"targets": 5, "solve": "width", "layers": 2, "max_width": 2**24}, "widths between the bounds are too many"),
        ({"targets": 5, "solve": "width", "layers": 2, "width_step": 12}, "num_heads 8 does not divide 12"),
        ({"targets": 5, "verify": "yes"}, "depth.verify: 'yes' is not true, false or"),
        ({"targets": 5, "verify": {"batch": 1}}, "unknown key 'batch'; did you mean 'batch_size'"),
        ({"targets": 5, "verify": {"batch_size": 0}}, "depth.verify.batch_size: 0"),
        ({"targets": 5, "keys": {"width": None}}, "None is not the name of a key"),
        ({"targets": 5, "keys": {"depth": "n"}}, "unknown key 'depth'"),
        ({"targets": 5, "keys": {"width": "n_layer"}}, "each needs a key of its own"),
    ],
)
def test_a_wrong_block_is_said_in_one_line(block, said):
    with pytest.raises(UsageError) as error:
        Depth.parse(block, {}, "d.yaml")
    assert said in str(error.value) and "\n" not in str(error.value) and str(error.value).startswith("d.yaml: depth")


def test_a_study_from_before_the_metric_counted_goes_on_with_parameters():
    search = Depth.parse({"targets": 100_000_000, "widths": [768]}, CEHR, "d", "flops", predicts=False)
    state = {name: value for name, value in search.start().items() if name != "metric"}
    [decision], _, _, _ = outcome(search, state=state)
    assert decision.record["results"][0]["params"] and "metric" not in decision.state
    rows: Any = [Row(decision.kind, dict(decision.record), dict(decision.state))]
    assert first_state(search.start(), rows) == state
    anew = search.override(decision.state, {})
    assert anew.state["metric"] == "flops"


NESTED_KEYS = {"layers": "model.depth", "width": "model.width", "heads": None}


@pytest.mark.parametrize(
    ("config", "first"),
    [
        ({}, {"model": {"depth": 1, "width": 64}}),
        ({"model": {"mlp": 8}}, {"model": {"mlp": 8, "depth": 1, "width": 64}}),
        ({"model": {"mlp": 8, "width": 1, "depth": 9}}, {"model": {"mlp": 8, "width": 64, "depth": 1}}),
        ({"model.depth": 9, "model.width": 9}, {"model.depth": 1, "model.width": 64}),
    ],
)
def test_dotted_keys_are_places_inside_a_nested_config_as_axes_of_a_grid_are(config, first):
    block = {"targets": 5, "widths": [64], "max_layers": 20, "uniform": True, "keys": NESTED_KEYS}
    search = Depth.parse(block, config, "d.yaml")
    step = search.advance(search.start(), {})
    assert isinstance(step, Need) and step.points[0].config == first
    assert step.points[0].params == {"model.depth": 1, "model.width": 64}


def test_a_study_begun_with_keys_that_have_dots_goes_on_with_them():
    block = {"targets": 5, "widths": [64], "max_layers": 20, "keys": NESTED_KEYS}
    search = Depth.parse(block, {}, "d.yaml")
    old = {name: value for name, value in search.start().items() if name != "nested"}
    for state in (old, search.override(old, {"depth": {"targets": 6}}).state):
        step = search.advance(state, {})
        assert isinstance(step, Need) and set(step.points[0].config) == {"model.depth", "model.width"}


def test_keys_that_get_a_dot_by_a_change_are_nested():
    search = Depth.parse({"targets": 5, "widths": [64]}, {}, "d.yaml")
    assert "nested" not in search.start()
    changed = search.override(search.start(), {"depth": {"keys": NESTED_KEYS}})
    assert changed.state["nested"]


def test_a_key_below_a_value_that_is_no_mapping_is_refused():
    with pytest.raises(UsageError, match=r"depth.keys.layers: 'model.depth' lies below 'model', which is 3"):
        Depth.parse({"targets": 5, "keys": NESTED_KEYS}, {"model": 3}, "d.yaml")
