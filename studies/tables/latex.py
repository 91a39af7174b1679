"""A table as LaTeX, in the style of booktabs: `\\usepackage{booktabs}` is all that it needs."""

from __future__ import annotations

import re

from studies.tables.digits import NO_VALUE, Printed, printed
from studies.tables.table import NOTES, Cell, Document, Figure, Table
from studies.tables.terminal import one_line, table_lines, text_of

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
UNUSABLE_IN_LABELS = re.compile(r"[^\w.:-]+", re.ASCII)
SPECIAL_CHARACTERS = re.compile("[" + re.escape("".join(ESCAPES)) + "]")


def latex(document: Document) -> str:
    """Every table as a `tabular`, the main one in a `table` if the document has a caption. Titles, notes, columns of
    sentences and what is not part of the results are comments."""
    tables = []
    for place, table in enumerate(document.tables):
        if table.aside:
            tables.append("".join(f"% {line}\n" for line in table_lines(table, None)))
            continue
        made = _table(table.of("paper").without_empty_columns())
        tables.append(made if place or not document.caption else _float(made, document))
    notes = "".join(f"% {_one_line(note)}\n" for note in document.notes)
    return "% \\usepackage{booktabs}\n" + "\n".join(tables) + notes


def _float(tabular: str, document: Document) -> str:
    label = UNUSABLE_IN_LABELS.sub("-", document.label)
    named = f"\\caption{{{_escaped(document.caption)}}}\n\\label{{tab:{label}}}\n"
    return f"\\begin{{table}}\n\\centering\n{named}{tabular}\\end{{table}}\n"


def _table(table: Table) -> str:
    notes = [place for place, column in enumerate(table.columns) if column.name == NOTES]
    first = table.columns[0].name
    said = [f"{first} {text_of(row[0])}: {text_of(row[place])}" for row in table.rows for place in notes if row[place]]
    remarks = [f"% {_one_line(each)}\n" for each in said]
    table = table.keeping([place for place in range(len(table.columns)) if place not in notes])
    heads = " & ".join(_text(column.name or "note") for column in table.columns)
    align = "".join("r" if column.right else "l" for column in table.columns)
    rows = [" & ".join(map(_cell, row)) + r" \\" for row in table.rows]
    lines = [f"\\begin{{tabular}}{{{align}}}", r"\toprule", heads + r" \\", r"\midrule", *rows, r"\bottomrule"]
    title = f"% {_one_line(table.title)}\n" if table.title else ""
    return title + "\n".join(lines) + "\n\\end{tabular}\n" + "".join(remarks)


def _cell(cell: Cell) -> str:
    if not isinstance(cell, Figure):
        return _text(cell)
    if cell.text is not None:
        return _text(cell.text)
    text = _number(printed(cell))
    return f"\\boldmath {text}" if cell.bold else text


def _text(text: str) -> str:
    """A text that \\\\ or \\toprule before it does not take for its own argument."""
    escaped = _escaped(text)
    return f"{{}}{escaped}" if escaped.startswith(("[", "*")) else escaped


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
