"""A tune of 5,000 settings on PostgreSQL, beside the same study of plain Optuna on the same server.

A choice of ours is a worker's whole turn: it reads where the study stands, asks the search in its thread, records the
decision and plans the trial, in one transaction. Optuna's is `tell`, `ask` and what `ask` writes, by a process that has
read the study; each of eight processes would read the trials of the other seven besides, which is not counted. A claim
is that of a planned trial: no sampler has a part in it.

Then the weight of the study: its page in the dashboard (ours, and the stock one of plain Optuna), `show` and `report`.
"""

from __future__ import annotations

import json
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import optuna

from benchmarks.bench import own_storage, run_program
from benchmarks.dashboard import await_page, fetch
from benchmarks.tune_cost import AHEAD, CONFIG, SAMPLERS, SIZES, Theirs, block, loss
from storage.home import CHECKOUT
from storage.ledger import End, Ledger
from storage.reader import Reader
from storage.records import Budget
from storage.session import Session
from storage.studies import set_budget
from studies.dashboard.renewal import renew
from studies.definition.searches import search_in_force
from studies.planning.chooser import Chooser

CHOICES = 40
UNTIMED = 5
PORT = 8979
OBJECTIVE = "def objective(config):\n    return {'loss': 0.0}\n"


def main(samplers: Sequence[str] = tuple(SAMPLERS)) -> None:
    """The cost of choices and claims by sampler and size; then the weight of the random study, if it is among them."""
    with own_storage() as (url, home):
        (home / "objective.py").write_text(OBJECTIVE)
        histories: dict[str, list[optuna.trial.FrozenTrial]] = {}
        print(f"{'sampler':>8} {'settings':>8} {'ours':>9} {'Optuna':>9} {'ratio':>6} {'claim':>9}")
        for sampler in samplers:
            # TPE looks at values alone: the random ones serve it too.
            told = "random" if sampler == "tpe" else sampler
            theirs = _theirs(url, sampler, histories.get(told) or histories.setdefault(told, _history(told)))
            for size, (choice, claim), its in zip(SIZES, _ours(url, home, sampler), theirs, strict=True):
                print(
                    f"{sampler:>8} {size:>8,} {1e3 * choice:>6.1f} ms {1e3 * its:>6.1f} ms {choice / its:>6.2f} "
                    f"{1e3 * claim:>6.2f} ms",
                    flush=True,
                )
        if "random" in samplers:
            _weights(url, home)


def _ours(url: str, home: Path, sampler: str) -> Iterator[tuple[float, float]]:
    """Median seconds of a choice and of a claim at each size, of a study that is run up to it."""
    file = home / f"{sampler}.yaml"
    score = {"metric": "loss", "direction": "minimize"}
    given = {"search": "tune", "objective": "objective.py:objective", "score": score}
    file.write_text(json.dumps({**given, "tune": block(sampler), "config": CONFIG}))
    run_program(
        "run", "tune", "--study", sampler, "--file", file, "--gpus", "none", "--workers", "1", "--max-trials", "1"
    )
    session = Session(url)
    study = Reader(session).study(sampler)
    set_budget(session, study.study_id, Budget(max_trials=10**6))
    ledger, worker = Ledger(session, study.study_id), Reader(session).workers(study.study_id)[0].worker_id
    chooser, choices, claims = Chooser(ledger), list[float](), list[float]()

    def choose() -> None:
        while chooser.turn(search_in_force(study), lambda configs: [None] * len(configs), "benchmark") is None:
            assert chooser.refusal is None, chooser.refusal
            select.select([chooser], [], [], 1.0)

    for size in SIZES:
        while len(claims) < size + CHOICES:
            began = time.perf_counter()
            claim = ledger.claim_trial(worker, "cpu0")
            if claim is None:
                choose()
                choices.append(time.perf_counter() - began)
                continue
            claims.append(time.perf_counter() - began)
            value = loss(claim.config)
            ledger.finish_trial(claim, "COMPLETE", End("completed"), [value], {"loss": value}, None)
        yield statistics.median(choices[-CHOICES:]), statistics.median(claims[-CHOICES:])
    session.close()


def _history(sampler: str) -> list[optuna.trial.FrozenTrial]:
    """Finished trials of plain Optuna, chosen in memory."""
    study = Theirs(sampler)
    while len(study.seconds) < SIZES[-1] + AHEAD:
        study.choose()
    return [trial for trial in study.study.get_trials(deepcopy=False) if trial.state.is_finished()]


def _theirs(url: str, sampler: str, history: Sequence[optuna.trial.FrozenTrial]) -> Iterator[float]:
    """Median seconds of `tell` and `ask` at each size."""
    storage = optuna.storages.RDBStorage(url)
    study = optuna.create_study(storage=storage, study_name=f"plain-{sampler}", sampler=SAMPLERS[sampler]())
    asked, known = Theirs(sampler).asked, 0
    running = [study.ask(asked) for _ in range(AHEAD)]
    for size in SIZES:
        study.add_trials(history[known : size - CHOICES])
        known, seconds = size, list[float]()
        for _ in range(UNTIMED + CHOICES):
            done = running.pop(0)
            value, began = loss(done.params), time.perf_counter()
            study.tell(done, value)
            running.append(study.ask(asked))
            seconds.append(time.perf_counter() - began)
        yield statistics.median(seconds[UNTIMED:])
    for trial in running:
        study.tell(trial, loss(trial.params))
    storage.engine.dispose()


def _weights(url: str, home: Path) -> None:
    """The study's page, `show` and `report`, of 5,000 random settings."""
    session = Session(url)
    began = time.perf_counter()
    renew(session, "random", None)
    print(f"note and figures of {SIZES[-1]:,} settings written in {time.perf_counter() - began:.2f} s")
    ids = [session.one("read_study", {"name": "random"}).study_id, _stock_id(url, "plain-random")]
    session.close()
    stock = [sys.executable, "-m", "optuna_dashboard._cli", url]
    mine = [sys.executable, str(CHECKOUT / "cli.py"), "dashboard"]
    for label, command, study_id in (("ours", mine, ids[0]), ("plain Optuna", stock, ids[1])):
        with _served([*command, "--port", str(PORT)]):
            whole, packed, first = fetch(PORT, study_id)
            again = fetch(PORT, study_id)[2]
        print(
            f"page of {label}: {whole / 2**20:.2f} MiB, sent as {packed / 2**20:.2f} MiB; answered in {first:.2f} s, "
            f"then {again:.2f} s"
        )
    shown = run_program("show", "--study", "random")
    folder = home / "report"
    took = run_program("report", "--study", "random", "--out", folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"show: {shown:.2f} s; report: {took:.2f} s, {size / 2**20:.2f} MiB")


def _stock_id(url: str, name: str) -> int:
    storage = optuna.storages.RDBStorage(url)
    try:
        return int(storage.get_study_id_from_name(name))
    finally:
        storage.engine.dispose()


@contextmanager
def _served(command: Sequence[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_page(PORT)
        yield
    finally:
        process.terminate()
        process.wait()
