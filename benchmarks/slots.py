"""Several one-thread trials at once against the same trials one after another with all threads; what a process costs.

    python benchmarks/slots.py

Each trial trains a small network for a fixed number of steps, in the process of its own that every trial has. As many
trials as this process may use cores: first one after another in a slot of all threads, then at once in slots of one
thread each, pinned to their cores. Rounds alternate; a figure is the median of its rounds. Then a trial whose objective
takes one second by its own clock, beginning to end as its worker sees it: what is beyond the second is overhead.
"""

from __future__ import annotations

import argparse
import selectors
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from benchmarks.bench import assignment
from objectives.outcome import Kind, Outcome
from objectives.process.attempt import Attempt
from objectives.process.warm import WarmServer
from studies.slots.options import cores, cpu_slots
from studies.slots.pool import SlotPool
from studies.slots.slot import Slot


def train(config: Mapping[str, Any]) -> float:
    """A small network on random numbers; its last loss."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(64, 128), torch.nn.GELU(), torch.nn.Linear(128, 128), torch.nn.GELU()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(128, 1))
    optimizer = torch.optim.AdamW(model.parameters())
    inputs, targets = torch.randn(256, 64), torch.randn(256, 1)
    for _ in range(config["steps"]):
        loss = torch.nn.functional.mse_loss(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def one_second(config: Mapping[str, Any]) -> float:
    """A second, from its first statement to its last."""
    began = time.perf_counter()
    time.sleep(1 - (time.perf_counter() - began))
    return time.perf_counter() - began


class Bench:
    """One objective's warm server, and a folder for what its trials leave."""

    def __init__(self, function: str, folder: Path) -> None:
        self.warm, self.folder, self.count = WarmServer(f"{Path(__file__).resolve()}:{function}"), folder, 0

    def start(self, slot: Slot, pool: SlotPool, config: Mapping[str, Any]) -> Attempt:
        lease = pool.begun(slot, "benchmark", self.count)
        self.count += 1
        given = assignment(self.folder, self.count, slot, config, () if lease is None else lease.cores)
        return self.warm.start(given, None if lease is None else lease.fd)

    def seconds(self, slots: Sequence[Slot], trials: int, config: Mapping[str, Any]) -> float:
        """To run so many trials on these slots, from the first start to the last end."""
        pool, running = SlotPool(slots, print), dict[Attempt, Slot]()
        began, left = time.perf_counter(), trials
        with selectors.DefaultSelector() as selector:
            while left or running:
                while left and (slot := pool.take([each.name for each in running.values()], "benchmark")) is not None:
                    attempt = self.start(slot, pool, config)
                    running[attempt] = slot
                    selector.register(attempt, selectors.EVENT_READ)
                    left -= 1
                for key, _ in selector.select():
                    attempt = key.fileobj
                    for message in attempt.receive():
                        if isinstance(message, Outcome):
                            assert message.kind is Kind.COMPLETED, message
                            selector.unregister(attempt)
                            del running[attempt]
        took = time.perf_counter() - began
        pool.release([])
        return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000, help="of each trial's training")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    count = cores()
    with tempfile.TemporaryDirectory() as folder:
        training, second = Bench("train", Path(folder, "train")), Bench("one_second", Path(folder, "second"))
        for bench in (training, second):
            bench.folder.mkdir()
            bench.seconds(cpu_slots(1, 1), 1, {"steps": 1})  # the server imports torch now
        at_once, in_turn, seconds = [], [], []
        for _ in range(options.rounds):
            in_turn.append(training.seconds(cpu_slots(1, count), count, {"steps": options.steps}))
            at_once.append(training.seconds(cpu_slots(count, 1), count, {"steps": options.steps}))
            seconds.append(second.seconds(cpu_slots(1, 1), 1, {}))
        training.warm.close()
        second.warm.close()
    slow, fast = statistics.median(in_turn), statistics.median(at_once)
    for what, figure in (
        (f"{count} trials one after another, {count} threads each", f"{slow:.2f} s"),
        (f"{count} trials at once, 1 thread each", f"{fast:.2f} s"),
        ("ratio", f"{slow / fast:.2f}"),
    ):
        print(f"{what:<45}{figure:>10}")
    overhead = statistics.median(seconds) - 1
    print(f"a trial's process: {overhead * 1000:.1f} ms beyond a one-second objective, {overhead:.2%} of it")


if __name__ == "__main__":
    main()
