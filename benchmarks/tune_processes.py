"""Tuning in real processes on one server, ours beside plain Optuna as its documentation has it for several processes.

`gpt`: the tiny transformer of studies/tune-lr.yaml with a small budget of training, by TPE. Ours runs eight slots;
Optuna has eight processes on one RDBStorage, TPESampler with `constant_liar`, a seed each, until MaxTrialsCallback ends
them. The same number of trainings, each in one thread: the best value after so many, in the order of their ends.

`kills`: trials of a second under one schedule of kill -9: each time so many results are in, a process that runs a trial
is killed, and started again at once. Optuna has a heartbeat, a grace period and RetryFailedTrialCallback, in seconds
since trials are short. Both are counted in Optuna's own tables once all processes have ended: settings that were begun
and have no COMPLETE trial, those that have more than one, and trials that are left open.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import optuna

from benchmarks.bench import own_storage, run_program
from storage.home import CHECKOUT
from storage.session import Session
from studies.definition.definition import Definition

SLOTS = 8
TRAININGS, REPEATS = 32, 3
CHECKPOINTS = (8, 16, 24, 32)
SHORT = {"max_iters": 30, "eval_interval": 30, "eval_iters": 10}
AHEADS = (8, 16)
SETTINGS, KILLS, KILLS_SEED = 60, 10, 7
PLACE = "STUDYHALL_BENCHMARK_PLACE"
"""In a process' environment: the file that is there while it runs a trial."""
HEARTBEAT_SECONDS, GRACE_SECONDS = 2, 10
SLEEP = """
from benchmarks.tune_processes import sleep


def objective(config):
    return {"loss": sleep(config["x"], config["y"])}
"""
SLEEP_SPACE = {"x": {"float": [-5.0, 10.0]}, "y": {"float": [0.0, 1.0]}}


# The same tiny gpt


def gpt() -> None:
    """The best value after so many trainings, median and quartiles over repeats; and how long slots wait."""
    found: dict[str, list[Run]] = {}
    with own_storage() as (url, home):
        for repeat in range(REPEATS):
            for ahead in AHEADS:
                name = f"ours-{ahead}-{repeat}"
                _run_ours(home, name, ahead, repeat)
                found.setdefault(f"ahead {ahead}", []).append(Run.of(url, name))
            name = f"optuna-{repeat}"
            _wait([_start_theirs(url, name, "gpt", repeat * SLOTS + each) for each in range(SLOTS)])
            found.setdefault("Optuna", []).append(Run.of(url, name))
            best = ", ".join(f"{side} {runs[-1].best_after(TRAININGS):.4f}" for side, runs in found.items())
            print(f"repeat {repeat + 1} of {REPEATS}: {best}", file=sys.stderr, flush=True)
    print(f"best val_loss after so many trainings: median of {REPEATS} (quartiles); slots that wait; seconds for all")
    for name, runs in found.items():
        cells = [_quartiles([run.best_after(count) for run in runs]) for count in CHECKPOINTS]
        waiting, seconds = statistics.mean(run.waiting for run in runs), statistics.median(run.seconds for run in runs)
        print(f"{name:>9}: {'  '.join(cells)}  {waiting:6.1%}  {seconds:.0f} s")


def _quartiles(values: Sequence[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.4f} ({low:.4f} to {high:.4f})"


@dataclass(frozen=True)
class Run:
    """One side's trainings, in the order of their ends: when each began and ended, in seconds, and its value."""

    trainings: Sequence[tuple[float, float, float]]

    @staticmethod
    def of(url: str, name: str) -> Run:
        """The first trainings of a study that completed."""
        done = [trial for trial in _trials(url, name) if trial.state.name == "COMPLETE"]
        done.sort(key=lambda trial: trial.datetime_complete)
        rows = [(t.datetime_start.timestamp(), t.datetime_complete.timestamp(), t.value) for t in done[:TRAININGS]]
        assert len(rows) == TRAININGS, f"{name}: {len(rows)} trainings"
        return Run(rows)

    def best_after(self, count: int) -> float:
        return min(value for _, _, value in self.trainings[:count])

    @property
    def seconds(self) -> float:
        """From the first start to the last end."""
        return self.trainings[-1][1] - min(began for began, _, _ in self.trainings)

    @property
    def waiting(self) -> float:
        """The share of slots that train nothing, until the last training has begun."""
        first, last = min(began for began, _, _ in self.trainings), max(began for began, _, _ in self.trainings)
        busy = sum(min(ended, last) - began for began, ended, _ in self.trainings)
        return 1 - busy / (SLOTS * (last - first))


def _trials(url: str, name: str) -> list[optuna.trial.FrozenTrial]:
    storage = optuna.storages.RDBStorage(url)
    try:
        return optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)
    finally:
        storage.engine.dispose()


def _tiny() -> Definition:
    return Definition.load(CHECKOUT / "studies" / "tune-lr.yaml")


def _run_ours(home: Path, name: str, ahead: int, seed: int) -> None:
    definition = _tiny()
    changes = {"settings": TRAININGS, "repeats": 1, "ahead": ahead, "seed": seed}
    file = _write(home, name, "gpt", "val_loss", {**definition.settings, **changes}, {**definition.config, **SHORT})
    run_program("run", "tune", "--study", name, "--file", file, *_slots(SLOTS))


def _write(
    home: Path, name: str, objective: str, metric: str, block: Mapping[str, Any], config: Mapping[str, Any]
) -> Path:
    file = home / f"{name}.yaml"
    score = {"metric": metric, "direction": "minimize"}
    given = {"search": "tune", "objective": objective, "score": score, "tune": dict(block), "config": dict(config)}
    file.write_text(json.dumps(given))
    return file


def _slots(count: int) -> list[str]:
    return ["--gpus", "none", "--workers", str(count), "--threads", "1"]


# Plain Optuna


def _start_theirs(url: str, name: str, objective: str, seed: int, place: str = "") -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "--process", objective, name, str(seed)]
    environment = {**os.environ, "STUDYHALL_STORAGE": url, "OMP_NUM_THREADS": "1", PLACE: place}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def process(objective: str, name: str, seed: int) -> None:
    """One process of plain Optuna."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    from optuna.study import MaxTrialsCallback
    from optuna.trial import TrialState

    kept: dict[str, Any] = {}
    if objective == "sleep":
        kept = {"heartbeat_interval": HEARTBEAT_SECONDS, "grace_period": GRACE_SECONDS}
        kept["failed_trial_callback"] = optuna.storages.RetryFailedTrialCallback()
    storage = optuna.storages.RDBStorage(os.environ["STUDYHALL_STORAGE"], engine_kwargs={"pool_pre_ping": True}, **kept)
    sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
    study = optuna.create_study(study_name=name, storage=storage, sampler=sampler, load_if_exists=True)
    most = MaxTrialsCallback(SETTINGS if objective == "sleep" else TRAININGS, states=(TrialState.COMPLETE,))
    study.optimize(_sleep if objective == "sleep" else _gpt(), callbacks=[most])


def _sleep(trial: optuna.Trial) -> float:
    return sleep(trial.suggest_float("x", -5.0, 10.0), trial.suggest_float("y", 0.0, 1.0))


def sleep(x: float, y: float) -> float:
    """A trial of a second, in the middle of which its process may be killed."""
    place = Path(os.environ[PLACE])
    place.touch()
    time.sleep(1)
    place.unlink(missing_ok=True)
    return (x - 2) ** 2 + y


def _gpt() -> Callable[[optuna.Trial], float]:
    import torch

    from benchmarks.training import Quiet
    from objectives.gpt import objective

    torch.set_num_threads(1)
    config = {**_tiny().config, **SHORT, "seed": 1337}

    def trained(trial: optuna.Trial) -> float:
        chosen = {
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
            "n_embd": trial.suggest_int("n_embd", 16, 96, step=16),
            "n_layer": trial.suggest_int("n_layer", 1, 4),
        }
        return float(objective({**config, **chosen}, Quiet())["val_loss"])

    return trained


def _wait(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for each in processes:
        _, errors = each.communicate()
        if each.returncode:
            raise SystemExit(errors.decode()[-1000:])


# Kills


def kills() -> None:
    """What the same kills leave of both sides."""
    with own_storage() as (url, home):
        (home / "sleep.py").write_text(SLEEP)
        block = {"sampler": "tpe", "space": SLEEP_SPACE, "settings": SETTINGS, "ahead": 2 * SLOTS, "seed": 1}
        file = _write(home, "ours", "sleep.py:objective", "loss", block, {"x": 0.0, "y": 0.0})
        run = ["run", "tune", "--study", "ours", "--file", str(file), *_slots(1)]

        def ours(place: int) -> subprocess.Popen[bytes]:
            command = [sys.executable, str(CHECKOUT / "cli.py"), *run]
            environment = {**os.environ, PLACE: str(home / f"ours-{place}"), "PYTHONPATH": str(CHECKOUT)}
            return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

        starts = Counter[int]()

        def theirs(place: int) -> subprocess.Popen[bytes]:
            starts[place] += 1  # a process that is started again with its seed draws the same settings again
            seed = place + SLOTS * starts[place]
            return _start_theirs(url, "optuna", "sleep", seed, str(home / f"optuna-{place}"))

        print(f"{SETTINGS} settings of a second each, {SLOTS} processes")
        seconds, struck = _killed(url, home, "ours", ours)
        with closing(Session(url)) as session:
            attempts = session.execute("SELECT count(*) FROM studyhall_attempts")[0].count
        print(_count(url, "ours", attempts, seconds, struck), flush=True)
        seconds, struck = _killed(url, home, "optuna", theirs)
        print(_count(url, "optuna", len(_trials(url, "optuna")), seconds, struck))


def _killed(url: str, home: Path, name: str, start: Callable[[int], subprocess.Popen[bytes]]) -> tuple[float, int]:
    """Run eight processes to their end under the kills: seconds, and how many were killed. One that was killed is
    started again."""
    dice, began, struck = Random(KILLS_SEED), time.monotonic(), 0
    running = {place: start(place) for place in range(SLOTS)}
    with closing(Session(url)) as session:
        while any(each.poll() is None for each in running.values()):
            busy = [place for place in running if (home / f"{name}-{place}").exists()]
            due = (struck + 1) * SETTINGS // (KILLS + 2)
            if busy and struck < KILLS and _results(session, name) >= due:
                place = dice.choice(busy)
                running[place].send_signal(signal.SIGKILL)
                running[place].communicate()
                (home / f"{name}-{place}").unlink(missing_ok=True)
                struck += 1
            for place, each in running.items():
                if each.poll() in (None, 0):
                    continue
                if each.returncode != -signal.SIGKILL:
                    raise SystemExit(each.communicate()[1].decode()[-1000:])
                running[place] = start(place)
            time.sleep(0.05)
    return time.monotonic() - began, struck


def _results(session: Session, name: str) -> int:
    text = """SELECT count(*) FROM trials JOIN studies USING (study_id)
        WHERE study_name = %(name)s AND state = 'COMPLETE'"""
    return int(session.execute(text, {"name": name})[0].count)


def _count(url: str, name: str, begun: int, seconds: float, struck: int) -> str:
    """What the study holds, by the parameters of its trials."""
    trials = _trials(url, name)
    settings = {tuple(sorted(trial.params.items())) for trial in trials if trial.params}
    complete = Counter(tuple(sorted(t.params.items())) for t in trials if t.state.name == "COMPLETE")
    twice = sum(count - 1 for count in complete.values())
    still = sum(not trial.state.is_finished() for trial in trials)
    failed = sum(trial.state.name == "FAIL" for trial in trials)
    return (
        f"{name}, {struck} kills: {len(settings)} settings begun, {len(settings - set(complete))} lost, "
        f"{twice} run twice; {sum(complete.values())} results, {begun} trainings begun; {failed} trials FAIL, "
        f"{still} left open; {seconds:.0f} s"
    )


if __name__ == "__main__":
    assert sys.argv[1] == "--process", "run `python benchmarks/tune.py gpt`"
    process(sys.argv[2], sys.argv[3], int(sys.argv[4]))
