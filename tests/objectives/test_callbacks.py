"""What a trainer's callback hands on, and what it imports."""

from __future__ import annotations

import subprocess
import sys

import torch

from objectives.callbacks import numbers
from storage.home import CHECKOUT


def test_numbers_are_what_a_report_can_hold() -> None:
    logged = {"a": torch.tensor(0.5), "b": 2, "c": "x", "d": torch.ones(2), "e": None, "step": 3}
    assert numbers(logged) == {"a": 0.5, "b": 2.0}


def test_nothing_is_imported_before_it_is_asked_for() -> None:
    names = ("torch", "lightning", "transformers", "wandb", "tensorboard")
    code = f"import sys, objectives.callbacks, objectives.loggers\nsys.exit(any(x in sys.modules for x in {names}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT).returncode == 0
