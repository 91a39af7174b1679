"""The forms that `show` prints a document in."""

from __future__ import annotations

from studies.tables.table import Document

FORMS = ("markdown", "latex", "csv")


def printed_as(document: Document, form: str) -> str:
    """The document in one of FORMS."""
    match form:
        case "markdown":
            from studies.tables.markdown import markdown

            return markdown(document)
        case "latex":
            from studies.tables.latex import latex

            return latex(document)
        case _:
            from studies.tables.delimited import delimited

            return delimited(document)
