"""A training as people write it with jsonargparse."""

from dataclasses import dataclass

from jsonargparse import CLI


@dataclass
class Model:
    depth: int = 2
    bias: bool = True


def main(
    model: Model = Model(), lr: float = 1e-3, sizes: list[int] = [64, 128], note: str | None = None, seed: int = 0
):
    assert model.bias is True and sizes == [64, 128] and note is None
    print(f"test_acc: {0.9 - lr - 0.1 / model.depth + seed / 1e4:.5f}")


if __name__ == "__main__":
    CLI(main)
