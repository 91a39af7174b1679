"""`show --whole` of a tune: how much each axis matters."""

from __future__ import annotations

from samplers.searches.tune.importance import Importances
from samplers.searches.tune.ranges import by_chance
from studies.settings.importance import importance_document, importance_json, most_text


def test_a_table_a_score_with_a_line_an_axis_and_a_share_for_each_method() -> None:
    found = {
        "loss": Importances(120, {"fanova": {"n": 0.6, "x": 0.4}, "ped_anova": {"x": 0.75, "n": 0.25}}),
        "size": Importances(120, {"ranges": {"n": 0.9}}),
    }
    first, second = importance_document(found).tables
    assert first.title == "how much each axis matters for loss"
    assert [column.name for column in first.columns] == ["axis", "fANOVA", "PED-ANOVA"]
    assert first.rows == [["n", "60%", "25%"], ["x", "40%", "75%"]]
    assert second.rows == [["n", "90%"]]
    assert importance_json(found)["size"] == {"ranges": {"n": 0.9}}


def test_the_note_says_which_settings_each_method_speaks_of() -> None:
    (note,) = importance_document({"loss": Importances(120, {"ranges": {"n": 0.9}, "ped_anova": {"n": 1.0}})}).notes
    assert "the order of all 120 settings" in note and "parts the best tenth of the settings from the rest" in note
    assert "PED-ANOVA wants" not in note and "`pip install scikit-learn` adds fANOVA" in note


def test_of_few_settings_the_note_says_what_may_be_chance() -> None:
    found = Importances(20, {"ranges": {"lr": 0.72, "width": 0.05}})
    (note,) = importance_document({"loss": found}).notes
    assert f"below {by_chance(20, axes=2):.0%} it may be chance" in note and "PED-ANOVA wants 100 settings" in note
    assert most_text(found) == "lr matters most, with 72% (by range)."
    assert most_text(Importances(20, {"ranges": {"lr": 0.12}})).startswith("No axis stands out")


def test_shares_by_fanova_of_which_the_ranges_see_nothing_are_noise() -> None:
    noise = {"fanova": {"y": 0.51, "x": 0.49}, "ranges": {"x": 0.04, "y": 0.02}}
    assert most_text(Importances(60, noise)).startswith("No axis stands out")
    assert most_text(Importances(60, {**noise, "ranges": {"y": 0.6, "x": 0.0}})) == "y matters most, with 51% (fANOVA)."


def test_too_few_settings_add_nothing() -> None:
    document = importance_document({})
    assert (document.tables, document.notes) == ([], [])
