"""A landscape with known steps: closed forms for loss and costs, and a greedy growth search's twelve choices."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BASELINE = {
    "n_layer": 1,
    "n_head": 1,
    "n_cproj": 1,
    "n_embd": 32,
    "mlp_size": 32,
    "n_qk_head_dim": 32,
    "n_v_head_dim": 32,
    "max_iters": 5000,
}
INCREMENTS = {
    "n_layer": 1,
    "n_head": 1,
    "n_cproj": 1,
    "n_embd": 32,
    "mlp_size": 32,
    "n_qk_head_dim": 32,
    "n_v_head_dim": 32,
}
CHOICES = ["mlp_size", "n_head", "n_embd", "n_v_head_dim", "n_embd", "mlp_size"]
CHOICES += ["n_qk_head_dim", "n_embd", "n_layer", "n_embd", "n_cproj", "mlp_size"]


def landscape(config: Mapping[str, Any]) -> dict[str, float]:
    """Score and costs of a configuration, of a network with 65 words and 256 learned positions; sleeps `seconds`, and
    one that has grown as long as there is a file `hold` beside this one."""
    time.sleep(config.get("seconds", 0))
    layers, heads, projections = config["n_layer"], config["n_head"], config["n_cproj"]
    width, mlp, keys, values = config["n_embd"], config["mlp_size"], config["n_qk_head_dim"], config["n_v_head_dim"]
    has_grown = (layers, heads, projections) != (1, 1, 1) or {width, mlp, keys, values} != {32}
    while has_grown and Path(__file__).with_name("hold").exists():
        time.sleep(0.05)
    loss = (
        1.5
        + 0.40 * layers**-0.9
        + 0.25 * heads**-0.8
        + 0.05 * projections**-0.7
        + 1.2 * (width / 32) ** -0.8
        + 0.20 * (mlp / 32) ** -0.9
        + 0.12 * (keys / 32) ** -0.9
        + 0.15 * (values / 32) ** -0.9
        + 40 / config["max_iters"]
    )
    loss += ((7919 * config["seed"] % 1009) / 1009 - 0.5) * config.get("noise", 0)
    per_layer = 2 * width + width * heads * (2 * keys + values) + projections * values * width + 2 * width * mlp + heads
    params = (65 + 256 + 1) * width + layers * per_layer
    milliseconds = 3 + 1.1 * layers + 0.02 * width + 0.25 * heads + 0.001 * mlp
    milliseconds += 0.002 * keys + 0.003 * values + 0.01 * projections
    return {
        "score": math.exp(-loss),
        "loss": loss,
        "params": float(params),
        "vram": 200 + 7.5 * layers + 16 * params / 2**20,
        "iter": milliseconds,
        "best_iter": 0.0,
    }


def write_definition(folder: Path, steps: int = 12, seconds: float = 0.0, more: str = "") -> Path:
    """The landscape as a user's own objective and definition: a Python file and a YAML file beside it."""
    (folder / "landscape.py").write_text(Path(__file__).read_text())
    config = "\n".join(f"  {name}: {value}" for name, value in {**BASELINE, "seconds": seconds}.items())
    increments = ", ".join(f"{name}: {value}" for name, value in INCREMENTS.items())
    file = folder / "trace.yaml"
    file.write_text(
        "search: grow\nobjective: landscape.py:landscape\nscore: {metric: score, direction: maximize}\ncost: params\n"
        f"grow:\n  increments: {{{increments}}}\n  steps: {steps}\n{more}config:\n{config}\n"
    )
    return file
