"""A training as people write it with Fire."""

import fire


def train(
    lr: float = 0.001,
    hidden_size=128,
    optimizer="adamw",
    use_bias: bool = True,
    sizes=(64, 128),
    note=None,
    seed: int = 0,
):
    """Train a small model.

    Args:
        lr: The optimizer's rate.
        hidden_size: Of each layer.
    """
    assert use_bias is True and tuple(sizes) == (64, 128) and note is None and optimizer == "adamw"
    print("Params: {:,}".format(hidden_size**2))
    print("final: val_loss=%.6f" % (lr + 1 / hidden_size + seed / 1e4))


if __name__ == "__main__":
    fire.Fire(train)
