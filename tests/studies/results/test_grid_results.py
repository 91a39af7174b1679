"""What a grid study tells: its table, its exports, its review before it is run, and the definitions that ship."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from objectives.process.warm import Inspection
from samplers.searches.grid.grid import Grid
from samplers.searches.plan import Config, Decision
from storage.errors import UsageError
from storage.home import CHECKOUT
from studies.definition.definition import Definition
from studies.definition.searches import search_of
from studies.definition.units import Units
from studies.definition.yaml_text import read_yaml
from studies.export.ablation import ablation_csv
from studies.export.folders import Folder, file_name, sweep_folder, tasks_folder
from studies.export.trials import columns_csv, grid_cells, parquet
from studies.figures.grid import pictures
from studies.figures.picture import Points
from studies.lifecycle.grid_review import review
from studies.results.grid import show_document, show_json
from studies.settings.grid_cells import cells_of, ranking
from studies.tables.choice import Choice
from studies.tables.table import Document, Figure
from studies.tables.terminal import lines
from tests.support.grid_rows import row, scored

STUDIES = CHECKOUT / "studies"
NOW = datetime(2025, 2, 3, 4, 5, 6)


def failed(number: int, setting: Mapping[str, Any], seed: int, outcome: str, reason: str, **more: Any) -> Any:
    return row(number, setting, seed, state="FAIL", outcome=outcome, reason=reason, **more)


def text(document: Document) -> str:
    return "\n".join(lines(document, 200))


A, B, C, D = ({"n": 1}, {"n": 2}, {"n": 3}, {"n": 4})
ROWS = [
    *(scored(index, A, seed, score) for index, (seed, score) in enumerate([(1, 0.5), (2, 0.7), (3, 0.6)])),
    *(scored(3 + index, B, seed, score) for index, (seed, score) in enumerate([(1, 0.49), (2, 0.72), (3, 0.58)])),
    *(scored(6 + index, C, seed, score) for index, (seed, score) in enumerate([(1, 0.1), (2, 0.3)])),
    failed(8, C, 3, "diverged", "diverged: score is nan"),
    failed(9, D, 1, "error", "error: ValueError: no"),
]


# The table


def test_settings_are_ranked_by_their_mean_with_spread_and_interval() -> None:
    best, second, third = show_json(ROWS, [], "score", "maximize")["results"]
    assert best["setting"] == A and best["mean"] == pytest.approx(0.6) and best["sd"] == pytest.approx(0.1)
    # Student's t, two degrees of freedom: 4.302653 · 0.1 / √3
    assert best["interval"] == pytest.approx([0.6 - 0.2484138, 0.6 + 0.2484138], abs=1e-6) and best["n"] == 3
    assert best["scores"] == {"1": 0.5, "2": 0.7, "3": 0.6}
    assert (best["best_tie"], second["best_tie"], third["best_tie"]) == (True, True, False)
    assert third["failed"] == [{"seed": 3, "trial": 8, "state": "FAIL", "reason": "diverged: score is nan"}]


def test_minimizing_turns_the_order_round() -> None:
    ranked = ranking(ROWS, "score", "minimize")
    assert [cell.setting for cell in ranked.ranked] == [B, A]
    assert [cell.setting for cell in ranked.partial] == [C], "a seed of it failed: its mean would be the survivors'"


def test_settings_without_a_score_stand_apart_with_their_reasons() -> None:
    shown = show_json(ROWS, [], "score", "maximize")
    assert [each["setting"] for each in shown["failed"]] == [D]
    assert shown["failed"][0]["failed"][0]["reason"] == "error: ValueError: no"
    told = text(show_document(ROWS, [], "score", "maximize"))
    assert (
        re.search(r"^2 .* tie$", told, re.M) is not None
        and "1 other setting may be as good as the best (95 %, 3 seeds); more seeds: --set grid.repeats=6" in told
        and "ValueError: no" in told
    )


def pruned(number: int, setting: Mapping[str, Any], seed: int, reason: str = "pruned: by the median pruner") -> Any:
    return row(number, setting, seed, state="PRUNED", outcome="pruned", reason=reason)


def test_a_setting_with_a_pruned_seed_stands_below_under_its_own_word_however_good_its_other_seeds() -> None:
    rows = [
        *ROWS,
        scored(10, {"n": 5}, 1, 9.0),
        pruned(11, {"n": 5}, 2),
        pruned(12, {"n": 5}, 3, "pruned: with its setting, by the median pruner"),
        pruned(13, {"n": 6}, 1),
    ]
    shown = show_json(rows, [], "score", "maximize")
    assert [each["setting"] for each in shown["results"]] == [A, B, C]
    assert [each["ranked"] for each in shown["results"]] == [True, True, False]
    first, second = shown["pruned"]
    assert (first["setting"], first["mean"], first["n"], first["failed"]) == ({"n": 5}, 9.0, 1, [])
    assert [each["trial"] for each in first["pruned"]] == [11, 12] and second["mean"] is None
    assert [each["setting"] for each in shown["failed"]] == [D]
    table = show_document(rows, [], "score", "maximize").tables[0]
    assert [line[0] for line in table.rows] == ["1", "2", "3", "5", "6", "4"]
    assert [line[-2] for line in table.rows] == ["best", "tie", "failed 1/3", "pruned 2/3", "pruned", "failed"]
    assert table.rows[3][-1] == "pruned: by the median pruner"
    summary = dict(sweep_folder(rows, "score", "maximize", NOW, printed).files)["sweep_summary.txt"]
    assert "Failed: 0\nError: 1\nPruned: 2\n" in summary and "n_5: pruned\n" in summary and "Best: 0.6\n" in summary


def test_one_seed_gives_no_spread_and_no_tie() -> None:
    (only, other) = show_json([scored(0, A, 1, 1.0), scored(1, B, 1, 1.0)], [], "score", "maximize")["results"]
    assert only["sd"] is only["interval"] is None and not only["best_tie"] and not other["best_tie"]


def test_ties_are_judged_over_the_seeds_that_both_have() -> None:
    rows = [scored(seed, A, seed, 1.0 + seed / 100) for seed in range(4)]
    rows += [scored(10 + seed, B, seed, 0.5 + seed / 100 + seed % 2 / 1000) for seed in range(1, 4)]
    assert ranking(rows, "score", "maximize").ties == [], "every pair of seeds says the same"
    rows += [scored(20, B, 0, 3.2)]
    assert len(ranking(rows, "score", "maximize").ties) == 2


def of(setting: Mapping[str, Any], first: int, *scores: float) -> list[Any]:
    return [scored(first + index, setting, index, score) for index, score in enumerate(scores)]


def test_a_far_setting_is_no_tie_while_a_closer_one_is_none() -> None:
    """Each was compared alone: the second was set apart, the third, 5.6 times the best, was a tie."""
    rows = [*of(A, 0, 1.0, 1.1, 0.9), *of(B, 10, 1.5, 1.6, 1.41), *of(C, 20, 2.0, 10.0, 4.8)]
    shown = show_json(rows, [], "score", "minimize")
    ties = [each["best_tie"] for each in shown["results"]]
    assert [each["setting"] for each in shown["results"]] == [A, B, C] and ties == sorted(ties, reverse=True)
    ps = [each["p_best"] for each in shown["results"]]
    assert ps[0] is None and ps[1] >= ps[2]
    told = text(show_document(rows, [], "score", "minimize"))
    assert "2 other settings may be as good as the best (95 % over all 2 comparisons, 3 seeds)" in told


def test_a_difficulty_of_zero_counts_and_a_target_that_is_no_number_marks_nothing() -> None:
    def rows(config: Mapping[str, Any]) -> list[Any]:
        return [row(seed, A, seed, config=config, metrics={"score": 0.5, "difficulty": float(seed)}) for seed in (0, 1)]

    (shown,) = show_json(rows({**A, "target": 0.5}), [], "score", "maximize")["results"]
    assert (shown["difficulty"], shown["mark"]) == (0.5, "nearest")
    (shown,) = show_json(rows({**A, "target": "price"}), [], "score", "maximize")["results"]
    assert "mark" not in shown


def test_what_the_seeds_set_apart_is_said_in_one_line() -> None:
    rows = [*of(A, 0, 1.0, 1.1, 0.9), *of(B, 10, 5.0, 5.1, 4.8), *of(C, 20, 9.0, 9.1, 9.0)]
    told = text(show_document(rows, [], "score", "minimize"))
    assert told.count("the seeds set the first apart from all others (95 % over all 2 comparisons, 3 seeds)") == 1


def test_while_a_grid_is_not_done_the_best_is_the_best_so_far_and_a_better_mean_is_named() -> None:
    rows = [*of(A, 0, 1.0, 1.1, 0.9), *of(B, 10, 5.0, 5.1, 4.8), *of(C, 20, 0.5, 0.6), row(22, C, 2, state="RUNNING")]
    document = show_document(rows, [], "score", "minimize")
    assert [line[-2] for line in document.tables[0].rows] == ["best so far", "worse", "measured 2/3"]
    said = "best so far: of the 2 settings with all seeds, 1 more to come"
    assert (
        f"{said}; n 3 has a better mean so far, 0.55 (2 of 3 seeds)" in document.notes
        and "set the first apart" not in text(document)
    )
    behind = [*rows[:6], *of(C, 20, 2.0, 2.1), row(22, C, 2, state="WAITING")]
    assert "better mean" not in text(show_document(behind, [], "score", "minimize"))
    assert [each["verdict"] for each in show_json(rows, [], "score", "minimize")["results"]][:2] == ["best", "worse"]


def test_a_cost_has_a_column_with_its_mean_and_every_setting_its_seconds() -> None:
    rows = [row(seed, A, seed, metrics={"score": 1.0, "params": 10.0 + seed}) for seed in (1, 2)]
    units = Units(score="score", cost="params")
    table = show_document(rows, [], "score", "minimize", units=units).tables[0]
    assert [column.name for column in table.columns] == ["n", "score", "sd", "params", "n", "verdict", ""]
    assert table.rows[0][3] == Figure(11.5)
    assert len(show_document(rows, [], "score", "minimize").tables[0].columns) == 6, "no cost, no column"
    of_axis = Units(score="score", cost="n")
    assert len(show_document(rows, [], "score", "minimize", units=of_axis).tables[0].columns) == 6
    chosen = show_document(rows, [], "score", "minimize", choice=Choice(columns=["seconds"])).tables[0]
    assert chosen.rows == [[Figure(1.5)]]
    with pytest.raises(UsageError) as refused:
        show_document(rows, [], "score", "minimize", choice=Choice(columns=["second"]))
    assert str(refused.value).count(" sd") <= 1 and "'seconds'" in str(refused.value)


def test_ties_that_only_a_worse_setting_makes_are_counted() -> None:
    seeds = range(12)
    rows = [*of(A, 0, *(1 + seed / 100 for seed in seeds)), *of(B, 20, *(4 + seed % 5 / 50 for seed in seeds))]
    rows += of(C, 40, *(4.2 + (-7 if seed % 2 else 7) for seed in seeds))
    own = show_json(rows, [], "score", "minimize")["results"]
    assert [each["verdict"] for each in own] == ["best", "tie", "tie"]
    said = "1 of them is a tie only since a worse one is: ties keep the order of the means"
    assert said in text(show_document(rows, [], "score", "minimize"))


def test_seeds_that_the_grid_has_no_more_are_named_apart_from_other_settings() -> None:
    state = {"grid": {"axes": {"n": [1, 2]}, "seed": 0, "repeats": 2}, "config": {"n": 0, "dataset": "d"}}
    decisions = [SimpleNamespace(kind="override", record={"event": ""}, state=state)]
    rows = [*of(A, 0, 1.0, 1.1, 0.9, 0.8), *of(B, 10, 5.0, 5.1, 4.8, 4.9), *of(C, 20, 2.0, 2.1)]
    document = show_document(rows, decisions, "score", "minimize")
    assert "seeds 2-3 of 2 settings are kept but not counted: the grid's seeds are 0-1 now; --whole shows them" in (
        document.notes
    )
    assert "1 setting of an earlier grid is not ranked; --whole shows them" in document.notes
    _, seeds, earlier = show_document(rows, decisions, "score", "minimize", whole=True).tables
    assert [line[-2:] for line in seeds.rows] == [["not counted", "seeds 2-3"]] * 2
    assert [line[-2:] for line in earlier.rows] == [["earlier grid", ""]]


def test_two_seeds_give_no_interval_and_that_is_said_once() -> None:
    rows = [*of(A, 0, 1.0, 1.1), *of(B, 10, 1.5, 1.6)]
    assert all(each["interval"] is None for each in show_json(rows, [], "score", "minimize")["results"])
    assert text(show_document(rows, [], "score", "minimize")).count("no interval where a setting has two seeds") == 1
    longer = text(show_document([*of(A, 0, 1.0, 1.1, 1.2)], [], "score", "minimize"))
    assert "no interval" not in longer


def test_the_interval_of_a_positive_metric_is_cut_at_zero_with_a_word() -> None:
    rows = [*of(A, 0, 0.1, 0.2, 0.9), *of(B, 10, 0.5, 0.51, 0.52)]
    first, second = show_json(rows, [], "score", "minimize")["results"]
    assert first["interval"][0] == 0.0 and first["interval_cut"] and not second["interval_cut"]
    assert first["interval"][1] - first["mean"] > first["mean"], "its upper half stays whole"
    document = show_document(rows, [], "score", "minimize")
    assert text(document).count("interval cut at 0") == 1
    below = show_json([*rows, scored(20, C, 0, -1.0)], [], "score", "minimize")["results"]
    assert below[1]["interval"][0] < 0 and not any(each["interval_cut"] for each in below)
    (picture, *_) = pictures(show_json(rows, [], "score", "minimize"), "score")
    [points] = [each for each in picture.marks if isinstance(each, Points)]
    assert points.y[0] - points.below[0] == 0.0


def test_a_retry_stands_in_the_place_of_what_it_tries_again_and_withdrawn_points_are_gone() -> None:
    rows = [
        failed(0, A, 1, "error", "error: x", retired=True),
        scored(1, B, 1, 0.1),
        failed(2, C, 1, "withdrawn", "withdrawn: override", retired=True),
        scored(3, A, 1, 0.2, retry_of=100),
    ]
    cells = cells_of(rows, "score")
    assert [cell.setting for cell in cells] == [A, B] and cells[0].scores == {1: 0.2} and not cells[0].failed


def test_a_trial_that_has_not_finished_neither_counts_nor_fails() -> None:
    rows = [row(0, A, state="RUNNING"), row(1, B, state="WAITING"), row(2, C, metrics={"other": 1.0})]
    shown = show_json(rows, [], "score", "maximize")
    assert shown["results"] == [] and [each["setting"] for each in shown["failed"]] == [C]
    assert "no trial has a score yet" in text(show_document([], [], "score", "maximize"))
    rows += [*of(D, 10, 1.0, 2.0), row(12, D, state="WAITING")]
    [table, _] = show_document(rows, [], "score", "maximize").tables
    assert [line[-2] for line in table.rows] == ["measured 2/3", "not measured yet", "not measured yet", "failed"]


def test_what_was_left_out_is_counted_since_the_last_override() -> None:
    records = [
        ("planned", {"filtered": {"a > 1": 5}, "refused": {}}),
        ("override", {"event": "override: a=1"}),
        ("planned", {"filtered": {"a > 2": 2}, "refused": {"no": 3}}),
        ("planned", {"filtered": {"a > 2": 1}}),
    ]
    state = {"grid": {"axes": {"n": [1, 2, 3, 4]}, "seed": 1, "repeats": 3}, "config": {"n": 0, "dataset": "d"}}
    decisions = [SimpleNamespace(kind=kind, record=record, state=state) for kind, record in records]
    shown = show_json(ROWS, decisions, "score", "maximize")
    assert shown["filtered"] == {"a > 2": 3} and shown["refused"] == {"no": 3}
    assert "filtered: 3 settings: a > 2" in text(show_document(ROWS, decisions, "score", "maximize"))


def test_show_json_is_json_whatever_the_scores() -> None:
    rows = [scored(0, A, 1, float("nan")), scored(1, B, 1, 0.5)]
    shown = json.loads(json.dumps(show_json(rows, [], "score", "maximize"), allow_nan=False))
    assert len(shown["results"]) == 1 and shown["failed"][0]["failed"][0]["reason"] == "the objective returned no score"


# Tables


def test_csv_tells_texts_from_numbers_and_from_nothing() -> None:
    values = [1, "1", None, "", "null", "x, y", '"1"', True, "true", "1e-4", [1], "[1]"]
    rows = [row(index, {"n": value}) for index, value in enumerate(values)]
    told = [each["config.n"] for each in csv.DictReader(io.StringIO(columns_csv(grid_cells(rows))))]
    assert told == ["1", '"1"', "", '""', '"null"', "x, y", '"\\"1\\""', "true", '"true"', '"1e-4"', "[1]", '"[1]"']
    assert len(set(told)) == len(told)


def test_csv_has_a_row_a_trial_with_helpers_that_no_config_has() -> None:
    rows = [
        row(0, {}, config={"n": 2, "sizes": [1, 2]}, role={"role": "cell", "setting": {"factor": 1}}),
        failed(1, A, 1, "error", "error: a, b"),
    ]
    first, second = csv.DictReader(io.StringIO(columns_csv(grid_cells(rows))))
    assert first["setting.factor"] == "1" and first["config.sizes"] == "[1, 2]" and first["reason"] == ""
    assert second["reason"] == "error: a, b" and second["config.n"] == "1"


def test_parquet_holds_the_same_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = pytest.importorskip("pyarrow.parquet")
    rows = [*ROWS, row(10, {"n": "x"}), row(11, {"n": [1]}), row(12, {"n": 2.5}, config={"n": 10**30})]
    file = tmp_path / "all.parquet"
    file.write_bytes(parquet(rows))
    table = read.read_table(file).to_pydict()
    assert table["trial"] == [*range(13)] and table["score"][:2] == [0.5, 0.7] and table["score"][9] is None
    assert table["setting.n"][0] == "1" and table["setting.n"][10:] == ['"x"', "[1]", "2.5"]
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"needs pyarrow: pip install"):
        parquet(rows)


COLUMNS = (
    "last_val_loss,model_scale,depth,width,num_params,num_non_embedding_params,num_heads,linear_value,seed,run_num,"
    "max_epochs,max_steps,max_tokens,max_time_seconds,gpu_capacity_scalar,train_loss,val_loss,train_acc,val_acc,"
    "train_pplx,val_pplx,grad_norm,cumulative_time,tokens_seen,epoch,batch_size,seq_length,learning_rate,weight_decay"
)


def test_the_ablation_csv_is_the_documented_one_byte_for_byte() -> None:
    config = {
        "n_layer": 8,
        "n_embd": 384,
        "n_head": 1,
        "linear_value": False,
        "max_iters": 20,
        "max_epochs": None,
        "gpu_capacity_scalar": 1.0,
    }
    metrics = {"params": 46009736.0, "non_embedding_params": 7376264.0, "val_loss": 3.0}
    setting = {"depth": 8, "width": 384, "num_heads": 1}
    rows = [
        row(number, setting, seed, config=config, metrics=metrics, role={"role": "cell", "setting": setting})
        for number, seed in enumerate((1000, 1001))
    ]
    rows.append(failed(2, setting, 1002, "error", "error: x", config=config))
    names = ["train_loss", "val_loss", "val_acc", "tokens_seen", "epoch", "batch_size", "sequence_length"]
    reports = [
        SimpleNamespace(metrics=dict(zip(names, [4.5, 4.25, 0.0, 1024.0, 0.5, 2.0, 512.0], strict=True))),
        SimpleNamespace(
            metrics=dict(zip([*names, "weight_decay"], [3.5, 3.25, 0.125, 2048.0, 1.0, 2.0, 512.0, 0.1], strict=True))
        ),
    ]
    told = ablation_csv(rows, lambda trial: reports if trial == 100 else [])
    assert told == (
        f"{COLUMNS}\n"
        '3.25,1.0,8,384,46009736,7376264,1,false,1000,1,,20,,,1.0,"[4.5, 3.5]","[4.25, 3.25]",[],"[0.0, 0.125]",[],[],'
        '[],[],"[1024, 2048]","[0.5, 1.0]","[2, 2]","[512, 512]",[],[0.1]\n'
        "3.0,1.0,8,384,46009736,7376264,1,false,1001,2,,20,,,1.0,[],[],[],[],[],[],[],[],[],[],[],[],[],[]\n"
    )
    assert len(COLUMNS.split(",")) == 29
    first = next(csv.DictReader(io.StringIO(told)))
    assert ast.literal_eval(first["val_loss"]) == [4.25, 3.25]
    assert ablation_csv([], lambda _: []) == f"{COLUMNS}\n"


def test_a_model_scale_is_the_true_one_whatever_the_axis_says() -> None:
    setting = {"model_scale": 0.5, "num_heads": 1}
    made = row(0, setting, metrics={"params": 2 * 46009736.0}, role={"role": "cell", "setting": setting})
    told = next(csv.DictReader(io.StringIO(ablation_csv([made], lambda _: []))))
    assert told["model_scale"] == "2.0" and told["num_params"] == "92019472"


def test_a_model_scale_without_a_count_is_the_grids_and_shapes_come_from_the_config() -> None:
    setting = {"model_scale": 0.5, "num_heads": 1}
    role = {"role": "cell", "setting": setting}
    rows = [row(0, setting, config={"n_layer": 5, "n_embd": 256, "n_head": 1}, role=role)]
    told = next(csv.DictReader(io.StringIO(ablation_csv(rows, lambda _: []))))
    assert (told["model_scale"], told["depth"], told["width"], told["num_heads"]) == ("0.5", "5", "256", "1")


# Folders


def test_a_sweep_is_a_folder_with_a_summary_and_a_file_a_combination(tmp_path: Path) -> None:
    waiting = row(10, {"n": 5}, state="WAITING")
    folder = sweep_folder(
        [*ROWS, waiting, failed(11, {"n": 6}, 1, "timed_out", "timed out")], "score", "maximize", NOW, printed
    )
    made = folder.write(tmp_path)
    assert made.name == "sweep_results_20250203_040506" and [*tmp_path.iterdir()] == [made]
    names = ["n_1.txt", "n_2.txt", "n_3.txt", "n_4.txt", "n_5.txt", "n_6.txt", "sweep_summary.txt"]
    assert sorted(file.name for file in made.iterdir()) == names
    assert (made / "sweep_summary.txt").read_text() == (
        "Date: 2025-02-03 04:05:06\nTotal combinations: 6\nSuccessful: 3\nFailed: 1\nError: 1\n\n"
        "Combinations by mean score, the best first:\n"
        "n_1: 0.6 (n=3, sd=0.09999999999999998)\n"
        "n_2: 0.5966666666666667 (n=3, sd=0.11590225767142473)\n"
        "n_3: 0.2 (n=2, sd=0.1414213562373095)\n"
        "n_6: N/A\nn_4: N/A\nn_5: N/A\n\n"
        "Failed combinations:\nn_6: timed out\n\nError combinations:\nn_4: error: ValueError: no\n\n"
        "Best: 0.6\nWorst: 0.5966666666666667\nMean: 0.5983333333333334\n\nBest configuration:\nn: 1\n"
    )
    assert "Trial 8, seed 3: FAIL, diverged: score is nan" in (made / "n_3.txt").read_text()
    with pytest.raises(UsageError, match="exists; give another folder"):
        folder.write(tmp_path)


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--out: "):
        Folder("made", [("one.txt", "1"), ("no/such/two.txt", "2")]).write(tmp_path)
    assert not [*tmp_path.iterdir()]


def test_the_name_of_a_combination_is_its_setting_and_never_a_path() -> None:
    setting = {"n_layer": 1, "n_head": 1, "n_embd_factor": 16, "dropout": 0.1}
    assert file_name(setting) == "n_layer_1_n_head_1_n_embd_factor_16_dropout_0.1"
    for value in ("../../etc/passwd", "a/b", "..", "x" * 500, "ü\n", "\x00", ".hidden", ""):
        name = file_name({"dataset": value})
        assert "/" not in name and ".." not in name and len(name.encode()) < 200 and name.isprintable()
    assert file_name({".": 1}) != file_name({"-": 1}) and not file_name({".a": 1}).startswith(".")
    assert file_name({"a": "x/y"}) != file_name({"a": "x:y"})


def test_two_configs_of_one_setting_get_a_file_each() -> None:
    rows = [scored(number, A, 1, 1.0, config={"n": 1, "dropout": number}) for number in range(2)]
    assert len({name for name, _ in sweep_folder(rows, "score", "maximize", NOW, printed).files}) == 3


def test_tasks_are_flat_files_numbered_in_the_order_of_the_grid(tmp_path: Path) -> None:
    block = {"axes": {"model.n_layer": [1, 2], "lr": [1e-5, 0.1]}}
    config = {"model": {"n_layer": 1, "kind": "1e-4", "sizes": [1, 2]}, "lr": 0.1, "word": "no", "none": None}
    grid = Grid.parse(block, config, "file")
    step = grid.advance(grid.start(), {})
    assert isinstance(step, Decision)
    rows = [row(n, {}, point.seed, config=point.config, role=point.role) for n, point in enumerate(step.points)]
    made = tasks_folder(rows).write(tmp_path)
    assert made == tmp_path / "tasks" and len([*made.iterdir()]) == 4
    read = [read_yaml(made / f"{number}.yaml") for number in range(1, 5)]
    assert [(each["model.n_layer"], each["lr"]) for each in read] == [(1, 1e-5), (1, 0.1), (2, 1e-5), (2, 0.1)]
    rest = {"model.kind": "1e-4", "model.sizes": [1, 2], "word": "no", "none": None, "seed": 1337}
    assert all(each.items() >= rest.items() and len(each) == 7 for each in read)
    assert yaml.safe_load((made / "2.yaml").read_text())["model.kind"] == "1e-4"


# The review


def inspected(configs: Sequence[Config]) -> list[Inspection]:
    return [
        Inspection("n_head 4 is too many" if each["n_head"] == 4 else None, {"params": 10.0 * each["n_layer"]})
        for each in configs
    ]


def test_a_review_tells_every_setting_what_is_left_out_and_what_it_costs() -> None:
    block = {
        "axes": {"n_layer": [1, 2, 3], "n_head": [1, 2, 4], "scale": [1, 1.1]},
        "derive": {"width": "round(scale) * 8"},
        "where": ["n_layer != n_head", "width > 0"],
        "repeats": 5,
    }
    grid = Grid.parse(block, {"n_layer": 1, "n_head": 1, "width": 8}, "file")
    finished = {point.hash for point in list(grid.outlook(grid.start()))[:2]} | {"another"}
    told = review(grid, grid.start(), inspected, seconds=12.0, finished=finished)
    assert [(each.axes["n_layer"], each.axes["n_head"]) for each, _ in told.settings] == [
        (1, 2),
        (2, 1),
        (3, 1),
        (3, 2),
    ]
    assert told.filtered == {"n_layer != n_head": {"n_layer 1, n_head 1": 2, "n_layer 2, n_head 2": 2}}
    assert told.refused == {"n_head 4 is too many": 3} and told.duplicates == 7
    assert told.runs == 18 and told.totals == {"params": 5 * (10 + 20 + 30 + 30)}
    shown = text(told.document())
    assert "filtered by n_layer != n_head: 4 settings" in shown and "n_layer 2, n_head 2 (2)" in shown
    assert "refused by the objective: 3 settings: n_head 4 is too many" in shown
    assert "4 settings × 5 seeds: 18 trials to run, 2 have ended" in shown
    assert "total params: 450" in shown and "about 3.6 min on one slot" in shown


def test_a_review_of_a_large_grid_lists_its_beginning() -> None:
    axes = {"n_layer": {"range": [1, 1000, 1]}, "n_head": {"range": [1, 300, 1]}}
    grid = Grid.parse({"axes": axes, "where": "n_head == 1"}, {"n_layer": 1, "n_head": 1}, "file")
    told = review(grid, grid.start(), inspected)
    assert len(told.settings) == 667 and told.unseen == 100_000
    shown = text(told.document())
    assert "… and 467 more" in shown and "100,000 more combinations were not examined" in shown


# Definitions that ship


def shipped(name: str, **block: Any) -> tuple[Definition, Grid]:
    definition = Definition.load(STUDIES / f"{name}.yaml", "grid")
    search = search_of(definition, name) if not block else Grid.parse(block, definition.config, name)
    assert isinstance(search, Grid)
    return definition, search


def planned(search: Grid) -> Decision:
    step = search.advance(search.start(), {})
    assert isinstance(step, Decision)
    return step


def test_sweep_has_72_settings_whose_width_is_a_multiple_of_their_heads() -> None:
    _, search = shipped("sweep")
    points = planned(search).points
    assert len(points) == 72
    assert all(p.config["n_embd"] == p.params["n_embd_factor"] * p.config["n_head"] for p in points)
    assert file_name(points[0].role["setting"]) == "n_layer_1_n_head_1_n_embd_factor_16_dropout_0.1"


def test_ablate_keeps_24_of_24_settings_and_gives_each_five_seeds() -> None:
    definition, search = shipped("ablate")
    decision = planned(search)
    assert decision.record["settings"] == 24 and decision.record["filtered"] == {} and len(decision.points) == 120
    assert [point.seed for point in decision.points[:6]] == [1000, 1001, 1002, 1003, 1004, 1000]
    assert not {"depth", "width", "num_heads"} & set(decision.points[0].config)
    assert len(definition.config) == len(decision.points[0].config)


def test_ablate_by_model_scale_gives_five_settings() -> None:
    lines = (STUDIES / "ablate.yaml").read_text().splitlines()
    begin = lines.index("#   groups:")
    commented = "\n".join(line[3:] for line in lines[begin : lines.index("#", begin)])
    _, search = shipped("ablate", **yaml.safe_load(commented))
    decision = planned(search)
    got = [(each.config["n_embd"], each.config["n_layer"], each.config["n_head"]) for each in decision.points]
    assert got == [(256, 5, 1), (384, 8, 1), (384, 8, 3), (640, 13, 1), (640, 13, 5)]


def test_learning_range_leaves_out_the_quarter_of_shapes_that_cannot_turn_their_channels() -> None:
    _, search = shipped("learning-range")
    decision = planned(search)
    shapes = {(each.config["n_embd"], each.config["n_head"], each.config["n_layer"]) for each in decision.points}
    assert len(shapes) == 48 and len(decision.points) == 48 * 7
    assert all(width % heads == 0 and width // heads % 2 == 0 for width, heads, _ in shapes)
    assert sum(decision.record["filtered"].values()) == 16 * 7


def printed(number: int) -> str:
    return f"printed by {number}\n"
