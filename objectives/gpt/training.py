"""The training loop: AdamW, warm-up and cosine decay, evaluations, and the metrics that a study reads.

On a CPU the same config and seed give the same numbers, bit for bit, with the same number of threads.
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from objectives.gpt.config import GptConfig
from objectives.gpt.data import Data, count_val_batches, open_data, train_batch, val_batch
from objectives.gpt.model import Decoder, count_non_embedding_params, count_params

METRICS = (
    "val_loss",  # nats a token, the best of all evaluations
    "next_token_probability",  # exp(-val_loss)
    "best_iter",  # iterations done when it was measured
    "params",
    "non_embedding_params",
    "iter",  # mean milliseconds an iteration, after warm-up, without evaluations
    "tokens_per_second",
)
CUDA_METRICS = ("vram",)  # peak MiB that tensors took

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h
_UNTIMED = 10  # first iterations, which allocate, compile and tune
_CUDA_LOOK = 16  # iterations between looks at the loss: each look waits for the device


class Trial(Protocol):
    """What training asks of the trial that it runs for."""

    @property
    def seed(self) -> int: ...

    @property
    def device(self) -> str: ...

    def report(self, step: int, **metrics: float) -> None: ...


def objective(config: Mapping[str, Any], trial: Trial) -> Mapping[str, float]:
    """Train one model: METRICS, and CUDA_METRICS on CUDA. `val_loss` is NaN or inf if training diverged."""
    _keep_freed_memory()
    parsed = GptConfig.parse(config)
    data = open_data(parsed)
    torch.manual_seed(trial.seed)
    model = Decoder(parsed, data.vocab_size).to(trial.device)  # made on the CPU: the same start on any device
    if trial.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    result = _Run(parsed, data, trial, model).train()
    metrics = {
        "val_loss": result.val_loss,
        "next_token_probability": math.exp(-result.val_loss) if math.isfinite(result.val_loss) else math.nan,
        "best_iter": float(result.best_iter),
        "params": float(count_params(model)),
        "non_embedding_params": float(count_non_embedding_params(model)),
        "iter": result.seconds * 1e3,
        "tokens_per_second": parsed.tokens_per_iteration / result.seconds,
    }
    if trial.device == "cuda":
        metrics["vram"] = torch.cuda.max_memory_allocated() / 2**20
    return metrics


def _keep_freed_memory() -> None:
    """Have glibc reuse the memory of freed tensors; left alone, it faults it in anew at each step.

    Small models are a tenth to a fifth faster on a CPU. It holds for this process, which trains and ends.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)
        mallopt(_M_TRIM_THRESHOLD, 512 * 2**20)


def learning_rate(config: GptConfig, iteration: int) -> float:
    """Linear warm-up, then half a cosine down to `min_lr` at `max_iters`; iterations count from 0."""
    if iteration < config.warmup:
        return config.learning_rate * (iteration + 1) / (config.warmup + 1)
    progress = (iteration - config.warmup) / max(1, config.max_iters - config.warmup)
    share = 0.5 * (1.0 + math.cos(math.pi * progress))
    return config.lowest_rate + share * (config.learning_rate - config.lowest_rate)


def make_optimizer(model: nn.Module, config: GptConfig) -> torch.optim.Optimizer:
    """AdamW that decays matrices, not gains, biases and constants."""
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


@dataclass(frozen=True)
class _Result:
    val_loss: float
    best_iter: int
    seconds: float  # mean, an iteration


class _Run:
    """One training from its first iteration to its last."""

    def __init__(self, config: GptConfig, data: Data, trial: Trial, model: Decoder) -> None:
        self.config, self.data, self.trial, self.model = config, data, trial, model
        self.is_cuda = trial.device == "cuda"
        self.loss = torch.compile(model) if config.compile and self.is_cuda else model
        self.autocast = torch.autocast(trial.device, dtype=torch.bfloat16, enabled=self.is_cuda)
        self.parameters = list(model.parameters())
        self.optimizer = make_optimizer(model, config)
        self.clock = _Clock(self.is_cuda, _UNTIMED if config.max_iters > _UNTIMED else 0)

    def train(self) -> _Result:
        """Iterate and evaluate in turn; stops at once where the loss is no longer a number."""
        config, done = self.config, 0
        best, best_iter = math.inf, 0
        while done < config.max_iters:
            start, done = done, min(config.max_iters, done + config.eval_interval)
            self.clock.resume()
            train_loss, norm = self._iterate(start, done)
            self.clock.pause()
            val_loss = self._evaluate() if math.isfinite(train_loss) else train_loss
            if not math.isfinite(val_loss):
                return _Result(val_loss, done, self.clock.mean)
            self.trial.report(
                done,
                train_loss=train_loss,
                val_loss=val_loss,
                next_token_probability=math.exp(-val_loss),
                learning_rate=learning_rate(config, done - 1),
                grad_norm=norm,
                tokens=float(done * config.tokens_per_iteration),
            )
            if val_loss < best:
                best, best_iter = val_loss, done
        return _Result(best, best_iter, self.clock.mean)

    def _iterate(self, start: int, end: int) -> tuple[float, float]:
        """Train through iterations [start, end): the mean loss and the last gradient norm before clipping."""
        total = torch.zeros((), dtype=torch.float64, device=self.trial.device)
        norm = total
        look_every = _CUDA_LOOK if self.is_cuda else 1
        for iteration in range(start, end):
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(self.config, iteration)
            loss = self._loss(train_batch(self.data, self.config, self.trial.seed, iteration))
            loss.backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(self.parameters, self.config.grad_clip or math.inf)
            self.optimizer.step()
            self.optimizer.zero_grad()
            total += loss.detach()
            if iteration % look_every == 0 and not math.isfinite(total.item()):
                break
            self.clock.tick()
        return total.item() / (end - start), norm.item()

    def _loss(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        tokens, targets = (b.pin_memory().to("cuda", non_blocking=True) for b in batch) if self.is_cuda else batch
        with self.autocast:
            loss: Tensor = self.loss(tokens, targets)
        return loss

    @torch.no_grad()
    def _evaluate(self) -> float:
        """Mean loss over the fixed batches of val."""
        self.model.eval()
        batches = count_val_batches(self.data, self.config)
        losses = [self._loss(val_batch(self.data, self.config, index)) for index in range(batches)]
        self.model.train()
        return torch.stack(losses).mean().item()


class _Clock:
    """Mean seconds an iteration, without the first `untimed` ones and without what happens in a pause."""

    def __init__(self, is_cuda: bool, untimed: int) -> None:
        self.is_cuda, self.untimed = is_cuda, untimed
        self.seconds, self.iterations, self.since = 0.0, 0, 0.0

    @property
    def mean(self) -> float:
        return self.seconds / max(1, self.iterations)

    def resume(self) -> None:
        self.since = self._now()

    def pause(self) -> None:
        self.seconds += self._now() - self.since

    def tick(self) -> None:
        """An iteration is over."""
        self.iterations += 1
        if self.iterations == self.untimed:
            self.seconds, self.iterations, self.untimed = 0.0, 0, 0
            self.resume()

    def _now(self) -> float:
        if self.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter()
