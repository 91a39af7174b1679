"""What a nested start buys: how much less the gain of each candidate of `lobo` varies over seeds.

    python benchmarks/pairing.py [--seeds 12] [--file RESULTS]

Trains `lobo`'s baseline, at n_embd 64 and mlp_size 64, and each candidate of a first step with the same seeds, once
from sequential starts and once from nested ones (`init:` of the objective gpt): 192 trainings of 600 iterations of 8 x
64 bytes, one thread. A candidate's gain is its score less the baseline's with the same seed. For each candidate it
prints the correlation with the baseline's scores, the standard deviation of the gain, the ratio of the gain's
variances, nested / sequential, with its 95 % interval by the F distribution, and the mean score with its difference,
nested - sequential, and that one's standard error. The interval of the ratios' geometric mean is a bootstrap over
seeds (Efron & Tibshirani, 1993), since all candidates share the baseline.

RESULTS keeps each score as it is measured; the same command goes on from there.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import f as f_distribution

from objectives.gpt import objective
from samplers.searches.growth.settings import parse_settings
from storage.home import CHECKOUT
from studies.definition.definition import Definition

LAPTOP = {"n_embd": 64, "mlp_size": 64, "batch_size": 8, "block_size": 64, "eval_iters": 50}
LENGTH = {"max_iters": 600, "eval_interval": 600}
STARTS = ("sequential", "nested")
BASELINE = "baseline"
FIRST_SEED = 1337
RESAMPLES = 10_000

Floats = NDArray[np.float64]


class Quiet:
    """A trial that keeps nothing."""

    device, checkpoint_dir, run_dir = "cpu", None, None

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def report(self, step: int, **metrics: float) -> None:
        pass

    def should_stop(self) -> bool:
        return False

    def attach(self, path: Path | str) -> None:
        pass


def configurations() -> dict[str, dict[str, Any]]:
    """The baseline, and each increment of `lobo` on top of it."""
    definition = Definition.load(CHECKOUT / "studies" / "lobo.yaml")
    base = {**definition.config, **LAPTOP, **LENGTH}
    increments = parse_settings(definition.settings, base, "lobo").increments
    return {BASELINE: base, **{name: {**base, name: base[name] + amount} for name, amount in increments.items()}}


def measured(seeds: int, file: Path | None) -> dict[tuple[str, str], Floats]:
    """The scores over seeds of each start and configuration."""
    known = dict(_kept(file))
    made, began = configurations(), time.monotonic()
    wanted = [(start, name, FIRST_SEED + k) for k in range(seeds) for name in made for start in STARTS]
    missing = [each for each in wanted if each not in known]
    for done, (start, name, seed) in enumerate(missing, 1):
        score = objective({**made[name], "init": start}, Quiet(seed))["next_token_probability"]
        known[start, name, seed] = score
        if file is not None:
            with file.open("a") as opened:
                opened.write(json.dumps([start, name, seed, score]) + "\n")
        left = (time.monotonic() - began) / done * (len(missing) - done)
        print(f"{done} of {len(missing)}, {left / 60:.0f} min left", file=sys.stderr, flush=True)
    return {
        (start, name): np.array([known[start, name, FIRST_SEED + k] for k in range(seeds)])
        for name in made
        for start in STARTS
    }


def _kept(file: Path | None) -> Iterator[tuple[tuple[str, str, int], float]]:
    if file is not None and file.exists():
        for line in file.read_text().splitlines():
            start, name, seed, score = json.loads(line)
            yield (start, name, seed), score


def geometric_mean(gains: Mapping[str, Mapping[str, Floats]]) -> tuple[float, float, float]:
    """The geometric mean over candidates of the ratio of variances, and the ends of its 95 % interval."""
    nested, sequential = (np.stack([each[start] for each in gains.values()]) for start in ("nested", "sequential"))

    def mean(one: Floats, other: Floats) -> float:
        return math.exp(np.log(one.var(-1, ddof=1) / other.var(-1, ddof=1)).mean())

    draw = np.random.default_rng(0)
    seeds = nested.shape[1]
    resampled = [
        mean(nested[:, draw.integers(seeds, size=seeds)], sequential[:, draw.integers(seeds, size=seeds)])
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(resampled, (0.025, 0.975))
    return mean(nested, sequential), float(low), float(high)


def main() -> None:
    parser = argparse.ArgumentParser(description="What a nested start buys.")
    parser.add_argument("--seeds", type=int, default=12, help="seeds of each configuration and start")
    parser.add_argument("--file", type=Path, help="keep scores here and go on from them")
    arguments = parser.parse_args()
    if arguments.seeds < 3:
        parser.error(f"--seeds is {arguments.seeds}; at least 3 are needed")
    torch.set_num_threads(1)
    scores = measured(arguments.seeds, arguments.file)
    names = list(dict.fromkeys(name for _, name in scores))
    gains = {
        name: {start: scores[start, name] - scores[start, BASELINE] for start in STARTS}
        for name in names
        if name != BASELINE
    }
    degrees = arguments.seeds - 1
    spread = f_distribution.ppf(0.975, degrees, degrees)
    print(f"{arguments.seeds} seeds; sd of the gain in 10^-3 of score, sequential -> nested")
    print(f"{'':14} {'correlation':>16} {'sd of the gain':>16} {'variance':>9}  95 % interval   score")
    for name in names:
        before, after = scores["sequential", name], scores["nested", name]
        error = math.sqrt((before.var(ddof=1) + after.var(ddof=1)) / arguments.seeds)
        means = f"{before.mean():.4f} {(after.mean() - before.mean()) * 1e3:+.2f} ± {error * 1e3:.2f} e-3"
        if name == BASELINE:
            print(f"{name:14} {'':61} {means}")
            continue
        pairs = [np.corrcoef(scores[start, name], scores[start, BASELINE])[0, 1] for start in STARTS]
        sds = [gains[name][start].std(ddof=1) * 1e3 for start in STARTS]
        ratio = (sds[1] / sds[0]) ** 2
        print(
            f"{name:14} {pairs[0]:+7.2f} -> {pairs[1]:+5.2f} {sds[0]:7.2f} -> {sds[1]:5.2f} {ratio:9.2f}"
            f"  {ratio / spread:5.2f} to {ratio * spread:5.2f}  {means}"
        )
    print("geometric mean of the variances: {:.2f} (95 %: {:.2f} to {:.2f})".format(*geometric_mean(gains)))


if __name__ == "__main__":
    main()
