"""The command line as a whole: what it imports, and how it speaks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from cli import cli
from storage.home import CHECKOUT
from tests.support.growth_trace import write_definition
from tests.support.program import Program, growth_of

LEVELS = {"cli": 3, "studies": 2, "samplers": 1, "objectives": 1, "storage": 0}


def commands(group: click.Group = cli, before: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{before}{name} ")
        else:
            yield before + name, command


def test_every_option_has_a_word_of_help() -> None:
    for name, command in commands():
        assert command.help, name
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or parameter.help, (name, parameter.name)  # type: ignore[attr-defined]


@pytest.mark.parametrize("arguments", ["status", "show --study trace", "audit --study trace", "studies", "--help"])
def test_looking_imports_neither_torch_nor_the_dashboard(
    program: Program, environment: dict[str, str], tmp_path: Path, arguments: str
) -> None:
    program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1))
    script = (
        "import sys, atexit, cli\n"
        "sys.argv = ['cli.py', *sys.argv[1:]]\n"
        "atexit.register(lambda: print('|' + ' '.join(sys.modules)))\n"
        "cli.main()\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, *arguments.split()],
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    modules = set(told.stdout.rpartition("|")[2].split())
    heavy = {"torch", "optuna_dashboard", "scipy", "pandas", "matplotlib", "plotly", "textual", "ray", "submitit"}
    assert not modules & heavy
    if arguments == "status":
        assert not modules & {"optuna", "sqlalchemy", "numpy"}


def test_a_started_program_ends_as_the_forked_ones_of_these_tests_do(
    program: Program, environment: dict[str, str], tmp_path: Path
) -> None:
    """The tests' `program` has its imports before it begins; what a user starts has not."""
    file = write_definition(tmp_path, steps=1)
    fails = growth_of(tmp_path, "def own(config):\n    raise ValueError('no')\n", "attempts: 1\n")
    for code, arguments in (
        (0, ["run", "grow", "--study", "trace", "--file", file, "--workers", 1]),
        (0, ["show", "--study", "trace", "--whole"]),
        (0, ["audit", "--study", "trace", "--json"]),
        (1, ["run", "grow", "--study", "own", "--file", fails, "--workers", 1]),
        (2, ["run", "grow", "--study", "trace", "--file", file, "--workers", 0]),
        (2, ["show", "--study", "trce"]),
        (130, ["delete", "--study", "trace"]),
    ):
        command = [sys.executable, CHECKOUT / "cli.py", *map(str, arguments)]
        started = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if arguments[0] == "run" and code < 2:
            assert program("delete", "--study", arguments[3], "--yes").returncode == 0
        forked = program(*arguments)
        assert started.returncode == forked.returncode == code, started.stderr + forked.stderr
        assert untimed(started.stdout) == untimed(forked.stdout), arguments
        assert untimed(started.stderr) == untimed(forked.stderr), arguments


def untimed(text: str) -> str:
    """Without what differs from one run to the next: the clock, seconds, digests of the hour, the folder's time."""
    return re.sub(r"^\d\d:\d\d:\d\d |\d{8}-\d{6}-\d{6}|[0-9a-f]{16,}|[0-9.e-]+( ?s\b|,?$)", "", text, flags=re.M)


@pytest.mark.parametrize("arguments", [[], ["data"], ["storage"]], ids=str)
def test_a_group_alone_is_a_question_that_its_help_answers(program: Program, arguments: list[str]) -> None:
    told = program(*arguments)
    assert told.returncode == 0 and told.stderr == "" and told.stdout == program(*arguments, "--help").stdout


def test_only_the_command_line_turns_errors_into_exit_codes() -> None:
    for folder in ("studies", "samplers", "storage"):
        for file in (CHECKOUT / folder).rglob("*.py"):
            assert "sys.exit" not in file.read_text(), file


# What the verbs print

ROW = {"param", "value", "score", "cost", "gain", "added_cost", "efficiency", "eligible", "chosen", "tie", "reason"}
CANDIDATE = ["param", "value", "avg_loss", "avg_score", "best_val_loss", "best_iter", "num_params", "peak_gpu_mb"]
CANDIDATE += [
    "iter_latency_avg",
    "delta_score",
    "delta_params",
    "delta_vram",
    "delta_iter_latency",
    "efficiency",
    "seeds",
]
SEED = ["seed", "loss", "score", "best_iter", "peak_gpu_mb", "iter_latency_ms"]


@pytest.fixture
def grown(program: Program, tmp_path: Path) -> Program:
    """A study `trace` of two steps, with repeats."""
    file = write_definition(tmp_path, steps=2, more="  repeats: 2\n")
    told = program("run", "grow", "--study", "trace", "--file", file)
    assert told.returncode == 0, told.stderr
    assert "mlp_size → 64" in told.stdout and "trace: done: 2 steps are done" in told.stderr
    return program


def test_show_prints_the_path_and_with_whole_every_candidate(grown: Program) -> None:
    told = grown("show", "--study", "trace").stdout
    assert "mlp_size → 64" in told and "n_head → 2" in told and "now: n_layer=1" in told
    whole = grown("show", "--study", "trace", "--whole").stdout
    assert len(re.findall(r"^n_layer → 2 ", whole, re.M)) == 2 and "±" in whole
    story = json.loads(grown("show", "--study", "trace", "--trial", 3, "--json").stdout)
    assert story["state"] == "COMPLETE" and len(story["attempts"]) == 1


def test_show_json_has_the_agreed_fields(grown: Program) -> None:
    told = json.loads(grown("show", "--study", "trace", "--json").stdout)
    assert set(told) >= {"search", "config", "rounds"} and [each["round"] for each in told["rounds"]] == [0, 1]
    for each in told["rounds"]:
        assert set(each) >= {"round", "baseline", "candidates", "chosen", "event"}
        assert set(each["baseline"]) >= {"score", "cost"} and set(each["chosen"]) == {"param", "value"}
        for row in each["candidates"]:
            assert set(row) >= ROW


def test_audit_json_has_the_agreed_fields(grown: Program) -> None:
    told = json.loads(grown("audit", "--study", "trace", "--json").stdout)
    assert told["holds"] is True and told["violations"] == []
    assert set(told["points"]) >= {"planned", "accepted", "failed", "waiting", "running"}
    assert set(told) >= {"attempts", "duplicates", "holes", "refused"}
    assert told["decisions"] == {"made": 2, "rederived": 2}
    *_, verdict, seal = grown("audit", "--study", "trace").stdout.splitlines()
    assert verdict.startswith("audit passed: ") and seal == f"seal: {told['seal']}"


def test_replay_says_which_choice_another_cost_would_have_made_and_why(grown: Program) -> None:
    told = grown("replay", "--study", "trace", "--cost", "iter").stdout
    assert "with cost iter" in told and "decisions reproduced: 2 of 2" in told
    assert re.search(r"gains [0-9.e-]+ for [0-9.e-]+ iter \(.* each\)", told)


def test_replay_says_whether_the_first_seeds_alone_would_have_gone_the_same_way(grown: Program) -> None:
    told = grown("replay", "--study", "trace", "--seeds", 1).stdout
    assert "round 1 with the first seed: the same choice" in told
    assert "with the first seed: the same path; 15 of the 30 trainings of these rounds" in told


def test_status_in_a_pipe_is_plain_and_as_json_complete(grown: Program) -> None:
    assert "trace" in grown("status").stdout
    plain = grown("status", "--study", "trace", "--watch").stdout
    assert "\x1b" not in plain and "trace" in plain
    assert json.loads(grown("status", "--study", "trace", "--json").stdout)


def test_exports(grown: Program, tmp_path: Path) -> None:
    lines = grown("export", "--study", "trace", "--as", "csv").stdout.splitlines()
    assert len(lines) == 1 + 30 and lines[0].startswith("trial,")
    assert grown("export", "--study", "trace", "--as", "json", "--out", tmp_path / "x.json").returncode == 0
    assert len(json.loads((tmp_path / "x.json").read_text())["trials"]) == 30


def test_results_yaml_has_the_shape_that_its_viewer_reads(grown: Program) -> None:
    text = grown("export", "--study", "trace", "--as", "results-yaml").stdout
    document = yaml.safe_load(text)
    first, *steps = document["iterations"]
    assert list(document) == ["baseline_config", "iterations"] and first["iter"] == -1
    metrics = ["loss", "score", "params", "peak_gpu_mb", "iter_latency_avg", "best_iter"]
    assert list(first["baseline_metrics"]) == metrics
    assert [step["iter"] for step in steps] == [0, 1]
    for step in steps:
        assert list(step) == ["iter", "baseline_metrics", "candidates", "chosen", "baseline_config_after"]
        assert any(step["chosen"] is each for each in step["candidates"]), "an alias, so the same object"
        assert list(step["candidates"][0]) == CANDIDATE
        assert list(step["candidates"][0]["seeds"][0]) == SEED
        assert isinstance(step["candidates"][0]["num_params"], float)
        assert step["candidates"][0]["value"] == {"dup": 0, "new_layers": 2}
    assert "&id001" in text and "*id001" in text


def test_the_dry_run_touches_nothing_and_names_every_candidate(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path)
    told = program("run", "grow", "--study", "trace", "--file", file, "--dry-run")
    assert told.returncode == 0 and "n_layer → 2" in told.stdout and "8 trials" in told.stdout
    assert program("show", "--study", "trace").returncode == 2


def test_the_review_asks_before_it_starts(program: Program, tmp_path: Path, environment: dict[str, str]) -> None:
    file = write_definition(tmp_path, steps=1)
    command = [
        sys.executable,
        str(CHECKOUT / "cli.py"),
        "run",
        "grow",
        "--study",
        "trace",
        "--file",
        str(file),
        "--review",
    ]
    told = subprocess.run(command, env=environment, input="n\n", capture_output=True, text=True)
    assert told.returncode == 0 and program("show", "--study", "trace").returncode == 2
    assert subprocess.run([*command, "--yes"], env=environment, capture_output=True).returncode == 0
    assert program("show", "--study", "trace").returncode == 0


def test_delete_asks_and_takes_the_files_with_it(grown: Program, environment: dict[str, str]) -> None:
    command = [sys.executable, str(CHECKOUT / "cli.py"), "delete", "--study", "trace"]
    assert subprocess.run(command, env=environment, input="n\n", capture_output=True, text=True).returncode == 130
    assert list(Path(environment["STUDYHALL_HOME"], "runs").iterdir())
    assert grown("delete", "--study", "trace", "--yes").returncode == 0
    assert grown("show", "--study", "trace").returncode == 2
    assert not list(Path(environment["STUDYHALL_HOME"], "runs").iterdir())


def test_studies_lists_what_can_be_run(program: Program) -> None:
    assert "lobo" in program("studies").stdout
    assert json.loads(program("studies", "--json").stdout)


def test_looking_at_a_storage_that_nobody_has_used_is_no_error(
    program: Program, environment: dict[str, str], empty_url: str
) -> None:
    environment["STUDYHALL_STORAGE"] = empty_url
    begin_one = "no study in this storage yet; `python cli.py run grow --study lobo` begins one\n"
    for verb in (("status",), ("status", "--watch")):
        looked = program(*verb)
        assert (looked.returncode, looked.stdout, looked.stderr) == (0, begin_one, "")
    assert program("status", "--json").stdout == "[]\n"
    for verb in ("status", "show", "audit", "replay", "report", "stop"):
        refused = program(verb, "--study", "lobo")
        assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and begin_one[:30] in refused.stderr
    planned = program("run", "grow", "--study", "lobo", "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert "seeds that a gain may need before it shows, if the loss has" in planned.stdout
    assert "measured alike: n_layer by 2 in place of 1, n_head by 5 in place of 1" in planned.stdout
