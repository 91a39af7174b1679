"""`show --markdown --latex --csv`: one table in every form, whatever stands in it."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len

from studies.export.trials import columns_csv
from studies.results.fit import show_document as fit_document
from studies.results.grid import show_document as grid_document
from studies.results.show import Shown
from studies.tables.choice import Choice
from studies.tables.delimited import delimited
from studies.tables.digits import Printed, bound_text, printed, shown
from studies.tables.latex import latex
from studies.tables.markdown import markdown
from studies.tables.table import Column, Document, Figure, Table
from studies.tables.terminal import folded, table_lines
from tests.support.depths import SEVERAL, decided
from tests.support.fits import fit, run, up_to
from tests.support.grid_rows import row, scored
from tests.support.growth_trace import write_definition
from tests.support.program import Program, answer
from tests.support.read_studies import read_study

NAN = float("nan")
ODD = Table(
    [Column("name"), Column("score", right=True), Column("n", right=True, spare=1), Column("")],
    [
        ["a|b_c & 50% $x$ {y} ~ ^ \\ # <i>", Figure(0.123456, 0.0123), Figure(1234567), "tie"],
        ["隠れ層の数 → 2\nsecond line", Figure(NAN), Figure(None), "`code` *star* [link]"],
        ["x" * 1000, Figure(float("inf"), 1.0), Figure(3), "\x1b[31mred\x07"],
    ],
    "odd: a|b",
)
ODD_DOCUMENT = Document([ODD], ["note with a | and a \\ and 100 %"])


@pytest.mark.parametrize(
    ("figure", "paper"),
    [
        (Figure(0.123456, 0.0123), "0.123 ± 0.012"),
        (Figure(0.123456, 0.00987), "0.1235 ± 0.0099"),
        (Figure(12345.678, 123.4), "12,350 ± 120"),
        (Figure(9.85821e-07, 7.47e-10), "(9.8582 ± 0.0075)e-7"),
        (Figure(9.85821e-07), "9.858e-7"),
        (Figure(1234567.0), "1,234,567"),
        (Figure(0.022775835), "0.02278"),
        (Figure(5.0, 0.0), "5 ± 0"),
        (Figure(0.5, 0.0), "0.5000 ± 0"),
        (Figure(-0.25, 0.031), "-0.250 ± 0.031"),
        (Figure(NAN, 0.1), "nan"),
        (Figure(None), "–"),
        (Figure(1.0, NAN), "1.000 ± nan"),
        (Figure(1e300, 1e298), "(1.000 ± 0.010)e300"),
        (Figure(5e-324), "4.941e-324"),
        (Figure(5e-324, 5e-324), "(4.9 ± 4.9)e-324"),
        (Figure(-1.5e-310, 2.5e-312), "(-1.500 ± 0.025)e-310"),
        (Figure(1.7976931348623157e308, 1.7e308), "(1.8 ± 1.7)e308"),
        (Figure(-1250, form="+,"), "-1,250"),
    ],
)
def test_an_error_says_how_many_digits_mean_something(figure: Figure, paper: str) -> None:
    assert str(printed(figure)) == paper


@pytest.mark.parametrize("value", [5e-324, -1e-310, 1e-305, 0.123456, 1e300])
def test_a_proposed_limit_is_met_by_the_value_however_small(value: float) -> None:
    at_most, at_least = (bound_text(value, direction).split() for direction in ("minimize", "maximize"))
    assert (at_most[0], at_least[0]) == ("<=", ">=") and float(at_least[1]) <= value <= float(at_most[1])


@pytest.mark.parametrize(
    ("figure", "read"),
    [
        (Figure(0.0182744, 0.000190382), "0.01827 ± 0.00019"),
        (Figure(0.123456789, 0.5), "0.12 ± 0.50"),
        (Figure(0.123456789), "0.12346"),
        (Figure(0.25), "0.25"),
        (Figure(1.26624e-06), "1.2662e-6"),
        (Figure(1.26624e-06, 1.3e-8, times=1e6), "1.266 ± 0.013"),
        (Figure(28865.0), "28,865"),
        (Figure(12345.678), "12,346"),
        (Figure(1.5e20), "1.5e20"),
        (Figure(NAN), "nan"),
        (Figure(NAN, 0.1), "nan"),
        (Figure(0.5, 0.0), "0.5 ± 0"),
        (Figure(3.0, 1.3e-15), "3 ± 0"),
        (Figure(None), "–"),
        (Figure(0.667646, form=".2f"), "0.67"),
    ],
)
def test_on_the_terminal_an_error_says_it_too_and_a_value_alone_has_five_digits(figure: Figure, read: str) -> None:
    assert shown(figure) == read


def cells(line: str) -> list[str]:
    """Of a row of Markdown."""
    return [each.strip() for each in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_markdown_is_aligned_and_nothing_breaks_out_of_its_cell() -> None:
    text = markdown(ODD_DOCUMENT)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 5 and len({cell_len(line) for line in lines}) == 1
    assert all(len(cells(line)) == 4 for line in lines)
    assert cells(lines[0])[-1] == "note" and cells(lines[1])[1].endswith("-:")
    assert cells(lines[2])[0] == r"a\|b_c \& 50% \$x\$ {y} \~ \^ \\ \# \<i\>"
    assert cells(lines[3])[0] == "隠れ層の数 → 2 second line" and cells(lines[4])[0] == "x" * 1000
    assert "\\`code\\` \\*star\\* \\[link\\]" in text and "\x1b" not in text and "x1b" in text


def test_latex_has_every_special_character_escaped() -> None:
    text = latex(ODD_DOCUMENT)
    body = text[text.index("\\midrule") : text.index("\\bottomrule")]
    assert r"a\textbar{}b\_c \& 50\% \$x\$ \{y\} \textasciitilde{} \textasciicircum{} \textbackslash{} \#" in body
    assert "隠れ層の数 $\\rightarrow$ 2 second line" in body and "$0.123 \\pm 0.012$" in body and "\x1b" not in body
    rows = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 3 and all(len(re.findall(r"(?<!\\)&", line)) == 3 for line in rows)
    assert not re.findall(r"(?<!\\)[#%_]", body)
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert r"\toprule" in text and text.rstrip().endswith("% note with a | and a \\ and 100 %")


def test_no_first_cell_of_latex_is_taken_for_an_argument_of_the_line_above() -> None:
    names = [["*a"], ["[b]"], [Figure(1.0, text="*c")], [Figure(2.0)]]
    body = latex(Document([Table([Column("[head]")], names)])).splitlines()
    assert body[body.index(r"\toprule") + 1] == r"{}[head] \\"
    assert body[body.index(r"\midrule") + 1 : -2] == [r"{}*a \\", r"{}[b] \\", r"{}*c \\", r"$2$ \\"]


def test_notes_are_comments_of_latex_that_name_their_row_by_its_number() -> None:
    table = Table([Column("cost"), Column("notes")], [[Figure(1234.5678), "no gain"], [Figure(2.0), ""]])
    assert latex(Document([table])).splitlines()[-1] == "% cost 1234.6: no gain"


def test_csv_has_whole_numbers_and_errors_of_their_own() -> None:
    heads, *rows = csv.reader(io.StringIO(delimited(ODD_DOCUMENT)))
    assert heads == ["name", "score", "score error", "n", "note"]
    assert rows[0][:4] == ["a|b_c & 50% $x$ {y} ~ ^ \\ # <i>", "0.123456", "0.0123", "1234567"]
    assert rows[1][:4] == ["隠れ層の数 → 2\nsecond line", "nan", "", ""] and rows[2][0] == "x" * 1000


def test_a_carriage_return_does_not_break_a_row_of_csv() -> None:
    text = delimited(Document([Table([Column("a"), Column("b")], [["one\rtwo", "x"], ["one\r\ntwo\n", ""]])]))
    assert text == 'a,b\n"one\rtwo",x\n"one\r\ntwo\n",\n'
    assert text == columns_csv({"a": ["one\rtwo", "one\r\ntwo\n"], "b": ["x", None]})
    assert list(csv.reader(io.StringIO(text, newline="")))[1:] == [["one\rtwo", "x"], ["one\r\ntwo\n", ""]]


@pytest.mark.parametrize("width", [10, 20, 33, 40, 80, 200, 2000])
def test_no_line_is_wider_than_the_terminal_and_none_moves_its_cursor(width: int) -> None:
    lines = table_lines(ODD, width)
    assert len(lines) == 5 and all(cell_len(line) <= width for line in lines)
    assert all(line.isprintable() for line in lines)
    if width == 2000:
        assert "x" * 1000 in lines[-1] and "隠れ層の数 → 2 second line" in lines[3]


def test_spare_columns_go_first_and_a_long_text_is_folded_not_cut() -> None:
    narrow = table_lines(Table([Column("a"), Column("b", spare=1), Column("c")], [["1" * 8, "2" * 8, "3" * 8]]), 20)
    assert narrow[1] == "11111111  33333333"
    told = "no candidate helps: max_iters raised to 10000, and 基線 is measured again"
    assert " ".join(folded(told, 20)) == told and all(cell_len(line) <= 20 for line in folded(told, 20))


def test_a_grid_in_a_paper_has_the_mean_with_half_its_interval() -> None:
    rows = [scored(seed, {"lr": 0.1}, seed, score) for seed, score in enumerate((0.5, 0.52, 0.51))]
    rows.append(scored(3, {"lr": 0.2}, 1, 0.4))
    text = markdown(grid_document(rows, [], "score", "maximize"))
    assert "score ± 95 %" in text and re.search(r"\| 0\.1 +\| +\*\*0\.510 ± 0\.025\*\* +\|.* best", text)
    heads, first, _ = csv.reader(io.StringIO(delimited(grid_document(rows, [], "score", "maximize"))))
    assert heads == ["lr", "score ± 95 %", "score ± 95 % error", "sd", "n", "verdict", "note"]
    assert float(first[1]) == pytest.approx(0.51) and float(first[2]) == pytest.approx(0.0248, rel=1e-2)


def test_of_only_failures_every_form_tells_them() -> None:
    rows = [row(0, {"lr": "ж" * 1000}, state="FAIL", reason="error: 50% | of_it")]
    document = grid_document(rows, [], "score", "maximize")
    assert r"50% \| of_it" in markdown(document)
    [reason] = [line for line in latex(document).splitlines() if "of_it" in line]
    assert reason.startswith("% ") and "50% | of_it" in reason, "in a paper, failures are comments"
    assert "no trial has a score yet" in markdown(document) and "ж" * 1000 in delimited(document)


def test_depths_and_fits_print_their_tables() -> None:
    from studies.results.depth import show_document as depth_document

    depths = delimited(depth_document(decided(SEVERAL))).splitlines()
    assert depths[0] == "Target,Width,Layers,Actual,Diff,% Diff,Estimate,Calibration,verdict,note"
    assert [line.split(",")[:5] for line in depths if line.startswith("100000000,768")] == [
        ["100000000", "768", "13", "99332354", "-667646"]
    ]
    _, made, _ = run(fit(high=64), up_to(11))
    table = markdown(fit_document(made))
    assert re.search(r"\| 11 +\| yes +\|.*largest", table) and "the largest batch_size that fits is 11" in table


def test_a_growth_is_printed_in_every_form_and_the_figures_are_those_of_json(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path, steps=2, more="  repeats: 2\n")
    file.write_text(file.read_text().replace("config:\n", "config:\n  noise: 0.01\n"))
    assert program("run", "grow", "--study", "trace", "--file", file).returncode == 0
    rounds = answer(program, "show", "--study", "trace")["rounds"]
    chosen = [next(each for each in step["candidates"] if each["chosen"]) for step in rounds]
    rows = list(csv.DictReader(io.StringIO(program("show", "--study", "trace", "--csv").stdout)))
    assert [(float(row["gain"]), float(row["gain error"])) for row in rows] == [
        (each["gain"], each["gain_95"]) for each in chosen
    ]
    every = list(csv.DictReader(io.StringIO(program("show", "--study", "trace", "--csv", "--whole").stdout)))
    assert len(every) == sum(len(step["candidates"]) for step in rounds) and every[0]["round"] == "0"
    assert program("show", "--study", "trace", "--markdown", "--whole").stdout.count("**round ") == 2
    assert "mlp\\_size $\\rightarrow$ 64" in program("show", "--study", "trace", "--latex").stdout
    assert "no attempt has failed" in program("show", "--study", "trace", "--failures", "--markdown").stdout
    for wrong in (["--json"], ["--trial", 0], ["--trial", 0, "--log"]):
        told = program("show", "--study", "trace", "--csv", *wrong)
        assert told.returncode == 2 and told.stderr.count("\n") == 1 and "--csv" in told.stderr


def two_settings() -> Document:
    rows = [scored(seed, {"lr": 0.1}, seed, score) for seed, score in enumerate((0.5, 0.52, 0.51))]
    rows += [scored(3 + seed, {"lr": 0.2}, seed, score) for seed, score in enumerate((0.4, 0.41, 0.42))]
    return grid_document(rows, [], "score", "maximize")


def test_a_paper_has_the_best_in_bold_a_caption_and_a_label() -> None:
    text = latex(replace(two_settings(), caption="Which rate_1 is best?", label="lr sweep/1"))
    assert "\\boldmath $0.510 \\pm 0.025$" in text and text.count("\\boldmath") == 1
    assert "\\caption{Which rate\\_1 is best?}\n\\label{tab:lr-sweep-1}\n\\begin{tabular}" in text
    assert text.index("\\begin{table}") < text.index("\\begin{tabular}") < text.index("\\end{table}")
    assert "\\begin{table}" not in latex(two_settings()), "without a caption it is a tabular alone"


def test_programs_read_an_efficiency_as_it_is_and_a_head_that_never_changes() -> None:
    table = Table([Column("efficiency (per M params)", True, key="efficiency")], [[Figure(2e-6, 1e-7, times=1e6)]])
    assert delimited(Document([table])) == "efficiency,efficiency error\n2e-06,1e-07\n"
    assert " 2.00 ± 0.10 |" in markdown(Document([table]))


@pytest.mark.parametrize("search", ["depth", "fit"])
def test_rows_and_columns_are_chosen_of_every_search(search: str) -> None:
    from studies.results.depth import show_document as depth_document

    if search == "depth":
        text = delimited(depth_document(decided(SEVERAL), Choice(sort="-params", top=1, columns=["Layers", "verdict"])))
        assert text == "Layers,verdict\n13,best\n"
    else:
        _, made, _ = run(fit(high=64), up_to(11))
        text = delimited(fit_document(made, Choice(where="fits", sort="-batch_size", top=1, columns=["batch_size"])))
        assert text == "batch_size\n11\n"


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_caption_of_a_growth_says_what_its_errors_are(repeats: int) -> None:
    grow = {"increments": {"a": 1, "b": 2}, "repeats": repeats, "steps": 2}
    score = {"metric": "score", "direction": "maximize"}
    definition = {"search": "grow", "score": score, "cost": "params", "grow": grow}

    def objective(config: Mapping[str, Any]) -> Mapping[str, float]:
        size = config["a"] + 2 * config["b"]
        return {"score": size + config["seed"] % 7 / 100 * config["a"], "params": float(size)}

    made = read_study("grown", {**definition, "config": {"a": 1, "b": 1}}, objective)
    path = latex(Shown(made.study, made.points, made.decisions).document())
    every = latex(Shown(made.study, made.points, made.decisions, whole=True, flat=True).document())
    half = "Gain and efficiency $\\pm$ half of a 95 \\% interval, over seeds."
    for text in (path, every):
        caption = text[text.index("\\caption") : text.index("\\label")]
        assert ("\\pm" in text[text.index("\\label") :]) == (half in caption) == (repeats > 1), text
    assert "Bold" in every and "Bold" not in path


def test_a_mean_whose_error_no_float_holds_keeps_its_power_of_ten() -> None:
    assert printed(Figure(6e307, math.inf)) == Printed("6.000", "inf", 307)
    assert printed(Figure(0.25, math.inf)) == Printed("0.2500", "inf")
    assert "0" * 20 not in latex(Document([Table([Column("x"), Column("y")], [["a", Figure(-6e307, math.inf)]])]))


def test_a_csv_has_every_setting_and_a_terminal_says_how_many_it_leaves_out() -> None:
    rows = [scored(number, {"n": number}, 1, float(number)) for number in range(250)]
    study: Any = SimpleNamespace(
        search="grid", score="score", direction="maximize", cost=None, origin={"objective": "o:f"}
    )
    shown, flat = (Shown(study, rows, [], flat=flat)._document() for flat in (False, True))
    assert len(delimited(flat).splitlines()) == 251 and len(shown.tables[0].rows) == 200
    assert "200 of 250 settings; --whole shows all" in shown.notes
