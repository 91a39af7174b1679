"""The laws that are fitted for a report: score and loss against cost, and a growth's proportions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from studies.figures.fitted import fitted
from studies.figures.labels import slug
from studies.figures.parts import parts_of
from studies.figures.picture import Picture
from studies.laws.laws import Verdict, judge
from studies.report.facts import Facts
from studies.results.growth_path import Measured

RATIOS = (("mlp_size", "n_embd"), ("n_embd", "n_layer"), ("n_embd", "n_head"))
SIZES = ("n_head", "n_qk_head_dim", "n_v_head_dim", "n_layer")


@dataclass(frozen=True)
class Fitted:
    """The search for one law, with its figure, which is drawn only if there is a law."""

    study: str
    picture: Picture
    names: tuple[str, str]
    """Of x and y."""
    x: Sequence[float]
    y: Sequence[float]
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """Its entry in `fits.json`: names are stable, an open end of an interval is null."""
        chosen = self.verdict.chosen
        return {
            "study": self.study,
            "figure": self.picture.key,
            "drawn": self.verdict.is_law,
            "x": self.names[0],
            "y": self.names[1],
            "points": [
                [value if math.isfinite(value) else None for value in each] for each in zip(self.x, self.y, strict=True)
            ],
            "range": None if chosen is None else [float(chosen.x.min()), float(chosen.x.max())],
            "is_law": self.verdict.is_law,
            "chosen": None if chosen is None else chosen.name,
            "formula": None if chosen is None else chosen.formula(*self.names),
            "chance": self.verdict.chance,
            "warnings": list(self.verdict.warnings),
            "laws": [
                {
                    "law": fit.name,
                    "formula": fit.formula(*self.names),
                    "x0": fit.scale,
                    "aicc": fit.aicc,
                    "rmse": math.sqrt(fit.error / len(fit.y)),
                    "parameters": {name: asdict(each) for name, each in fit.estimates().items()},
                }
                for fit in self.verdict.fits
            ],
        }


def fits_of(facts: Facts) -> list[Fitted]:
    """Score and loss against cost; for a growth also its proportions against its parameters."""
    return [*_against_cost(facts), *_proportions(facts)]


def _against_cost(facts: Facts) -> Iterator[Fitted]:
    cost = facts.study.cost or next(iter(facts.costs), None)
    if cost is None or facts.study.search in ("depth", "fit"):
        return
    grows = facts.study.search == "grow"
    places = facts.stretch.places if grows else facts.measured
    for metric in filter(None, (facts.study.score, facts.loss)):
        x, y = _column(places, facts, cost), _column(places, facts, metric)
        if not any(map(math.isfinite, y)):
            continue
        tried = facts.stretch.tried if grows else []
        evidence = (_column(tried, facts, cost), _column(tried, facts, metric)) if grows else None
        verdict = judge(x, y, evidence=evidence)
        warnings = list(verdict.warnings)
        if grows and len(facts.stretches) > 1:
            warnings.append("the budget or the config changed on the way: only the longest unchanged part is fitted")
        if grows and verdict.is_law:
            warnings.append("each place was chosen for its score, so with few seeds the path looks too good")
        if not grows and verdict.fits:
            warnings.append("every setting counts, whatever else it varies")
        title = f"{metric} against {cost}" + (" along the path" if grows else "")
        key = f"law-{slug(metric)}-{slug(cost)}"
        yield _fitted(facts, key, title, (cost, metric), x, y, replace(verdict, warnings=warnings))


def _proportions(facts: Facts) -> Iterator[Fitted]:
    """Sizes, ratios and shares of a growth. Each step starts from the last, so noise would be a random walk."""
    places = [place for each in facts.stretches for place in each.places if place.label != "measured again"]
    if not places:
        return
    params = "params" if "params" in places[0].metrics else str(facts.study.cost)
    totals = _column(places, facts, params)
    tied = sum(each.tied for each in facts.stretches)
    for name, values in _quantities(places).items():
        if len({value for value in values if math.isfinite(value)}) < 2:
            continue
        verdict = judge(totals, values, "growing", "walk")
        warnings = list(verdict.warnings)
        if tied:
            warnings.append(f"{tied} of {len(places) - 1} steps were ties or had one seed: the path is one of several")
        title = f"{name} against {params} along the path"
        verdict = replace(verdict, warnings=warnings)
        yield _fitted(facts, f"ratio-{slug(name)}", title, (params, name), totals, values, verdict)


def _quantities(places: Sequence[Measured]) -> dict[str, list[float]]:
    made = {f"{top} / {below}": [_ratio(place, top, below) for place in places] for top, below in RATIOS}
    made |= {name: [_size(place, name) for place in places] for name in SIZES}
    parts = [parts_of(place.metrics) for place in places]
    for name in dict.fromkeys(name for each in parts for name in each):
        made[f"share of {name}"] = [each.get(name, 0.0) / sum(each.values()) if each else math.nan for each in parts]
    return made


def _size(place: Measured, name: str) -> float:
    """A size, or its mean over layers if each layer has its own; NaN if unknown."""
    value = place.config.get(name, place.config.get(f"{name}_layerlist"))
    values = value if isinstance(value, list) and value else [value]
    if not all(isinstance(each, int | float) for each in values):
        return math.nan
    return float(sum(values) / len(values))


def _ratio(place: Measured, top: str, below: str) -> float:
    over = _size(place, below)
    return _size(place, top) / over if over else math.nan


def _fitted(
    facts: Facts, key: str, title: str, names: tuple[str, str], x: Sequence[float], y: Sequence[float], verdict: Verdict
) -> Fitted:
    return Fitted(facts.study.name, fitted(verdict, x, y, key, title, names), names, x, y, verdict)


def _column(places: Sequence[Measured], facts: Facts, metric: str) -> list[float]:
    return [place.value(metric, facts.study.score, str(facts.study.cost)) for place in places]
