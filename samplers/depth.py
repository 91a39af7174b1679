"""The depth search as an Optuna sampler: samplers/searches/depth/depth.py under `study.optimize`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.samplers import BaseSampler

from samplers.ends import SCORE
from samplers.planned import PlannedSampler
from samplers.searches.depth.depth import Depth


class DepthSampler(PlannedSampler):
    """Find the depths (or widths) whose parameter counts come closest to the targets, with as few counts as it takes.

    The objective returns a model's number of parameters:

        def objective(trial):
            config = DepthSampler.config(trial)       # or trial.suggest_int("n_layer", 1, 100) and "n_embd"
            return sum(p.numel() for p in build(config).parameters())

    Without `n_trials`, `optimize` ends by itself. The records of `history(study)[0]` hold the answers.
    """

    def __init__(
        self,
        targets: int | Sequence[int],
        config: Mapping[str, Any] | None = None,
        *,
        widths: str | int | Sequence[int] | None = None,
        num_heads: int = 8,
        min_layers: int | None = None,
        max_layers: int | None = None,
        uniform: bool = False,
        solve: str = "layers",
        layers: int | Sequence[int] | None = None,
        min_width: int | None = None,
        max_width: int | None = None,
        width_step: int | None = None,
        keys: Mapping[str, str | None] | None = None,
        direction: str = "minimize",
        independent_sampler: BaseSampler | None = None,
    ) -> None:
        """The settings of a definition's `depth:` block.

        Args:
            targets: The numbers of parameters to come closest to.
            config: The other values that the objective receives: JSON values by name.
            widths: "auto" (2 · num_heads · m for m = 1 … 20, the default), one, or several.
            num_heads: Divides every width.
            min_layers: The lower bound, 1 if not given.
            max_layers: The upper bound, 100 if not given.
            uniform: Whether every layer is known to have the same number of parameters: three counts of a width then
                answer all of its targets, and answers need not have been counted themselves.
            solve: "layers", or "width": the widths for fixed numbers of `layers`.
            layers: Those numbers.
            min_width: With `solve="width"`, the lower bound: `width_step` if not given.
            max_width: The upper bound: 200 steps above the lower one if not given.
            width_step: Between two widths: 2 · num_heads if not given.
            keys: Names in the config, by "layers" (n_layer), "width" (n_embd) and "heads" (n_head; None sets none).
            direction: The study's. The search does not depend on it.
            independent_sampler: For names that the search does not vary.

        Raises:
            UsageError: A setting is wrong.
        """
        given = {
            "targets": targets,
            "widths": widths,
            "num_heads": num_heads,
            "min_layers": min_layers,
            "max_layers": max_layers,
            "uniform": uniform or None,
            "solve": solve,
            "layers": layers,
            "min_width": min_width,
            "max_width": max_width,
            "width_step": width_step,
            "keys": keys,
        }
        block = {key: value for key, value in given.items() if value is not None}
        search = Depth.parse(block, config or {}, "DepthSampler", SCORE)
        super().__init__(search, direction, independent_sampler)
