"""Studies that obey a law, or none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

WIDTHS = [{"width": 2**power} for power in range(4, 14)]
NAMES = ["语言 модель", 'a"b</script><b>&', "x" * 1000]


def law(config: Mapping[str, Any]) -> dict[str, float]:
    """loss = 1.5 + 0.5 · (params / 1e5)^-0.4, and a noise that its seed decides."""
    params = 10.0 * config["width"] ** 1.5
    noise = np.random.default_rng([config["seed"], config["width"]]).normal(0, 0.01)
    return {"params": params, "loss": 1.5 + 0.5 * (params / 1e5) ** -0.4 + noise}


def broken(config: Mapping[str, Any]) -> str:
    return "error: " + "y" * 3000


def nothing(config: Mapping[str, Any]) -> dict[str, float]:
    return {"params": math.nan, "loss": math.inf}


def long_series(config: Mapping[str, Any]) -> list[tuple[int, Mapping[str, float]]]:
    return [(step, {"loss": 2.0 / (1 + step), "tokens": 10.0 * step}) for step in range(80)]


def noise(config: Mapping[str, Any]) -> dict[str, float]:
    generator = np.random.default_rng([config["seed"], config["width"]])
    return {"params": 10.0 * config["width"] ** 1.5, "loss": generator.normal(1.5, 0.1)}
