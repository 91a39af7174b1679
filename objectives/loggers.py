"""W&B and TensorBoard beside the database, as optional extras: one run a trial, in the trial's own process.

`log_to: [tensorboard, wandb]` in a definition. Runs are grouped by study and by setting without its seed. Nothing here
can stop a trial: a missing package, a missing login, a dead network end in one line in the trial's log. W&B reads its
own variables (WANDB_PROJECT, WANDB_MODE=offline, WANDB_API_KEY, …); no login is ever kept with a study.
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
PATIENCE = 15  # seconds for W&B to begin a run, and again to end it
WHOLE_NAMES = {"seq_length": "sequence_length"}


@dataclass(frozen=True)
class TrialName:
    """What a run is called, and what it is grouped by."""

    study: str
    number: int
    attempt: int
    seed: int
    config: Mapping[str, Any]
    folder: Path
    """The trial's `run_dir`."""

    @property
    def group(self) -> str:
        """The study and a hash of the setting: the same for every seed of it."""
        setting = {name: value for name, value in self.config.items() if name != "seed"}
        text = json.dumps(setting, sort_keys=True, default=str)
        return f"{self.study}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    @property
    def id(self) -> str:
        """One run a trial, also over several attempts. The folder's name tells studies of one name apart."""
        text = "/".join((self.study, *self.folder.parts[-3:-1], str(self.number)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Logger(Protocol):
    """One place that metrics go to. It may raise: `Loggers` sees to that."""

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Metrics at a step, under the names that people chart."""

    def close(self, completed: bool) -> None:
        """The trial has ended."""


class Loggers:
    """All the places of one trial. What fails is told once and left out from then on."""

    def __init__(self, places: Sequence[str], trial: TrialName) -> None:
        self.step = 0
        self.open: dict[str, Logger] = {}
        dice = random.getstate()
        for place in places:
            made = _guarded(place, lambda place=place: MAKERS[place](trial))  # type: ignore[misc]
            if made is not None:
                self.open[place] = made
        random.setstate(dice)  # a trial is the same with and without its loggers

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """What a trial reports."""
        self.step = max(self.step, step)
        named = {chart_name(name): value for name, value in metrics.items()}
        for place, logger in list(self.open.items()):
            if _guarded(place, lambda logger=logger: logger.log(step, named) or True) is None:  # type: ignore[misc]
                del self.open[place]

    def close(self, metrics: Mapping[str, float] | None) -> None:
        """The trial has ended: with these metrics, or without a result."""
        if metrics:
            self.log(self.step, metrics)
        for place, logger in self.open.items():
            _guarded(place, lambda logger=logger: logger.close(metrics is not None))  # type: ignore[misc]
        self.open.clear()


def parse_log_to(value: Any, where: str) -> tuple[str, ...]:
    """The definition's `log_to`.

    Raises:
        UsageError: There is no such place.
    """
    places = [value] if isinstance(value, str) else value
    if not isinstance(places, list):
        raise UsageError(f"{where}: {value!r} is not a list of {', '.join(LOGGERS)}")
    for each in places:
        if each not in LOGGERS:
            raise UsageError(f"{where}: {each!r}{nearest(str(each), LOGGERS)}")
    return tuple(dict.fromkeys(places))


def chart_name(name: str) -> str:
    """`train_loss` as charts have it: `train/loss`."""
    for part in ("train", "val"):
        if name.startswith(f"{part}_") and len(name) > len(part) + 1:
            return f"{part}/{name[len(part) + 1 :]}"
    return WHOLE_NAMES.get(name, name)


class TensorBoard:
    """Event files below the trial's folder: `tensorboard --logdir` finds all of a study's."""

    def __init__(self, trial: TrialName) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            from tensorboardX import SummaryWriter
        folder = trial.folder / "tensorboard" / trial.group / f"seed-{trial.seed}"
        self.writer: Any = SummaryWriter(str(folder), flush_secs=10)
        told = json.dumps({**trial.config, "seed": trial.seed}, indent=1, default=str)
        self.writer.add_text("config", f"```\n{told}\n```")

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self.writer.add_scalar(name, value, step)

    def close(self, completed: bool) -> None:
        self.writer.close()


class WandB:
    """A run of W&B, offline if it cannot be begun otherwise: `wandb sync` sends it later."""

    def __init__(self, trial: TrialName) -> None:
        import wandb

        settings = wandb.Settings(console="off", silent=True, disable_git=True)
        if "WANDB_INIT_TIMEOUT" not in os.environ:
            settings.init_timeout = PATIENCE
        wandb.setup(settings=settings)  # so that its login, too, says nothing of itself

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
            # Their own counter refuses to go back, which a further attempt does.
            run.define_metric("step")
            run.define_metric("*", step_metric="step")
            return run

        if "WANDB_MODE" in os.environ:
            self.run = begin(None)
            return
        try:
            self.run = begin(None)
        except Exception as error:
            _say("wandb", f"{one_line(error)}; the run is kept offline below {trial.folder / 'wandb'}")
            wandb.teardown()  # it still holds the run's id
            self.run = begin("offline")

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        self.run.log({**metrics, "step": step})

    def close(self, completed: bool) -> None:
        # In a thread of its own: with a dead network it waits as long as it likes, and the trial does not.
        ending = threading.Thread(target=self.run.finish, args=(0 if completed else 1,), daemon=True)
        ending.start()
        ending.join(PATIENCE)
        if ending.is_alive():
            raise TimeoutError(f"not everything was sent in {PATIENCE} s; `wandb sync` sends what is on disk")


MAKERS: Mapping[str, Callable[[TrialName], Logger]] = {"tensorboard": TensorBoard, "wandb": WandB}


def _guarded(place: str, act: Callable[[], Any]) -> Any:
    """The one place where everything is caught: somebody else's program must not end a training."""
    try:
        return act()
    except ImportError as error:
        _say(place, f"{error.name or error} is not installed (pip install 'studyhall[{place}]')")
    except Exception as error:
        _say(place, one_line(error))
    return None


def _say(place: str, what: str) -> None:
    print(f"log_to: {place}: {what}; the trial goes on", flush=True)  # noqa: T201
