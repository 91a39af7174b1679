"""`init --try`: the check of `run --dry-run`, then one trial of the starter in a folder that is removed afterwards.

No storage takes part. The trial runs as a worker's would: on a leased slot, in a process of its own.
"""

from __future__ import annotations

import select
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from objectives.outcome import Kind, Outcome
from objectives.process.attempt import Assignment, Attempt
from objectives.process.warm import WarmServer
from samplers.searches.plan import Point
from samplers.searches.plural import counted
from storage.errors import StudyhallError
from storage.home import TrialFolder, home
from studies.definition.definition import Definition
from studies.lifecycle.checks import sample_config
from studies.lifecycle.open import OpenedStudy, new_study
from studies.lifecycle.order import Order
from studies.lifecycle.preview import preview_new
from studies.slots.pool import SlotPool
from studies.slots.slot import Slot
from studies.tables.digits import number

LAST_LINES = 10
"""Of the log of a trial that failed."""


@dataclass(frozen=True)
class FirstTrial:
    """How the first trial ended."""

    passed: bool
    """Whether it has all metrics that the definition needs."""
    lines: Sequence[str]


def first_trial(file: Path, log: Callable[[str], None]) -> FirstTrial:
    """Check a definition and run its first point once.

    Raises:
        UsageError: `run --dry-run` would refuse the definition.
        StudyhallError: No slot is free.
    """
    order = _order(file)
    opened = new_study(order)
    with opened.server(opened.trust(home())) as warm:
        runs = preview_new(opened, warm).runs
        log(f"dry run: accepted, {runs} trials; the first one begins")
        point = _first_point(opened, warm)
        pool = SlotPool(order.slots, log)
        try:
            slot = pool.take((), order.name)
            if slot is None:
                raise StudyhallError("init --try: no slot is free now; `studyhall gpus` shows who holds them")
            with tempfile.TemporaryDirectory(prefix="studyhall-try-", ignore_cleanup_errors=True) as folder:
                lease = pool.begun(slot, order.name, 0)
                given = _assignment(opened.definition, point, slot, TrialFolder(Path(folder)), order.name)
                outcome, reports = _followed(warm.start(given, None if lease is None else lease.fd))
        finally:
            pool.release(())
    return _judged(opened.definition, outcome, reports)


def _order(file: Path) -> Order:
    """What `run --file FILE` would be given."""
    unset = ("gpus", "per_gpu", "gpu_memory", "workers", "threads", "steps", "timeout", "max_trials", "gpus_elsewhere")
    return Order.of(
        words=(),
        name=file.stem,
        file=file,
        settings=(),
        same_code=False,
        trust_study=False,
        laptop=False,
        join=False,
        keep_going=False,
        **dict.fromkeys(unset),
    )


def _first_point(opened: OpenedStudy, warm: WarmServer) -> Point:
    """The first point that the objective does not refuse."""
    search = opened.search
    config = sample_config(search, warm, opened.order.source)
    return next(point for point in search.outlook(search.start()) if point.config == config)


def _assignment(definition: Definition, point: Point, slot: Slot, folder: TrialFolder, study: str) -> Assignment:
    folder.make(1)
    return Assignment(
        config=point.config,
        seed=point.seed,
        number=0,
        attempt=1,
        device=slot.device,
        threads=slot.threads,
        env=slot.environment,
        log=folder.log(1),
        lock=folder.lock,
        checkpoint_dir=folder.checkpoint,
        run_dir=folder.run(1),
        memory_limit=definition.memory_limit,
        timeout=definition.timeout,
        study=study,
        gpu=slot.gpu,
        memory_fraction=slot.memory_fraction,
    )


def _followed(attempt: Attempt) -> tuple[Outcome, int]:
    """The end of an attempt, and how many steps it reported. Ctrl-C ends the attempt."""
    steps: set[int] = set()
    try:
        while True:
            select.select([attempt], [], [])
            for message in attempt.receive():
                if isinstance(message, Outcome):
                    return message, len(steps)
                steps.add(message.step)
    except BaseException:
        attempt.kill()
        raise


def _judged(definition: Definition, outcome: Outcome, reports: int) -> FirstTrial:
    needed = [text for _, text in definition.measures]
    found = ", ".join(f"{name} {number(value)}" for name, value in outcome.metrics.items())
    lacking = [name for name in needed if name not in outcome.metrics]
    if outcome.kind is Kind.COMPLETED and not lacking:
        while_running = f", with {counted(reports, 'report')} of progress" if reports else ""
        return FirstTrial(True, [f"first trial: completed in {outcome.seconds:.1f} s{while_running}; found {found}"])
    why = outcome.message or f"it has no {', '.join(lacking)}"
    tail = outcome.tail.splitlines()[-LAST_LINES:]
    return FirstTrial(
        False, [f"first trial: {outcome.kind.value.replace('_', ' ')}: {why}", *(f"  {each}" for each in tail)]
    )
