"""`profile: true`: a trace of a few iterations, for chrome://tracing or Perfetto."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from objectives.gpt.data import train_batch
from objectives.gpt.training import Training

PROFILED_ITERATIONS = 3


def write_trace(training: Training, folder: Path) -> None:
    """Run forwards and backwards on the first batches again, after the training, so that its result stays the same.

    Writes `trace.json` and attaches it to the trial.
    """
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if training.is_cuda else [])]
    file = folder / "trace.json"
    with profile(activities=activities, record_shapes=True) as trace:
        for iteration in range(min(PROFILED_ITERATIONS, training.state.done)):
            batch = train_batch(training.data, training.schedule.batch(iteration), training.trial.seed, iteration)
            for loss in training.losses(batch):
                torch.autograd.backward(loss)
    trace.export_chrome_trace(str(file))
    training.trial.attach(file)
