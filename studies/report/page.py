"""A report as one page of HTML that loads nothing from a network: it holds plotly.js, compressed, and the figures."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from samplers.searches.plural import counted
from studies.drawing.drawn_by_plotly import plotly_json
from studies.figures.picture import Picture

POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
"""The browser keeps the page from the network. plotly.js evaluates text for parallel coordinates."""
HEIGHT, ROW_HEIGHT, MAX_ROW_HEIGHT = 400, 21, 34
"""Pixels of a figure, and of each row where categories stand below each other."""
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Row:
    """A table's row: one law that was found."""

    figure: str
    """The key of its figure."""
    what: str
    law: str
    exponent: str


@dataclass(frozen=True)
class Section:
    """A study, or a comparison of several."""

    title: str
    question: str = ""
    answer: str = ""
    lines: Sequence[str] = ()
    """Its state."""
    results: str = ""
    """Its tables, as HTML."""
    main: Sequence[Picture] = ()
    """Keys of pictures are unique in the page."""
    more: Sequence[Picture] = ()
    """They stand behind the others, closed."""
    laws: Sequence[Row] = ()
    no_laws: str = ""
    """The fits that found no law, in words."""
    notes: str = ""
    """What stands below the tables elsewhere, as HTML."""


def page(title: str, lines: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole page."""
    figures = {
        picture.key: plotly_json(picture, titled=False) for each in sections for picture in (*each.main, *each.more)
    }
    body = "\n".join(_section(each, number) for number, each in enumerate(sections))
    links = "".join(f'<a href="#section-{number}">{escape(each.title)}</a>' for number, each in enumerate(sections))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escape(title)}</title>
<style>{(HERE / "page.css").read_text()}</style>
</head>
<body>
{f"<nav>{links}</nav>" if len(sections) > 1 else ""}
{body}
<footer>{_lines(lines)}</footer>
<noscript><p>The figures need JavaScript; figures/ has them as files.</p></noscript>
<script type="application/json" id="figures">{_embedded(figures)}</script>
<script type="application/gzip" id="plotly">{_plotly()}</script>
<script>{(HERE / "page.js").read_text()}</script>
</body>
</html>
"""


@cache
def _plotly() -> str:
    """plotly.js, which is 4.8 MB as it comes: a page would be larger than a mail takes."""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def _section(section: Section, number: int) -> str:
    figures = "\n".join(map(_figure, section.main))
    parts = [
        f"<h1>{escape(section.title)}</h1>",
        f'<p class="question">{escape(section.question)}</p>' if section.question else "",
        f'<p class="answer">{escape(section.answer)}</p>' if section.answer else "",
        f'<div class="state">{_lines(section.lines)}</div>' if section.lines else "",
        section.results,
        figures or '<p class="soft">There is nothing to draw yet.</p>',
        _more(section),
    ]
    return f'<section id="section-{number}">\n' + "\n".join(filter(None, parts)) + "\n</section>"


def _more(section: Section) -> str:
    if not (section.more or section.laws or section.no_laws or section.notes):
        return ""
    count, laws = len(section.more), len(section.laws)
    parts = [counted(count, "figure")] if count else []
    parts += [counted(laws, "law")] if laws else []
    what = ", ".join([*parts, "notes"] if section.notes else parts) or "fits"
    figures = "\n".join(map(_figure, section.more))
    text = f'<p class="soft">{escape(section.no_laws)}</p>' if section.no_laws else ""
    inner = "\n".join(filter(None, (section.notes, figures, _laws(section.laws), text)))
    return f'<details class="more"><summary>More: {what}</summary>\n{inner}\n</details>'


def _figure(picture: Picture) -> str:
    key, rows = escape(picture.key), picture.rows
    height = 110 + max(ROW_HEIGHT * rows, min(MAX_ROW_HEIGHT * rows, HEIGHT - 110)) if rows else HEIGHT
    files = f'<a href="figures/{key}.svg">SVG</a> <a href="figures/{key}.png">PNG</a>'
    title = escape(picture.title)
    return (
        f"<figure>\n<h2>{title}</h2>\n"
        f'<div id="{key}" class="plot" role="img" aria-label="{title}" style="height: {height}px"></div>\n'
        f'<figcaption>{escape(picture.caption)} <span class="files">{files}</span></figcaption>\n</figure>'
    )


def _laws(rows: Sequence[Row]) -> str:
    head = "<thead><tr><th>of</th><th>law</th><th>exponent (95 %)</th></tr></thead>"
    body = "\n".join(
        f'<tr><td><a href="#{escape(row.figure)}">{escape(row.what)}</a></td>'
        f"<td>{escape(row.law)}</td><td>{escape(row.exponent)}</td></tr>"
        for row in rows
    )
    return f'<div class="wide"><table>{head}\n<tbody>{body}</tbody></table></div>' if rows else ""


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(f"<p>{escape(line)}</p>" for line in lines)


def _embedded(value: Any) -> str:
    """JSON in a page: nothing in it ends the script that holds it."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
