"""How much each axis matters to a score, over the space in force, by up to three measures.

fANOVA: Hutter, Hoos & Leyton-Brown (2014), "An efficient approach for assessing hyperparameter importance", ICML; it
needs scikit-learn. By range: ranges.py. PED-ANOVA: Watanabe, Bansal & Hutter (2023), "PED-ANOVA: efficiently
quantifying hyperparameter importance in arbitrary subspaces", IJCAI: it compares the best tenth with the rest, and of
20 settings that are two. The first and the last as Optuna computes them. All are of what the sampler is shown: an
earlier setting that lies outside the space in force does not count.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from samplers.searches.tune.past import Past
from samplers.searches.tune.ranges import share
from samplers.searches.tune.samplers import quiet

if TYPE_CHECKING:
    from optuna.importance import BaseImportanceEvaluator
    from optuna.trial import FrozenTrial

MIN_SETTINGS = 10
"""Of settings that completed, below which the numbers would say nothing."""
MIN_PED_SETTINGS = 100
"""Of settings, below which the best tenth is a handful."""
FOREST_SEED = 0


@dataclass(frozen=True)
class Importances:
    """The shares of the axes by one score."""

    settings: int = 0
    """That completed."""
    by_method: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """`{"fanova": {axis: share, …}, "ranges": …, "ped_anova": …}`: the method to trust first, the largest share first.
    Without fANOVA where scikit-learn is missing or no axis exists in all settings; without PED-ANOVA below
    MIN_PED_SETTINGS; empty with fewer than MIN_SETTINGS settings, or if all have one value."""


def importances(past: Past, score: int = 0, direction: str = "minimize") -> Importances:
    """The importance of each axis.

    Args:
        past: The settings of the study.
        score: The index of the score.
        direction: Of that score.
    """
    from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
    from optuna.trial import TrialState

    completed = past.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(completed) < MIN_SETTINGS or len({trial.values[score] for trial in completed}) < 2:
        return Importances(len(completed))
    sign = -1.0 if direction == "maximize" else 1.0

    def loss(trial: FrozenTrial) -> float:
        return sign * float(trial.values[score])

    found = {}
    with quiet():
        if importlib.util.find_spec("sklearn") is not None:
            found["fanova"] = _shares(past, FanovaImportanceEvaluator(seed=FOREST_SEED), loss)
        found["ranges"] = _by_range(completed, loss)
        if len(completed) >= MIN_PED_SETTINGS:
            found["ped_anova"] = _shares(past, PedAnovaImportanceEvaluator(), loss)
    return Importances(len(completed), {method: shares for method, shares in found.items() if shares})


def _by_range(completed: Sequence[FrozenTrial], loss: Callable[[FrozenTrial], float]) -> dict[str, float]:
    found = {}
    for name in dict.fromkeys(name for trial in completed for name in trial.params):
        known = [trial for trial in completed if name in trial.params]
        own = share([trial.params[name] for trial in known], [loss(trial) for trial in known])
        if own is not None and len(known) >= MIN_SETTINGS:
            found[name] = own
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def _shares(past: Past, method: BaseImportanceEvaluator, loss: Callable[[FrozenTrial], float]) -> dict[str, float]:
    from optuna.importance import get_param_importances

    try:
        shares = get_param_importances(past.study, evaluator=method, target=loss)
    except ValueError:  # no axis that the method can judge
        return {}
    return {name: float(share) for name, share in shares.items()}
