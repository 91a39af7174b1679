"""A report as one page of HTML that loads nothing from a network: it holds plotly.js and the figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from studies.figures.drawn_by_plotly import plotly_json
from studies.figures.picture import Picture

POLICY = "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:"
"""The browser keeps the page from the network. plotly.js evaluates text for parallel coordinates."""
STYLE = """
:root { color-scheme: light dark; --ink: #222; --soft: #666; --line: #ddd; --page: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --soft: #999; --line: #444; --page: #181818 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 2em auto;
       max-width: 62em; padding: 0 1em; overflow-wrap: anywhere }
h1, h2 { line-height: 1.2 } h2 { border-top: 1px solid var(--line); padding-top: 1em; margin-top: 2em }
nav a { margin-right: 1em } .soft, figcaption { color: var(--soft); font-size: 13px }
figure { margin: 2em 0 } figure > div { height: 430px } figcaption a { margin-left: .5em }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto }
th, td { text-align: left; vertical-align: top; padding: .2em .8em .2em 0; border-bottom: 1px solid var(--line) }
"""
SCRIPT = """
for (const [key, figure] of Object.entries(JSON.parse(document.getElementById("figures").textContent)))
  Plotly.newPlot(key, figure.data, figure.layout, {responsive: true, displaylogo: false});
"""


@dataclass(frozen=True)
class Row:
    """A table's row: one law that was searched for."""

    figure: str
    """The key of its figure."""
    what: str
    law: str
    exponent: str


@dataclass(frozen=True)
class Section:
    """A study, or a comparison of several."""

    title: str
    lines: Sequence[str]
    pictures: Sequence[Picture]
    """Their keys are unique in the page."""
    laws: Sequence[Row] = ()


def page(title: str, lines: Sequence[str], sections: Sequence[Section]) -> str:
    """The whole page."""
    from plotly.offline import get_plotlyjs

    figures = {picture.key: plotly_json(replace(picture, caption="")) for each in sections for picture in each.pictures}
    body = "\n".join(_section(each, number) for number, each in enumerate(sections))
    links = "".join(f'<a href="#section-{number}">{escape(each.title)}</a>' for number, each in enumerate(sections))
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{_lines(lines)}
<nav>{links if len(sections) > 1 else ""}</nav>
{body}
<noscript><p>The figures need JavaScript; figures/ has them as files.</p></noscript>
<script type="application/json" id="figures">{_embedded(figures)}</script>
<script>{get_plotlyjs()}</script>
<script>{SCRIPT}</script>
</body>
</html>
"""


def _section(section: Section, number: int) -> str:
    figures = "\n".join(map(_figure, section.pictures))
    empty = "" if section.pictures else '<p class="soft">Nothing to draw yet.</p>'
    return (
        f'<section id="section-{number}">\n<h2>{escape(section.title)}</h2>\n{_lines(section.lines)}\n'
        f"{_laws(section.laws)}\n{figures}{empty}\n</section>"
    )


def _figure(picture: Picture) -> str:
    key = escape(picture.key)
    files = f'<a href="figures/{key}.svg">SVG</a><a href="figures/{key}.png">PNG</a>'
    return (
        f'<figure>\n<div id="{key}" role="img" aria-label="{escape(picture.title)}"></div>\n'
        f"<figcaption>{escape(picture.caption)} {files}</figcaption>\n</figure>"
    )


def _laws(rows: Sequence[Row]) -> str:
    head = "<thead><tr><th>of</th><th>law</th><th>exponent (95 %)</th></tr></thead>"
    body = "\n".join(
        f'<tr><td><a href="#{escape(row.figure)}">{escape(row.what)}</a></td>'
        f"<td>{escape(row.law)}</td><td>{escape(row.exponent)}</td></tr>"
        for row in rows
    )
    return f"<table>{head}\n<tbody>{body}</tbody></table>" if rows else ""


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(f"<p>{escape(line)}</p>" for line in lines)


def _embedded(value: Any) -> str:
    """JSON in a page: nothing in it ends the script that holds it."""
    return json.dumps(value, allow_nan=False, ensure_ascii=False).replace("<", "\\u003c")
