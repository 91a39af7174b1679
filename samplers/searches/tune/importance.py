"""How much each axis matters to a score, over the space in force.

PED-ANOVA: Watanabe, Bansal & Hutter (2023), "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary
subspaces", IJCAI. fANOVA: Hutter, Hoos & Leyton-Brown (2014), "An efficient approach for assessing hyperparameter
importance", ICML; it needs scikit-learn. Both as Optuna computes them, of what the sampler is shown: an earlier setting
that lies outside the space in force does not count.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from samplers.searches.tune.past import Past
from samplers.searches.tune.samplers import quiet

if TYPE_CHECKING:
    from optuna.importance import BaseImportanceEvaluator
    from optuna.trial import FrozenTrial

MIN_SETTINGS = 10
"""Of settings that completed, below which the numbers would say nothing."""
FOREST_SEED = 0


def importances(past: Past, score: int = 0, direction: str = "minimize") -> Mapping[str, Mapping[str, float]]:
    """Shares of each axis by method, the largest first; the shares of one method have the sum 1.

    Args:
        past: The settings of the study.
        score: The index of the score.
        direction: Of that score.

    Returns:
        `{"ped_anova": {axis: share, …}, "fanova": …}`: without fANOVA where scikit-learn is missing, or no
        axis exists in all settings; empty with fewer than MIN_SETTINGS settings, or if all have one value.
    """
    from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
    from optuna.trial import TrialState

    completed = past.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(completed) < MIN_SETTINGS or len({trial.values[score] for trial in completed}) < 2:
        return {}
    sign = -1.0 if direction == "maximize" else 1.0

    def loss(trial: FrozenTrial) -> float:
        return sign * float(trial.values[score])

    found = {}
    with quiet():
        methods: dict[str, Callable[[], BaseImportanceEvaluator]] = {"ped_anova": PedAnovaImportanceEvaluator}
        if importlib.util.find_spec("sklearn") is not None:
            methods["fanova"] = lambda: FanovaImportanceEvaluator(seed=FOREST_SEED)
        for name, method in methods.items():
            shares = _shares(past, method(), loss)
            if shares:
                found[name] = shares
    return found


def _shares(past: Past, method: BaseImportanceEvaluator, loss: Callable[[FrozenTrial], float]) -> dict[str, float]:
    from optuna.importance import get_param_importances

    try:
        shares = get_param_importances(past.study, evaluator=method, target=loss)
    except ValueError:  # no axis that the method can judge
        return {}
    return {name: float(share) for name, share in shares.items()}
