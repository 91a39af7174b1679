"""The training loop: AdamW, evaluations, reports and checkpoints.

On a CPU the same config, seed and number of threads give the same numbers, bit for bit, whether one attempt runs to the
end or attempts are killed on the way.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, Protocol

import torch
from torch import Tensor, nn

from objectives.gpt.checkpoint import Checkpoints, identify
from objectives.gpt.clock import Clock
from objectives.gpt.config import GptConfig
from objectives.gpt.data import Data, count_val_batches, train_batch, val_batch
from objectives.gpt.model import Decoder
from objectives.gpt.schedule import Schedule
from objectives.gpt.state import State
from objectives.gpt.termination import Termination

_CUDA_CHECK_ITERATIONS = 16  # between checks of the loss, each of which waits for the device


class Trial(Protocol):
    """The part of a trial that training uses."""

    @property
    def seed(self) -> int: ...

    @property
    def device(self) -> str: ...

    @property
    def checkpoint_dir(self) -> Path | None:
        """The same folder for every attempt; None: no checkpoints are saved."""

    @property
    def run_dir(self) -> Path | None:
        """The folder for files to keep; None: no files are kept."""

    def attach(self, path: Path | str) -> None: ...

    def report(self, step: int, **metrics: float) -> None: ...

    def should_stop(self) -> bool: ...


def make_optimizer(model: nn.Module, config: GptConfig) -> torch.optim.Optimizer:
    """AdamW with weight decay on matrices only, not on gains, biases and constants."""
    parameters = list(model.parameters())
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": config.weight_decay},
            {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        fused=True,
    )


class Training:
    """One training, from its first iteration or its checkpoint to its last."""

    def __init__(self, config: GptConfig, data: Data, trial: Trial, model: Decoder, termination: Termination) -> None:
        self.config, self.data, self.trial, self.model, self.termination = config, data, trial, model, termination
        self.schedule = Schedule(config, data.train_tokens)
        self.is_cuda = trial.device == "cuda"
        compiles = config.compile and self.is_cuda
        self.loss = torch.compile(model) if compiles else model
        self.measure = torch.compile(model.measure) if compiles else model.measure
        self.autocast = torch.autocast(trial.device, dtype=torch.bfloat16, enabled=self.is_cuda)
        self.parameters = list(model.parameters())
        self.optimizer = make_optimizer(model, config)
        self.clock = Clock(self.is_cuda, self.schedule.iterations)
        self.state = State(model, self.optimizer, self.clock, trial.device)
        identity = identify(config, trial.seed, model)
        self.checkpoints = Checkpoints(trial.checkpoint_dir, identity, config.checkpoint_interval)

    def run(self) -> State:
        """Iterate and evaluate in turn; stop at once when the loss is no longer finite."""
        self._resume()
        state = self.state
        while not self._is_over():
            self._iterate(self.schedule.next_evaluation(state.evaluated))
            train_loss = state.total.item() / (state.done - state.evaluated)
            val_loss, val_acc = self._evaluate() if math.isfinite(train_loss) else (train_loss, math.nan)
            if not math.isfinite(val_loss):
                state.best, state.best_iter = val_loss, state.done
                break
            self._report(train_loss, val_loss, val_acc)
        return state

    def _is_over(self) -> bool:
        """Whether the final evaluation is done."""
        is_last = self.state.done == self.schedule.iterations or self._is_time_up(self.clock.total)
        return is_last and self.state.evaluated == self.state.done

    def _is_time_up(self, seconds: float) -> bool:
        return self.config.max_time_seconds is not None and seconds >= self.config.max_time_seconds

    def _resume(self) -> None:
        """Go on from the checkpoint, if there is one. Its reports are sent again: they may not have arrived."""
        saved = self.checkpoints.load(self.trial.device)
        if saved is not None:
            self.state.load(saved)
            for step, report in self.state.reports:
                self.trial.report(step, **report)

    def _iterate(self, end: int) -> None:
        """Train until `end` iterations are done, time is up, or the loss is no longer finite.

        At least one iteration runs before each evaluation, even when time is up.
        """
        state, check_every = self.state, _CUDA_CHECK_ITERATIONS if self.is_cuda else 1
        self.clock.resume()
        while state.done < end:
            if state.done > state.evaluated and self._is_time_up(self.clock.running_total()):
                break
            self._save_or_stop()
            batch, rate = self.schedule.batch(state.done), self.schedule.learning_rate(state.done)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            for loss in self.losses(train_batch(self.data, batch, self.trial.seed, state.done)):
                loss.backward()  # type: ignore[no-untyped-call]
                state.total += loss.detach()
            state.norm = nn.utils.clip_grad_norm_(self.parameters, self.config.grad_clip or math.inf)
            self.optimizer.step()
            self.optimizer.zero_grad()
            state.done += 1
            if state.done % check_every == 0 and not math.isfinite(state.total.item()):
                break
            self.clock.tick(batch.tokens_per_iteration)
        self.clock.pause()

    def losses(self, batch: tuple[Tensor, Tensor]) -> Iterator[Tensor]:
        """The loss of each piece of a batch, weighted by its share of the batch."""
        for share, piece in self._pieces(batch):
            with self.autocast:
                loss: Tensor = self.loss(*piece)
            yield loss * share if share < 1.0 else loss

    def _save_or_stop(self) -> None:
        """Between two iterations: save a checkpoint when it is due, and end the training when asked to."""
        should_end = self.termination.requested or self.trial.should_stop()
        if should_end or self.checkpoints.is_due(self.state.done):
            self.clock.pause()
            self.checkpoints.save(self.state.done, self.state.to_dict())
            if should_end:
                self._end()
            self.clock.resume()

    def _end(self) -> NoReturn:
        if self.termination.requested:
            raise SystemExit(143)  # leaving Termination raises the signal, which usually ends the process first
        from optuna import TrialPruned  # slow to import and rarely needed

        raise TrialPruned(f"asked to stop after {self.state.done} iterations")

    @torch.no_grad()
    def _evaluate(self) -> tuple[float, float]:
        """Mean loss and accuracy over val's fixed batches."""
        measured = []
        for index in range(count_val_batches(self.data, self.config)):
            if self.termination.requested:
                self.checkpoints.save(self.state.done, self.state.to_dict())
                self._end()
            measured.append(self._measure(val_batch(self.data, self.config, index)))
        val_loss, val_acc = torch.stack(measured).mean(0).tolist()
        return val_loss, val_acc

    @torch.no_grad()
    def _measure(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Loss and accuracy of a batch, without dropout."""
        self.model.eval()
        with self.autocast:
            parts = [self.measure(*piece) * share for share, piece in self._pieces(batch)]
        self.model.train()
        return torch.stack(parts).sum(0)

    def _pieces(self, batch: tuple[Tensor, Tensor]) -> Iterator[tuple[float, tuple[Tensor, Tensor]]]:
        """Pieces of a batch on its device, of at most `max_tokens_per_batch` tokens, each with its share of it."""
        sequences, length = batch[0].shape
        most = self.config.max_tokens_per_batch
        at_once = sequences if most is None else most // length
        for tokens, targets in zip(*(torch.split(each, at_once) for each in batch), strict=True):
            share = len(tokens) / sequences
            if self.is_cuda:
                tokens, targets = (each.pin_memory().to("cuda", non_blocking=True) for each in (tokens, targets))
            yield share, (tokens, targets)

    def _report(self, train_loss: float, val_loss: float, val_acc: float) -> None:
        """Report an evaluation. `train_acc` is measured on the last batch, after its update."""
        state, schedule, last = self.state, self.schedule, self.state.done - 1
        batch, tokens = schedule.batch(last), schedule.tokens(state.done)
        train_acc = self._measure(train_batch(self.data, batch, self.trial.seed, last))[1].item()
        report = {
            "train_loss": train_loss,
            "val_loss": val_loss,
            "train_acc": train_acc,
            "val_acc": val_acc,
            "train_pplx": _perplexity(train_loss),
            "val_pplx": _perplexity(val_loss),
            "next_token_probability": math.exp(-val_loss),
            "grad_norm": state.norm.item(),
            "learning_rate": schedule.learning_rate(last),
            "weight_decay": self.config.weight_decay,
            "tokens": float(tokens),
            "tokens_seen": float(tokens),
            "epoch": tokens / schedule.train_tokens,
            "batch_size": float(batch.batch_size),
            "sequence_length": float(batch.block_size),
            "cumulative_time": self.clock.total,
        }
        self.trial.report(state.done, **report)
        state.reports.append((state.done, report))
        state.evaluated = state.done
        state.total.zero_()
        if val_loss < state.best:
            state.best, state.best_iter = val_loss, state.done


def _perplexity(loss: float) -> float:
    """exp(loss), or inf where a float cannot hold it."""
    return math.exp(loss) if loss < 709.0 else math.inf
