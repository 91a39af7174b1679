"""The engine's cost on a no-op objective, beside what its users would pay otherwise.

    python benchmarks/engine.py

Prints claim + finish at 100 and at 20,000 finished trials (their ratio should stay near 1), planning of 10,000
points, SQL statements a trial, the start of a trial's process with torch imported beside `python -c "import torch"`,
and Optuna's own ask + tell on the same server for scale. One run, one machine, one PostgreSQL.
"""

from __future__ import annotations

import selectors
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import optuna
import torch

from benchmarks.bench import assignment, claim_and_finish, own_storage
from objectives.outcome import Outcome
from objectives.process.warm import WarmServer
from storage.ledger import Ledger
from storage.optuna_storage import StudyStorage
from studies.slots.options import cpu_slots
from tests.support.planned import begin, new_points

FEW, MANY, SAMPLE = 100, 20_000, 200


def main() -> None:
    with own_storage() as (url, home):
        _engine(url)
        _optuna(StudyStorage(url))
        _process(home)


def _engine(url: str) -> None:
    ledger, worker = begin(url, "engine")
    began = time.perf_counter()
    with ledger.planning():
        ledger.plan_points(new_points(10_000), 0)
    print(f"plan 10,000 points: {time.perf_counter() - began:.2f} s")
    with ledger.planning():
        ledger.plan_points(new_points(MANY, first=10_001), 0)
    statements = _count_statements(ledger, worker)
    few = claim_and_finish(ledger, worker, FEW + SAMPLE)[FEW:]
    claim_and_finish(ledger, worker, MANY - FEW - SAMPLE)
    many = claim_and_finish(ledger, worker, SAMPLE)
    at_few, at_many = statistics.median(few), statistics.median(many)
    print(f"claim + finish at {FEW} finished: {at_few * 1e3:.2f} ms; at {MANY:,}: {at_many * 1e3:.2f} ms (medians)")
    print(f"ratio {MANY:,} / {FEW}: {at_many / at_few:.2f}")
    print(f"SQL statements a trial: {statements}")
    ledger.session.close()


def _count_statements(ledger: Ledger, worker: int) -> int:
    """SQL statements of one trial, counted where the session sends them, once the session has prepared its own."""
    claim_and_finish(ledger, worker, 1)
    session, counted = ledger.session, []
    send = session.execute
    session.execute = lambda *given: counted.append(given) or send(*given)  # type: ignore[method-assign, func-returns-value]
    claim_and_finish(ledger, worker, 1)
    session.execute = send  # type: ignore[method-assign]
    return len(counted)


def _optuna(storage: StudyStorage) -> None:
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler())
    times = []
    for _ in range(SAMPLE):
        began = time.perf_counter()
        trial = study.ask()
        trial.suggest_int("n_layer", 0, 10**6)
        trial.suggest_int("seed", 0, 10**6)
        study.tell(trial, 0.5)
        times.append(time.perf_counter() - began)
    median = statistics.median(times) * 1e3
    print(f"Optuna's ask + two suggests + tell, RandomSampler, {SAMPLE} trials: {median:.2f} ms")
    storage.engine.dispose()


def _process(home: Path) -> None:
    imports = [_import_seconds() for _ in range(3)]
    warm = WarmServer(f"{Path(__file__).resolve()}:no_op")
    try:
        times = [_first_report_seconds(warm, home, number) for number in range(21)][1:]
    finally:
        warm.close()
    start, fresh = statistics.median(times), statistics.median(imports)
    print(
        f'a trial\'s process, torch imported, to its first report: {start * 1e3:.1f} ms; python -c "import torch": '
        f"{fresh * 1e3:.0f} ms; ratio 1 / {fresh / start:.0f}"
    )


def _import_seconds() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return time.perf_counter() - began


def _first_report_seconds(warm: WarmServer, home: Path, number: int) -> float:
    began, first = time.perf_counter(), 0.0
    attempt = warm.start(assignment(home, number, cpu_slots(1, 1)[0]))
    with selectors.DefaultSelector() as selector:
        selector.register(attempt, selectors.EVENT_READ)
        while True:
            selector.select(10)
            messages = attempt.receive()
            first = first or (time.perf_counter() - began if messages else 0.0)
            if any(isinstance(message, Outcome) for message in messages):
                return first


def no_op(config: object, trial: object) -> float:
    """The objective: reports once and returns."""
    trial.report(0, x=float(torch.zeros(())))  # type: ignore[attr-defined]
    return 0.5


if __name__ == "__main__":
    main()
