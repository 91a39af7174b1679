"""What a depth study shows: its table, its JSON, the files that users have programs for, and a dry run's estimates."""

from __future__ import annotations

import pytest

from samplers.searches.depth.depth import Depth
from storage.errors import UsageError
from storage.home import DEFINITIONS
from studies.definition.yaml_text import read_yaml
from studies.export.depth_json import depth_json
from studies.planning.estimates import estimates
from studies.results.depth import show_document, show_json
from studies.tables.table import Document
from studies.tables.terminal import lines
from tests.support.depths import CEHR, SEVERAL, Row, cehr, decided


def text(document: Document) -> str:
    return "\n".join(lines(document, 200))


SINGLE = {"targets": [100_000_000], "widths": [768]}


def test_a_single_answer_is_the_object_that_users_have() -> None:
    assert depth_json(decided(SINGLE)) == {
        "width": 768,
        "optimal_layers": 13,
        "actual_params": 99332354,
        "target_params": 100_000_000,
        "difference": 99332354 - 100_000_000,
        "percentage_diff": pytest.approx(0.667646),
    }


def test_several_answers_nest_by_target_and_width_and_a_bound_is_an_error_there() -> None:
    told = depth_json(decided(SEVERAL))
    assert list(told) == ["100000000", "50000000"] and list(told["100000000"]) == ["16", "768"]
    keys = ["optimal_layers", "actual_params", "target_params", "difference", "percentage_diff", "calibration_ratio"]
    assert list(told["50000000"]["768"]) == keys and told["50000000"]["768"]["optimal_layers"] == 6
    narrow = told["100000000"]["16"]
    assert list(narrow) == [*keys, "error"] and narrow["optimal_layers"] is None and narrow["actual_params"] is None
    assert narrow["error"] == "out of reach: at max_layers 100 still 99,534,238 short"


def test_the_format_of_depths_is_refused_for_widths() -> None:
    with pytest.raises(UsageError, match="this study solved for widths"):
        depth_json(decided({"targets": 10**7, "solve": "width", "layers": 4}))


def test_the_json_has_a_row_for_each_target_of_each_width() -> None:
    told = show_json(decided(SEVERAL))
    assert told["search"] == "depth" and len(told["results"]) == 4
    keys = ["target", "width", "layers", "params", "difference", "percent", "reached", "reason", "counts"]
    assert list(told) == ["search", "results"] and all(list(row) == keys for row in told["results"])
    assert [list(row) for row in show_json(decided(SINGLE, counts=lambda *_: "killed"))["results"]] == [keys]
    row = told["results"][2]
    assert (row["target"], row["width"], row["layers"], row["reached"]) == (100_000_000, 768, 13, True)
    assert show_json([]) == {"search": "depth", "results": []} and depth_json([]) == {}


def test_an_override_begins_the_table_again() -> None:
    search = Depth.parse(SEVERAL, CEHR, "d")
    override = search.override(search.start(), {"depth": {"widths": [768]}})
    rows = [*decided(SEVERAL), Row("override", dict(override.record), dict(override.state)), *decided(SINGLE)]
    assert [row["width"] for row in show_json(rows)["results"]] == [768]


def test_the_table_marks_what_is_out_of_reach_and_what_failed() -> None:
    shown = text(show_document(decided(SEVERAL)))
    for name in ("Target", "Width", "Layers", "Actual", "Diff", "% Diff", "Estimate"):
        assert name in shown
    assert "Calibration" not in shown, "it is for papers and programs"
    rows = shown.splitlines()
    answered = next(line for line in rows if line.split()[:2] == ["100,000,000", "768"])
    assert answered.split()[2:] == ["13", "99,332,354", "-667,646", "0.67", "13", "best"]
    assert sum("out of reach: at max_layers 100 still" in line for line in rows) == 2
    assert rows[-1] == "2 of 4 targets answered"
    failed = text(show_document(decided(SINGLE, counts=lambda *_: "killed")))
    trusted = text(show_document(decided(SEVERAL, families=True))).splitlines()[-1]
    assert trusted.startswith("2 of 4 targets answered; 2 computed from 3 counts a width")
    assert "trial 0 failed: killed" in failed and "0 of 1 targets answered" in failed
    assert "no width has its counts yet" in text(show_document([]))


def test_findings_of_a_training_step_stand_in_the_table() -> None:
    (row,) = decided(SINGLE)
    figures = {"outcome": "completed", "peak_memory": 2048.0, "memory_fraction": 0.25, "seconds": 1.5, "trial": 3}
    row.record["results"][0]["verify"] = figures
    assert "a training step: 2,048 MiB (25.0% of the device), 1.50 s" in text(show_document([row]))
    (shown,) = show_json([row])["results"]
    assert list(shown)[-2:] == ["counts", "verify"] and shown["verify"] == figures
    row.record["results"][0]["verify"] = {"outcome": "out_of_memory", "reason": "…", "trial": 3}
    assert "a training step: out of memory" in text(show_document([row]))
    told = "invalid: config: verify: family cehr is a closed form; there is no model to train"
    row.record["results"][0]["verify"] = {"outcome": "invalid", "reason": told, "trial": 3}
    assert f"a training step: {told}" in text(show_document([row]))
    row.record["results"][0]["verify"] = {"outcome": "failed", "reason": None, "trial": 3}
    assert "a training step: failed" in text(show_document([row]))


def test_widths_are_shown_as_depths_are() -> None:
    rows = decided({"targets": [10**7, 10**12], "solve": "width", "layers": [4], "max_width": 1024})
    reached, beyond = show_json(rows)["results"]
    best = min(range(16, 1025, 16), key=lambda width: abs(cehr(4, width) - 10**7))
    assert (reached["layers"], reached["width"], reached["reached"], reached["reason"]) == (4, best, True, None)
    assert (beyond["layers"], beyond["width"], beyond["reached"]) == (4, 1024, False)
    assert beyond["reason"].startswith("out of reach: at max_width 1024 still ")
    printed = text(show_document(rows)).splitlines()
    assert printed[1].split()[:3] == ["10,000,000", str(best), "4"] and printed[-1] == "1 of 2 targets answered"


def test_a_dry_run_says_what_the_closed_form_expects() -> None:
    shown = text(estimates(SEVERAL, CEHR, "params", "d")).splitlines()
    assert [line.split() for line in shown if line.split()[:2] == ["50,000,000", "768"]] == [["50,000,000", "768", "6"]]
    assert any("beyond max_layers 100" in line for line in shown)
    wide = text(estimates({"targets": 10**7, "solve": "width", "layers": [4]}, CEHR, "params", "d"))
    assert "Width (estimate)" in wide
    assert "no estimate" in text(estimates(SINGLE, {"model": "a:b"}, "params", "d"))
    with pytest.raises(UsageError, match="num_heads 8 does not divide 12"):
        estimates({"targets": 5, "widths": [12]}, CEHR, "params", "d")


def test_the_definition_that_ships_asks_for_20_widths_and_100m() -> None:
    definition = read_yaml(DEFINITIONS / "depth-100m.yaml")
    search = Depth.parse(definition["depth"], definition["config"], "depth-100m.yaml")
    assert len(list(search.outlook(search.start()))) == 40 and 100_000_000 in definition["depth"]["targets"]
