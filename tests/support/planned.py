"""A planned study made by hand, for tests of the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.distributions import IntDistribution, distribution_to_json

from storage.ledger import Ledger, NewPoint
from storage.locks import WORKER_LOCKS
from storage.reader import Reader
from storage.records import Score
from storage.session import Session
from storage.studies import NewStudy, create_study

LAYERS = distribution_to_json(IntDistribution(0, 10**6))
SCORE = Score("score", "maximize")


def begin(url: str, name: str = "study", scores: Sequence[Score] = (SCORE,)) -> tuple[Ledger, int]:
    """A study of that name, made if it is not there, and a worker signed in to it over a session of its own."""
    session = Session(url)
    definition = {
        "search": "grow",
        "objective": "module:function",
        "score": [each._asdict() for each in scores] if len(scores) > 1 else scores[0]._asdict(),
        "cost": "params",
        "grow": {"increments": {"n_layer": 1}},
        "config": {"n_layer": 1},
    }
    create_study(session, NewStudy(name, "grow", scores, definition, definition, "hash", {}, {}, ()))
    study = Reader(session).study(name)
    worker = session.one(
        "start_worker",
        {
            "study_id": study.study_id,
            "host": "here",
            "pid": 1,
            "account": "me",
            "slots": ["cpu0"],
            "versions": "{}",
            "space": WORKER_LOCKS,
        },
    )
    return Ledger(session, study.study_id), worker.worker_id


def new_points(count: int, first: int = 1) -> list[NewPoint]:
    """Points that differ in `n_layer`: first, first + 1, …"""
    return [
        NewPoint(
            hash=f"point-{layers}",
            config={"n_layer": layers},
            seed=1337,
            role={"role": "candidate", "param": "n_layer", "value": layers},
            params=[("n_layer", float(layers), LAYERS), ("seed", 1337.0, LAYERS)],
        )
        for layers in range(first, first + count)
    ]
