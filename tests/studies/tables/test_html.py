"""A document as HTML: names are text, long tables are short until asked for, and every number stands as elsewhere."""

from __future__ import annotations

from studies.tables.html import html, notes_html
from studies.tables.table import Column, Document, Figure, Table

COLUMNS = [Column("<b>"), Column("loss", right=True, only=("paper",)), Column("sd", right=True), Column("")]


def document(count: int) -> Document:
    rows = [[f"</td>{place}", Figure(1.5, 0.012), Figure(None), "best" if not place else ""] for place in range(count)]
    return Document([Table(COLUMNS, rows)], ["a & b"])


def test_names_are_text_and_a_column_without_a_value_is_left_out() -> None:
    made = html(document(2), "key")
    assert "<b>" not in made and "&lt;/td&gt;0" in made and "1.500 ± 0.012" in made and ">sd<" not in made
    assert "loss" not in html(document(2), "key", without=("loss",))
    assert notes_html(document(2)) == '<ul class="notes"><li>a &amp; b</li></ul>' and not notes_html(Document())


def test_a_long_table_shows_its_first_or_its_last_rows_until_all_are_asked_for() -> None:
    assert "checkbox" not in html(document(15), "key")
    first, last = html(document(40), "key"), html(document(40), "key", last=True)
    assert first.count("class=rest") == last.count("class=rest") == 28 and "all 40 rows" in first
    assert first.index("class=rest") > first.index("&gt;11") and last.index("class=rest") < last.index("&gt;0<")


def test_without_a_table_the_notes_say_why() -> None:
    assert html(Document(notes=["no trial has a score yet"]), "key") == "<p>no trial has a score yet</p>"
