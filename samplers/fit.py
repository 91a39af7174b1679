"""The fit search as an Optuna sampler: samplers/searches/fit/fit.py under `study.optimize`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.samplers import BaseSampler

from samplers.ends import SCORE, Failures
from samplers.planned import PlannedSampler
from samplers.searches.fit.fit import Fit

OUT_OF_MEMORY_ERRORS: Failures = (MemoryError, "torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError")
"""Python's own, and torch's by name, so that torch is not imported."""


class FitSampler(PlannedSampler):
    """Find the largest value of one axis that runs: doubling, then bisection.

    The objective raises an error of `failures` for a value that does not fit; let `optimize` catch that error:

        def objective(trial):
            return train(FitSampler.config(trial))     # raises torch.OutOfMemoryError where it is too large

        study.optimize(objective, catch=(torch.OutOfMemoryError,))

    `optimize` ends when the answer is known; the last decision of `history(study)` holds it. Any other error says
    nothing about the value: Ctrl-C and errors that `optimize` does not catch cost nothing, the probe is made again next
    time; one that it catches is tried once more, and then ends the search.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        axis: str,
        *,
        low: int | None = None,
        high: int | None = None,
        multiple: int = 1,
        seed: int = 1337,
        failures: Failures = OUT_OF_MEMORY_ERRORS,
        direction: str = "maximize",
        independent_sampler: BaseSampler | None = None,
    ) -> None:
        """The settings of a definition's `fit:` block.

        Args:
            config: JSON values by name.
            axis: The name that is varied, a whole number.
            low: The first value tried; default: the config's.
            high: The last; default: 1,024 times `low`.
            multiple: Only multiples of this are tried.
            seed: Given to every probe.
            failures: Errors that mean that a value does not fit: classes, or their full names.
            direction: The study's, "maximize" or "minimize": of what the objective returns, such as tokens a second.
            independent_sampler: For names that are not in `config`.

        Raises:
            UsageError: A setting is wrong.
        """
        block: dict[str, Any] = {"axis": axis, "multiple": multiple, "seed": seed}
        block |= {name: value for name, value in (("low", low), ("high", high)) if value is not None}
        search = Fit.parse(block, config, (SCORE, direction), "FitSampler")
        super().__init__(search, direction, independent_sampler, failures)
