"""A tune's settings as programs and people read them, and what stands below them: how sure the best one is."""

from __future__ import annotations

import pytest

from storage.records import Score
from studies.definition.units import Units
from studies.results.tune import comparison_of, settings_table
from studies.settings.grid_cells import Cell, cells_of, ranking_of
from studies.settings.tuned import Tuned, TunedSetting
from studies.tables.delimited import delimited
from studies.tables.latex import latex
from studies.tables.table import Document
from studies.tables.terminal import lines
from tests.support.grid_rows import row


def cell(*scores: float) -> Cell:
    return Cell({}, {}, rows=[None] * len(scores), scores=dict(enumerate(scores)))  # type: ignore[list-item]


ALIKE = [(0.70, 0.72, 0.71), (0.70, 0.71, 0.72), (0.69, 0.72, 0.70)]
FAR = (0.20, 0.22, 0.21)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (
            [*ALIKE, (0.5,)],
            "2 other settings may be as good as the best (95 % over all 3 comparisons, 3 seeds); 1",
        ),
        ([ALIKE[0], FAR, (0.1,)], "the seeds set the first apart from all that have several seeds"),
        ([ALIKE[0], FAR], "the seeds set the first apart from the other (95 %, 3 seeds)"),
        ([(0.5,), (0.4,)], "one seed each: nothing says how much of the best score is chance"),
    ],
)
def test_the_note_says_how_many_may_be_as_good_as_the_best(scores: list[tuple[float, ...]], said: str) -> None:
    note = comparison_of(ranking_of([cell(*each) for each in scores], "maximize"))
    assert note is not None and said in note


def test_a_setting_alone_is_compared_with_nothing() -> None:
    assert comparison_of(ranking_of([cell(0.5)], "maximize")) is None


def test_programs_read_the_values_of_a_setting_in_full_and_people_five_digits() -> None:
    setting = {"lr": 0.00012345678901, "tokens": 1234567.5, "width": 64, "act": "1.0"}
    rows = [row(0, setting, metrics={"loss": 0.5})]
    settings = [TunedSetting(0, [cells_of(rows, "loss")[0]], {})]
    found = Tuned([Score("loss", "minimize")], settings, ranking_of([each.cell for each in settings], "minimize"), [])
    document = Document([settings_table(settings, found, Units())])
    assert delimited(document).splitlines()[1].startswith("0,0.00012345678901,1234567.5,64,1.0,0.5,")
    assert lines(document, 200)[1].split()[:5] == ["0", "0.00012346", "1,234,568", "64", "1.0"]
    assert "0 & 0.00012346 & 1,234,568 & 64 & 1.0 &" in latex(document)
