"""Callbacks for Lightning and Hugging Face's Trainer: they report to the trial, and stop the training when asked.

    trainer = Trainer(callbacks=[lightning_callback(trial)])                # lightning.pytorch
    trainer = Trainer(model, args, callbacks=[transformers_callback(trial)])  # transformers

Each function imports its framework when it is called. Metrics keep the names that the framework logs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from objectives.context import TrialContext


def lightning_callback(trial: TrialContext) -> Any:
    """A callback for `lightning.pytorch` or `pytorch_lightning`, whichever the objective has imported."""
    if "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules:
        from pytorch_lightning import Callback
    else:
        from lightning.pytorch import Callback

    class ReportToTrial(Callback):
        """Reports the logged metrics at the end of each epoch and of each validation."""

        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if trial.should_stop():
                trainer.should_stop = True

        def on_train_epoch_end(self, trainer: Any, *_: Any) -> None:
            self.report(trainer)

        def on_validation_end(self, trainer: Any, *_: Any) -> None:
            self.report(trainer)

        def report(self, trainer: Any) -> None:
            metrics = numbers(trainer.callback_metrics)
            if metrics and trainer.is_global_zero and not trainer.sanity_checking:
                trial.report(trainer.global_step, **metrics)

    return ReportToTrial()


def transformers_callback(trial: TrialContext) -> Any:
    """A callback for `transformers.Trainer`."""
    from transformers import TrainerCallback

    class ReportToTrial(TrainerCallback):
        """Reports what the Trainer logs, evaluations included. Saves a checkpoint before it stops the training."""

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            metrics = numbers(logs or {})
            if metrics and state.is_world_process_zero:
                trial.report(state.global_step, **metrics)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if trial.should_stop():
                control.should_save = control.should_training_stop = True

    return ReportToTrial()


def numbers(logged: Mapping[str, Any]) -> dict[str, float]:
    """The values that are numbers or tensors of one number, without `step`, which the report holds itself."""
    metrics = {}
    for name, value in logged.items():
        try:
            metrics[name] = float(value)
        except (TypeError, ValueError, RuntimeError):
            continue
    return {name: value for name, value in metrics.items() if name not in ("step", "self")}
