"""Stock Optuna's tools on studies of every search: samplers within bounds of memory, importance of what varied."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.distributions import IntDistribution

from tests.support.program import Program
from tests.support.stock import stock, write_grid

OWN = "def own(config):\n    return {'score': float(config['a'] + config['b']), 'params': float(config['a'] * 100)}\n"
BLOCKS = {
    "grow": "{increments: {a: 1, b: 2}, steps: 2, repeats: 2}",
    "grid": "{axes: {a: [1, 2, 3], b: [10, 20]}, repeats: 2}",
    "depth": "{targets: [1000, 3000], widths: [8, 16], max_layers: 40, keys: {layers: a, width: b, heads: null}}",
    "fit": "{axis: a, low: 1, high: 64}",
}
MAX_VALUES = 100_000
"""Of a whole number: GPSampler keeps a list of them."""


@pytest.mark.parametrize("search", BLOCKS)
def test_a_stock_sampler_asks_within_bounds_of_memory(program: Program, url: str, tmp_path: Path, search: str) -> None:
    (tmp_path / "own.py").write_text(OWN)
    metric = "params" if search == "depth" else "score"
    cost = "cost: params\n" if search == "grow" else ""
    (tmp_path / "own.yaml").write_text(
        f"search: {search}\nobjective: own.py:own\nscore: {{metric: {metric}, direction: minimize}}\n{cost}"
        f"{search}: {BLOCKS[search]}\nconfig: {{a: 1, b: 10}}\n"
    )
    assert program("run", search, "--study", "own", "--file", tmp_path / "own.yaml").returncode == 0
    study = stock(url, "own")
    for trial in study.trials:
        for name, each in trial.distributions.items():
            assert not isinstance(each, IntDistribution) or each.high - each.low < MAX_VALUES, (name, each)
            assert each._contains(each.to_internal_repr(trial.params[name]))
    study.sampler = optuna.samplers.GPSampler(n_startup_trials=1, seed=0)
    asked = study.ask()
    assert all(each._contains(each.to_internal_repr(asked.params[name])) for name, each in asked.distributions.items())


def test_a_constant_seed_is_not_important(program: Program, url: str, tmp_path: Path) -> None:
    file = write_grid(tmp_path, "width: [1, 2, 3, 4], depth: [1, 2, 3]")
    assert program("run", "grid", "--study", "slow", "--file", file).returncode == 0
    importance = optuna.importance.get_param_importances(stock(url, "slow"))
    assert importance["seed"] == 0.0 and importance["width"] > 0.1 and importance["depth"] > 0.1, importance
