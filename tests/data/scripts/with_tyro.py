"""A training as people write it with tyro: nested dataclasses."""

from dataclasses import dataclass, field
from typing import Literal

import tyro


@dataclass
class Optimizer:
    learning_rate: float = 3e-4
    """Of AdamW."""
    nesterov: bool = False


@dataclass
class Config:
    """Train a small model."""

    optimizer: Optimizer = field(default_factory=Optimizer)
    num_layers: int = 4
    activation: Literal["relu", "gelu"] = "relu"
    bias: bool = True
    sizes: tuple[int, ...] = (64, 128)
    warmup: int | None = None
    seed: int = 0


def main(config: Config) -> None:
    assert config.bias and config.sizes == (64, 128) and config.warmup is None
    for step in range(3):
        loss = config.optimizer.learning_rate * 10 + 1 / config.num_layers + step / 1e3
        print("step", step, "loss", loss)


if __name__ == "__main__":
    main(tyro.cli(Config))
