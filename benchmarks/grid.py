"""A grid of 10,125 points beside Optuna's own GridSampler, in one run on one server.

    python benchmarks/grid.py

Both sides evaluate a no-op objective over the same axes with eight concurrent workers for the same number of seconds;
then each side's cost of one trial is measured alone, with 100 and with 10,000 trials finished. Prints throughput,
points that were evaluated more than once, and the ratios. Ours claims and finishes over the ledger, as its workers do;
GridSampler runs under `study.optimize`, as its documentation has it.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import optuna

from benchmarks.bench import claim_and_finish, copy_last_trial, in_processes, own_storage
from samplers.searches.grid.grid import Grid
from samplers.searches.plan import Done
from storage.ledger import End, Ledger
from storage.session import Session
from studies.planning.planner import plan
from tests.support.planned import begin

AXES = {
    "n_layer": list(range(1, 16)),
    "n_head": list(range(1, 16)),
    "n_embd": [32 * k for k in range(1, 16)],
    "seed_like": [0, 1, 2],
}
WORKERS, SECONDS, SAMPLE = 8, 20.0, 100
FEW, MANY = 100, 10_000


def main() -> None:
    with own_storage() as (url, _):
        ours, theirs = _throughput(url, _work_ours), _throughput(url, _work_theirs)
        for name, (rate, done, twice) in (("studyhall", ours), ("GridSampler", theirs)):
            print(f"{name:12} {rate:9.1f} trials/s, {WORKERS} workers: {done:,} trials, more than once: {twice}")
        print(f"throughput ratio: {ours[0] / theirs[0]:.1f}")
        for name, cost in (("studyhall", _cost_ours), ("GridSampler", _cost_theirs)):
            few, many = cost(url)
            print(
                f"{name:12} a trial: {few * 1e3:.1f} ms at {FEW} finished, {many * 1e3:.1f} ms at {MANY:,}: "
                f"ratio {many / few:.1f}"
            )


def _search() -> Grid:
    return Grid.parse({"axes": AXES}, dict.fromkeys(AXES, 0), "the benchmark")


def _throughput(url: str, work: Any) -> tuple[float, int, int]:
    """Trials a second of WORKERS processes in SECONDS, or until all are done; how many; finished more than once."""
    start = time.time() + 6  # all of them have started by then
    ended, seen = start, Counter[Any]()
    for last, points in in_processes(work, WORKERS, start, url):
        ended = max(ended, last)
        seen.update(points)
    return seen.total() / (ended - start), seen.total(), sum(count - 1 for count in seen.values())


def _next_batch(ledger: Ledger) -> bool:
    """Plan the next batch; False: the grid is done."""
    return not isinstance(plan(ledger, _search(), lambda configs: [None] * len(configs), "benchmark"), Done)


def _work_ours(url: str, start: float) -> tuple[float, list[Any]]:
    ledger, worker = begin(url, "ours")
    time.sleep(max(0.0, start - time.time()))
    last, seen = start, []
    while time.time() < start + SECONDS:
        claim = ledger.claim_trial(worker, "cpu0")
        if claim is not None:
            ledger.finish_trial(claim, "COMPLETE", End("completed"), [0.0], {"score": 0.0}, None)
            seen.append(tuple(claim.config.values()))
            last = time.time()
        elif not _next_batch(ledger):
            break
    return last, seen


def _work_theirs(url: str, start: float) -> tuple[float, list[Any]]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    seen = []

    def objective(trial: optuna.Trial) -> float:
        seen.append(tuple(trial.suggest_categorical(name, values) for name, values in AXES.items()))
        return 0.0

    time.sleep(max(0.0, start - time.time()))
    study = optuna.create_study(
        study_name="theirs", storage=url, sampler=optuna.samplers.GridSampler(AXES), load_if_exists=True
    )
    study.optimize(objective, timeout=SECONDS)
    return time.time(), seen


def _cost_ours(url: str) -> tuple[float, float]:
    """Median seconds of claim and finish, planning included as it comes."""
    ledger, worker = begin(url, "ours alone")
    ledger.session.execute("CHECKPOINT")  # what ran before must not slow this down
    times = claim_and_finish(ledger, worker, MANY + SAMPLE, lambda: _next_batch(ledger))
    return statistics.median(times[FEW : FEW + SAMPLE]), statistics.median(times[MANY:])


def _cost_theirs(url: str) -> tuple[float, float]:
    """Median seconds of ask, suggest and tell, by a worker that has read the study, among so many finished trials."""
    session = Session(url)
    session.execute("CHECKPOINT")
    sampler = optuna.samplers.GridSampler(AXES, seed=1)
    study = optuna.create_study(study_name="theirs alone", storage=url, sampler=sampler)
    few = _ask_and_tell(study, FEW)
    copy_last_trial(session, study._study_id, MANY)
    session.close()
    return few, _ask_and_tell(study, 0)


def _ask_and_tell(study: optuna.Study, first: int) -> float:
    times = []
    for _ in range(first + (SAMPLE if first else 5)):
        began = time.perf_counter()
        trial = study.ask()
        for name, values in AXES.items():
            trial.suggest_categorical(name, values)
        study.tell(trial, 0.0)
        times.append(time.perf_counter() - began)
    return statistics.median(times[first:] if first else times[1:])


if __name__ == "__main__":
    main()
