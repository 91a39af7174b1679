"""How much each axis of a tune matters: what `show --whole` and the report print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.plural import counted
from samplers.searches.tune.importance import MIN_PED_SETTINGS, Importances, importances
from samplers.searches.tune.ranges import by_chance
from samplers.searches.tune.tune import Tune
from storage.records import DecisionRow, StudyRow
from studies.definition.searches import search_in_force
from studies.history.recall import recalled
from studies.tables.table import Column, Document, Table

NAMES = {"fanova": "fANOVA", "ranges": "by range", "ped_anova": "PED-ANOVA"}
Importance = Mapping[str, Importances]
"""By the score's metric."""


def importance_of(study: StudyRow, decisions: Sequence[DecisionRow]) -> Importance:
    """Over the space in force; empty of another search, and while too few settings have completed."""
    search = recalled(search_in_force(study), decisions) if study.search == "tune" else None
    if not isinstance(search, Tune) or search.recalled is None:
        return {}
    past = search.recalled
    found = {each.metric: importances(past, place, each.direction) for place, each in enumerate(study.scores)}
    return {metric: each for metric, each in found.items() if each.by_method}


def importance_json(found: Importance) -> dict[str, Any]:
    """The share of each axis, by the score's metric and the method."""
    return {metric: each.by_method for metric, each in found.items()}


def importance_text(found: Importances) -> str:
    """What the methods say, of which settings, and below which share an axis may matter by chance alone."""
    few = found.settings < MIN_PED_SETTINGS
    meanings = {
        "fanova": "fANOVA: the share of the score's variance over the whole space, by a random forest.",
        "ranges": (
            f"By range: how much of the order of all {found.settings} settings the ranges of an axis explain by itself;"
            f" below {_by_chance(found):.0%} it may be chance."
        ),
        "ped_anova": "PED-ANOVA: what parts the best tenth of the settings from the rest.",
    }
    text = [meanings[method] for method in found.by_method]
    text += [f"PED-ANOVA wants {MIN_PED_SETTINGS} settings."] * few
    text += ["`pip install scikit-learn` adds fANOVA."] * ("fanova" not in found.by_method)
    return " ".join(text)


def most_text(found: Importances) -> str:
    """The axis that matters most, if one stands out by range: shares by fANOVA always have the sum of 1."""
    if max(found.by_method.get("ranges", {}).values(), default=0.0) < _by_chance(found):
        return f"No axis stands out: {counted(found.settings, 'setting')} do not show which one matters."
    method, shares = next(iter(found.by_method.items()))
    axis, most = next(iter(shares.items()))
    return f"{axis} matters most, with {most:.0%} ({NAMES[method]})."


def _by_chance(found: Importances) -> float:
    """The share by range below which the largest one may be chance."""
    return by_chance(found.settings, max(1, len(found.by_method.get("ranges", {}))))


def importance_document(found: Importance) -> Document:
    """A table a score, with a line an axis, the one that matters most first."""
    tables = []
    for metric, each in found.items():
        methods = each.by_method
        axes = list(dict.fromkeys(name for shares in methods.values() for name in shares))
        rows = [[axis, *(_share(shares.get(axis)) for shares in methods.values())] for axis in axes]
        columns = [Column("axis"), *(Column(NAMES[method], right=True) for method in methods)]
        tables.append(Table(columns, rows, f"how much each axis matters for {metric}"))
    return Document(tables, list(dict.fromkeys(importance_text(each) for each in found.values())))


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"
