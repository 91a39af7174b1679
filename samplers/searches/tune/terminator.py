"""Optuna's terminator: the search ends when less is left to gain than the scores are wrong by.

What is left is bounded by a Gaussian process over the settings that were told; the error is that of the best setting's
mean over its seeds, or, of one seed, a hundredth of what was left at the beginning. Sources: Makarova et al. (2022),
"Automatic termination for hyperparameter optimization", AutoML; Ishibashi et al. (2023), "A stopping criterion for
Bayesian optimization by the gap of expected minimum simple regrets", AISTATS.
"""

from __future__ import annotations

import importlib.util

from samplers.searches.noise import standard_error
from samplers.searches.tune.past import Past
from storage.errors import UsageError

NEEDS = ("scipy", "torch")
MIN_SETTINGS, MIN_SETTINGS_OF_ONE_SEED = 20, 30
"""That have to have completed before the first judgement."""


def check_terminator(where: str) -> None:
    """Check that this host can judge.

    Raises:
        UsageError: A package is missing.
    """
    missing = [each for each in NEEDS if importlib.util.find_spec(each) is None]
    if missing:
        raise UsageError(f"it needs {' and '.join(missing)}: pip install {' '.join(missing)}", where)


def nothing_left(past: Past, seed: int) -> str | None:
    """Why the search ends; None: it goes on."""
    from optuna.trial import TrialState

    completed = past.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    error = _error_of_best(past)
    if len(completed) < (MIN_SETTINGS_OF_ONE_SEED if error is None else MIN_SETTINGS):
        return None
    left, limit = _judged(past, seed, error)
    if left >= limit:
        return None
    against = "the best one's error" if error is not None else "a hundredth of what was left at first"
    return f"at most {left:.3g} is left to gain, less than {against} ({limit:.3g})"


def _judged(past: Past, seed: int, error: float | None) -> tuple[float, float]:
    """What is left to gain at most, and the limit below which the search ends."""
    from optuna.terminator import MedianErrorEvaluator, RegretBoundEvaluator

    from samplers.searches.tune.samplers import quiet

    trials, direction = past.study.get_trials(deepcopy=False), past.study.direction
    with quiet():
        left = float(RegretBoundEvaluator(seed=seed).evaluate(trials, direction))
        if error is None:
            error = float(MedianErrorEvaluator(RegretBoundEvaluator(seed=seed)).evaluate(trials, direction))
    return left, error


def _error_of_best(past: Past) -> float | None:
    """The standard error of the best setting's mean; None of one seed."""
    outcomes = [setting.outcome for setting in past.settings if setting.outcome is not None]
    best = next((each for each in outcomes if past.is_on_front(each)), None)
    return None if best is None else standard_error([values[0] for values in best.by_seed if values is not None])
