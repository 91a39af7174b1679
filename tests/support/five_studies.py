"""A study of each search, of the sizes that a team's own have: twelve steps of growth, 72 settings of three seeds, 200
settings of a tune. Objectives are closed forms with a noise that the seed decides."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from studies.report.facts import Facts
from tests.support.growth_trace import BASELINE, INCREMENTS, landscape
from tests.support.read_studies import read_study

MINIMIZE_LOSS = {"metric": "val_loss", "direction": "minimize"}
GROW = {
    "search": "grow",
    "question": "Which size of a small transformer should grow next, for its parameters?",
    "score": {"metric": "next_token_probability", "direction": "maximize"},
    "cost": "params",
    "grow": {"increments": INCREMENTS, "repeats": 2, "racing": {"max_repeats": 8}, "steps": 12},
    "config": BASELINE,
}
GRID = {
    "search": "grid",
    "question": "Which learning rate, width and depth are best?",
    "score": MINIMIZE_LOSS,
    "cost": "params",
    "grid": {
        "axes": {
            "learning_rate": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2],
            "width": [64, 128, 256, 512],
            "depth": [2, 4, 8],
        },
        "repeats": 3,
    },
    "config": {"learning_rate": 1e-3, "width": 64, "depth": 2},
}
TUNE = {
    "search": "tune",
    "question": "Which learning rate, weight decay, dropout and optimizer?",
    "score": MINIMIZE_LOSS,
    "tune": {
        "sampler": "random",
        "space": {
            "learning_rate": {"log": [1e-5, 1e-1]},
            "weight_decay": {"log": [1e-4, 1.0]},
            "dropout": {"float": [0.0, 0.5]},
            "warmup": {"range": [0, 10]},
            "optimizer": ["adamw", "lion", "sgd"],
        },
        "settings": 200,
        "ahead": 4,
        "seed": 1,
    },
    "config": {"learning_rate": 1e-3, "weight_decay": 0.1, "dropout": 0.0, "warmup": 1, "optimizer": "adamw"},
}
FRONT = {
    **TUNE,
    "question": "How much loss is a small model worth?",
    "score": [MINIMIZE_LOSS, {"metric": "milliseconds", "direction": "minimize"}],
}
DEPTH = {
    "search": "depth",
    "question": "How deep is a model of a given width for 20, 50 and 100 million parameters?",
    "score": {"metric": "params", "direction": "maximize"},
    "depth": {"targets": [20_000_000, 50_000_000, 100_000_000], "widths": [128, 256, 384, 512, 768, 1024, 1536]},
    "config": {"n_layer": 1, "n_embd": 128},
}
FIT = {
    "search": "fit",
    "question": "Which batch fills the card?",
    "score": {"metric": "tokens_per_second", "direction": "maximize"},
    "fit": {"axis": "batch_size", "low": 1, "high": 4096},
    "config": {"batch_size": 1},
}


def noise(config: Mapping[str, Any], size: float) -> float:
    numbers = [round(1e6 * float(value)) % 2**32 for value in config.values() if isinstance(value, int | float)]
    return float(np.random.default_rng(numbers).normal(0, size))


def grown(config: Mapping[str, Any]) -> dict[str, float]:
    """The landscape of growths, with noise and its parameters by part."""
    found = landscape({name: value for name, value in config.items() if name != "noise"})
    loss = found["loss"] + noise(config, 0.004)
    layers, width = config["n_layer"], config["n_embd"]
    embedding, mlp = 322.0 * width, 2.0 * layers * width * config["mlp_size"]
    return {
        "next_token_probability": math.exp(-loss),
        "val_loss": loss,
        "params": found["params"],
        "params_embedding": embedding,
        "params_mlp": mlp,
        "params_attention": found["params"] - embedding - mlp - 2 * width * layers,
        "vram": found["vram"],
        "iter": found["iter"],
    }


def bowl(config: Mapping[str, Any]) -> dict[str, float]:
    """A loss with its best learning rate the lower, the wider the model; large rates diverge."""
    width, depth, rate = config["width"], config["depth"], config["learning_rate"]
    params = 12.0 * depth * width**2 + 1000 * width
    best = 3e-3 * (128 / width) ** 0.7
    loss = 1.6 + 2.0 * (params / 1e4) ** -0.25 + 0.06 * math.log(rate / best) ** 2
    loss += 3.0 if rate > 10 * best else 0.0
    return {"val_loss": loss + noise(config, 0.02), "params": params, "milliseconds": 2.0 + depth * width / 300}


def tuned(config: Mapping[str, Any]) -> dict[str, float]:
    """One axis matters much, one a little, the others hardly."""
    rate = config["learning_rate"]
    loss = 1.8 + 0.12 * math.log10(rate / 2e-3) ** 2 + 0.3 * (config["dropout"] - 0.15) ** 2
    loss += {"adamw": 0.0, "lion": 0.02, "sgd": 0.25}[config["optimizer"]]
    loss += 0.005 * abs(math.log10(config["weight_decay"] / 0.1)) + noise(config, 0.01)
    loss += 4.0 if rate > 0.05 else 0.0
    milliseconds = 5 + 20 * (0.5 - config["dropout"]) + {"adamw": 3.0, "lion": 1.5, "sgd": 0.0}[config["optimizer"]]
    return {"val_loss": loss, "milliseconds": milliseconds + 0.4 * config["warmup"]}


def deep(config: Mapping[str, Any]) -> dict[str, float]:
    layers, width = config["n_layer"], config["n_embd"]
    return {"params": float(50_257 * width + layers * (12 * width**2 + 13 * width) + 2 * width)}


def fitted(config: Mapping[str, Any]) -> dict[str, float] | str:
    batch = config["batch_size"]
    if batch > 741:
        return "out of memory: held 79 GiB of 79.6 GiB"
    speed = 4.1e5 * batch / (batch + 24) * (1 - 0.08 * (batch / 741) ** 4)
    return {
        "tokens_per_second": speed,
        "peak_memory": 2100 + 104.0 * batch,
        "memory_fraction": (2100 + 104 * batch) / 81_500,
    }


def curve(config: Mapping[str, Any]) -> list[tuple[int, Mapping[str, float]]]:
    """A trial's reports, down to its end."""
    found = next(
        made(config) for made, name in ((grown, "n_head"), (bowl, "depth"), (tuned, "dropout")) if name in config
    )
    end = found["val_loss"]
    return [
        (step, {"val_loss": end + 6.0 * math.exp(-step / 150) + 0.4 / (1 + step / 300), "tokens": 512.0 * step})
        for step in range(0, 2001, 50)
    ]


def grow(steps: int = 12) -> Facts:
    return read_study("lobo", GROW, grown, curve, steps)


def grid() -> Facts:
    return read_study("sweep", GRID, bowl, curve)


def tune() -> Facts:
    return read_study("tune-lr", TUNE, tuned, curve)


def front() -> Facts:
    return read_study("front", FRONT, tuned)


def depth() -> Facts:
    return read_study("depth-100m", DEPTH, deep)


def fit() -> Facts:
    return read_study("largest", FIT, fitted)
