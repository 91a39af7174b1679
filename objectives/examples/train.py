"""An ordinary training script, without any Studyhall code. It fits a small network to a wave in pure Python.

python train.py --hidden 4 --harmonics 1 2 --seed 1 --out_dir out

objectives/examples/train.yaml grows its network. It appends a line of metrics every 50 steps and also runs by hand.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hidden", type=int, default=2, help="tanh units")
    parser.add_argument("--harmonics", type=float, nargs="*", default=[1.0], help="of the wave to be learned")
    parser.add_argument("--learning_rate", type=float, default=0.1)
    parser.add_argument("--offset", type=float, default=0.0, help="of the wave")
    parser.add_argument("--bias", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--max_iters", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out_dir", type=Path, required=True)
    options = parser.parse_args()

    dice = random.Random(options.seed)
    data = [(x, wave(x, options)) for x in (dice.uniform(-1, 1) for _ in range(48))]
    train, val = data[:32], data[32:]
    units = [[dice.gauss(0, 2), dice.gauss(0, 1) * options.bias, dice.gauss(0, 0.5)] for _ in range(options.hidden)]
    params = options.hidden * (3 if options.bias else 2)
    options.out_dir.mkdir(parents=True, exist_ok=True)
    with (options.out_dir / "metrics.jsonl").open("w") as file:
        for step in range(options.max_iters + 1):
            if step % 50 == 0 or step == options.max_iters:
                metrics = {
                    "step": step,
                    "train_loss": loss(units, train),
                    "val_loss": loss(units, val),
                    "params": params,
                }
                print(json.dumps(metrics), file=file, flush=True)
                print(f"step {step}: val loss {metrics['val_loss']:.4f}")
            descend(units, dice.sample(train, 8), options.learning_rate, options.bias)


def wave(x: float, options: argparse.Namespace) -> float:
    return float(options.offset + sum(math.sin(math.pi * each * x) / each for each in options.harmonics))


def output(units: list[list[float]], x: float) -> float:
    return sum(out * math.tanh(weight * x + bias) for weight, bias, out in units)


def loss(units: list[list[float]], data: list[tuple[float, float]]) -> float:
    """Mean squared error."""
    return sum((output(units, x) - y) ** 2 for x, y in data) / len(data)


def descend(units: list[list[float]], batch: list[tuple[float, float]], rate: float, bias: bool) -> None:
    """One step of gradient descent."""
    for x, y in batch:
        error = rate * (output(units, x) - y) / len(batch)
        for unit in units:
            height = math.tanh(unit[0] * x + unit[1])
            slope = error * unit[2] * (1 - height**2)
            unit[0] -= slope * x
            unit[1] -= slope * bias
            unit[2] -= error * height


if __name__ == "__main__":
    main()
