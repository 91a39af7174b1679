"""`compare`: what is matched, what the differences say, and where the paths of growths part."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path as File
from typing import Any

import pytest

from studies.comparison.compare import Beside, Comparison
from studies.comparison.matching import Outcome, matched
from studies.comparison.paths import Path, Paths
from studies.definition.units import Units
from studies.tables.delimited import delimited
from studies.tables.printing import Form, formatted
from studies.tables.table import Document
from studies.tables.terminal import lines
from tests.support.program import Program, answer, growth_of, refused


def measured(family: str, *scores: tuple[int, int, float]) -> list[Outcome]:
    """Of width, seed and score."""
    return [Outcome({"width": width, "family": family}, seed, score) for width, seed, score in scores]


ONE = measured("a", (1, 0, 1.0), (1, 1, 1.1), (2, 0, 2.0), (2, 1, 2.2), (3, 0, 3.0), (4, 0, 4.0))
OTHER = measured("b", (1, 0, 1.5), (1, 1, 1.61), (2, 0, 2.0), (2, 1, 2.21), (3, 7, 3.0), (5, 0, 5.0), (6, 0, 6.0))


HUGE = {"a": 1.7e308, "b": 1.6e308}


def beside(direction: str = "maximize") -> Comparison:
    units = Units("gpt", "val_loss")
    return Comparison("a", "val_loss", direction, units, [Beside("b", matched(ONE, OTHER))])


def text(document: Document) -> str:
    return "\n".join(lines(document, 200))


def test_settings_are_matched_by_what_varies_and_the_rest_is_counted() -> None:
    found = matched(ONE, OTHER)
    assert [(each.setting, each.seeds) for each in found.differences] == [({"width": 1}, 2), ({"width": 2}, 2)]
    assert found.differences[0].mean == pytest.approx(0.505) and found.alone == (1, 2) and found.seedless == 1
    assert "not matched: 1 only in a, 2 only in b, 1 in both, without a seed in common" in text(beside().document())


def nested(steps: int, *settings: tuple[float, float]) -> list[Outcome]:
    """Of rate and width."""
    return [Outcome({"steps": steps, "lr": lr, "model": {"width": width, "depth": 2}}, 1, lr) for lr, width in settings]


def test_nested_configs_are_matched_key_by_key_and_a_whole_number_equals_its_float() -> None:
    one, other = nested(100, (0.01, 16), (0.03, 16), (0.01, 64)), nested(10, (0.1 + 0.2 - 0.27, 16.0), (0.5, 64.0))
    found = matched(one, other)
    assert [each.setting for each in found.differences] == [{"lr": 0.03, "model.width": 16}]
    assert found.alone == (2, 1) and found.unlike == {"steps": (100, 10)} and not found.disjoint
    compared = Comparison("a", "s", "maximize", Units(), [Beside("b", found)])
    assert "they also differ in: steps 100 / 10" in compared.document().notes
    assert compared.to_json()["others"][0]["also_differ"] == {"steps": [100, 10]}


def test_studies_without_a_setting_in_common_say_why() -> None:
    found = matched(nested(1, (0.01, 16), (0.03, 16)), nested(1, (0.02, 16), (0.04, 16)))
    notes = Comparison("a", "s", "maximize", Units(), [Beside("b", found)]).document().notes
    assert "no value in common of lr: no setting is in both studies" in notes and not found.unlike


def test_a_difference_has_its_interval_its_pairs_and_a_verdict_in_the_scores_direction() -> None:
    def verdicts(direction: str) -> list[str]:
        return [str(row[-1]) for row in beside(direction).document().tables[0].rows]

    assert verdicts("maximize") == ["better", "tie"] and verdicts("minimize") == ["worse", "tie"]
    shown = text(beside().document())
    assert "difference of val_loss (nats) ± 95 %" in shown and "0.505 ± 0.064" in shown
    assert "over all settings: 0.3 ± 3.2 (95 %, over settings): tie" in shown
    assert delimited(beside().document()).splitlines()[0] == "width,a,b,difference,difference error,n,verdict"


def test_scores_whose_sum_no_float_holds_are_compared_too() -> None:
    one, other = (measured(name, (1, 0, score), (1, 1, score), (1, 2, score)) for name, score in HUGE.items())
    [found] = matched(one, other).differences
    assert [found.one, found.other, found.mean] == pytest.approx([1.7e308, 1.6e308, -0.1e308])


def test_differences_that_no_float_holds_are_compared_and_printed_in_every_form() -> None:
    one = measured("a", (1, 0, 1e308), (1, 1, -1.6e308), (2, 0, 1e308), (3, 0, 1e308), (3, 1, -1e308))
    other = measured("b", (1, 0, -1e308), (1, 1, 1.6e308), (2, 0, -1e308), (3, 0, 0.0), (3, 1, 0.0))
    found = matched(one, other)
    assert [each.mean for each in found.differences] == [pytest.approx(0.6e308), -math.inf, 0.0]
    assert [each.reach for each in found.differences] == [math.inf, None, math.inf]
    compared = Comparison("a", "s", "maximize", Units(), [Beside("b", found)])
    assert [row[-1] for row in compared.document().tables[0].rows] == ["tie", "one seed", "tie"]
    forms: list[Form] = ["text", "json", "csv", "latex", "markdown"]
    assert all("inf" in formatted(compared, form) for form in forms)
    settings = json.loads(formatted(compared, "json"))["others"][0]["settings"]
    assert [each["half_interval"] for each in settings] == ["inf", None, "inf"]
    assert settings[1]["difference"] == "-inf"


def test_one_common_seed_gives_no_verdict_and_no_setting_in_common_no_table() -> None:
    [single] = matched(measured("a", (1, 0, 1.0)), measured("b", (1, 0, 2.0))).differences
    assert single.reach is None
    apart = Comparison("a", "s", "maximize", Units(), [Beside("b", matched(ONE, measured("b", (9, 0, 1.0))))])
    assert apart.document().tables == () and "0 settings" in apart.document().notes[0]


def test_three_studies_have_a_line_for_each_of_the_others() -> None:
    three = Comparison("a", "s", "maximize", Units(), [Beside(name, matched(ONE, OTHER)) for name in ("b", "c")])
    assert [row[0] for row in three.document().tables[0].rows] == ["b", "b", "c", "c"]


def path(name: str, *steps: tuple[str, int, Sequence[float]], **end: int) -> Path:
    made: list[Mapping[str, Any]] = [
        {
            "param": param,
            "value": value,
            "dup": None,
            "score": sum(scores) / len(scores),
            "cost": 10.0 * value,
            "seeds": [{"seed": seed, "score": score} for seed, score in enumerate(scores)],
        }
        for param, value, scores in steps
    ]
    return Path(name, Units(cost="params"), {}, made, end)


def test_growths_are_put_step_by_step_and_where_they_part_is_said() -> None:
    one = path("a", ("x", 2, (1.0, 1.1, 1.2)), ("y", 2, (2.0, 2.1, 2.2)), x=2, y=2)
    other = path("b", ("x", 2, (1.0, 1.1, 1.2)), ("z", 2, (2.5, 2.61, 2.7)), ("y", 2, (3.0,)), x=2, y=2, z=2)
    document = Paths([one, other], "maximize").document()
    places = [column.name for column in document.tables[0].columns]
    choices = [row[places.index("choice")] for row in document.tables[0].rows]
    assert choices == ["same", "differs", "differs"]
    assert [row[-1] for row in document.tables[0].rows] == ["tie", "better", ""]
    assert document.notes == (
        ["a and b took the same first step and part at step 1", "their configurations now differ in z – and 2"]
    )


X, Y, Z = ("x", 2, (1.0,)), ("y", 2, (2.0,)), ("z", 2, (3.0,))


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ([X, Y], [X, Y], "a and b took the same 2 steps"),
        ([X], [X], "a and b took the same step"),
        ([], [], "neither a nor b has taken a step"),
        ([X, Y], [X], "a and b took the same first step; then only one has gone on"),
        ([X, Y], [X, Y, Z], "a and b took the same first 2 steps; then only one has gone on"),
        ([X], [], "only one of a and b has taken a step"),
        ([X, Y, X], [X, Y, Z], "a and b took the same first 2 steps and part at step 2"),
        ([X], [Y], "a and b part at the first step"),
    ],
)
def test_none_one_and_several_common_steps_are_told_apart(one: list[Any], other: list[Any], said: str) -> None:
    assert Paths([path("a", *one), path("b", *other)], "maximize").document().notes == [said]


def test_studies_are_compared_on_the_command_line(program: Program, tmp_path: File) -> None:
    (tmp_path / "own.py").write_text(
        "def own(config):\n    return {'score': config['n'] + config['bonus'] + config['seed'] % 3 / 100}\n"
    )
    for name, bonus in (("plain", 0), ("more", 1)):
        file = tmp_path / f"{name}.yaml"
        file.write_text(
            "search: grid\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\n"
            f"grid: {{axes: {{n: [1, 2]}}, repeats: 3}}\nconfig: {{n: 0, bonus: {bonus}}}\n"
        )
        assert program("run", "grid", "--study", name, "--file", file).returncode == 0
    grown = program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, "def own(config):\n    return {}\n"))
    assert grown.returncode != 2
    shown = program("compare", "plain", "more")
    assert shown.returncode == 0 and shown.stdout.count("better") == 3 and "2 settings and 6 pairs" in shown.stdout
    [other] = answer(program, "compare", "plain", "more")["others"]
    assert [each["difference"] for each in other["settings"]] == [1.0, 1.0]
    refused(program("compare", "plain"), "two studies or more")
    refused(program("compare", "plain", "own"), "own is a grow study")
    refused(program("compare", "plain", "plain"), "named twice")
