"""The training loop beside a plain PyTorch loop over the same model: tokens a second and their ratio.

    python benchmarks/training.py

Four layers, 128 wide, 4 heads, batches of 12 x 64, on the bytes of the standard library, one thread. Both sides
run in turn, in this process; a figure is the median of its rounds, each after ten iterations not counted. Last, what
a checkpoint of this model costs: by default one is made no more often than takes a hundredth of the time.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch

from objectives.gpt import objective
from objectives.gpt.checkpoint import Checkpoints
from objectives.gpt.clock import Clock
from objectives.gpt.config import GptConfig
from objectives.gpt.data import Data, open_data, train_batch
from objectives.gpt.model import Decoder, count_params
from objectives.gpt.state import State
from objectives.gpt.training import make_optimizer

CONFIG = {
    "dataset": "stdlib",
    "attention_variant": "causal",
    "use_rotary_embeddings": False,
    "use_abs_pos_embeddings": True,
    "n_layer": 4,
    "n_head": 4,
    "n_embd": 128,
    "mlp_size": 512,
    "batch_size": 12,
    "block_size": 64,
    "max_iters": 50,
    "eval_interval": 50,
    "eval_iters": 1,
}
ROUNDS, UNTIMED, SAVES = 5, 10, 15


class Quiet:
    """A trial that keeps nothing."""

    seed, device, checkpoint_dir = 1337, "cpu", None

    def report(self, step: int, **metrics: float) -> None:
        pass

    def should_stop(self) -> bool:
        return False


def ours() -> float:
    """Tokens a second of the objective, as it returns them."""
    return objective(CONFIG, Quiet())["tokens_per_second"]


def plain(config: GptConfig, data: Data) -> float:
    """Tokens a second of the shortest loop that one would write."""
    torch.manual_seed(1337)
    model = Decoder(config, data.vocab_size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    started = 0.0
    for iteration in range(config.max_iters):
        if iteration == UNTIMED:
            started = time.perf_counter()
        places = torch.randint(len(data.train) - config.block_size, (config.batch_size,)).tolist()
        windows = [torch.from_numpy(data.train[p : p + config.block_size + 1].astype("int64")) for p in places]
        batch = torch.stack(windows)
        loss = model(batch[:, :-1], batch[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return config.tokens_per_iteration * (config.max_iters - UNTIMED) / (time.perf_counter() - started)


def saving(config: GptConfig, data: Data) -> float:
    """Milliseconds that a checkpoint of this model takes."""
    model = Decoder(config, data.vocab_size)
    optimizer = make_optimizer(model, config)
    model(*train_batch(data, config, 1337, 0)).backward()
    optimizer.step()
    state = State(model, optimizer, Clock(is_cuda=False, iterations=1), "cpu")
    with TemporaryDirectory() as folder:
        checkpoints, times = Checkpoints(Path(folder), "benchmark", interval=1), []
        for _ in range(SAVES):
            started = time.perf_counter()
            checkpoints.save(1, state.to_dict())
            times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3


def main() -> None:
    torch.set_num_threads(1)
    config = GptConfig.parse(CONFIG)
    data = open_data(config)
    params = count_params(Decoder(config, data.vocab_size))
    print(f"{params:,} parameters, {config.tokens_per_iteration} tokens an iteration, one thread")
    our_rounds, plain_rounds = [], []
    for _ in range(ROUNDS):
        plain_rounds.append(plain(config, data))
        our_rounds.append(ours())
    our_speed, plain_speed = statistics.median(our_rounds), statistics.median(plain_rounds)
    print(f"training loop   {our_speed:10,.0f} tokens/s")
    print(f"plain loop      {plain_speed:10,.0f} tokens/s")
    print(f"ratio           {our_speed / plain_speed:10.3f}")
    print(f"a checkpoint    {saving(config, data):10.2f} ms")


if __name__ == "__main__":
    main()
