"""A training as people write it with Hydra."""

import logging

import hydra
from omegaconf import DictConfig

log = logging.getLogger(__name__)


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(config: DictConfig) -> None:
    assert config.use_bias is True and list(config.sizes) == [64, 128] and config.resume is None
    for step in range(2):
        log.info("step %d val_loss %.5f", step, config.optimizer.lr + 1 / config.model.depth + config.seed / 1e4)


if __name__ == "__main__":
    main()
