"""Logs to W&B and TensorBoard beside the database, as optional extras: one run for each trial, in its own process.

A definition asks for it: `log_to: [tensorboard, wandb]`. Runs are grouped by study and setting. No logger can stop a
trial: a missing package, a missing login or a dead network is one line in the trial's log. W&B reads its own variables
(WANDB_PROJECT, WANDB_MODE=offline, WANDB_API_KEY, …); no login is stored with a study.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from storage.errors import UsageError, nearest, one_line

LOGGERS = ("tensorboard", "wandb")
WANDB_SECONDS = 15  # for W&B to begin a run, and again to end it
CHART_NAMES = {"seq_length": "sequence_length"}


@dataclass(frozen=True)
class TrialName:
    """The trial's name in a logger, and the group of its run."""

    study: str
    number: int
    attempt: int
    seed: int
    config: Mapping[str, Any]
    folder: Path
    """The trial's `run_dir`."""

    @property
    def group(self) -> str:
        """The study and a hash of the setting: the same for all seeds of a setting."""
        setting = {name: value for name, value in self.config.items() if name != "seed"}
        text = json.dumps(setting, sort_keys=True, default=str)
        return f"{self.study}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def id(self) -> str:
        """One run for each trial, over all its attempts. The folder's name separates studies of the same name."""
        text = "/".join((self.study, *self.folder.parts[-3:-1], str(self.number)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Logger(Protocol):
    """One destination of metrics. It may raise: `Loggers` catches everything."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Log metrics at a step, under the names of charts."""

    def close(self, completed: bool) -> None:
        """End the run: the trial has ended."""


class Loggers:
    """The loggers of one trial. A logger that fails prints one line and is not used again."""

    def __init__(self, names: Sequence[str], trial: TrialName) -> None:
        self.step = 0
        self.open: dict[str, Logger] = {}
        random_state = random.getstate()
        for name in names:
            logger = _guarded(name, lambda name=name: LOGGER_TYPES[name](trial))  # type: ignore[misc]
            if logger is not None:
                self.open[name] = logger
        random.setstate(random_state)  # a trial draws the same numbers with and without loggers

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Log what the trial reports."""
        self.step = max(self.step, step)
        named = {chart_name(name): value for name, value in metrics.items()}
        for name, logger in list(self.open.items()):
            if _guarded(name, lambda logger=logger: logger.log(step, named) or True) is None:  # type: ignore[misc]
                del self.open[name]

    def close(self, metrics: Mapping[str, float] | None) -> None:
        """End the runs: the trial has ended with these metrics, or without a result."""
        if metrics:
            self.log(self.step, metrics)
        for name, logger in self.open.items():
            _guarded(name, lambda logger=logger: logger.close(metrics is not None))  # type: ignore[misc]
        self.open.clear()


def parse_log_to(value: Any, where: str) -> tuple[str, ...]:
    """Check a definition's `log_to`.

    Raises:
        UsageError: It names an unknown logger.
    """
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list):
        raise UsageError(f"{where}: {value!r} is not a list of {', '.join(LOGGERS)}")
    for each in names:
        if each not in LOGGERS:
            raise UsageError(f"{where}: {each!r}{nearest(str(each), LOGGERS)}")
    return tuple(dict.fromkeys(names))


def chart_name(name: str) -> str:
    """A metric's name in charts: `train/loss` for `train_loss`."""
    for part in ("train", "val"):
        if name.startswith(f"{part}_") and len(name) > len(part) + 1:
            return f"{part}/{name[len(part) + 1 :]}"
    return CHART_NAMES.get(name, name)


class TensorBoard:
    """Writes event files below the trial's folder; `tensorboard --logdir` finds those of a whole study."""

    def __init__(self, trial: TrialName) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            from tensorboardX import SummaryWriter
        folder = trial.folder / "tensorboard" / trial.group / f"seed-{trial.seed}"
        self.writer: Any = SummaryWriter(str(folder), flush_secs=10)
        config = json.dumps({**trial.config, "seed": trial.seed}, indent=1, default=str)
        self.writer.add_text("config", f"```\n{config}\n```")

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self.writer.add_scalar(name, value, step)

    def close(self, completed: bool) -> None:
        self.writer.close()


class WandB:
    """A run of W&B; offline if W&B cannot be reached, so that `wandb sync` sends it later."""

    def __init__(self, trial: TrialName) -> None:
        import wandb

        settings = wandb.Settings(console="off", silent=True, disable_git=True)
        if "WANDB_INIT_TIMEOUT" not in os.environ:
            settings.init_timeout = WANDB_SECONDS
        wandb.setup(settings=settings)  # before the login, so that it prints nothing

        def begin(mode: str | None) -> Any:
            run = wandb.init(
                project=None if "WANDB_PROJECT" in os.environ else "studyhall",
                group=trial.group,
                name=f"{trial.study}-{trial.number}",
                id=trial.id,
                resume="allow",
                mode=mode,
                dir=str(trial.folder),
                config={**trial.config, "seed": trial.seed, "study": trial.study, "trial": trial.number},
                settings=settings,
            )
            # W&B's own step never goes back, but a further attempt's steps do.
            run.define_metric("step")
            run.define_metric("*", step_metric="step")
            return run

        if "WANDB_MODE" in os.environ:
            self.run = begin(None)
            return
        try:
            self.run = begin(None)
        except Exception as error:
            _log_line("wandb", f"{one_line(error)}; the run is kept offline below {trial.folder / 'wandb'}")
            wandb.teardown()  # it still holds the run's id
            self.run = begin("offline")

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self.run.log({**metrics, "step": step})

    def close(self, completed: bool) -> None:
        # In its own thread: with a dead network W&B waits without end, and the trial must not.
        ending = threading.Thread(target=self.run.finish, args=(0 if completed else 1,), daemon=True)
        ending.start()
        ending.join(WANDB_SECONDS)
        if ending.is_alive():
            raise TimeoutError(f"not everything was sent in {WANDB_SECONDS} s; `wandb sync` sends what is on disk")


LOGGER_TYPES: Mapping[str, Callable[[TrialName], Logger]] = {"tensorboard": TensorBoard, "wandb": WandB}


def _guarded(name: str, call: Callable[[], Any]) -> Any:
    """Call a logger and catch every exception: a logger must not end a training."""
    try:
        return call()
    except ImportError as error:
        _log_line(name, f"{error.name or error} is not installed (pip install -e '.[{name}]')")
    except Exception as error:
        _log_line(name, one_line(error))
    return None


def _log_line(name: str, message: str) -> None:
    print(f"log_to: {name}: {message}; the trial goes on", flush=True)  # noqa: T201
