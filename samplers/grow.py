"""The growth search as an Optuna sampler: samplers/searches/growth/growth.py under `study.optimize`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.samplers import BaseSampler

from samplers.ends import SCORE
from samplers.planned import PlannedSampler
from samplers.searches.growth.growth import Growth
from samplers.searches.race.purchases import DEFAULT_WITHIN


class GrowSampler(PlannedSampler):
    """Grow a configuration greedily: try each parameter one step up, keep the best gain for its cost, go on from there.

    The objective returns the score and sets the cost as a user attribute of its trial:

        def objective(trial):
            config = GrowSampler.config(trial)        # or trial.suggest_int("n_head", 1, 64), name by name
            trial.set_user_attr("params", count(config))
            return train(config)

    Without `n_trials`, `optimize` ends when no candidate helps or after `steps`.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        increments: Mapping[str, float],
        *,
        cost: str = "params",
        direction: str = "maximize",
        multiples: int | Mapping[str, int] = 1,
        repeats: int = 1,
        seed: int = 1337,
        steps: int = 20_000,
        on_stall: Mapping[str, float] | None = None,
        max_repeats: int | None = None,
        within: float = DEFAULT_WITHIN,
        duplication: str = "middle",
        independent_sampler: BaseSampler | None = None,
    ) -> None:
        """The settings of a definition's `grow:` block.

        Args:
            config: The baseline: JSON values by name.
            increments: The names that may grow, with the amount of one step.
            cost: The user attribute that holds the cost.
            direction: The study's, "maximize" or "minimize".
            multiples: Each increment is tried 1 to this many times; a mapping says it for single names.
            repeats: Seeds of each candidate, the same for the baseline: seed, seed + 1, …
            seed: The first.
            steps: The largest number of steps.
            on_stall: If no candidate helps: raise these by these amounts, and measure the baseline again.
            max_repeats: Candidates get more seeds where a wrong choice would cost most, up to this many.
            within: They get none where a wrong choice is expected to cost less than this share of the best efficiency.
            duplication: The layer whose element of a per-layer list a new layer copies: "middle" or "each" in turn.
            independent_sampler: For names that are not in `config`.

        Raises:
            UsageError: A setting is wrong.
        """
        block: dict[str, Any] = {
            "increments": dict(increments),
            "multiples": dict(multiples) if isinstance(multiples, Mapping) else multiples,
            "repeats": repeats,
            "seed": seed,
            "steps": steps,
            "n_layer": duplication,
        }
        if on_stall is not None:
            block["on_stall"] = dict(on_stall)
        if max_repeats is not None:
            block["racing"] = {"max_repeats": max_repeats, "within": within}
        search = Growth.parse(block, config, (SCORE, direction), cost, "GrowSampler")
        super().__init__(search, direction, independent_sampler)
