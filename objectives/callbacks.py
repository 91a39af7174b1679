"""For users of Lightning and Hugging Face's Trainer: a callback that reports to the trial and stops when asked to.

    trainer = Trainer(callbacks=[lightning_callback(trial)])                # lightning.pytorch
    trainer = Trainer(model, args, callbacks=[transformers_callback(trial)])  # transformers

Each imports its framework when it is called. Names stay as the framework logs them.
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
        """Reports what was logged, at every end of an epoch or a validation."""

        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if trial.should_stop():
                trainer.should_stop = True

        def on_train_epoch_end(self, trainer: Any, *_: Any) -> None:
            self.report(trainer)

        def on_validation_end(self, trainer: Any, *_: Any) -> None:
            self.report(trainer)

        def report(self, trainer: Any) -> None:
            told = numbers(trainer.callback_metrics)
            if told and trainer.is_global_zero and not trainer.sanity_checking:
                trial.report(trainer.global_step, **told)

    return ReportToTrial()


def transformers_callback(trial: TrialContext) -> Any:
    """A callback for `transformers.Trainer`."""
    from transformers import TrainerCallback

    class ReportToTrial(TrainerCallback):
        """Reports what the Trainer logs, evaluations too; asked to stop, it saves a checkpoint first."""

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            told = numbers(logs or {})
            if told and state.is_world_process_zero:
                trial.report(state.global_step, **told)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if trial.should_stop():
                control.should_save = control.should_training_stop = True

    return ReportToTrial()


def numbers(logged: Mapping[str, Any]) -> dict[str, float]:
    """What is a number, or a tensor of one; `step` is the report's own."""
    told = {}
    for name, value in logged.items():
        try:
            told[name] = float(value)
        except (TypeError, ValueError, RuntimeError):
            continue
    return {name: value for name, value in told.items() if name not in ("step", "self")}
