"""What a script's flags lead to: how each is sent, which of them have a place of their own, which make an axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from objectives.command.command import TRIAL_PLACEHOLDERS
from objectives.command.flags import Spelling
from storage.errors import UsageError
from studies.definition.yaml_text import can_be_kept
from studies.scripts.flag import Flag, Missing, Parser, Switch

SPELLINGS = {
    Parser.HYDRA: Spelling("hydra", "one"),
    Parser.GLOBALS: Spelling("python", "one"),
    Parser.FIRE: Spelling("python", "one"),
    Parser.ABSL: Spelling("equals", "comma"),
    Parser.JSONARGPARSE: Spelling("value", "one"),
    Parser.TRANSFORMERS: Spelling("value"),
    Parser.TYRO: Spelling("no-prefix"),
}
"""Of the others, their booleans decide."""
MODE_OF_SWITCH = {Switch.PAIR: "no-prefix", Switch.PRESENT: "omit", Switch.VALUE: "value"}

SEEDS = ("seed", "random_seed", "rng_seed", "manual_seed", "global_seed", "seed_everything", "random_state")
CHECKPOINT_FOLDERS = ("checkpoint_dir", "ckpt_dir", "checkpoints_dir")
FOLDERS = (
    *("out_dir", "output_dir", "outdir", "output", "out", "output_path", "output_folder", "workdir", "work_dir"),
    *("save_dir", "savedir", "save_path", "log_dir", "logdir", "logging_dir", "run_dir", "rundir", "train_dir"),
    *("result_dir", "results_dir", "exp_dir", "experiment_dir", "default_root_dir", "metrics_dir"),
)
FILES = ("metrics", "metrics_file", "metrics_path", "results", "results_file", "log_file", "out_file", "output_file")
RESULT_SUFFIXES = (".json", ".jsonl", ".csv", ".tsv")

RATES = ("lr", "learning_rate", "learningrate", "max_lr", "base_lr", "peak_lr")
SIZES = {"layer", "layers", "depth", "width", "hidden", "embd", "embed", "embedding", "dim", "head", "heads"}
SIZES |= {"mlp", "ffn", "channels", "size", "units", "blocks", "model", "d"}
WIDTHS = {"width", "hidden", "embd", "embed", "embedding", "dim", "mlp", "ffn", "channels", "size", "units", "d"}
BATCHES = {"batch", "bs", "batchsize", "minibatch"}
SMALL = {"dropout", "decay", "momentum", "beta1", "beta2", "eps", "warmup", "smoothing", "wd", "clip", "temperature"}
NEVER = {"accel", "always", "bf16", "block", "cache", "checkpoint", "compile", "cpu", "cuda", "dataloader", "ddp"}
NEVER |= {"debug", "dev", "device", "dir", "distributed", "do", "dry", "epoch", "epochs", "eval", "evaluate", "every"}
NEVER |= {"exist", "file", "fp16", "freq", "gpu", "gpus", "host", "hub", "id", "interval", "iter", "iterations"}
NEVER |= {"iters", "limit", "local", "log", "logging", "max", "mps", "no", "nodes", "num_workers", "only"}
NEVER |= {"overwrite", "path", "port", "print", "project", "push", "rank", "report", "resume", "run", "save"}
NEVER |= {"saving", "seed", "step", "steps", "test", "tf32", "threads", "timeout", "total", "url", "verbose", "vocab"}
NEVER |= {"wandb", "workers", "world"}
"""Words of what changes no model: lengths of a training, places, devices, logs."""
OF_MODELS = {"bias", "norm", "tie", "tied", "qk", "rope", "gated", "causal", "residual", "nesterov", "amsgrad"}
"""Words of a boolean that is likely an axis."""
UNLIKELY = 8
WIDTH_INCREMENT = 32
FIRST_GROWN = 3
MAX_SUGGESTIONS = 7
MAX_CHOICES = 6


@dataclass(frozen=True)
class Sent:
    """A script's flags by how they are sent."""

    spelling: Spelling
    config: Sequence[Flag]
    """Those whose defaults the config holds."""
    left: Mapping[str, str]
    """Why the others are left to the script."""
    arguments: Sequence[str]
    """What the command ends with: `{flags}`, or each key by itself; and what has a place of its own."""
    has_seed: bool
    folder: str = ""
    """The placeholder of the folder that results go to, if a flag names one."""
    file: str = ""
    """The file that results go to, if a flag names one."""
    required: Sequence[str] = field(default_factory=list)
    """Flags that need a value which is not known."""


def sent(flags: Sequence[Flag], parser: Parser, given: Sequence[str]) -> Sent:
    """`given`: the arguments that the command has already.

    Raises:
        UsageError: The seed is among them.
    """
    spelling = spelling_of(flags, parser)
    named = {_named(each) for each in given if each.startswith("-") or "=" in each}
    seeds = [each.name for each in flags if _is_seed(each)]
    has_seed = bool(seeds)
    for flag in flags:
        if flag.name in seeds and flag.plain in named:
            raise UsageError(f"init: --command: leave {flag.name} out: each trial has a seed of its own")
    config: list[Flag] = []
    left: dict[str, str] = {}
    places: list[str] = ["hydra.run.dir={run_dir}"] if parser is Parser.HYDRA and "hydra.run.dir" not in named else []
    folder = file = ""
    required: list[str] = []
    for flag in flags:
        place = _place(flag)
        if flag.plain in named:
            left[flag.name] = "it stands in the command"
        elif flag.name in seeds:
            if seeds != ["seed"]:  # that one is among {flags}
                places += _argument(flag.name, "{seed}", spelling)
        elif place:
            places += _argument(flag.name, place, spelling)
            if place.endswith(RESULT_SUFFIXES):
                file = file or place
            elif place == "{run_dir}":
                folder = folder or place
        elif why := _fault(flag, spelling, has_seed):
            left[flag.name] = why
            required += [flag.name] if flag.default is Missing.REQUIRED else []
        else:
            config.append(flag)
    outer = {each.name for each in config if any(other.name.startswith(f"{each.name}.") for other in config)}
    left |= dict.fromkeys(outer, "it holds other keys")
    config = [each for each in config if each.name not in outer]
    alone = [text for each in config for text in _argument(each.name, f"{{{each.name}}}", spelling)]
    own = ["{flags}"] if has_seed else alone
    return Sent(spelling, config, left, [*own, *places], has_seed, folder, file, required)


def spelling_of(flags: Sequence[Flag], parser: Parser) -> Spelling:
    """How a script's values are sent: by its parser, else by most of its booleans."""
    if parser in SPELLINGS:
        return SPELLINGS[parser]
    switches = [each.switch for each in flags if each.switch is not None and not each.fault]
    most = max(Switch, key=switches.count)
    mode = MODE_OF_SWITCH[most] if switches else "no-prefix"
    deaf = mode == "value" and all(each.deaf for each in flags if each.switch is Switch.VALUE)
    lists = "repeat" if any(each.repeated for each in flags) else "several"
    return Spelling(mode, lists, {"false": ""} if deaf else {})


def axes(config: Sequence[Flag], least: int = UNLIKELY) -> dict[str, list[Any]]:
    """Values around the defaults, the likeliest axis first. `least`: how likely one is at least, 0 being the most."""
    found = [(each, *_axis(each)) for each in config]
    ranked = sorted(found, key=lambda each: each[1])
    return {flag.name: values for flag, likelihood, values in ranked if len(values) > 1 and likelihood <= least}


def increments(config: Sequence[Flag]) -> tuple[dict[str, int], dict[str, int]]:
    """What a growth would raise, and by how much; and what else it could."""
    sizes: dict[str, int] = {}
    others: dict[str, int] = {}
    for flag in config:
        value, words = flag.default, set(flag.words)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1 or words & NEVER or words & BATCHES:
            continue
        amount = WIDTH_INCREMENT if value >= WIDTH_INCREMENT and value % WIDTH_INCREMENT == 0 else 1
        (sizes if words & SIZES else others)[flag.name] = amount if words & WIDTHS else 1
    first = dict(list(sizes.items())[:FIRST_GROWN]) or dict(list(others.items())[:1])
    return first, {name: amount for name, amount in {**sizes, **others}.items() if name not in first}


def fitted(config: Sequence[Flag]) -> list[Flag]:
    """The sizes that could be tried for the largest that fits, a batch first."""
    whole = [each for each in config if isinstance(each.default, int) and not isinstance(each.default, bool)]
    possible = [each for each in whole if each.default >= 1 and set(each.words) & (SIZES | BATCHES)]
    return sorted(possible, key=lambda each: not set(each.words) & BATCHES)


def _axis(flag: Flag) -> tuple[int, list[Any]]:
    """How likely it is an axis (0: most), and its values."""
    value, words = flag.default, set(flag.words)
    if flag.leaf.replace("-", "_").lower() in RATES and isinstance(value, float) and value > 0:
        return 0, _around(value)
    is_batch = bool(words & BATCHES) and not words & {"test", "eval", "val"}
    if words & NEVER and not is_batch:
        return UNLIKELY + 1, []
    if isinstance(value, bool):
        return (5 if words & OF_MODELS else UNLIKELY), [True, False]
    if flag.choices:
        return 4, list(flag.choices)[:MAX_CHOICES] if isinstance(value, str) else []
    if isinstance(value, int) and value >= 1:
        likelihood = 2 if is_batch else 1 if words & SIZES else 6
        return likelihood, list(dict.fromkeys((max(1, value // 2), value, 2 * value)))
    if isinstance(value, float) and value > 0:
        return (3 if words & SMALL else 7), _around(value)
    if isinstance(value, float) and words & {"dropout", "decay", "wd"}:
        return 3, [0.0, 0.1]
    return UNLIKELY + 1, []


def _around(value: float) -> list[Any]:
    """A third and three times of it; of a share near 1, the same of what lacks to 1."""
    below, above = value / 3, value * 3
    if 0.5 < value < 1:
        below, above = 1 - (1 - value) * 1.5, 1 - (1 - value) / 3
    elif 0.3 < value <= 0.5:
        above = (1 + value) / 2
    rounded = [float(f"{each:.{0 if value <= 0.5 or value >= 1 else 1}e}") for each in (below, above)]
    return [rounded[0], value, rounded[1]] if rounded[0] < value < rounded[1] else [value]


def _fault(flag: Flag, spelling: Spelling, has_seed: bool) -> str:
    """Why its default cannot stand in the config; empty if it can."""
    value = flag.default
    if flag.fault:
        return flag.fault
    if isinstance(value, Missing):
        return str(value.value)
    mode = "" if not isinstance(value, bool) else MODE_OF_SWITCH.get(flag.switch or Switch.VALUE, "")
    if mode == "value" and flag.deaf and spelling.words.get("false") != "":
        return "`type=bool` takes every text for true"
    is_sent = mode in ("", spelling.mode) or (spelling.mode == "omit" and mode == "no-prefix" and not value)
    if not is_sent and spelling.mode in MODE_OF_SWITCH.values():
        return f"`flags: {spelling.mode}` does not send it; `flags: {mode}` would"
    if isinstance(value, list) and not value:
        return "an empty list"
    if flag.repeated != (spelling.lists == "repeat") and (flag.repeated or isinstance(value, list)):
        return f"`lists: {spelling.lists}` does not send it"
    parts = value if isinstance(value, list) else [value]
    if any(isinstance(each, float) and not math.isfinite(each) for each in parts):
        return "it is not finite"
    if any(isinstance(each, str) and not can_be_kept(each) for each in parts):
        return "a text that cannot be kept"
    alone = not isinstance(value, list) or spelling.lists == "several"
    if not has_seed and (value is None or mode not in ("", "value") or not alone or flag.name in TRIAL_PLACEHOLDERS):
        return "without a flag for a seed, each key is sent by itself, and this one cannot be"
    try:
        spelling.flags({flag.name: value})
    except UsageError as error:
        return error.what
    return ""


def is_apart(flag: Flag) -> bool:
    """Whether it has a place of its own: a seed, or where results go."""
    return _is_seed(flag) or bool(_place(flag))


def _is_seed(flag: Flag) -> bool:
    return flag.leaf.replace("-", "_").lower() in SEEDS and not isinstance(flag.default, str)


def _place(flag: Flag) -> str:
    """What its value is in every trial, if it names where results go or what they are made on."""
    leaf, value = flag.leaf.replace("-", "_").lower(), flag.default
    if not isinstance(value, str | Missing | None) or flag.fault:
        return ""
    suffix = Path(value).suffix if isinstance(value, str) else ""
    if leaf in (*FOLDERS, *FILES) and suffix in RESULT_SUFFIXES:
        return f"{{run_dir}}/{Path(str(value)).name}"
    if leaf in CHECKPOINT_FOLDERS and isinstance(value, str):
        return "{checkpoint_dir}"
    if leaf in FOLDERS and not suffix:
        return "{run_dir}"
    if leaf == "device" and isinstance(value, str) and value.partition(":")[0] in ("cuda", "cpu"):
        return "{device}"
    return ""


def _argument(name: str, text: str, spelling: Spelling) -> list[str]:
    match spelling.mode:
        case "hydra":
            return [f"{name}={text}"]
        case "equals" | "python":
            return [f"--{name}={text}"]
    return [f"--{name}", text]


def _named(argument: str) -> str:
    """The flag that an argument of the command sets, spelt plainly."""
    return argument.partition("=")[0].lstrip("-+~").replace("-", "_").lower()
