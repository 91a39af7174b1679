"""Studies put into the database as if they had been run: every trial planned, claimed and finished by the ledger's own
verbs, without a process. An objective gives metrics, or a text: why it failed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.distributions import CategoricalDistribution, distribution_to_json

from samplers.searches.growth.growth import Growth
from samplers.searches.plan import Decision, Done, Need, Point
from storage.ledger import End, Ledger, NewPoint
from storage.reader import Reader
from storage.records import scores_of
from storage.studies import NewStudy, create_study, set_outcome
from tests.support.planned import begin

Objective = Callable[[Mapping[str, Any]], Mapping[str, float] | str | None]
"""None: it is left waiting."""
Series = Callable[[Mapping[str, Any]], Sequence[tuple[int, Mapping[str, float]]]]


def grid(
    url: str,
    name: str,
    settings: Sequence[Mapping[str, Any]],
    objective: Objective,
    seeds: int = 1,
    series: Series | None = None,
    cost: str | None = "params",
    fixed: Mapping[str, Any] | None = None,
) -> None:
    """A grid study `minimize loss`, a trial a setting and seed."""
    ledger, worker = _study(url, name, "grid", {"score": {"metric": "loss", "direction": "minimize"}, "cost": cost})
    points = [
        Point({**(fixed or {}), **setting}, seed, {}, {"role": "cell", "setting": dict(setting)})
        for setting in settings
        for seed in range(1, seeds + 1)
    ]
    _run(ledger, worker, points, objective, series)
    ledger.session.close()


def growth(
    url: str,
    name: str,
    block: Mapping[str, Any],
    config: Mapping[str, Any],
    objective: Objective,
    series: Series | None = None,
    metric: str = "score",
) -> None:
    """A growth study `maximize METRIC` for params, to its end."""
    definition = {"score": {"metric": metric, "direction": "maximize"}, "cost": "params", "grow": block}
    ledger, worker = _study(url, name, "grow", {**definition, "config": config})
    search = Growth.parse(block, config, (metric, "maximize"), "params", "test.yaml")
    state, number = search.start(), 0
    known: dict[str, Any] = {}
    while not isinstance(said := search.advance(state, known), Done):
        match said:
            case Need(points):
                _run(ledger, worker, points, objective, series)
                known |= {hash_: _result(each) for hash_, each in ledger.results([p.hash for p in points]).items()}
            case Decision() as made:
                state = json.loads(json.dumps(made.state))
                ledger.record_decision(number, made.kind, made.record, state, [], "test")
                number += 1
    set_outcome(ledger.session, ledger.study_id, said.reason, said.kind)
    ledger.session.close()


def _study(url: str, name: str, search: str, definition: Mapping[str, Any]) -> tuple[Ledger, int]:
    whole = {"search": search, "objective": "x:y", "config": {}, search: {}, **definition}
    ledger, _ = begin(url, "other")
    scores = scores_of(whole)
    names = ("params", *(each.metric for each in scores))
    create_study(ledger.session, NewStudy(name, search, scores, whole, whole, "hash", {}, {}, names))
    ledger.session.close()
    assert Reader(begin(url, name)[0].session).study(name).search == search
    return begin(url, name)


def _run(
    ledger: Ledger, worker: int, points: Sequence[Point], objective: Objective, series: Series | None = None
) -> None:
    kind = distribution_to_json(CategoricalDistribution(["a"]))
    ledger.plan_points([NewPoint(each.hash, each.config, each.seed, each.role, [("x", 0, kind)]) for each in points], 0)
    for _ in points:
        claim = ledger.claim_trial(worker, "cpu0")
        assert claim is not None
        metrics = objective({**claim.config, "seed": claim.seed})
        if series is not None:
            reports = series({**claim.config, "seed": claim.seed})
            ledger.report_steps(claim, [(step, metrics, None) for step, metrics in reports])
        if metrics is None:
            ledger.release_trial(claim, End("given_back"))
            return
        if isinstance(metrics, str):
            ledger.finish_trial(claim, "FAIL", End("error", metrics), (), {}, metrics)
        else:
            ledger.finish_trial(claim, "COMPLETE", End("completed"), [0.0], metrics, None)


def _result(known: Any) -> Any:
    from samplers.searches.plan import Result

    return Result(known.number, known.state, known.metrics, known.reason, known.outcome)
