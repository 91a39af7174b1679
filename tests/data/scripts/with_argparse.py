"""A training as people write it with argparse: it prints its losses."""

import argparse
import math
import random


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a small model.")
    parser.add_argument("--learning-rate", "--lr", type=float, default=3e-3, help="the optimizer's rate")
    parser.add_argument("--n_layer", type=int, default=2)
    parser.add_argument("--optimizer", choices=["sgd", "adamw"], default="adamw")
    parser.add_argument(
        "--bias", action=argparse.BooleanOptionalAction, default=True, help="whether layers have biases"
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--resume", type=str, default=None)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    assert args.sizes == [64, 128] and args.bias is True and args.resume is None
    random.seed(args.seed)
    for epoch in range(args.epochs):
        loss = abs(math.log10(args.learning_rate) + 3) + 1 / args.n_layer + random.random() / 100
        print(f"epoch {epoch} | train loss {loss:.4f} | val loss {loss * 1.1:.4f}")


if __name__ == "__main__":
    main()
