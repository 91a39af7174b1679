"""Objectives that end in every way there is. Given to trials as `tests/nasty.py:NAME`."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Config = Mapping[str, Any]


def returns_a_number(config: Config) -> float:
    return config["x"] * 2.0


def returns_metrics(config: Config, trial: Any) -> dict[str, float]:
    print("working")
    trial.report(1, loss=0.5)
    trial.report(2, loss=0.25)
    return {"score": 1.0, "params": 2.0, "seed_seen": float(trial.seed if config["seed"] == trial.seed else 0)}


def returns_text(config: Config) -> str:
    return "well"


def returns_nan(config: Config) -> dict[str, float]:
    return {"score": float("nan"), "params": 1.0}


def returns_infinity(config: Config) -> dict[str, float]:
    return {"score": 1.0, "params": float("inf")}


def leaves_out_the_cost(config: Config) -> dict[str, float]:
    return {"score": 1.0, "parameters": 1.0}


def raises(config: Config) -> float:
    print("about to fail")
    raise ValueError("n_head must divide n_embd")


def raises_a_class_of_its_own(config: Config) -> float:
    class OddError(Exception):
        def __reduce__(self) -> Any:
            raise RuntimeError("cannot be pickled")

    raise OddError("odd")


def exits(config: Config) -> float:
    sys.exit(3)


def exits_at_once(config: Config) -> float:
    os._exit(7)


def exits_with_zero(config: Config) -> float:
    os._exit(0)


def kills_itself(config: Config) -> float:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0.0


def kills_its_group(config: Config) -> float:
    os.killpg(0, signal.SIGKILL)
    return 0.0


def kills_its_keeper(config: Config) -> float:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(600)
    return 0.0


def counts_secrets(config: Config) -> dict[str, float]:
    return {name: float(name in os.environ) for name in config["names"]}


def crashes(config: Config) -> float:
    ctypes.string_at(0)
    return 0.0


def is_out_of_memory_on_the_device(config: Config) -> float:
    class OutOfMemoryError(RuntimeError):
        """As torch's own is called."""

    raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")


def allocates_without_end(config: Config) -> float:
    held = []
    while True:
        held.append(b"x" * (8 << 20))


def hangs(config: Config) -> float:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(60)


def sleeps(config: Config, trial: Any) -> float:
    trial.report(0, pid=os.getpid())
    time.sleep(float(config.get("seconds", 60)))
    return 1.0


def stops_its_keeper(config: Config, trial: Any) -> float:
    os.kill(os.getppid(), signal.SIGSTOP)
    trial.report(0, pid=os.getpid())
    time.sleep(600)
    return 1.0


def forks_children(config: Config, trial: Any) -> float:
    """A child, a grandchild in a session of its own, and one that ignores signals; then it hangs."""
    script = (
        "import os, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        time.sleep(600)\n"
        "    os._exit(0)\n"
        "time.sleep(600)\n"
    )
    subprocess.Popen([sys.executable, "-c", script, f"child-{config['mark']}"])
    trial.report(0, pid=os.getpid())
    time.sleep(600)
    return 1.0


def leaves_children(config: Config) -> float:
    """Ends well, and leaves a process behind."""
    subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)", f"child-{config['mark']}"], start_new_session=True
    )
    return 1.0


def prints_garbage(config: Config) -> float:
    for _ in range(200):
        os.write(1, os.urandom(4096))
    os.write(2, b'\n{"kind": "completed", "metrics": {"value": 99}}\n')
    return 1.0


def prints_numbered_lines(config: Config) -> float:
    for number in range(int(config["lines"])):
        os.write(1, f"{number}:".encode().ljust(8191, b"x") + b"\n")
    return 1.0


def prints_without_end(config: Config) -> float:
    for _ in range(int(config["lines"])):
        os.write(1, b"x" * 4095 + b"\n")
    print("the last line")
    return 1.0


def closes_everything(config: Config) -> float:
    os.closerange(0, 4096)
    return 1.0


def sees_its_slot(config: Config, trial: Any) -> dict[str, float]:
    import torch

    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert Path(trial.checkpoint_dir).is_dir() and Path(trial.run_dir).is_dir()
    return {
        "threads": float(torch.get_num_threads()),
        "omp": float(os.environ["OMP_NUM_THREADS"]),
        "own_session": float(os.getsid(0) != int(config["session"])),
        "stdin": float(len(os.read(0, 1))),
        "sigint": float(signal.getsignal(signal.SIGINT) == signal.default_int_handler),
    }
