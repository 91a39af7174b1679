"""A grid, and plain Optuna beside it."""

from __future__ import annotations

from pathlib import Path

import optuna

SLOW = """
import time

def objective(config):
    time.sleep(config.get("seconds", 0))
    return {"score": float(config["width"] * config["depth"])}
"""


def write_grid(folder: Path, axes: str, seconds: float = 0.0) -> Path:
    (folder / "slow.py").write_text(SLOW)
    file = folder / "slow.yaml"
    file.write_text(
        "search: grid\nobjective: slow.py:objective\nscore: {metric: score, direction: maximize}\n"
        f"grid:\n  axes: {{{axes}}}\nconfig: {{width: 1, depth: 1, seconds: {seconds}}}\n"
    )
    return file


def stock(url: str, name: str) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=url)
