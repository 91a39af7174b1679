"""The demonstration's picture as SVG, without a library: loss over parameters, the path named, a cross for the kill."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from studies.demo.path import GrowthPath, Measured

WIDTH, HEIGHT = 860, 460
LEFT, RIGHT, TOP, BOTTOM = 74, 30, 58, 58
"""Margins, in pixels."""
MARGIN = 0.08
"""Of the data's range, on every side."""
TICKS = 6
"""About so many on an axis."""
INK, SOFT, PALE, PATH, CROSS = "#222", "#666", "#9db4cc", "#1f6fb2", "#d62728"


@dataclass(frozen=True)
class Scale:
    """From an axis's numbers to pixels."""

    low: float
    high: float
    first: float
    """The pixel of `low`."""
    last: float

    @staticmethod
    def of(values: Sequence[float], first: float, last: float) -> Scale:
        low, high = min(values), max(values)
        more = MARGIN * (high - low or abs(high) or 1.0)
        return Scale(low - more, high + more, first, last)

    def at(self, value: float) -> float:
        """Rounded to a tenth of a pixel."""
        return round(self.first + (value - self.low) / (self.high - self.low) * (self.last - self.first), 1)

    @property
    def ticks(self) -> list[float]:
        """Round numbers within it: steps of 1, 2 or 5 times a power of ten."""
        rough = (self.high - self.low) / TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(each * power for each in (1, 2, 5, 10) if each * power >= rough)
        return [index * step for index in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def drawing(found: GrowthPath, killed: Measured | None, title: str) -> str:
    """The picture as one `<svg>` element.

    Args:
        killed: The trial that a killed worker ran, as it was measured in the end.
        title: Above it.
    """
    drawn = [*found.path, *found.others, *([] if killed is None else [killed])]
    across = Scale.of([each.params for each in drawn], LEFT, WIDTH - RIGHT)
    up = Scale.of([each.loss for each in drawn], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#fff"/>',
        _text(LEFT - 50, 28, title, size=16, weight="bold"),
        *_axes(across, up),
        *(_dot(across, up, each, 4, PALE) for each in found.others),
        _line(across, up, found.path),
        *(_dot(across, up, each, 6, PATH) for each in found.path),
        *(_label(across, up, each) for each in found.path),
    ]
    if killed is not None:
        parts.append(_cross(across, up, killed))
    return "\n".join([*parts, "</svg>"])


def _axes(across: Scale, up: Scale) -> list[str]:
    digits = max(0, -math.floor(math.log10(up.ticks[1] - up.ticks[0]))) if len(up.ticks) > 1 else 2
    rows = [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up.at(each)}" y2="{up.at(each)}" stroke="#e6e6e6"/>'
        + _text(LEFT - 8, up.at(each) + 4, f"{each:.{digits}f}", anchor="end", colour=SOFT)
        for each in up.ticks
    ]
    columns = [
        _text(across.at(each), HEIGHT - BOTTOM + 20, f"{each:,.0f}", anchor="middle", colour=SOFT)
        for each in across.ticks
    ]
    middle = (TOP + HEIGHT - BOTTOM) / 2
    return [
        *rows,
        *columns,
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "parameters", anchor="middle", colour=SOFT),
        f'<g transform="rotate(-90 20 {middle:g})">'
        + _text(20, middle, "validation loss (nats a token)", anchor="middle", colour=SOFT)
        + "</g>",
    ]


def _dot(across: Scale, up: Scale, each: Measured, radius: int, colour: str) -> str:
    named = f"<title>{escape(each.name)}: {each.params:,.0f} parameters, loss {each.loss:.4f}</title>"
    where = f'cx="{across.at(each.params)}" cy="{up.at(each.loss)}" r="{radius}"'
    return f'<circle {where} fill="{colour}">{named}</circle>'


def _line(across: Scale, up: Scale, path: Sequence[Measured]) -> str:
    points = " ".join(f"{across.at(each.params)},{up.at(each.loss)}" for each in path)
    return f'<polyline points="{points}" fill="none" stroke="{PATH}" stroke-width="2.5"/>'


def _label(across: Scale, up: Scale, each: Measured) -> str:
    """Below and left of its dot, since a path goes down to the right; above and right where the axis is near."""
    x, y = across.at(each.params), up.at(each.loss)
    if x < LEFT + 120:
        return _text(x + 10, y - 8, each.name, colour=INK, weight="bold")
    return _text(x - 9, y + 20, each.name, anchor="end", colour=INK, weight="bold")


def _cross(across: Scale, up: Scale, killed: Measured) -> str:
    x, y, reach = across.at(killed.params), up.at(killed.loss), 8
    left, right, top, bottom = (f"{each:g}" for each in (x - reach, x + reach, y - reach, y + reach))
    strokes = f"M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}"
    end = x > WIDTH - RIGHT - 260
    label = "its worker was killed here; it ran again"
    return f'<path d="{strokes}" stroke="{CROSS}" stroke-width="3"/>' + _text(
        x - 14 if end else x + 14, y - 10, label, anchor="end" if end else "start", colour=CROSS
    )


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", colour: str = INK, size: int = 13, weight: str = "normal"
) -> str:
    where = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return f'<text {where} fill="{colour}" font-size="{size}" font-weight="{weight}">{escape(text)}</text>'
