"""Points with the laws fitted to them: each curve, and the band of the chosen one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from studies.figures.picture import Axis, Band, Line, Mark, Picture, Points
from studies.figures.thinning import thinned
from studies.laws.laws import Verdict

MAX_DRAWN_POINTS = 2000
"""Points that are drawn; of more, evenly spaced ones. All are fitted."""
CURVE_POINTS = 60
"""A curve is drawn within the range of the points only."""


def fitted(
    verdict: Verdict, x: Sequence[float], y: Sequence[float], key: str, title: str, names: tuple[str, str]
) -> Picture:
    """`names` are those of x and y. A law that is not chosen is dashed."""
    finite = [(each_x, each_y) for each_x, each_y in zip(x, y, strict=True) if np.isfinite(each_x) and each_x > 0]
    shown, cut = thinned(finite, MAX_DRAWN_POINTS)
    marks: list[Mark] = [Points("measured", [each for each, _ in shown], [each for _, each in shown])]
    if verdict.fits:
        places = np.geomspace(verdict.fits[0].x.min(), verdict.fits[0].x.max(), CURVE_POINTS)
        for fit in verdict.fits:
            chosen = fit is verdict.chosen
            if fit.shape == "constant" and not chosen:
                continue
            if chosen:
                low, high = fit.band(places)
                marks.append(Band(fit.name, places.tolist(), low.tolist(), high.tolist()))
            marks.append(Line(fit.name, places.tolist(), fit.at(places).tolist(), dashed=not chosen))
    log = len(finite) > 1 and max(each for each, _ in finite) > 3 * min(each for each, _ in finite)
    return Picture(key, title, Axis(names[0], log=log), Axis(names[1]), marks, verdict_text(verdict, *names) + cut)


def verdict_text(verdict: Verdict, x: str, y: str) -> str:
    """The verdict in words: formula, interval, range and warnings."""
    chosen = verdict.chosen
    parts = []
    if chosen is not None and verdict.is_law:
        exponent = chosen.estimates()["exponent"]
        low, high = ("open" if end is None else f"{end:.3g}" for end in (exponent.low, exponent.high))
        rivals = ", ".join(f"{fit.name} {fit.aicc - chosen.aicc:+.1f}" for fit in verdict.fits if fit is not chosen)
        parts.append(
            f"{chosen.formula(x, y)} ({chosen.name}, the best by AICc; {rivals}). Exponent at 95 %: {low} … {high}."
            f" Holds for {x} from {chosen.x.min():,.6g} to {chosen.x.max():,.6g}, {len(chosen.x)} points; the band"
            " is the curve's, at 95 %."
        )
    elif chosen is not None:
        parts.append(f"{chosen.formula(x, y)}.")
    parts += [f"{warning[0].upper()}{warning[1:]}." for warning in verdict.warnings]
    return " ".join(parts)
