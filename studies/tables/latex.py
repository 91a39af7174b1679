"""A table as LaTeX, in the style of booktabs: `\\usepackage{booktabs}` is all that it needs."""

from __future__ import annotations

import re

from studies.tables.digits import NO_VALUE, Printed, printed
from studies.tables.table import Cell, Document, Figure, Table
from studies.tables.terminal import one_line

ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "→": r"$\rightarrow$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "…": r"\ldots{}",
    "–": "--",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "∞": r"$\infty$",
}
SPECIAL_CHARACTERS = re.compile("[" + re.escape("".join(ESCAPES)) + "]")


def latex(document: Document) -> str:
    """Every table as a `tabular`; titles and notes as comments."""
    tables = [_table(table.of("paper").without_empty_columns()) for table in document.tables]
    notes = "".join(f"% {_one_line(note)}\n" for note in document.notes)
    return "% \\usepackage{booktabs}\n" + "\n".join(tables) + notes


def _table(table: Table) -> str:
    heads = " & ".join(_escaped(column.name or "note") for column in table.columns)
    align = "".join("r" if column.right else "l" for column in table.columns)
    rows = [" & ".join(map(_cell, row)) + r" \\" for row in table.rows]
    lines = [f"\\begin{{tabular}}{{{align}}}", r"\toprule", heads + r" \\", r"\midrule", *rows, r"\bottomrule"]
    title = f"% {_one_line(table.title)}\n" if table.title else ""
    return title + "\n".join(lines) + "\n\\end{tabular}\n"


def _cell(cell: Cell) -> str:
    if isinstance(cell, Figure):
        return _number(printed(cell))
    text = _escaped(cell)
    return f"{{}}{text}" if text.startswith("[") else text  # or \\ before it would take it for its own argument


def _number(figure: Printed) -> str:
    if figure.value == NO_VALUE:
        return "--"
    value, error = (
        each and each.replace("inf", r"\infty").replace(",", "{,}") for each in (figure.value, figure.error)
    )
    if value is not None and "nan" in value:
        return "NaN"
    both = value if error is None else f"{value} \\pm {error}"
    if figure.power is None:
        return f"${both}$"
    return f"${both if error is None else f'({both})'} \\times 10^{{{figure.power}}}$"


def _escaped(text: str) -> str:
    return SPECIAL_CHARACTERS.sub(lambda found: ESCAPES[found[0]], _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(one_line(text).split())
