"""A training as people write it with click: its results are one JSON document in a folder of its own."""

import json
from pathlib import Path

import click


@click.command()
@click.option("--lr", type=float, default=0.001, show_default=True, help="Learning rate.")
@click.option("--width", default=32, help="Of the hidden layers.")
@click.option("--activation", type=click.Choice(["relu", "gelu"]), default="gelu", show_default=True)
@click.option("--norm", is_flag=True, help="Normalize the input.")
@click.option("--random-seed", type=int, default=1)
@click.option("--output-dir", type=click.Path(path_type=Path), default="out")
def train(lr: float, width: int, activation: str, norm: bool, random_seed: int, output_dir: Path) -> None:
    """Train a small model."""
    assert not norm
    output_dir.mkdir(parents=True, exist_ok=True)
    results = {"val_accuracy": 0.9 - lr - random_seed / 1e6, "params": width * width, "activation": activation}
    with open(output_dir / "results.json", "w") as file:
        json.dump(results, file, indent=2)


if __name__ == "__main__":
    train()
