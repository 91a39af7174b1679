def cells(config):
    if config["a"] == 3:
        raise ValueError("three is not for us")
    return {"loss": config["a"] + config["b"] / 10 + config["seed"] / 1000, "params": config["a"]}


def validate(config):
    return "b of 9 is too much" if config["b"] == 9 else None
