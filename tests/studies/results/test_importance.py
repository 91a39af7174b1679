"""`show --whole` of a tune: how much each axis matters."""

from __future__ import annotations

from studies.results.tune import importance_document


def test_a_line_an_axis_with_a_share_for_each_score_and_method() -> None:
    found = {
        "loss": {"ped_anova": {"x": 0.75, "n": 0.25}, "fanova": {"n": 0.6, "x": 0.4}},
        "size": {"ped_anova": {"n": 1.0}},
    }
    document = importance_document(found)
    (table,) = document.tables
    assert [column.name for column in table.columns] == [
        "importance of",
        "PED-ANOVA, loss",
        "fANOVA, loss",
        "PED-ANOVA, size",
    ]
    assert table.rows == [["x", "75%", "40%", "–"], ["n", "25%", "60%", "100%"]]
    (note,) = document.notes
    assert "what sets the best settings apart, fANOVA what moves the score" in note


def test_too_few_settings_add_nothing() -> None:
    document = importance_document({})
    assert (document.tables, document.notes) == ((), ())
