"""Checkpoints: one file from which the next attempt goes on.

The file is written aside, synced and renamed, so that a kill at any moment leaves a whole file. A file that is damaged
or belongs to another training is ignored: the training then starts from its beginning.
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

_FORMAT_VERSION = 1
_DIGEST_BYTES = hashlib.sha256().digest_size
_MIN_SECONDS = 10.0  # between two checkpoints, where the config gives no interval
_MAX_SHARE = 0.01  # of the time, spent on saving


class Checkpoints:
    """The checkpoint of one training in its folder; without a folder nothing is saved."""

    def __init__(self, folder: Path | None, identity: str, interval: int | None) -> None:
        """`identity` is a hash of this training; `interval` counts iterations, None: saved by time."""
        self.path = None if folder is None else folder / "training.pt"
        self.identity, self.interval = identity, interval
        self.saved, self.saved_at, self.cost = 0, time.monotonic(), 0.0

    def load(self, device: str) -> Mapping[str, Any] | None:
        """The last saved state, with tensors on `device`; None if this training has saved none."""
        if self.path is None or not self.path.exists():
            return None
        content = self._content()
        if hashlib.sha256(content[_DIGEST_BYTES:]).digest() != content[:_DIGEST_BYTES]:
            warnings.warn(f"{self.path} is damaged: the training starts from its beginning", stacklevel=2)
            return None
        kept = torch.load(io.BytesIO(content[_DIGEST_BYTES:]), map_location=device, weights_only=True)
        if kept["identity"] != self.identity:
            warnings.warn(f"{self.path} belongs to another training: this one starts from its beginning", stacklevel=2)
            return None
        self.saved, self.saved_at = kept["done"], time.monotonic()
        state: Mapping[str, Any] = kept["state"]
        return state

    def is_due(self, done: int) -> bool:
        """Whether it is time to save, after `done` iterations."""
        if self.path is None:
            return False
        if self.interval is not None:
            return done - self.saved >= self.interval
        return time.monotonic() - self.saved_at >= max(_MIN_SECONDS, self.cost / _MAX_SHARE)

    def save(self, done: int, state: Mapping[str, Any]) -> None:
        """Replace the last checkpoint, all or nothing."""
        if self.path is None:
            return
        began = time.monotonic()
        content = io.BytesIO()
        torch.save({"identity": self.identity, "done": done, "state": dict(state)}, content)
        try:
            with replacing(self.path, durable=True, sole=True) as aside, aside.open("wb") as file:
                file.write(hashlib.sha256(content.getbuffer()).digest())
                file.write(content.getbuffer())
        except OSError as error:  # a full disk, for example: the training goes on without a checkpoint
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
    """A hash of a training: its config, its seed, and the names and shapes of the model's parameters."""
    shapes = {name: list(each.shape) for name, each in model.named_parameters()}
    described = asdict(config)
    if config.init == "sequential":
        del described["init"]  # as it was before there was another
    text = json.dumps([_FORMAT_VERSION, described, seed, shapes], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
