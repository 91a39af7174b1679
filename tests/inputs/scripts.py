"""Tiny training scripts, one for each way in which scripts read their flags, with rows: a key, its value, what arrives.

All rows of a script are one start of it. Each writes what it received to `seen.json`, and a metric.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

END = """
import json
def end(seen):
    with open("seen.json", "w") as file:
        json.dump({str(key): value for key, value in seen.items()}, file, default=str)
    with open("m.json", "w") as file:
        json.dump({"loss": 1.0}, file)
"""
Row = tuple[str, Any, Any]
"""A key of the config, the value that the definition says, the value that the script has; `...`: see INSIDE."""


@dataclass(frozen=True)
class Script:
    """A script with its rows."""

    source: str
    rows: Sequence[Row]
    keys: Mapping[str, Any] = field(default_factory=dict)
    """`flags:`, `words:`, `lists:` of the command."""
    arguments: str = "{flags}"
    files: Mapping[str, str] = field(default_factory=dict)
    """Beside the script."""
    env: Mapping[str, str] = field(default_factory=dict)


ARGPARSE = """
import argparse
parser = argparse.ArgumentParser(allow_abbrev=False)
for name in ("depth", "below", "large", "seed"):
    parser.add_argument(f"--{name}", type=int)
for name in ("rate", "small", "opt.lr", "offset"):
    parser.add_argument(f"--{name}", type=float)
for name in ("note", "dash", "empty", "uni", "digits", "word", "grouped"):
    parser.add_argument(f"--{name}")
parser.add_argument("--unset", type=float, default=0.5)
parser.add_argument("--on", action=argparse.BooleanOptionalAction, default=False)
parser.add_argument("--off", action=argparse.BooleanOptionalAction, default=True)
parser.add_argument("--sizes", type=int, nargs="+")
parser.add_argument("--rates", type=float, nargs="*")
parser.add_argument("--one", type=float, nargs="*")
parser.add_argument("--none", nargs="*")
end(vars(parser.parse_args()))
"""
ABSL = """
from absl import app, flags
for name in ("depth", "below"):
    flags.DEFINE_integer(name, 0, "")
for name in ("rate", "small"):
    flags.DEFINE_float(name, 0.0, "")
for name in ("note", "equal", "dash", "empty", "digits", "unset"):
    flags.DEFINE_string(name, None, "")
flags.DEFINE_boolean("on", False, "")
flags.DEFINE_boolean("off", True, "")
flags.DEFINE_list("sizes", [], "")
flags.DEFINE_enum("norm", "layer", ["layer", "rms"], "")
flags.DEFINE_integer("seed", 0, "")
NAMES = "depth below rate small note equal dash empty digits unset on off sizes norm seed".split()
app.run(lambda _: end({name: getattr(flags.FLAGS, name) for name in NAMES}))
"""
ABSL_MULTI = """
from absl import app, flags
flags.DEFINE_multi_integer("sizes", [], "")
flags.DEFINE_multi_string("names", [], "")
flags.DEFINE_bool("on", True, "")
flags.DEFINE_integer("seed", 0, "")
app.run(lambda _: end({name: getattr(flags.FLAGS, name) for name in ("sizes", "names", "on")}))
"""
FIRE = """
import fire
def main(depth=0, below=0, rate=0.0, small=0.0, note="", digits="", exponent="", word="", none="x", on=False, off=True,
         sizes=(), texts=(), mixed=(), empty="x", comma="", hash="", path="", brace="", quote="", nothing=(), seed=0):
    end(locals())
fire.Fire(main)
"""
TYRO = """
import dataclasses, pathlib, typing, tyro
@dataclasses.dataclass
class Opt:
    lr: float = 0.1
    betas: tuple[float, float] = (0.5, 0.5)
@dataclasses.dataclass
class Config:
    seed: int
    depth: int = 0
    rate: float = 0.0
    note: str = ""
    digits: str = ""
    on: bool = False
    off: bool = True
    sizes: tuple[int, ...] = ()
    norm: typing.Literal["layer", "rms"] = "layer"
    cap: float | None = 0.5
    out_dir: pathlib.Path = pathlib.Path(".")
    opt: Opt = dataclasses.field(default_factory=Opt)
config = tyro.cli(Config)
end({**vars(config), "opt.lr": config.opt.lr, "opt.betas": config.opt.betas})
"""
CLICK = """
import click
@click.command()
@click.option("--depth", type=int)
@click.option("--rate", type=float)
@click.option("--note")
@click.option("--dash")
@click.option("--on", is_flag=True)
@click.option("--off", is_flag=True)
@click.option("--sizes", type=int, multiple=True)
@click.option("--norm", type=click.Choice(["layer", "rms"]))
@click.option("--seed", type=int)
def main(**seen):
    end(seen)
main()
"""
CLICK_PAIRS = """
import click
@click.command()
@click.option("--tied/--no-tied", default=True)
@click.option("--fused/--no-fused", default=False)
@click.option("--betas", type=float, nargs=2)
@click.option("--seed", type=int)
def main(**seen):
    end(seen)
main()
"""
HYDRA_CONFIG = """
depth: 0
below: 0
rate: 0.0
small: 0.0
fused: false
tied: true
none: 1
seed: 0
model: {depth: 0, bias: true}
sizes: [1]
texts: [x]
nothing: [1]
list_of_maps: []
note: x
quote: x
comma: x
brace: x
null_text: x
true_text: x
digits: x
exponent: x
dollar: x
back: x
end_back: x
empty: x
equal: x
colon: x
list_text: x
uni: x
path: x
space: x
"""
HYDRA = """
import hydra
from omegaconf import OmegaConf
@hydra.main(version_base=None, config_path=".", config_name="conf")
def main(config):
    seen = OmegaConf.to_container(config, resolve=True)
    end({**seen, "model.depth": seen["model"]["depth"], "model.bias": seen["model"]["bias"]})
main()
"""
JSONARGPARSE = """
from typing import Any, Optional
from jsonargparse import ArgumentParser
parser = ArgumentParser()
parser.add_argument("--depth", type=int, default=0)
parser.add_argument("--below", type=int, default=0)
parser.add_argument("--rate", type=float, default=0.0)
parser.add_argument("--on", type=bool, default=False)
parser.add_argument("--off", type=bool, default=True)
parser.add_argument("--cap", type=Optional[float], default=0.5)
parser.add_argument("--note", type=str, default="")
parser.add_argument("--digits", type=str, default="")
parser.add_argument("--sizes", type=list[int], default=[])
parser.add_argument("--names", type=list[str], default=[])
parser.add_argument("--opt.lr", type=float, default=0.0)
parser.add_argument("--opt.nesterov", type=bool, default=True)
parser.add_argument("--seed", type=int)
seen = parser.parse_args()
end({**vars(seen), "opt.lr": seen.opt.lr, "opt.nesterov": seen.opt.nesterov})
"""
LIGHTNING = """
import warnings
warnings.simplefilter("ignore")
import lightning
from lightning.pytorch.cli import LightningCLI
class Model(lightning.LightningModule):
    def __init__(
        self, depth: int = 1, rate: float = 0.1, bias: bool = True, sizes: list[int] = [], cap: float | None = 1.0
    ):
        super().__init__()
        self.seen = {"depth": depth, "rate": rate, "bias": bias, "sizes": sizes, "cap": cap}
cli = LightningCLI(Model, run=False, save_config_callback=None, seed_everything_default=False)
end({**{f"model.{key}": value for key, value in cli.model.seen.items()},
     "trainer.max_epochs": cli.trainer.max_epochs, "trainer.logger": cli.config.trainer.logger,
     "seed_everything": cli.config.seed_everything})
"""
HF = """
from dataclasses import dataclass, field
from enum import Enum
from typing import List, Optional
from transformers.hf_argparser import HfArgumentParser
class Norm(Enum):
    LAYER = "layer"
    RMS = "rms"
@dataclass
class Arguments:
    depth: int = 0
    rate: float = 0.0
    note: str = ""
    on: bool = False
    off: bool = True
    maybe: Optional[bool] = None
    cap: Optional[float] = 0.5
    sizes: List[int] = field(default_factory=list)
    norm: Norm = Norm.LAYER
    seed: int = 0
(seen,) = HfArgumentParser(Arguments).parse_args_into_dataclasses()
end(vars(seen))
"""
NANOGPT = """
import sys
from ast import literal_eval
depth, rate, note, bias, compile, digits = 1, 0.1, "x", True, True, "x"
word, prompt, sizes, cap, seed = "x", "x", [1], None, 0
for argument in sys.argv[1:]:
    assert argument.startswith("--"), argument
    key, value = argument[2:].split("=")
    try:
        value = literal_eval(value)
    except (SyntaxError, ValueError):
        pass
    assert key in globals(), key
    assert globals()[key] is None or value is None or type(value) is type(globals()[key]), (key, value)
    globals()[key] = value
end({key: globals()[key] for key in "depth rate note bias compile digits word prompt sizes cap".split()})
"""
SCRIPTS: Mapping[str, Script] = {
    "argparse": Script(
        ARGPARSE,
        [
            ("depth", 12, 12),
            ("below", -3, -3),
            ("large", 2**62, 2**62),
            ("rate", 3e-4, 3e-4),
            ("small", -1e-5, -1e-5),
            ("offset", 1e22, 1e22),
            ("note", 'it\'s a "note"; touch x $(y)', 'it\'s a "note"; touch x $(y)'),
            ("dash", "--note=z", "--note=z"),
            ("empty", "", ""),
            ("uni", "模型 →", "模型 →"),
            ("digits", "0012", "0012"),
            ("word", "true", "true"),
            ("grouped", "1_000", "1_000"),
            ("unset", None, 0.5),
            ("on", True, True),
            ("off", False, False),
            ("sizes", [1, -2, 3], [1, -2, 3]),
            ("rates", [0.5, -1e-5], [0.5, -1e-5]),
            ("one", [-1e-5], [-1e-5]),
            ("none", [], []),
            ("opt", {"lr": 1e-3}, ...),
            ("seed", 1337, 1337),
        ],
    ),
    "argparse, store_true": Script(
        """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--on", action="store_true")
parser.add_argument("--off", action="store_true")
parser.add_argument("--no_bias", action="store_false", dest="bias")
parser.add_argument("--depth", type=int)
parser.add_argument("--seed", type=int)
end(vars(parser.parse_args()))
""",
        [("on", True, True), ("off", False, False), ("no_bias", True, ...), ("depth", 3, 3)],
        {"flags": "omit"},
    ),
    "argparse, type=bool": Script(
        """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--bias", type=bool, default=True)
parser.add_argument("--tied", type=bool, default=False)
parser.add_argument("--seed", type=int)
end(vars(parser.parse_args()))
""",
        [("bias", False, False), ("tied", True, True)],
        {"flags": "value", "words": {"false": ""}},
    ),
    "argparse, 0 and 1": Script(
        """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--bias", type=int, default=1)
parser.add_argument("--tied", type=int, default=0)
parser.add_argument("--dropout", default="0.1")
parser.add_argument("--seed", type=int)
end(vars(parser.parse_args()))
""",
        [("bias", False, 0), ("tied", True, 1), ("dropout", None, "none")],
        {"flags": "equals", "words": {"true": "1", "false": "0", "null": "none"}},
    ),
    "absl": Script(
        ABSL,
        [
            ("depth", 12, 12),
            ("below", -3, -3),
            ("rate", 3e-4, 3e-4),
            ("small", -1e-5, -1e-5),
            ("note", "a b", "a b"),
            ("equal", "a=b", "a=b"),
            ("dash", "--on", "--on"),
            ("empty", "", ""),
            ("digits", "0012", "0012"),
            ("unset", None, None),
            ("on", True, True),
            ("off", False, False),
            ("sizes", [64, 128], ["64", "128"]),
            ("norm", "rms", "rms"),
            ("seed", 1337, 1337),
        ],
        {"flags": "equals", "lists": "comma"},
    ),
    "absl, several times": Script(
        ABSL_MULTI,
        [("sizes", [64, -1], [64, -1]), ("names", ["a,b", "c d"], ["a,b", "c d"]), ("on", False, False)],
        {"flags": "equals", "lists": "repeat"},
    ),
    "Fire": Script(
        FIRE,
        [
            ("depth", 12, 12),
            ("below", -3, -3),
            ("rate", 3e-4, 3e-4),
            ("small", -1e-5, -1e-5),
            ("note", "hello world", "hello world"),
            ("digits", "123", "123"),
            ("exponent", "1e-3", "1e-3"),
            ("word", "True", "True"),
            ("none", None, None),
            ("on", True, True),
            ("off", False, False),
            ("sizes", [64, 128], [64, 128]),
            ("texts", ["a", "b c", "1"], ["a", "b c", "1"]),
            ("mixed", [1, 0.5, None, True], [1, 0.5, None, True]),
            ("empty", "", ""),
            ("comma", "a,b", "a,b"),
            ("hash", "a#b", "a#b"),
            ("path", "/data/x-y.bin", "/data/x-y.bin"),
            ("brace", "{a: 1}", "{a: 1}"),
            ("quote", "it's", "it's"),
            ("nothing", [], []),
        ],
        {"flags": "python"},
    ),
    "tyro": Script(
        TYRO,
        [
            ("depth", 12, 12),
            ("rate", -1e-5, -1e-5),
            ("note", "a b", "a b"),
            ("digits", "0012", "0012"),
            ("on", True, True),
            ("off", False, False),
            ("sizes", [64, 128], [64, 128]),
            ("norm", "rms", "rms"),
            ("cap", None, None),
            ("out_dir", "/tmp/x y", "/tmp/x y"),
            ("opt", {"lr": 1e-3, "betas": [0.9, 0.95]}, ...),
            ("seed", 1337, 1337),
        ],
        {"words": {"null": "None"}},
    ),
    "click": Script(
        CLICK,
        [
            ("depth", -3, -3),
            ("rate", 3e-4, 3e-4),
            ("note", "a b", "a b"),
            ("dash", "-x", "-x"),
            ("on", True, True),
            ("off", False, False),
            ("sizes", [64, -1], [64, -1]),
            ("norm", "rms", "rms"),
        ],
        {"flags": "omit", "lists": "repeat"},
    ),
    "click, pairs of switches": Script(
        CLICK_PAIRS, [("tied", False, False), ("fused", True, True), ("betas", [0.9, 0.95], [0.9, 0.95])]
    ),
    "Hydra": Script(
        HYDRA,
        [
            ("depth", 12, 12),
            ("below", -3, -3),
            ("rate", 3e-4, 3e-4),
            ("small", -1e-5, -1e-5),
            ("fused", True, True),
            ("tied", False, False),
            ("none", None, None),
            ("model", {"depth": 2, "bias": False}, {"depth": 2, "bias": False}),
            ("sizes", [64, 128], [64, 128]),
            ("texts", ["a", "b c", "null", "1"], ["a", "b c", "null", "1"]),
            ("nothing", [], []),
            ("list_of_maps", [{"a": 1, "b": "x y"}], [{"a": 1, "b": "x y"}]),
            ("note", "hello", "hello"),
            ("quote", "it's", "it's"),
            ("comma", "a,b", "a,b"),
            ("brace", "{x}", "{x}"),
            ("null_text", "null", "null"),
            ("true_text", "True", "True"),
            ("digits", "0012", "0012"),
            ("exponent", "1e-3", "1e-3"),
            ("dollar", "${x}", "${x}"),
            ("back", "a\\b", "a\\b"),
            ("end_back", "a\\", "a\\"),
            ("empty", "", ""),
            ("equal", "a=b", "a=b"),
            ("colon", "a: b", "a: b"),
            ("list_text", "[1, 2]", "[1, 2]"),
            ("uni", "模型 →", "模型 →"),
            ("path", "/data/x-y.bin", "/data/x-y.bin"),
            ("space", "  two ", "  two "),
            ("seed", 1337, 1337),
        ],
        {"flags": "hydra"},
        "{flags} hydra.run.dir={run_dir} hydra.output_subdir=null hydra/job_logging=none hydra/hydra_logging=none",
        {"conf.yaml": HYDRA_CONFIG},
    ),
    "jsonargparse": Script(
        JSONARGPARSE,
        [
            ("depth", 12, 12),
            ("below", -3, -3),
            ("rate", -1e-5, -1e-5),
            ("on", True, True),
            ("off", False, False),
            ("cap", None, None),
            ("note", "a b", "a b"),
            ("digits", "0012", "0012"),
            ("sizes", [64, -1], [64, -1]),
            ("names", ["a", "b c"], ["a", "b c"]),
            ("opt", {"lr": 1e-3, "nesterov": False}, ...),
            ("seed", 1337, 1337),
        ],
        {"flags": "value", "lists": "one", "words": {"null": "null"}},
    ),
    "LightningCLI": Script(
        LIGHTNING,
        [
            ("model", {"depth": 3, "rate": 1e-5, "bias": False, "sizes": [64, 128], "cap": None}, ...),
            ("trainer", {"max_epochs": 2, "logger": False}, ...),
        ],
        {"flags": "value", "lists": "one", "words": {"null": "null"}},
        "{flags} --seed_everything={seed}",
    ),
    "HfArgumentParser": Script(
        HF,
        [
            ("depth", 12, 12),
            ("rate", -1e-5, -1e-5),
            ("note", "a b", "a b"),
            ("on", True, True),
            ("off", False, False),
            ("maybe", False, False),
            ("cap", None, 0.5),
            ("sizes", [64, 128], [64, 128]),
            ("norm", "rms", "rms"),
            ("seed", 1337, 1337),
        ],
        {"flags": "value"},
    ),
    "nanoGPT's style": Script(
        NANOGPT,
        [
            ("depth", 12, 12),
            ("rate", -1e-5, -1e-5),
            ("note", "a b", "a b"),
            ("bias", False, False),
            ("compile", False, False),
            ("digits", "0012", "0012"),
            ("word", "True", "True"),
            ("prompt", 'it\'s "so"\nsaid', 'it\'s "so"\nsaid'),
            ("sizes", [64, 128], [64, 128]),
            ("cap", None, None),
        ],
        {"flags": "python"},
    ),
    "variables": Script(
        "import os\nend({name: os.environ[name.upper()] for name in ('rate', 'note', 'bias', 'sizes')})",
        [("rate", 1e-5, "1e-05"), ("note", "a b", "a b"), ("bias", False, "0"), ("sizes", [1, 2], "[1, 2]")],
        {"words": {"false": "0"}},
        "",
        env={"RATE": "{rate}", "NOTE": "{note}", "BIAS": "{bias}", "SIZES": "{sizes}"},
    ),
    "a JSON file": Script(
        "import sys\nend(json.load(open(sys.argv[1])))",
        [
            ("depth", 12, 12),
            ("bias", False, False),
            ("cap", None, None),
            ("note", "模型", "模型"),
            ("sizes", [1, [2]], [1, [2]]),
            ("opt", {"lr": 1e-5}, {"lr": 1e-5}),
            ("seed", 1337, 1337),
        ],
        {},
        "{config_json}",
    ),
    "arguments by place": Script(
        "import sys\nend(dict(zip(('depth', 'rate', 'note', 'off', 'none', 'inside'), sys.argv[1:], strict=True)))",
        [
            ("depth", 12, "12"),
            ("rate", 1e-5, "1e-05"),
            ("note", "; rm x", "; rm x"),
            ("off", False, "false"),
            ("none", None, "null"),
            ("opt", {"lr": 1}, ...),
        ],
        {},
        "{depth} {rate} {note} {off} {none} lr={opt.lr}",
    ),
}
INSIDE: Mapping[str, Mapping[str, Any]] = {
    "argparse": {"opt.lr": 1e-3},
    "argparse, store_true": {"bias": False},
    "tyro": {"opt.lr": 1e-3, "opt.betas": [0.9, 0.95]},
    "Hydra": {"model.depth": 2, "model.bias": False},
    "jsonargparse": {"opt.lr": 1e-3, "opt.nesterov": False},
    "LightningCLI": {
        "model.depth": 3, "model.rate": 1e-5, "model.bias": False, "model.sizes": [64, 128], "model.cap": None,
        "trainer.max_epochs": 2, "trainer.logger": False, "seed_everything": 1337,
    },
    "arguments by place": {"inside": "lr=1"},
}  # fmt: skip
"""What arrives of a nested key, or under another name than the key's."""
