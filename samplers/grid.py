"""The grid search as an Optuna sampler: samplers/searches/grid/grid.py under `study.optimize`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from optuna.samplers import BaseSampler

from samplers.ends import SCORE
from samplers.planned import PlannedSampler
from samplers.searches.grid.grid import Grid
from samplers.searches.new_names import with_new_names
from samplers.searches.race.purchases import DEFAULT_WITHIN


class GridSampler(PlannedSampler):
    """Every combination of the axes' values, with every seed, once.

        sampler = GridSampler({"n_head": [1, 2, 4], "n_embd": {"range": [16, 64, 16]}}, where="n_embd % n_head == 0")
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.optimize(objective)

    The objective asks for the values by name, `trial.suggest_int("n_head", 1, 64)`, or for all of them:
    `GridSampler.config(trial)`. Without `n_trials`, `optimize` ends when every point is evaluated.
    """

    def __init__(
        self,
        axes: Mapping[str, Any],
        config: Mapping[str, Any] | None = None,
        *,
        direction: str = "maximize",
        derive: Mapping[str, str] | None = None,
        where: str | Sequence[str] = (),
        zip: Sequence[Sequence[str]] = (),
        when: Mapping[str, str] | None = None,
        repeats: int = 1,
        seed: int = 1337,
        seeds: str = "inner",
        max_repeats: int | None = None,
        within: float = DEFAULT_WITHIN,
        independent_sampler: BaseSampler | None = None,
    ) -> None:
        """The settings of a definition's `grid:` block.

        Args:
            axes: Values by name: a list, `{"range": [from, to, by]}` or `{"log": [from, to, how many]}`.
            config: The values that do not vary. Axes and derived names that it lacks and that expressions use are
                helpers, which the objective does not receive. If not given, it holds all axes and derived names.
            direction: The study's, "maximize" or "minimize".
            derive: Further values by name, as expressions over the others (samplers/searches/grid/expressions.py).
            where: Conditions that every combination has to meet.
            zip: Axes that move together.
            when: Conditions of axes that exist only where they hold.
            repeats: Seeds of each combination: seed, seed + 1, …
            seed: The first.
            seeds: "inner", all seeds of a combination together; or "outer", all combinations with a seed together.
            max_repeats: The best settings get more seeds where a wrong choice would cost most, up to this many.
            within: They get none where a wrong choice is expected to cost less than this share of what the best gains
                over the middle one.
            independent_sampler: For names that are not in the grid.

        Raises:
            UsageError: A setting is wrong.
        """
        block: dict[str, Any] = {
            "axes": dict(axes),
            "derive": dict(derive or {}),
            "where": [where] if isinstance(where, str) else list(where),
            "zip": [list(names) for names in zip],
            "when": dict(when or {}),
            "repeats": repeats,
            "seed": seed,
            "order": {"seeds": seeds},
        }
        if max_repeats is not None:
            block["racing"] = {"max_repeats": max_repeats, "within": within}
        if config is None:
            config = dict.fromkeys((*axes, *(derive or {})))
        block = dict(with_new_names(block, config, (), False, "GridSampler"))
        super().__init__(Grid.parse(block, config, "GridSampler", (SCORE, direction)), direction, independent_sampler)
