"""`profile: true`: what a few iterations spend their time on, as a trace for chrome://tracing or Perfetto."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from objectives.gpt.data import train_batch
from objectives.gpt.training import Training

ITERATIONS = 3


def write_trace(training: Training, folder: Path) -> None:
    """Forwards and backwards on batches that it has seen, after its training: its result is not touched.

    Writes `trace.json` and attaches it to the trial.
    """
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if training.is_cuda else [])]
    file = folder / "trace.json"
    with profile(activities=activities, record_shapes=True) as trace:
        for iteration in range(min(ITERATIONS, training.state.done)):
            batch = train_batch(training.data, training.schedule.batch(iteration), training.trial.seed, iteration)
            for loss in training.losses(batch):
                torch.autograd.backward(loss)
    trace.export_chrome_trace(str(file))
    training.trial.attach(file)
