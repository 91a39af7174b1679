"""A training as people write it with transformers' HfArgumentParser."""

import json
import os
from dataclasses import dataclass, field

from transformers.hf_argparser import HfArgumentParser


@dataclass
class Arguments:
    output_dir: str = field(default="out", metadata={"help": "Where results go."})
    learning_rate: float = field(default=5e-5, metadata={"help": "Of AdamW."})
    num_hidden_layers: int = field(default=2)
    lr_scheduler_type: str = field(default="linear", metadata={"choices": ["linear", "cosine"]})
    bf16: bool = field(default=False, metadata={"help": "Whether to use bfloat16."})
    use_bias: bool = field(default=True)
    warmup: float | None = field(default=None)
    seed: int = 42


def main() -> None:
    (args,) = HfArgumentParser(Arguments).parse_args_into_dataclasses()
    assert args.bf16 is False and args.use_bias is True and args.warmup is None
    os.makedirs(args.output_dir, exist_ok=True)
    with open(os.path.join(args.output_dir, "log.jsonl"), "a") as file:
        for step in range(3):
            row = {"step": step, "eval_loss": args.learning_rate * 100 + 1 / args.num_hidden_layers + args.seed / 1e6}
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
