"""Optuna's own pruners, by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storage.errors import UsageError, nearest

if TYPE_CHECKING:
    from optuna.pruners import BasePruner

PRUNERS = {
    "median": "MedianPruner",
    "hyperband": "HyperbandPruner",
    "successive_halving": "SuccessiveHalvingPruner",
    "patient": "PatientPruner",
}
PRUNED_SEARCHES = ("grow", "grid", "tune")


def parse_pruner(value: object, search: str, scores: int, where: str) -> Mapping[str, Any]:
    """`median`, or {name: median, n_startup_trials: 5}; `patient` wraps another: {name: patient, wraps: median, …}.

    Raises:
        UsageError: There is no such pruner, or the search cannot do without a pruned value.
    """
    if scores > 1:
        raise UsageError(f"{where}: pruner: Optuna's pruners compare one score, and the study has {scores}")
    if search not in PRUNED_SEARCHES:
        raise UsageError(f"{where}: pruner: a {search} search needs the value of every trial; take the pruner out")
    block = {"name": value} if isinstance(value, str) else value
    if not isinstance(block, Mapping) or not isinstance(block.get("name"), str):
        raise UsageError(f"{where}: pruner: {value!r} is not a name, or a mapping with one{nearest('', PRUNERS)}")
    name = block["name"]
    if name not in PRUNERS:
        raise UsageError(f"{where}: pruner: no pruner {name!r}{nearest(name, PRUNERS)}")
    if name == "patient" and block.get("wraps") is not None:
        block = {**block, "wraps": parse_pruner(block["wraps"], search, scores, where)}
    make_pruner(block, where)
    return block


def make_pruner(block: Mapping[str, Any], where: str) -> BasePruner:
    """Optuna's pruner of a parsed block; the arguments are Optuna's, by their names.

    Raises:
        UsageError: Optuna refuses the arguments.
    """
    import optuna

    arguments = {key: value for key, value in block.items() if key not in ("name", "wraps")}
    if block["name"] == "patient":
        arguments["wrapped_pruner"] = make_pruner(block["wraps"], where) if block.get("wraps") else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            pruner: BasePruner = getattr(optuna.pruners, PRUNERS[block["name"]])(**arguments)
    except (TypeError, ValueError) as error:
        what = " ".join(str(error).split()).replace(f"{PRUNERS[block['name']]}.__init__() ", "")
        raise UsageError(what, f"{where}: pruner.{block['name']}") from error
    return pruner
