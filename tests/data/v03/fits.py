def fits(config):
    if config["batch_size"] > 37:
        raise MemoryError("no room")
    return {"tokens_per_second": 100.0 - config["batch_size"], "peak_memory": config["batch_size"]}


def validate(config):
    return "batch of 48 is refused" if config["batch_size"] == 48 else None
