"""An objective that reports its memory, and checks that no other trial uses its share."""

from __future__ import annotations

from studies.slots.devices import read_recorded
from studies.slots.leases import UNIT
from tests.support.devices import RECORDED

TWO = read_recorded(RECORDED / "two.json")
GIB = (1 << 30) // UNIT


PACKED = """
import os
from pathlib import Path

GIB = 2**30

def cost(config):
    "Wider models take more; the widest nearly a whole device."
    return {} if config["n_layer"] > 1 else {"memory_bytes": (config["n_embd"] + config["mlp_size"] - 54) * GIB}

def packed(config, trial):
    "The landscape, in a share of a device that no other trial uses."
    from studies.slots.leases import held

    device, fraction = os.environ["CUDA_VISIBLE_DEVICES"], float(os.environ["STUDYHALL_MEMORY_FRACTION"])
    folder = Path(FOLDER) / device
    folder.mkdir(exist_ok=True)
    me = (config["who"], trial.number)
    (mine,) = [each.span for each in held(device) if (each.holder.get("study"), each.holder.get("trial")) == me]
    here = folder / f"{mine.start} {mine.end} {config['who']} {trial.number}"
    here.touch()
    try:
        for each in folder.iterdir():
            start, end, *_ = map(str, each.name.split())
            assert each == here or int(end) <= mine.start or mine.end <= int(start), f"{each} overlaps {here}"
        return landscape({**config, "seed": trial.seed})
    finally:
        here.unlink()
        with (Path(FOLDER) / f"used-{config['who']}").open("a") as used:
            print(trial.number, device, fraction, cost(config).get("memory_bytes", 0), file=used)
"""
