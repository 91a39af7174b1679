"""`init`: what it reads of a script, what it writes, and what it refuses without writing anything."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from objectives.command.command import Command
from objectives.command.readers import Patterns
from storage.errors import UsageError
from storage.home import CHECKOUT
from studies.definition.definition import Definition
from studies.starter.init import write_starter
from tests.support.program import Program, refused

SCRIPTS = CHECKOUT / "tests" / "data" / "scripts"
PLAIN = """
import argparse
parser = argparse.ArgumentParser()
{}
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
print(f"val_loss: {{1.5:.3f}}")
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def script(flags: str, text: str = PLAIN) -> str:
    """The command of a new train.py."""
    Path("train.py").write_text(text.format(flags))
    return f"{sys.executable} train.py"


def made(command: str, search: str = "grid") -> Definition:
    return Definition.load(write_starter(search, command, None, False).file)


def command_of(definition: Definition) -> Command:
    return Command.from_text(definition.objective)


def test_a_starter_runs_as_it_is_written(program: Program, environment: dict[str, str]) -> None:
    shutil.copy(SCRIPTS / "with_argparse.py", "train.py")
    told = program("init", "grid", "--command", f"{sys.executable} train.py", "--try")
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert (
        lines[0]
        == "wrote train.yaml: 7 of 8 flags of train.py (argparse; not seed: each trial has its own), flags: no-prefix"
    )
    assert lines[1].startswith("metrics: val_loss (minimize), from the lines that it prints (train.py:")
    assert lines[2] == "next:" and [each.partition("cli.py ")[2] for each in lines[3:5]] == [
        "run train --dry-run",
        "run train",
    ]
    assert "completed" in lines[5] and "val_loss 0.5" in lines[5]
    assert "dry run: accepted, 9 trials" in told.stderr
    definition = Definition.load(Path("train.yaml"))
    assert definition.config == {
        "learning-rate": 0.003,
        "n_layer": 2,
        "optimizer": "adamw",
        "bias": True,
        "sizes": [64, 128],
        "resume": None,
        "epochs": 2,
    }
    text = Path("train.yaml").read_text()
    assert "learning-rate: [0.001, 0.003, 0.009]" in text and "# n_layer: [1, 2, 4]" in text and "or sgd" in text
    assert program("run", "train", "--dry-run").returncode == 0


@pytest.mark.parametrize(("search", "block"), [("grow", "increments"), ("fit", "axis"), ("tune", "space")])
def test_each_search_has_a_block_that_is_accepted(program: Program, search: str, block: str) -> None:
    flags = (
        "parser.add_argument('--n_layer', type=int, default=4)\n"
        "parser.add_argument('--n_embd', type=int, default=64)\n"
        "parser.add_argument('--batch-size', type=int, default=8)\n"
        "parser.add_argument('--epochs', type=int, default=1)\n"
    )
    text = PLAIN + "print(f'params {args.n_layer * args.n_embd}')\n"
    told = program(
        "init", search, "--command", script(flags, text.replace("{args", "{{args").replace("_embd}", "_embd}}"))
    )
    assert told.returncode == 0 and "edit" not in told.stdout, told.stdout + told.stderr
    definition = Definition.load(Path("train.yaml"))
    given = definition.settings[block]
    assert (
        given
        == {
            "grow": {"n_layer": 1, "n_embd": 32},
            "fit": "batch-size",
            "tune": {
                "n_layer": {"range": [2, 8]},
                "n_embd": {"range": [32, 128, 32]},
                "batch-size": [2, 4, 8, 16, 32],
            },
        }[search]
    )
    assert definition.cost == ("params" if search == "grow" else None)
    assert program("run", "train", "--dry-run").returncode == 0


@pytest.mark.parametrize(
    ("flags", "keys", "config"),
    [
        ("parser.add_argument('--fast', action='store_true')", {"flags": "omit"}, {"fast": False}),
        (
            "parser.add_argument('--bias', type=bool, default=True)",
            {"flags": "value", "words": {"false": ""}},
            {"bias": True},
        ),
        (
            "parser.add_argument('--bias', type=lambda text: text == 'true', default=False)",
            {"flags": "value"},
            {"bias": False},
        ),
        (
            "parser.add_argument('--betas', type=float, nargs=2, default=[0.9, 0.95])",
            {"flags": "no-prefix"},
            {"betas": [0.9, 0.95]},
        ),
        (
            "parser.add_argument('--rate', default=5 * 8, help='(default: %(default)s)')",
            {"flags": "no-prefix"},
            {"rate": 40},
        ),
        ("parser.add_argument('--level', type=str, default='1e-3')", {"flags": "no-prefix"}, {"level": "1e-3"}),
        (
            "parser.add_argument('--answer', default='no')\nparser.set_defaults(answer='yes')",
            {"flags": "no-prefix"},
            {"answer": "yes"},
        ),
    ],
)
def test_defaults_and_modes(flags: str, keys: dict[str, object], config: dict[str, object]) -> None:
    definition = made(script(f"parser.add_argument('--lr', type=float, default=0.1)\n{flags}"))
    assert definition.config == {"lr": 0.1, **config}
    assert command_of(definition).spelling.to_json() == keys


def test_what_flags_cannot_send_is_left_to_the_script_and_named() -> None:
    made(
        script(
            "parser.add_argument('--lr', type=float, default=0.1)\n"
            "parser.add_argument('--bias', action=argparse.BooleanOptionalAction, default=True)\n"
            "parser.add_argument('--amp', action=argparse.BooleanOptionalAction, default=True)\n"
            "parser.add_argument('--fast', action='store_true')\n"
            "parser.add_argument('--tag', action='append')\n"
            "parser.add_argument('--when', default=str(args_of()))\n"
            "parser.add_argument('--epochs', type=int, default=3)\n",
            "import argparse\ndef args_of(): return 1\n" + PLAIN.replace("import argparse\n", ""),
        )
        + " --epochs 7"
    )
    text = Path("train.yaml").read_text()
    assert "#   fast: `flags: no-prefix` does not send it; `flags: omit` would" in text
    assert "#   tag: it is given once for each value" in text
    assert "#   when: its default is not known" in text
    assert "#   epochs: it stands in the command" in text and "train.py --epochs 7 {flags}" in text


def test_a_script_without_a_seed_is_sent_each_key_by_itself(program: Program) -> None:
    text = PLAIN.replace('parser.add_argument("--seed", type=int, default=0)\n', "")
    flags = "parser.add_argument('--lr', type=float, default=0.1)\nparser.add_argument('--quiet', action='store_true')"
    told = program("init", "grid", "--command", script(flags, text), "--try")
    assert told.returncode == 0 and "val_loss 1.5" in told.stdout, told.stdout + told.stderr
    written = Path("train.yaml").read_text()
    assert (
        "train.py --lr {lr}\n" in written
        and "repeats: 1" in written
        and "#   quiet: without a flag for a seed" in written
    )


def test_a_growth_without_a_count_of_parameters_says_so(program: Program) -> None:
    told = program("init", "grow", "--command", script("parser.add_argument('--n_layer', type=int, default=4)"))
    assert told.returncode == 0 and "edit cost: a growth needs one" in told.stdout
    assert "# EDIT: init saw no count of parameters" in Path("train.yaml").read_text()


def test_an_argument_without_a_flag_that_the_script_needs_is_named(program: Program) -> None:
    command = script("parser.add_argument('data')\nparser.add_argument('--lr', type=float, default=0.1)")
    assert "edit objective.command: the script needs data\n" in program("init", "grid", "--command", command).stdout
    told = program("init", "grid", "--command", f"{command} here", "--force", "--try")
    assert told.returncode == 0 and "edit" not in told.stdout, told.stdout + told.stderr


@pytest.mark.parametrize(
    ("line", "metrics"),
    [
        (
            "print(f'iter {i}: loss {x:.4f}, time {x * 1000:.2f}ms, mfu {-x:.1f}%')",
            {"loss": 0.25, "time": 250, "mfu": -0.2},
        ),
        ("print('Epoch: %d | val loss: %8.4f' % (i, x))", {"val_loss": 0.25}),
        ("print('Accuracy: {}/{}, Average loss: {:.3f}'.format(1, 2, x))", {"average_loss": 0.25}),
        ("print('val acc', x, 'best', x)", {"val_acc": 0.25, "best": 0.25}),
        ("print({'eval_loss': x})", {"eval_loss": 0.25}),
        ("log.info('step %d loss=%g', i, x)", {"loss": 0.25}),
        ("print(f'params {x * 10:.1f}M')", {"params": 2.5e6}),
        ("sys.stdout.write(f'val_loss {x}' + chr(10))", {"val_loss": 0.25}),
    ],
)
def test_metrics_of_printed_lines(line: str, metrics: dict[str, float]) -> None:
    before = "import json, logging, sys\nlogging.basicConfig(level='INFO')\nlog = logging.getLogger('train')\n"
    text = before + "i, x = 3, 0.25\n" + PLAIN.rpartition("print")[0] + line.replace("{", "{{").replace("}", "}}")
    command = script("parser.add_argument('--lr', type=float, default=0.1)", text)
    patterns = command_of(made(command)).metrics
    printed = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True)
    reader = Patterns(patterns.patterns or {}, patterns.step, patterns.units)
    found = [row for each in (printed.stdout + printed.stderr).splitlines() for row in reader.rows(each)]
    assert [dict(row.metrics) for row in found] == [pytest.approx(metrics)] and not found[0].refused


def test_where_nothing_is_printed_the_file_says_edit(program: Program) -> None:
    command = script("parser.add_argument('--lr', type=float, default=0.1)", PLAIN.rpartition("print")[0])
    told = program("init", "grid", "--command", command, "--try")
    assert told.returncode == 1
    assert "edit objective.metrics and score: init found no metrics: write where yours are" in told.stdout
    assert "first trial: invalid: exited with 0, but no line of its output matches" in told.stdout
    assert "# EDIT: init found no metrics" in Path("train.yaml").read_text()


def test_a_flag_that_needs_a_value_is_named(program: Program) -> None:
    flags = "parser.add_argument('--lr', type=float, default=0.1)\nparser.add_argument('--data', required=True)"
    told = program("init", "grid", "--command", script(flags))
    assert told.returncode == 0 and "edit config: data has no default, and the script needs it" in told.stdout
    assert program("init", "grid", "--command", script(flags) + " --data here", "--force", "--try").returncode == 0


def test_nanogpts_config_file_is_read_and_nothing_runs() -> None:
    for each in ("with_configurator.py", "configurator.py"):
        shutil.copy(SCRIPTS / each, each)
    Path("small.py").write_text("n_layer = 1\nbias = True\nopen('ran', 'w')\n")
    definition = made(f"{sys.executable} with_configurator.py small.py")
    assert definition.config["n_layer"] == 1 and definition.config["bias"] is True
    assert definition.config["n_embd"] == 64 and not Path("ran").exists()
    assert "--out_dir={run_dir}" in command_of(definition).arguments


def test_the_script_runs_once_elsewhere_and_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "WANDB_API_KEY": "s",
        "HF_TOKEN": "s",
        "MY_PASSWORD": "s",
        "STUDYHALL_STORAGE": "postgresql://x",
        "PGPASSFILE": "s",
        "DATABASE_URL": "postgresql://me:s@host/x",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    text = "import json, os\nopen('seen', 'a').write(json.dumps([os.getpid(), dict(os.environ)]) + chr(10))\n" + PLAIN
    made(script("parser.add_argument('--lr', type=float, default=0.1)", text.replace("[os", "[os")))
    ((pid, seen),) = [json.loads(line) for line in Path("seen").read_text().splitlines()]
    assert pid != os.getpid() and "train" not in sys.modules
    assert not secrets.keys() & seen.keys() and seen["PATH"] and seen["CUDA_VISIBLE_DEVICES"] == ""


def test_a_help_that_hangs_is_killed_with_what_it_started() -> None:
    text = (
        "import argparse, os, subprocess, time\nargparse.ArgumentParser()\nchild = subprocess.Popen(['sleep', '60'])\n"
    )
    Path("train.py").write_text(f"{text}open('child', 'w').write(str(child.pid))\ntime.sleep(60)\n")
    with pytest.raises(UsageError, match=r"did not end within 2 s"):
        write_starter("grid", f"{sys.executable} train.py", None, False, seconds=2)
    child = int(Path("child").read_text())
    end = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split(")")[1][:3]:
        assert time.monotonic() < end
        time.sleep(0.02)
    assert not Path("train.yaml").exists()


def test_a_help_that_prints_without_end_is_killed() -> None:
    Path("train.py").write_text("import argparse\nargparse.ArgumentParser()\nwhile True: print('x' * 100_000)\n")
    with pytest.raises(UsageError, match=r"printed more than 10,000,000 bytes"):
        write_starter("grid", f"{sys.executable} train.py", None, False)
    assert not Path("train.yaml").exists()


def test_json_among_printed_lines_is_read_as_json() -> None:
    text = (
        "import json\n"
        + PLAIN.rpartition("print")[0]
        + "row = {{'step': 3, 'val/loss': 0.5}}\nprint(json.dumps(row))\n"
    )
    definition = made(script("parser.add_argument('--lr', type=float, default=0.1)", text))
    assert command_of(definition).metrics.to_json() == {"json": "stdout"}
    assert definition.score_metric == "val/loss"


def test_a_line_of_progress_comes_before_the_last_summary() -> None:
    """Its step is known, and its pattern finds the summary too."""
    lines = """for epoch in range(3):
    print(f"epoch {{epoch}} loss={{0.5}} acc={{0.25}}")
print(f"acc={{0.75}} params={{7}}")
"""
    text = PLAIN.rpartition("print")[0] + lines
    metrics = command_of(made(script("parser.add_argument('--lr', type=float, default=0.1)", text))).metrics
    reader = Patterns(metrics.patterns or {}, metrics.step, metrics.units)
    rows = [row for each in ("epoch 2 loss=0.5 acc=0.25", "acc=0.75 params=7") for row in reader.rows(each)]
    assert [row.step for row in rows] == [2, 2]
    assert [dict(row.metrics) for row in rows] == [{"loss": 0.5, "acc": 0.25}, {"acc": 0.75, "params": 7.0}]


FROM_FILE = """import argparse, json, sys
{}
config = json.load(open(sys.argv[-1]))
print(json.dumps({{"val_loss": config["model"]["width"] / 8, "seed": config["seed"]}}))
"""


@pytest.mark.parametrize(
    "flags", ["", "parser = argparse.ArgumentParser()\nparser.add_argument('--config')\nparser.parse_args()"]
)
def test_a_script_that_reads_a_file_of_settings_gets_one_of_each_trial(flags: str) -> None:
    Path("train.py").write_text(FROM_FILE.format(flags))
    Path("base.json").write_text('{"lr": 0.1, "seed": 3, "model": {"width": 16, "heads": null}}')
    definition = made(f"{sys.executable} train.py --config base.json")
    assert list(command_of(definition).arguments) == [sys.executable, "train.py", "--config", "{config_json}"]
    assert definition.config == {"lr": 0.1, "model": {"width": 16, "heads": None}}
    assert command_of(definition).metrics.to_json() == {"json": "stdout"}
    assert definition.settings["axes"] == {"lr": [0.03, 0.1, 0.3]} and definition.settings["repeats"] == 3


def test_a_file_beside_flags_stays_where_it_is() -> None:
    Path("base.json").write_text('{"lr": 0.1}')
    flags = "parser.add_argument('--config')\nparser.add_argument('--width', type=int, default=8)"
    definition = made(f"{script(flags)} --config base.json")
    assert "base.json" in command_of(definition).arguments and definition.config == {"width": 8}


@pytest.mark.parametrize(
    ("text", "command", "words"),
    [
        (PLAIN, "python other.py", "there is no script"),
        (PLAIN, "python -m other", "there is no module other"),
        (PLAIN, "python", "no Python script in 'python'"),
        (PLAIN, "pythn train.py", "no program 'pythn'"),
        (PLAIN, "python train.py > log", "no shell runs the command"),
        (PLAIN, "python train.py --seed 3", "leave seed out: each trial has a seed of its own"),
        (PLAIN, "python train.py --seed {seed}", "write it as you would type it"),
        (
            "import argparse\nraise ImportError('no flash_attn')\nargparse.ArgumentParser()\n",
            "python train.py",
            "code 1: ImportError: no flash_attn",
        ),
        ("import argparse\nargparse.ArgumentParser()\nprint('hello')\n", "python train.py", "has no flags"),
        ("print('hello')\n", "python train.py", "reads no flags that init knows"),
        ("print(\n", "python train.py", "cannot be read as Python"),
        (
            PLAIN.replace("=0", "='a'").replace("type=int, ", ""),
            "python train.py",
            "no flag with a default that an axis",
        ),
    ],
)
def test_refusals_are_one_line_and_write_nothing(program: Program, text: str, command: str, words: str) -> None:
    script("", text)
    refused(program("init", "grid", "--command", command.replace("python ", f"{sys.executable} ")), words)
    assert [each.name for each in Path().iterdir()] == ["train.py"]


def test_a_file_of_that_name_stays(program: Program) -> None:
    command = script("parser.add_argument('--lr', type=float, default=0.1)\nopen('ran', 'w')")
    Path("train.yaml").write_text("mine")
    refused(program("init", "grid", "--command", command), "train.yaml exists", "--force", "--out")
    assert Path("train.yaml").read_text() == "mine" and not Path("ran").exists()
    Path("studies").mkdir()
    told = program("init", "grid", "--command", command, "--out", "studies/other.yaml")
    assert told.returncode == 0 and told.stdout.endswith("cli.py run other\n")
    assert "cwd: .." in Path("studies/other.yaml").read_text()
    assert program("run", "other", "--dry-run").returncode == 0
    assert program("init", "grid", "--command", command, "--force").returncode == 0
    assert Path("train.yaml").read_text() != "mine"
    refused(program("init", "grid", "--command", command, "--out", "nowhere/x.yaml"), "there is no folder")
    refused(program("init", "depth", "--command", command), "'depth' is not one of")
