"""A sweep of W&B, SEML or Hydra becomes the file of a grid that can be run as it stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from objectives.command.command import Command
from objectives.command.readers import Patterns
from studies.definition.definition import Definition
from studies.definition.searches import search_of
from studies.definition.yaml_text import read_yaml
from studies.importing.definition_text import definition_text
from studies.importing.sweeps import sweep_of
from tests.support.preloaded import CLI
from tests.support.program import Begin, Program, answer, refused

WANDB = """
program: train.py
description: Which rate?
method: grid
metric: {name: val/loss, goal: minimize}
command: ["${env}", "${interpreter}", "${program}", "${args}"]
parameters:
  lr: {values: [1e-4, 0.01]}
  optimizer: {parameters: {name: {values: [adam, sgd]}, decay: {value: 0.1}}}
  bias: {values: [true, false]}
  seed: {values: [3, 4]}
  width: {min: 8, max: 64}
  drop: {distribution: q_uniform, min: 0, max: 0.5, q: 0.1}
early_terminate: {type: hyperband}
"""
NO_RANGE = "write its range: {float: [low, high]}, {range: …} or {log: …}"
NEEDS = "a grid needs its values: [a, b], {range: …} or {log: …}"
LIST = "parameters:\n  lr: {values: [1, 2]}\n"
SCRIPT = """
import sys
given = dict(each.removeprefix("--").split("=", 1) for each in sys.argv[1:] if "=" in each)
assert given["bias"] in ("True", "False") and given["optimizer.name"] in ("adam", "sgd"), sys.argv
print("val/loss", float(given["lr"]) + float(given["seed"]) / 100)
"""
SEML = """
seml: {executable: main.py, name: wide}
slurm: {}
fixed: {epochs: 5, model.depth: 2}
grid:
  lr: {type: loguniform, min: 1e-3, max: 1e-1, num: 3}
  width: {type: range, min: 8, max: 33, step: 8}
  drop: {type: uniform, min: 0.0, max: 0.5, num: 2}
  act: {type: choice, options: [relu, gelu], zip_id: 1}
  model: {norm: {type: choice, options: [pre, post], zip_id: 1}}
random:
  samples: 3
  noise: {type: uniform, min: 0, max: 1}
small:
  grid: {width: {type: choice, options: [1]}}
"""
HYDRA = """
defaults: [_self_, {db: mysql}]
hydra:
  mode: MULTIRUN
  sweeper:
    params:
      optimizer.lr: 0.1, 0.01
      db: choice(mysql, 'post,gres')
      width: range(8, 33, 8)
      epochs: 3
      model: glob(*)
optimizer: {lr: 0.5, name: adam}
out: ${hydra:run.dir}
data: ???
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(text: str, tmp_path: Path) -> Any:
    (tmp_path / "sweep.yaml").write_text(text)
    return sweep_of(read_yaml(tmp_path / "sweep.yaml", yaml_1_1=True), "sweep.yaml")


def test_wandbs_sweep_runs_as_a_grid(begin: Begin, program: Program, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    (tmp_path / "sweep.yaml").write_text(WANDB)
    process = begin("import", "sweep.yaml", "--study", "rates")
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert told.splitlines() == [
        f"width: {{min: 8, max: 64}}: {NEEDS}",
        f"drop: {{distribution: q_uniform, min: 0, max: 0.5, q: 0.1}}: {NEEDS}",
        "rates.yaml: a grid of 8 settings × 2 seeds; look it over, then: python cli.py run rates --dry-run",
    ]
    ran = program("run", "grid", "--study", "rates", "--file", tmp_path / "rates.yaml", "--workers", 2)
    assert ran.returncode == 0, ran.stderr + (tmp_path / "rates.yaml").read_text()
    best = answer(program, "show", "--study", "rates")["results"][0]
    assert best["setting"]["lr"] == 1e-4 and best["mean"] == pytest.approx(0.0351)
    process = begin("import", "sweep.yaml", "--study", "rates")
    assert "rates.yaml: is there already" in process.communicate(timeout=60)[0] and process.returncode == 2


SPOKEN = """
program: train.py
method: grid
parameters:
  use_bias: {values: [yes, No]}
  norm: {values: [ON, off]}
  mode: {values: ["on", 'yes', yesterday, n]}
  lr: {values: [1e-4, 1e-3]}
  amp: {value: no}
  on: {values: [1, 2]}
"""


def test_yes_no_on_and_off_without_quotes_are_booleans_as_pyyaml_reads_them(begin: Begin, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SPOKEN)
    process = begin("import", "sweep.yaml", "--study", "rates")
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0, told
    definition = Definition.load(tmp_path / "rates.yaml")
    assert definition.settings["axes"] == {
        "use_bias": [True, False],
        "norm": [True, False],
        "mode": ["on", "yes", "yesterday", "n"],
        "lr": [1e-4, 1e-3],
        "on": [1, 2],
    }
    assert definition.config["amp"] is False


def test_a_command_that_is_a_text_is_split_as_a_shell_would(tmp_path: Path) -> None:
    line = "command: ${env} ${interpreter} ${program} --note 'two words' ${args_no_hyphens}"
    made = read(f"{LIST}program: my a.py\n{line}\n", tmp_path)
    assert (made.command, made.flags) == ("python 'my a.py' --note 'two words' {flags}", "hydra")
    listed = read(f"{LIST}command: [python, a.py, --note, two words, '${{args}}']\n", tmp_path)
    assert listed.command == "python a.py --note 'two words' {flags}"


def test_a_question_that_is_a_number_is_written_as_a_text(tmp_path: Path) -> None:
    made = read(f"{LIST}name: 3\n", tmp_path)
    (tmp_path / "made.yaml").write_text(definition_text(made, "sweep.yaml", "made"))
    assert Definition.load(tmp_path / "made.yaml").question == "3"


def test_words_of_an_override_of_hydra_stay_texts(tmp_path: Path) -> None:
    made = read(
        "hydra: {sweeper: {params: {a: 'yes,no', b: 'choice(on, off)', c: 'true,false'}}}\ndebug: no\n", tmp_path
    )
    assert made.axes == {"a": ["yes", "no"], "b": ["on", "off"], "c": [True, False]}
    assert made.config["debug"] is False


def test_sems_grid(program: Program, tmp_path: Path) -> None:
    made = read(SEML, tmp_path)
    assert made.command == "python main.py with {flags}" and made.flags == "hydra"
    assert made.axes["lr"] == pytest.approx([1e-3, 1e-2, 1e-1]) and made.axes["width"] == [8, 16, 24, 32]
    assert made.axes["drop"] == [0.0, 0.5] and made.zipped == [["act", "model.norm"]]
    assert made.config == {"epochs": 5, "model.depth": 2}
    assert made.unfit == [
        "random.noise: is drawn by SEML: a grid lists its values",
        "small: a sub-configuration: `groups:` of a grid",
    ]
    assert settings(made, tmp_path) == 3 * 4 * 2 * 2


def test_hydras_sweeper(program: Program, tmp_path: Path) -> None:
    made = read(HYDRA, tmp_path)
    assert made.axes == {"optimizer.lr": [0.1, 0.01], "db": ["mysql", "post,gres"], "width": [8, 16, 24, 32]}
    assert made.config["epochs"] == 3 and made.config["optimizer.name"] == "adam"
    assert [each.partition(":")[0].partition("=")[0] for each in made.unfit[1:]] == [
        *("out", "data", "defaults", "model")
    ]
    assert settings(made, tmp_path) == 2 * 2 * 4


BAYES = """
program: train.py
method: bayes
metric: {name: val_loss, goal: minimize}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-3, max: 1e-1}
  decay: {distribution: log_uniform, min: -2, max: 0}
  optimizer: {values: [adamw, sgd]}
  model.width: {distribution: int_uniform, min: 8, max: 64}
  model.depth: {min: 1, max: 4}
  dropout: {min: 0.0, max: 0.5}
  batch: {distribution: q_uniform, min: 8, max: 63, q: 8}
  steps: {value: 40}
  noise: {distribution: normal, mu: 0, sigma: 1}
early_terminate: {type: hyperband, min_iter: 3}
run_cap: 12
"""


def test_wandbs_random_and_bayes_become_a_tune_with_the_same_ranges(tmp_path: Path) -> None:
    made = read(BAYES, tmp_path)
    text = definition_text(made, "sweep.yaml", "wide")
    (tmp_path / "wide.yaml").write_text(text)
    definition = Definition.load(tmp_path / "wide.yaml")
    search_of(definition, "wide.yaml")
    assert (definition.search, definition.score_metric, definition.direction) == ("tune", "val_loss", "minimize")
    assert definition.settings == {
        "sampler": "tpe",
        "settings": 12,
        "space": {
            "lr": {"log": [0.001, 0.1]},
            "decay": {"log": [0.135335, 1.0]},
            "optimizer": ["adamw", "sgd"],
            "model.width": {"range": [8, 64]},
            "model.depth": {"range": [1, 4]},
            "dropout": {"float": [0.0, 0.5]},
            "batch": {"range": [8, 56, 8]},
        },
    }
    assert definition.config == {"steps": 40} and definition.pruner == {"name": "hyperband", "min_resource": 3}
    assert made.unfit == [f"noise: {{distribution: normal, mu: 0, sigma: 1}}: {NO_RANGE}"]
    assert "then: studyhall run wide --dry-run" in text
    assert read(BAYES.replace("bayes", "random"), tmp_path).sampler == "random"


@pytest.mark.parametrize("line", ["val_loss: 2.3", '{"step": 10, "val_loss": 2.3}', "val_loss=2.3", "val_loss 2.3"])
def test_the_guessed_pattern_finds_the_metric_as_it_is_usually_printed(tmp_path: Path, line: str) -> None:
    text = definition_text(read(BAYES, tmp_path), "sweep.yaml", "wide")
    (tmp_path / "wide.yaml").write_text(text)
    patterns = Command.from_text(Definition.load(tmp_path / "wide.yaml").objective).metrics.patterns
    row = Patterns(patterns or {}, None).row(line)
    assert row is not None and row.metrics == {"val_loss": 2.3}


def test_hydras_optuna_sweeper_becomes_a_tune(tmp_path: Path) -> None:
    made = read(
        """
hydra:
  sweeper:
    sampler: {_target_: optuna.samplers.RandomSampler}
    direction: maximize
    n_trials: 20
    params:
      lr: tag(log, interval(0.001, 0.1))
      width: int(tag(log, interval(8, 64)))
      depth: int(interval(1, 4))
      drop: interval(0, 0.5)
      act: choice(relu, gelu)
lr: 0.01
""",
        tmp_path,
    )
    assert (made.search, made.sampler, made.settings, made.direction) == ("tune", "random", 20, "maximize")
    assert made.axes == {
        "lr": {"log": [0.001, 0.1]},
        "width": {"log": [8, 64]},
        "depth": {"range": [1, 4]},
        "drop": {"float": [0.0, 0.5]},
        "act": ["relu", "gelu"],
    }
    (tmp_path / "made.yaml").write_text(definition_text(made, "sweep.yaml", "made"))
    search_of(Definition.load(tmp_path / "made.yaml"), "made.yaml")


def test_what_seml_draws_becomes_a_tune(tmp_path: Path) -> None:
    drawn = "{samples: 7, lr: {type: loguniform, min: 0.001, max: 0.1}, n: {type: randint, min: 1, max: 9}}"
    made = read(f"seml: {{executable: a.py}}\nrandom: {drawn}\n", tmp_path)
    assert (made.search, made.sampler, made.settings) == ("tune", "random", 7)
    assert made.axes == {"lr": {"log": [0.001, 0.1]}, "n": {"range": [1, 8]}}


def settings(made: Any, tmp_path: Path) -> int:
    file = tmp_path / "made.yaml"
    file.write_text(definition_text(made, "sweep.yaml", "made"))
    search: Any = search_of(Definition.load(file), str(file))
    size: int = search.settings.size
    return size


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("parameters: {lr: {distribution: normal, mu: 0}}\nmethod: bayes\n", "nothing that a tune could: lr: {dist"),
        ("seml: {executable: a.py}\nfixed: {a: 1}\n", "varies nothing that a grid could: it lists no values"),
        ("a: 1\n", "is neither a growth's results.yaml nor a sweep of W&B, SEML or Hydra"),
        ("[1]\n", "is not a mapping"),
        (f"{LIST}metric: val_loss\n", "metric: 'val_loss' is not as W&B writes it: keys and values"),
        (f"{LIST}metric: {{name: [a]}}\n", "metric.name: ['a'] is not as W&B writes it: a text"),
        (f"{LIST}method: [grid]\n", "method: ['grid'] is not as W&B writes it: a text"),
        (f"{LIST}command: 3\n", "command: 3 is not as W&B writes it: a list"),
        (f"{LIST}command: python 'a.py\n", 'command: no closing quotation in "python \'a.py"'),
        ("parameters: {lr: {values: 3}}\n", "parameters.lr.values: 3 is not as W&B writes it: a list"),
        ("parameters: {o: {parameters: {lr: {values: ab}}}}\n", "parameters.o.lr.values: 'ab' is not as W&B writes it"),
        (f"{LIST}  a.b: {{value: 4}}\n  a: {{value: 3}}\n", "a.b: lies below a, which is a value of its own"),
        ("hydra: {sweeper: optuna}\n", "hydra.sweeper: 'optuna' is not as Hydra writes it: keys and values"),
        ("hydra: {sweeper: {params: [a]}}\n", "hydra.sweeper.params: ['a'] is not as Hydra writes it: keys and values"),
        ("seml: {}\nfixed: [1]\n", "fixed: [1] is not as SEML writes it: keys and values"),
        ("seml: {}\ngrid: 3\n", "grid: 3 is not as SEML writes it: keys and values"),
        ("seml: {}\nrandom: a\n", "random: 'a' is not as SEML writes it: keys and values"),
        ("seml: {}\ngrid: {a: {type: parameter_collection, params: 3}}\n", "grid.a.params: 3 is not as SEML writes it"),
        ("seml: {}\ngrid: {a: {type: choice, options: [1, 2], zip_id: [1]}}\n", "grid.a.zip_id: [1] is not as SEML"),
        ("seml: {}\ngrid: {a: {type: choice, options: abc}}\n", "a: {type: choice, options: abc}: is not one of"),
        ("seml: {}\ngrid: {a: {type: loguniform, min: -1, max: 1, num: 3}}\n", "a: {type: loguniform"),
        ("seml: {}\ngrid: {a: {type: uniform, min: 0, max: 1, num: 100000}}\n", "a: {type: uniform"),
        ("parameters: {a: {distribution: log_uniform, min: 0, max: 1000}}\nmethod: bayes\n", "varies nothing"),
    ],
)
def test_what_is_none_writes_no_file(program: Program, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "sweep.yaml").write_text(text)
    refused(program("import", tmp_path / "sweep.yaml", "--study", "rates"), words)
    assert not list(tmp_path.glob("*rates*")) and not list(Path(CLI).parent.glob("*rates*"))
