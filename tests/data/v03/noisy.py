import random


def noisy(config):
    draw = random.Random(repr(sorted(config.items())))
    worth = config["n_layer"] + 2 * config["n_head"] + config["mlp_size"] / 64
    return {
        "score": worth + draw.gauss(0, 0.5),
        "params": 100 * config["n_layer"] + 50 * config["n_head"] + config["mlp_size"],
    }
