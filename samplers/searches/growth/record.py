"""The record of a growth's round: its whole table as JSON values, stored with the decision.

The keys and texts here are stored in every study and derived again by `replay`: they never change. Records of version
0.3, and those that it began, have no `rule`, no certainty and no intervals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from samplers.searches.growth.certainty import Certainty
from samplers.searches.growth.comparison import Comparison, Measurement
from samplers.searches.growth.loss_race import RULE, Standing
from samplers.searches.growth.rounds import Ranking
from samplers.searches.growth.settings import GrowthSettings
from samplers.searches.noise import mean, standard_error


def round_record(
    step: int,
    ranking: Ranking,
    said: Certainty,
    chosen: Comparison | None,
    event: str | None,
    raised: Mapping[str, Any],
    settings: GrowthSettings,
) -> dict[str, Any]:
    """The record of one round. `said` is how sure it is, `raised` what a stall raised."""
    tied = {id(each) for each in (ranking.tied if ranking.standing is None else said.tied)}
    record = {
        "round": step,
        "baseline": _measurement_record(ranking.baseline, settings),
        "candidates": [
            {
                **_comparison_record(comparison, comparison is chosen, id(comparison) in tied, settings),
                **_rival_record(place, comparison, ranking.standing),
            }
            for place, comparison in enumerate(ranking.comparisons)
        ],
        "chosen": None if chosen is None else {"param": chosen.candidate.param, "value": chosen.candidate.value},
        "event": event,
        "raised": raised,
    }
    if ranking.standing is None:
        return record
    return {
        **record,
        "rule": RULE,
        "sure": said.sure,
        "loss_at_most": said.loss_at_most,
        "again": said.again,
        "parted": said.parted,
    }


def _rival_record(place: int, row: Comparison, standing: Standing | None) -> dict[str, Any]:
    """Halves of 95 % intervals, and the probability that the candidate is better than the chosen one, rounded so that
    they are the same on every machine."""
    if standing is None:
        return {}
    gain, efficiency = standing.intervals(row)
    rival = standing.rivals.get(place) if standing.is_known else None
    return {
        "gain_95": gain,
        "efficiency_95": efficiency,
        "better": None if rival is None else round(rival.p, 4),
    }


def _measurement_record(measurement: Measurement, settings: GrowthSettings) -> dict[str, Any]:
    """Means, and the values of every seed."""
    trials = [result.trial for result in measurement.results]
    if measurement.reason is not None:
        return {"score": None, "cost": None, "trials": trials, "seeds": []}
    by_seed = zip(measurement.scores, measurement.costs, measurement.results, strict=True)
    return {
        "score": mean(measurement.scores),
        "cost": mean(measurement.costs),
        "trials": trials,
        "seeds": [
            {
                "seed": settings.seed + index,
                "score": score,
                "cost": cost,
                "trial": result.trial,
                "metrics": {name: value for name, value in result.metrics.items() if math.isfinite(value)},
            }
            for index, (score, cost, result) in enumerate(by_seed)
        ],
    }


def _comparison_record(row: Comparison, chosen: bool, tied: bool, settings: GrowthSettings) -> dict[str, Any]:
    measured = _measurement_record(row.measurement, settings)
    gain_error = None if row.gain is None else standard_error(row.gains)
    efficiency_error = None if row.gain is None or row.efficiency is None else standard_error(row.worth)
    return {
        "param": row.candidate.param,
        "value": row.candidate.value,
        "score": measured["score"],
        "cost": measured["cost"],
        "gain": row.gain,
        "added_cost": row.added_cost,
        "efficiency": row.efficiency,
        "eligible": row.eligible,
        "chosen": chosen,
        "tie": tied,
        "reason": row.reason,
        "gain_error": _finite(gain_error),
        "efficiency_error": _finite(efficiency_error),
        "dup": row.candidate.copied,
        "trials": measured["trials"],
        "seeds": measured["seeds"],
    }


def _finite(value: float | None) -> float | None:
    """None where the value is infinite, which JSON cannot hold."""
    return value if value is not None and math.isfinite(value) else None
