"""What a growth's round may cost before it runs: the seeds that each increment may need, and increments of one size.

A candidate's gain over n seeds has the variance 2·sd²/n, where sd is that of one score over seeds: both the candidate
and the baseline vary. A gain of `worth` for each unit of added cost c shows (exceeds two standard errors) from

    n = 8 · (sd / (worth · c))²

seeds on. So an increment that adds half the cost needs four times the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

USUAL_SD = 0.015
"""Standard deviation over seeds of gpt's loss, in nats, measured on `lobo` at several sizes."""
USUAL_WORTH = 0.2
"""What its better steps take off the loss, in nats, if they double the parameters."""
NESTED_VARIANCE = 0.22
"""Share of a gain's variance that is left with nested starts (benchmarks/pairing.py)."""
LOSSES = ("val_loss", "next_token_probability")
"""Scores for which these hold: a probability's relative change is its loss's change."""
MAX_SEEDS = 64
"""More than these are not foretold, without a race that has its own limit."""
MAX_FACTOR = 16
"""The largest multiple of an increment that is proposed."""


@dataclass(frozen=True)
class Increment:
    """One step up of one parameter."""

    param: str
    amount: float
    added: float
    """Cost."""


@dataclass(frozen=True)
class Assumed:
    """The noise of a score and what growth gains, with where both come from."""

    sd: float
    """Of one score over seeds."""
    worth: float
    """Gain for each unit of cost, in the same unit."""
    source: str

    def seeds(self, added: float) -> float:
        """Seeds after which the gain of so much cost exceeds two standard errors; infinite if none do."""
        gain = self.worth * added
        return math.inf if gain <= 0 else math.ceil(8 * (self.sd / gain) ** 2)


def usual(objective: str, metric: str, cost: str, config: Mapping[str, Any], baseline_cost: float) -> Assumed | None:
    """What was measured on `lobo` (benchmarks/pairing.py), for a study of the same kind; None: nothing is known."""
    if objective != "gpt" or metric not in LOSSES or cost != "params" or baseline_cost <= 0:
        return None
    share = NESTED_VARIANCE**0.5 if config.get("init") == "nested" else 1.0
    nested = f" ({share * 100:.0f} % of that with nested starts)" if share < 1 else ""
    source = (
        f"if the loss has a standard deviation of {USUAL_SD:g} over seeds{nested} and falls by {USUAL_WORTH / 100:g}"
        " with 1 % more parameters, as lobo's did"
    )
    return Assumed(USUAL_SD * share, USUAL_WORTH / baseline_cost, source)


def own(noise: Mapping[str, float] | None, last: Mapping[str, Any] | None) -> Assumed | None:
    """This study's noise, and the efficiency of its last step; None: it has no such round yet."""
    efficiency = None if last is None else last["efficiency"]
    if noise is None or not efficiency:
        return None
    source = f"at this study's noise (standard deviation {noise['sd']:.2g}) and the efficiency of its last step"
    return Assumed(noise["sd"], efficiency, source)


def seeds_note(increments: Sequence[Increment], assumed: Assumed, least: int, most: int | None) -> str:
    """How many seeds each increment may need; a round measures at least `least`, and a race at most `most`."""
    limit = most or max(MAX_SEEDS, least)
    by_seeds: dict[float, list[str]] = {}
    for each in increments:
        seeds = max(least, assumed.seeds(each.added))
        by_seeds.setdefault(min(seeds, limit + 1), []).append(each.param)
    texts = [
        f"{', '.join(by_seeds[seeds])}: {f'more than {limit}' if seeds > limit else f'{seeds:.0f}'}"
        for seeds in sorted(by_seeds)
    ]
    return f"seeds that a gain may need before it shows, {assumed.source}: {'; '.join(texts)}"


def alike_note(increments: Sequence[Increment], cost: str) -> str | None:
    """Multiples of the increments that add about as much as the dearest one, and are measured as well as it; None if
    there is none to propose.

    >>> alike_note([Increment("n_embd", 32, 8320), Increment("mlp_size", 32, 2048)], "params")
    'of about equal added cost, and so measured alike: mlp_size by 128 in place of 32 (n_embd adds 8,320 params)'
    """
    dearest = max(increments, key=lambda each: each.added, default=None)
    if dearest is None:
        return None
    texts = []
    for each in increments:
        factor = round(dearest.added / each.added) if each.added > 0 else 0
        if 2 <= factor <= MAX_FACTOR:
            texts.append(f"{each.param} by {each.amount * factor:g} in place of {each.amount:g}")
    if not texts:
        return None
    dear = f"{dearest.param} adds {dearest.added:,.6g} {cost}"
    return f"of about equal added cost, and so measured alike: {', '.join(texts)} ({dear})"
