"""What the engine costs on a no-op objective, beside what its users would pay otherwise.

    python benchmarks/engine.py

Prints claim + finish at 100 and at 20,000 finished trials (their ratio should stay near 1), planning of 10,000
points, SQL statements a trial, the start of a trial's process with torch imported beside `python -c "import torch"`,
and Optuna's own ask + tell on the same server for scale. One run, one machine, one PostgreSQL.
"""

from __future__ import annotations

import os
import selectors
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import optuna
import torch

from objectives.outcome import Outcome
from objectives.process.attempt import Assignment
from objectives.process.warm import WarmServer
from storage import server
from storage.ledger import End, Ledger
from storage.optuna_storage import StudyStorage
from tests.support.planned import begin, new_points

FEW, MANY, SAMPLE = 100, 20_000, 200


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    home = Path(tempfile.mkdtemp(prefix="studyhall-bench-"))
    home.chmod(0o755)
    try:
        url = server.ensure(home)
        storage = StudyStorage(url)
        _engine(url)
        _optuna(storage)
        _process(home)
    finally:
        server.down(home)
        shutil.rmtree(home)


def _engine(url: str) -> None:
    ledger, worker = begin(url, "engine")
    began = time.perf_counter()
    with ledger.planning():
        ledger.plan_points(new_points(10_000), 0)
    print(f"plan 10,000 points: {time.perf_counter() - began:.2f} s")
    with ledger.planning():
        ledger.plan_points(new_points(MANY, first=10_001), 0)
    statements = _count_statements(ledger, worker)
    few = _claim_and_finish(ledger, worker, FEW + SAMPLE)[FEW:]
    _claim_and_finish(ledger, worker, MANY - FEW - SAMPLE)
    many = _claim_and_finish(ledger, worker, SAMPLE)
    at_few, at_many = statistics.median(few), statistics.median(many)
    print(f"claim + finish at {FEW} finished: {at_few * 1e3:.2f} ms; at {MANY:,}: {at_many * 1e3:.2f} ms (medians)")
    print(f"ratio {MANY:,} / {FEW}: {at_many / at_few:.2f}")
    print(f"SQL statements a trial: {statements}")
    ledger.session.close()


def _claim_and_finish(ledger: Ledger, worker: int, count: int) -> list[float]:
    times = []
    for _ in range(count):
        began = time.perf_counter()
        claim = ledger.claim_trial(worker, "cpu0")
        assert claim is not None
        ledger.finish_trial(claim, "COMPLETE", End("completed"), 0.5, {"params": 1.0}, None)
        times.append(time.perf_counter() - began)
    return times


def _count_statements(ledger: Ledger, worker: int) -> int:
    """By the server's own account: its log would be slower to read than this view."""
    session = ledger.session
    counted = 0
    original = session.execute

    def count(*arguments: object) -> list[object]:
        nonlocal counted
        counted += 1
        return original(*arguments)  # type: ignore[arg-type]

    session.execute = count  # type: ignore[method-assign]
    _claim_and_finish(ledger, worker, 1)
    session.execute = original  # type: ignore[method-assign]
    return counted


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
    print(
        f"Optuna's ask + two suggests + tell, RandomSampler, {SAMPLE} trials: {statistics.median(times) * 1e3:.2f} ms"
    )
    storage.engine.dispose()


def _process(home: Path) -> None:
    torch = [_seconds([sys.executable, "-c", "import torch"]) for _ in range(3)]
    warm = WarmServer(f"{Path(__file__).resolve()}:no_op")
    try:
        times = [_first_word(warm, home, number) for number in range(21)][1:]
    finally:
        warm.close()
    start, fresh = statistics.median(times), statistics.median(torch)
    print(
        f'a trial\'s process, torch imported, to its first word: {start * 1e3:.1f} ms; python -c "import torch": '
        f"{fresh * 1e3:.0f} ms; ratio 1 / {fresh / start:.0f}"
    )


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, env=os.environ)
    return time.perf_counter() - began


def _first_word(warm: WarmServer, home: Path, number: int) -> float:
    folder = home / f"trial-{number}"
    folder.mkdir()
    assignment = Assignment(
        config={},
        seed=1,
        number=number,
        attempt=1,
        device="cpu",
        threads=1,
        env={},
        log=folder / "log",
        lock=folder / "lock",
        checkpoint_dir=folder,
        run_dir=folder,
        memory_limit=None,
        timeout=None,
    )
    began = time.perf_counter()
    attempt = warm.start(assignment)
    first = None
    with selectors.DefaultSelector() as selector:
        selector.register(attempt, selectors.EVENT_READ)
        while True:
            selector.select(10)
            messages = attempt.receive()
            if messages and first is None:
                first = time.perf_counter() - began
            if any(isinstance(message, Outcome) for message in messages):
                assert first is not None
                return first


def no_op(config: object, trial: object) -> float:
    """The objective: says one thing and returns."""
    trial.report(0, x=float(torch.zeros(())))  # type: ignore[attr-defined]
    return 0.5


if __name__ == "__main__":
    main()
