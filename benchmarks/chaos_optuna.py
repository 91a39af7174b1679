"""The same grid under the same schedule of faults: Studyhall, and plain Optuna with its documented heartbeat recipe.

    python benchmarks/chaos_optuna.py --faults 60 --seed 7

Optuna's side is what its documentation shows for trials whose process dies: RDBStorage with a heartbeat, a grace period
and RetryFailedTrialCallback, in seconds since trials are short; GridSampler; connections tested before use
(`pool_pre_ping`); several processes, each started again when it dies, and a last one, undisturbed, for what is left.
Both sides are counted in the same way, in Optuna's own tables: of the points that were wanted, how many have a
COMPLETE trial, how many have more than one, how many none. What is more than one was paid for twice, and counts twice
in every mean over seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.faults import SERVER, WORKER, WorkerHost
from benchmarks.fleet import Fleet, Program
from benchmarks.janitor import Janitor
from storage.home import CHECKOUT

OURS_ALONE = ("trial -9", "warm server -9", "session ended", "clock jumps", "worker STOP, session ended")
KINDS = [kind for kind in (*WORKER, *SERVER) if kind not in OURS_ALONE]
"""Faults that mean the same on both sides: plain Optuna has no process for a trial, and no lasting session."""
HEARTBEAT_SECONDS, GRACE_SECONDS = 1, 3
OWN = """
import time

def own(config):
    time.sleep(config["seconds"])
    return {"score": config["x"] + config["seed"] / 1e6}
"""
DEFINITION = """
search: grid
objective: own.py:own
score: {{metric: score, direction: maximize}}
grid: {{axes: {{x: {{range: [1, {xs}, 1]}}}}, repeats: {repeats}, seed: 1}}
config: {{x: 0, seconds: {seconds}}}
"""


def optuna_worker(grid: Mapping[str, Sequence[int]], seconds: float) -> None:
    """One process of plain Optuna, until its sampler ends the study."""
    import optuna
    from optuna.storages import RDBStorage, RetryFailedTrialCallback

    storage = RDBStorage(
        os.environ["STUDYHALL_STORAGE"],
        engine_kwargs={"pool_pre_ping": True},
        heartbeat_interval=HEARTBEAT_SECONDS,
        grace_period=GRACE_SECONDS,
        failed_trial_callback=RetryFailedTrialCallback(),
    )
    sampler = optuna.samplers.GridSampler(grid)
    study = optuna.create_study(
        storage=storage, study_name="plain", sampler=sampler, direction="maximize", load_if_exists=True
    )

    def objective(trial: optuna.Trial) -> float:
        x, seed = trial.suggest_int("x", 1, 10**6), trial.suggest_int("seed", 1, 10**6)
        time.sleep(seconds)
        return x + seed / 1e6

    study.optimize(objective)


@dataclass(frozen=True)
class Count:
    """The result of one side."""

    name: str
    wanted: int
    accepted: int
    twice: int
    """Points with more than one COMPLETE trial."""
    lost: int
    """Points without any."""
    begun: int
    """Trials or attempts."""
    open: int
    """Trials that are RUNNING or WAITING though no process is left."""
    seconds: float

    def __str__(self) -> str:
        points = f"{self.accepted} of {self.wanted} points accepted, {self.twice} evaluated twice, {self.lost} lost"
        return f"{self.name}: {points}; {self.begun} trials started, {self.open} left open; {self.seconds:.0f} s"


def count(url: str, study: str, grid: Mapping[str, Sequence[int]], begun: int | None, seconds: float) -> Count:
    """Count in Optuna's tables, as stock Optuna reads them."""
    import optuna

    storage = optuna.storages.RDBStorage(url)
    try:
        trials = optuna.load_study(study_name=study, storage=storage).get_trials()
    finally:
        storage.engine.dispose()
    wanted = {(x, seed) for x in grid["x"] for seed in grid["seed"]}
    complete = Counter((t.params["x"], t.params["seed"]) for t in trials if t.state.name == "COMPLETE")
    return Count(
        name=study,
        wanted=len(wanted),
        accepted=len(wanted & set(complete)),
        twice=sum(times > 1 for times in complete.values()),
        lost=len(wanted - set(complete)),
        begun=len(trials) if begun is None else begun,
        open=sum(not trial.state.is_finished() for trial in trials),
        seconds=seconds,
    )


def side(name: str, program: Program, options: argparse.Namespace, grid: Mapping[str, Sequence[int]]) -> Count:
    """One program under the schedule, on a server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="studyhall-chaos-"))
    (folder / "own.py").write_text(OWN)
    text = DEFINITION.format(xs=options.xs, repeats=options.repeats, seconds=options.seconds)
    (folder / "plain.yaml").write_text(text)
    janitor = Janitor()
    try:
        fleet = Fleet.build(folder, janitor, options.seed, options.processes)
        print(f"{name}: cut off by {fleet.links[0].kind}", flush=True)
        began = time.monotonic()
        fleet.work(["plain"], program, KINDS, options.faults, options.pause)
        taken = time.monotonic() - began
        time.sleep(2 * GRACE_SECONDS)  # long enough for a heartbeat to be missed: a last process picks up what is left
        fleet.start(fleet.hosts[0], program)
        assert fleet.hosts[0].process is not None
        fleet.hosts[0].process.wait(600)
        begun = None
        if name == "Studyhall":
            begun = fleet.cluster.execute("SELECT count(*) FROM studyhall_attempts")[0][0]
        print(fleet.table(), flush=True)
        found = count(fleet.own_url, "plain", grid, begun, taken)
    finally:
        janitor.finish()
    return replace(found, name=name)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--processes", type=int, default=6)
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between two faults")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a trial")
    parser.add_argument("--xs", type=int, default=60, help="cells of the grid")
    parser.add_argument("--repeats", type=int, default=3, help="seeds of each cell")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    grid = {"x": list(range(1, options.xs + 1)), "seed": list(range(1, options.repeats + 1))}
    if options.worker:
        optuna_worker(json.loads(options.worker), options.seconds)
        return 0

    def ours(host: WorkerHost) -> list[str]:
        run = ["run", "grid", "--study", "plain", "--file", "plain.yaml", "--gpus", "none", "--workers", "1"]
        return [sys.executable, str(CHECKOUT / "cli.py"), *run]

    def theirs(host: WorkerHost) -> list[str]:
        return [sys.executable, __file__, "--worker", json.dumps(grid), "--seconds", str(options.seconds)]

    print(f"seed {options.seed}: {options.faults} faults for each, {options.processes} processes", flush=True)
    counts = [side("Studyhall", ours, options, grid), side("plain Optuna", theirs, options, grid)]
    print(*counts, sep="\n", flush=True)
    return int(counts[0].twice > 0 or counts[0].lost > 0)


if __name__ == "__main__":
    sys.exit(main())
