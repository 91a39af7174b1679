"""What the benchmarks share: a storage of their own, the program, and the cost of a claim with its finish."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna

from objectives.process.attempt import Assignment
from storage import server
from storage.home import CHECKOUT
from storage.ledger import End, Ledger
from storage.session import Session
from storage.store import Store
from studies.slots.slot import Slot


@contextmanager
def own_storage() -> Iterator[tuple[str, Path]]:
    """The URL and the home of an embedded server that is removed at the end."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    home = Path(tempfile.mkdtemp(prefix="studyhall-bench-"))
    home.chmod(0o755)
    os.environ["STUDYHALL_HOME"], os.environ["STUDYHALL_LOCKS"] = str(home), str(home / "locks")
    try:
        url = server.ensure(home)
        Store(url, home).write().close()
        yield url, home
    finally:
        server.down(home)
        shutil.rmtree(home)


def run_program(*arguments: object, **variables: str) -> float:
    """Seconds that `python cli.py ARGUMENTS` takes, with these variables in its environment."""
    began = time.perf_counter()
    command = [sys.executable, str(CHECKOUT / "cli.py"), *map(str, arguments)]
    ended = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)
    if ended.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {ended.stdout[-500:]}{ended.stderr}")
    return time.perf_counter() - began


def in_processes(work: Callable[..., object], count: int, start: float, *arguments: object) -> list[Any]:
    """The results of `work(*arguments, start)` in so many processes at once; `start` is the time at which all begin."""
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=_put, args=(results, work, *arguments, start)) for _ in range(count)]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    return found


def _put(results: Any, work: Callable[..., object], *arguments: object) -> None:
    results.put(work(*arguments))


def claim_and_finish(
    ledger: Ledger, worker: int, count: int, plan_batch: Callable[[], object] | None = None, metric: str = "score"
) -> list[float]:
    """Seconds that each of `count` trials takes from its claim to its finish. `plan_batch` plans more points when none
    waits, and counts towards the next trial."""
    seconds: list[float] = []
    began = time.perf_counter()
    while len(seconds) < count:
        claim = ledger.claim_trial(worker, "cpu0")
        if claim is None:
            assert plan_batch is not None, "no point waits"
            plan_batch()
            continue
        value = float(len(seconds))
        ledger.finish_trial(claim, "COMPLETE", End("completed"), [value], {metric: value}, None)
        now = time.perf_counter()
        seconds.append(now - began)
        began = now
    return seconds


def copy_last_trial(session: Session, study_id: int, count: int, param_value: str = "param_value") -> None:
    """Copy the last trial of a GridSampler's study until there are `count`: evaluating so many takes it an hour.
    `param_value` is an SQL expression for a copy's parameter."""
    session.execute(
        f"""
        WITH model AS (
            SELECT * FROM trials WHERE study_id = %(study)s AND state = 'COMPLETE' ORDER BY number DESC LIMIT 1
        ), trial AS (
            INSERT INTO trials (study_id, number, state, datetime_start, datetime_complete)
            SELECT study_id, n, state, datetime_start, datetime_complete
            FROM model, generate_series(model.number + 1, %(count)s - 1) AS n
            RETURNING trial_id, number
        ), param AS (
            INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json)
            SELECT trial.trial_id, param_name, {param_value}, distribution_json
            FROM trial, trial_params AS old WHERE old.trial_id = (SELECT trial_id FROM model)
        ), attribute AS (
            INSERT INTO trial_system_attributes (trial_id, key, value_json)
            SELECT trial.trial_id, key, CASE key WHEN 'grid_id' THEN trial.number::text ELSE value_json END
            FROM trial, trial_system_attributes AS old WHERE old.trial_id = (SELECT trial_id FROM model)
        )
        INSERT INTO trial_values (trial_id, objective, value, value_type)
        SELECT trial_id, 0, random(), 'FINITE' FROM trial
        """,
        {"study": study_id, "count": count},
    )
    session.execute("ANALYZE")


def assignment(
    folder: Path, number: int, slot: Slot, config: Mapping[str, Any] | None = None, cores: Sequence[int] = ()
) -> Assignment:
    """A trial's first attempt on a slot; its files lie in a folder of its own below `folder`."""
    own = folder / str(number)
    return Assignment(
        config=config or {},
        seed=0,
        number=number,
        attempt=1,
        device=slot.device,
        threads=slot.threads,
        env=slot.environment,
        log=own.with_suffix(".log"),
        lock=own.with_suffix(".lock"),
        checkpoint_dir=own,
        run_dir=own,
        cores=tuple(cores),
    )
