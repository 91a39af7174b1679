"""Workers of one study that are killed and started again while it runs."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from time import sleep

from storage.reader import Reader
from storage.session import Session
from tests.support.program import call

Made = Callable[[Reader, int], int]
"""How far a study has come, by its id."""


def run_and_kill(
    environment: Mapping[str, str], url: str, order: tuple[object, ...], workers: int, after: list[int], made: Made
) -> int:
    """Run a study with so many workers, and kill one of them each time it has come so far; how many were killed. A
    worker that was killed is started again."""
    study, chance, killed = str(order[1]), random.Random(workers), 0

    def worker() -> None:
        again = True
        while again:
            ended = call(environment, "run", *order, "--workers", 1, timeout=600)
            again = ended.returncode == -signal.SIGKILL
        assert ended.returncode == 0, ended.stderr

    with ThreadPoolExecutor(workers) as pool, closing(Session(url)) as session:
        running = [pool.submit(worker) for _ in range(workers)]
        while killed < len(after) and not all(each.done() for each in running):
            living = _living(Reader(session), study, after[killed], made)
            with suppress(ProcessLookupError):
                if living:
                    os.kill(chance.choice(living), signal.SIGKILL)
                    killed += 1
            sleep(0.02)
        for each in running:
            each.result()
    return killed


def _living(reader: Reader, name: str, far: int, made: Made) -> list[int]:
    """Of the living workers, once the study has come so far."""
    study = reader.find_study(name)
    if study is None or made(reader, study.study_id) < far:
        return []
    return [worker.pid for worker in reader.workers(study.study_id) if worker.alive]
