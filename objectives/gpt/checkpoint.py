"""What a further attempt needs to go on where the last one was, in one file.

The file is written aside, synced and renamed, so that a kill at any moment leaves a whole one. What is damaged all the
same, or of another training, is not used: the training then begins anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from objectives.gpt.config import GptConfig
from storage.files import replacing

_FORMAT = 1
_DIGEST = hashlib.sha256().digest_size
_PAUSE, _SHARE = 10.0, 0.01  # left to itself: seconds between two, and of the time at most


class Checkpoints:
    """The checkpoint of one training in its folder. No folder: nothing is kept."""

    def __init__(self, folder: Path | None, identity: str, interval: int | None) -> None:
        """`identity` tells this training from all others; `interval` is in iterations, None: by time."""
        self.path = None if folder is None else folder / "training.pt"
        self.identity, self.interval = identity, interval
        self.saved, self.saved_at, self.cost = 0, time.monotonic(), 0.0

    def load(self, device: str) -> Mapping[str, Any] | None:
        """What was saved last, tensors on `device`; None where there is nothing of this training."""
        if self.path is None or not self.path.exists():
            return None
        content = self._content()
        if hashlib.sha256(content[_DIGEST:]).digest() != content[:_DIGEST]:
            warnings.warn(f"{self.path} is damaged: the training begins anew", stacklevel=2)
            return None
        kept = torch.load(io.BytesIO(content[_DIGEST:]), map_location=device, weights_only=True)
        if kept["identity"] != self.identity:
            warnings.warn(f"{self.path} is of another training: this one begins anew", stacklevel=2)
            return None
        self.saved, self.saved_at = kept["done"], time.monotonic()
        state: Mapping[str, Any] = kept["state"]
        return state

    def is_due(self, done: int) -> bool:
        """Whether it is time to save, with `done` iterations behind."""
        if self.path is None:
            return False
        if self.interval is not None:
            return done - self.saved >= self.interval
        return time.monotonic() - self.saved_at >= max(_PAUSE, self.cost / _SHARE)

    def save(self, done: int, state: Mapping[str, Any]) -> None:
        """Replace what was saved before, all or nothing."""
        if self.path is None:
            return
        began = time.monotonic()
        content = io.BytesIO()
        torch.save({"identity": self.identity, "done": done, "state": dict(state)}, content)
        try:
            with replacing(self.path, durable=True, sole=True) as aside, aside.open("wb") as file:
                file.write(hashlib.sha256(content.getbuffer()).digest())
                file.write(content.getbuffer())
        except OSError as error:  # a full disk, say: the training is worth more than its checkpoint
            warnings.warn(f"{self.path} cannot be written: {error.strerror}", stacklevel=2)
        self.saved, self.saved_at = done, time.monotonic()
        self.cost = self.saved_at - began

    def _content(self) -> memoryview:
        assert self.path is not None
        try:
            return memoryview(self.path.read_bytes())
        except OSError:
            return memoryview(b"")


def identify(config: GptConfig, seed: int, model: nn.Module) -> str:
    """A hash of all that makes two trainings the same: configuration, seed, and the model's parameters by name."""
    shapes = {name: list(each.shape) for name, each in model.named_parameters()}
    told = json.dumps([_FORMAT, asdict(config), seed, shapes], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
