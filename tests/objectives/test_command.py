"""Commands as objectives: what is refused before anything runs, what reaches a program, and every end of one."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectives.command.command import Command
from objectives.command.flags import Spelling
from objectives.command.placeholders import arguments_of
from objectives.outcome import Kind, Outcome, Report
from objectives.process.attempt import Attempt
from objectives.process.warm import WarmServer
from objectives.reference import Reference, objective_folder, same_objective
from storage.errors import UsageError
from storage.home import CHECKOUT
from studies.definition.definition import Definition
from tests.support.attempts import assignment, gone, outcome, until
from tests.support.program import Program, refused

EXAMPLE = CHECKOUT / "objectives" / "examples" / "train.yaml"
PYTHON = shlex.quote(sys.executable)
JSON = {"json": "{run_dir}/m.jsonl"}
Launch = Callable[..., Attempt]


def command(document: dict[str, Any], folder: Path = Path("/"), needs: tuple[str, ...] = ()) -> Command:
    return Command.parse(document, folder, needs, "own.yaml: objective")


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Run a Python script as a command, `SCRIPT.py ARGUMENTS`, as a trial is run."""
    servers: list[WarmServer] = []

    def start(script: str, arguments: str = "", config: dict[str, Any] | None = None, **more: Any) -> Attempt:
        (tmp_path / "script.py").write_text(script)
        settings = {key: more.pop(key) for key in ("timeout", "number", "attempt") if key in more}
        needs = more.pop("needs", ())
        document = {"command": f"{PYTHON} script.py {arguments}", "metrics": JSON, **more}
        warm = WarmServer(command(document, tmp_path, needs).text)
        servers.append(warm)
        (tmp_path / "files").mkdir(exist_ok=True)
        return warm.start(assignment(tmp_path, config, run_dir=tmp_path / "files", **settings))

    yield start
    for warm in servers:
        warm.close()


# What is refused


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"comand": "x"}, "unknown key 'comand'.*'command'"),
        ({"metric": {}}, "unknown key 'metric'; did you mean 'metrics'"),
        ({"command": ""}, "is not a command"),
        ({"command": []}, "is not a command"),
        ({"command": {"flags": None}}, "is not a command: .*in quotes"),
        ({"command": ["python", ["x"]]}, "is not a command"),
        ({"command": "python 'x"}, "no closing quotation"),
        ({"command": "python x | tee log"}, "no shell.*'|'"),
        ({"command": "a && b"}, "no shell.*'&&'"),
        ({"command": "python --x {a"}, "lone '{'.*'{{'"),
        ({"command": "python --x a}"}, "lone '}'"),
        ({"command": "python --x={flags}"}, "one of its own"),
        ({"command": ["a\0"]}, "NUL"),
        ({"cwd": 3}, "cwd: 3 is not a text"),
        ({"env": [1]}, "env.*not a mapping"),
        ({"env": {"A": [1]}}, "env: A"),
        ({"env": {"A=B": "x"}}, "not a variable's name"),
        ({"env": {"CUDA_VISIBLE_DEVICES": "0"}}, "slot's"),
        ({"env": {"HF_TOKEN": "sesame"}}, "HF_TOKEN would be kept with the study; export it"),
        ({"env": {"A": "{flags}"}}, "command alone"),
        ({"flags": "prefix"}, "'prefix'.*'no-prefix'"),
        ({"flags": ["omit"]}, "flags"),
        ({"metrics": "m.jsonl"}, "not a mapping"),
        ({"metrics": {}}, "one source"),
        ({"metrics": {"json": "{trial}", "csv": "{trial}"}}, "one source"),
        ({"metrics": {"jsn": "{run_dir}/m"}}, "unknown key 'jsn'.*'json'"),
        ({"metrics": {"json": "m.jsonl"}}, "one file for all trials"),
        ({"metrics": {"stdout": {}}}, "stdout"),
        ({"metrics": {"stdout": {"loss": "loss [0-9]+"}}}, "stdout: loss: .*no group"),
        ({"metrics": {"stdout": {"loss": "loss ([0-9+"}}}, "stdout: loss: .*not a regular expression"),
        ({"metrics": {"stdout": {"loss": {"pattern": "(.)", "unti": "count"}}}}, "loss: unknown key 'unti'.*'unit'"),
        ({"metrics": {"stdout": {"loss": {"pattern": "(.)", "unit": "cuont"}}}}, "unit: 'cuont'.*'count'"),
        ({"metrics": {"stdout": {"loss": {"unit": "count"}}}}, "loss: None is not a text"),
        ({"metrics": {"json": "{trial}", "columns": ["a"]}}, "columns: .*csv"),
        ({"metrics": {"csv": "{trial}", "columns": "a, b"}}, "columns: 'a, b' is not a list of names"),
        ({"metrics": {"csv": "{trial}", "columns": ["a", "b", "a"]}}, "columns: 'a' is named twice"),
        ({"metrics": {"stdout": {"loss": 3}}}, "loss: 3 is not a text"),
        ({"metrics": {"stdout": {"loss": "(.)"}, "step": "step"}}, "step: .*no group"),
        ({"metrics": {"json": "-"}}, "printed lines are `json: stdout`"),
        ({"metrics": {"csv": "stdout"}}, "printed lines are `json: stdout`"),
        ({"command": "x " * 40_000}, "longer than"),
    ],
)
def test_a_wrong_command_is_one_line(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        command({"command": "python train.py", "metrics": JSON, **change})
    assert "\n" not in str(caught.value) and str(caught.value).startswith("own.yaml: objective")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "config", "words"),
    [
        ("python {n_lyer}", {"n_layer": 1}, "{n_lyer} is neither.*'n_layer'"),
        ("python {run_dri}", {}, "{run_dri}.*'run_dir'"),
        ("python {nested.b}", {"nested": {"a": 1}}, "{nested.b}.*'nested.a'"),
        ("python {threads}", {"threads": 2}, "{threads} is the trial's, and a key of the config"),
        ("python {flags}", {"layers": ["-x", "y"]}, "'-x'.*'layers'"),
        ("pyhton-of-no-host train.py", {}, "no program 'pyhton-of-no-host'"),
        ("./train.sh", {}, "train.sh is not a program"),
        ("python {seed} {flags} {nested} {nested.a}", {"seed": 3, "nested": {"a": 1}}, None),
        ("python {{literal}} {config_json} {checkpoint_dir} {trial} {attempt} {device}", {}, None),
    ],
)
def test_a_config_that_a_command_cannot_run_with_is_refused(
    tmp_path: Path, text: str, config: dict[str, Any], words: str | None
) -> None:
    told = command({"command": text.replace("python", PYTHON, 1), "metrics": JSON}, tmp_path).validate(config)
    assert told is None if words is None else told is not None and re.search(words, told) and "\n" not in told


# What reaches the program


NASTY = [
    "a b", "; touch owned", "$(touch owned)", "`touch owned`", "'", '"', "\\", "a\nb", "-x", "--out=x", "--", "", " ",
    "{seed}", "{{", "%s", "*", "~", "é学", "|", "$HOME", "!", "#", "\t", "=",
]  # fmt: skip


@pytest.mark.parametrize("value", NASTY)
def test_a_value_is_one_argument_whatever_it_holds(value: str) -> None:
    made = command({"command": "train.py --x {x} --y={x}", "metrics": JSON})
    assert [each for text in made.arguments for each in arguments_of(text, {"x": value})] == [
        "train.py", "--x", value, f"--y={value}",
    ]  # fmt: skip


@given(st.text(), st.text())
def test_nothing_in_a_value_is_looked_at_again(one: str, two: str) -> None:
    assert arguments_of("{a}{{b}}{b}", {"a": one, "b": two}) == [f"{one}{{b}}{two}"]


SCALARS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)


@pytest.mark.parametrize("mode", ["no-prefix", "value", "omit"])
@given(data=st.data())
def test_argparse_reads_flags_back_as_they_were(mode: str, data: st.DataObject) -> None:
    scalar = data.draw(SCALARS)
    numbers = data.draw(st.lists(st.one_of(st.integers(-(10**9), 10**9), st.floats(-1e9, 1e9)), max_size=4))
    config = {"on": data.draw(st.booleans()), "one": scalar, "many": numbers, "nothing": None, "in": {"x_y": -1e-5}}
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    match mode:
        case "no-prefix":
            parser.add_argument("--on", action=argparse.BooleanOptionalAction, default=None)
        case "omit":
            parser.add_argument("--on", action="store_true")
        case _:
            parser.add_argument("--on", type=json.loads, default=None)
    parser.add_argument("--one", type=type(scalar))
    parser.add_argument("--many", type=float, nargs="*")
    parser.add_argument("--nothing")
    parser.add_argument("--in.x_y", type=float)
    read = vars(parser.parse_args(Spelling(mode).flags(config)))
    assert read == {"on": config["on"], "one": scalar, "many": numbers, "nothing": None, "in.x_y": -1e-5}


ARGUMENTS = """
import json, os, sys
with open(os.environ["OUT"] + "/m.jsonl", "w") as file:
    json.dump({"args": 1.0}, file)
with open(os.environ["OUT"] + "/seen.json", "w") as file:
    json.dump({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "stdin": sys.stdin.read()}, file)
"""


def test_a_program_gets_its_arguments_and_no_shell_sees_them(launch: Launch, tmp_path: Path) -> None:
    config = {"text": "; touch owned", "quote": 'it\'s "$(touch owned)"', "list": [1, -2], "flag": False, "a": {"b": 2}}
    attempt = launch(
        ARGUMENTS,
        "{text} {quote} {list} --a={a.b} --flag {flag} -- {seed} {trial} {attempt} {device} {threads} {config_json}",
        config,
        env={"OUT": "{run_dir}", "WHO": "trial {trial}"},
        number=7,
    )
    assert outcome(attempt).kind is Kind.COMPLETED
    seen = json.loads((tmp_path / "files" / "seen.json").read_text())
    assert seen["argv"][:-1] == [
        "; touch owned", "it's \"$(touch owned)\"", "1", "-2", "--a=2", "--flag", "false", "--",
        "1337", "7", "1", "cpu", "1",
    ]  # fmt: skip
    assert json.loads(Path(seen["argv"][-1]).read_text()) == {**config, "seed": 1337}
    assert seen["env"]["WHO"] == "trial 7" and seen["cwd"] == str(tmp_path) and seen["stdin"] == ""
    assert str(CHECKOUT) not in seen["env"].get("PYTHONPATH", "").split(":")
    assert not list(tmp_path.rglob("owned"))


def test_flags_have_the_points_seed_unless_the_command_says_it_otherwise(launch: Launch, tmp_path: Path) -> None:
    for arguments, expected in (
        ("{flags}", ["--x", "1", "--seed", "1337"]),
        ("-s {seed} {flags}", ["-s", "1337", "--x", "1"]),
        ("--out run-{{seed}} {flags}", ["--out", "run-{seed}", "--x", "1", "--seed", "1337"]),
    ):
        assert outcome(launch(ARGUMENTS, arguments, {"x": 1}, env={"OUT": "{run_dir}"})).kind is Kind.COMPLETED
        assert json.loads((tmp_path / "files" / "seen.json").read_text())["argv"] == expected
        sent = command({"command": f"python a.py {arguments}", "metrics": JSON}).sent_flags({"x": 1})
        assert sent == [each for each in expected if each in ("--x", "--seed")]


# Metrics


def test_json_lines_are_reported_while_the_file_grows(launch: Launch, tmp_path: Path) -> None:
    script = """
import os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
with open(folder / "m.jsonl", "w") as file:
    print('{"step": 10, "loss": 2.0, "note": "x", "best": true}', file=file, flush=True)
    file.write('{"step": 20, "lo')
    file.flush()
    while not (folder / "go").exists():
        time.sleep(0.01)
    file.write('ss": 1.5}\\n{"step": 20, "acc": 0.5}\\nnot json\\n{"step": 30, "loss": 1.25, "score": NaN}')
"""
    attempt = launch(script, "{run_dir}")
    assert until(attempt, Report) == [Report(10, {"loss": 2.0})]
    (tmp_path / "files" / "go").touch()
    *reports, ended = until(attempt, Outcome)
    assert [(each.step, list(each.metrics.items())[:2]) for each in reports[:2]] == [
        (20, [("loss", 1.5)]),
        (20, [("loss", 1.5), ("acc", 0.5)]),
    ]
    assert ended.kind is Kind.COMPLETED and ended.metrics["loss"] == 1.25 and ended.metrics["acc"] == 0.5
    assert ended.metrics["score"] != ended.metrics["score"]


def test_patterns_read_what_is_printed(launch: Launch) -> None:
    script = """
import sys
print("step 1: train loss 3.5, val loss 3.25.")
sys.stdout.write("step 2:  10%\\rstep 2: train loss 2.5\\r")
print("\\nval loss 2.125", file=sys.stderr)
print("step 3: train loss nan")
sys.stdout.write("val loss 1e3 and no newline")
"""
    patterns = {"train_loss": r"train loss ([0-9.]+)", "val_loss": r"val loss ([0-9.e]+)"}
    *reports, ended = until(launch(script, metrics={"stdout": patterns, "step": r"step (\d+)"}), Outcome)
    assert [(each.step, dict(each.metrics)) for each in reports[:3]] == [
        (1, {"train_loss": 3.5, "val_loss": 3.25}),
        (2, {"train_loss": 2.5}),
        (2, {"train_loss": 2.5, "val_loss": 2.125}),
    ]
    assert ended.metrics["val_loss"] == 1000.0
    assert str(ended.metrics["train_loss"]) == "nan", "a number that diverged is not the number before it"


@pytest.mark.parametrize("words", ["python train.py", "{python} -u train.py --x", "bash train.sh {flags}"])
def test_a_script_that_is_not_there_is_said_before_anything_runs(tmp_path: Path, words: str) -> None:
    made = command({"command": words, "metrics": {"json": "stdout"}}, tmp_path)
    with pytest.raises(UsageError, match=f"command: there is no script {tmp_path}/train"):
        made.check_here()
    for name in ("train.py", "train.sh"):
        (tmp_path / name).touch()
    made.check_here()


@pytest.mark.parametrize("words", ["python -m train.py", "python -c x.py", "python {file}.py", "train --x y.py"])
def test_a_command_that_names_no_script_first_is_let_be(tmp_path: Path, words: str) -> None:
    command({"command": words, "metrics": {"json": "stdout"}}, tmp_path).check_here()


def test_a_flag_that_the_script_does_not_know_is_no_error_that_is_tried_again(launch: Launch) -> None:
    script = "import argparse\nargparse.ArgumentParser().parse_args()"
    ended = outcome(launch(script, "--widht 3"))
    assert ended.kind is Kind.INVALID
    assert ended.message == "exited with code 2: script.py: error: unrecognized arguments: --widht 3"
    assert outcome(launch("import sys; sys.exit(2)")).kind is Kind.ERROR


def test_json_objects_among_printed_lines_are_reported_as_they_come_at_their_own_step(launch: Launch) -> None:
    script = """import json
for step in (10, 20):
    print("working on it")
    print(json.dumps({"step": step, "val_loss": 1 / step}))
print(json.dumps({"params": 7}))
"""
    *reports, ended = until(launch(script, metrics={"json": "stdout"}, needs=("val_loss", "params")), Outcome)
    assert reports == [
        Report(10, {"val_loss": 0.1}),
        Report(20, {"val_loss": 0.05}),
        Report(20, {"val_loss": 0.05, "params": 7.0}),
    ]
    assert ended.metrics == {"step": 20.0, "val_loss": 0.05, "params": 7.0}
    missing = outcome(launch(script, metrics={"json": "stdout"}, needs=("val_acc",)))
    assert "no line of its output is a JSON object with 'val_acc'; it has step, val_loss, params" in missing.message


def test_a_pattern_named_step_is_the_step_of_the_other_metrics(launch: Launch) -> None:
    patterns = {"loss": "loss ([0-9.]+)", "step": "step ([0-9]+)"}
    script = "print('step 10 loss 2.5'); print('step 20 loss 1.5')"
    *reports, ended = until(launch(script, metrics={"stdout": patterns}, needs=("loss",)), Outcome)
    assert reports == [Report(10, {"loss": 2.5}), Report(20, {"loss": 1.5})]
    assert ended.metrics == {"step": 20.0, "loss": 1.5}
    written = command({"command": "x", "metrics": {"stdout": patterns, "step": "iter ([0-9]+)"}})
    assert written.metrics.step == "iter ([0-9]+)" and Command.from_text(written.text) == written


def test_the_file_of_a_config_has_every_key_where_a_script_reads_it(launch: Launch) -> None:
    script = """import json, sys
config = json.load(open(sys.argv[1]))
print(json.dumps({"depth": config["model"]["depth"], "mlp": config["model"]["mlp"], "seed": config["seed"]}))
"""
    config = {"model.mlp": 64, "model": {"depth": 3}}
    ended = outcome(launch(script, "{config_json}", config, metrics={"json": "stdout"}))
    assert ended.metrics == {"depth": 3.0, "mlp": 64.0, "seed": 1337.0}


def test_a_number_with_a_unit_is_read_and_any_other_text_is_refused(launch: Launch, tmp_path: Path) -> None:
    script = "print('980K parameters')\nprint('val loss 5.1e-05')\nprint('acc 0,75')"
    patterns = {"params": {"pattern": "([0-9.]+)K? parameters", "unit": "count"}, "val_loss": "val loss ([0-9.]+)"}
    ended = outcome(launch(script, metrics={"stdout": {**patterns, "acc": "acc ([0-9.]+)"}}, needs=("val_loss",)))
    assert (ended.kind, ended.metrics) == (Kind.COMPLETED, {"params": 980_000.0, "val_loss": 5.1e-5})
    assert "acc: '0,75' is not a plain number" in (tmp_path / "log").read_text()
    wrong = {"params": "([0-9.]+)[A-Z] parameters", "val_loss": "val loss ([0-9.]+)"}
    ended = outcome(launch(script, metrics={"stdout": wrong}, needs=("params",)))
    assert ended.kind is Kind.INVALID
    assert ended.message == "exited with 0, but params: '980K' is not a plain number; unit: count reads it"


def test_a_number_that_cannot_be_read_is_not_the_number_before_it(launch: Launch) -> None:
    script = "print('loss 3.5')\nprint('loss 2.5e')"
    ended = outcome(launch(script, metrics={"stdout": {"loss": "loss ([0-9.]+)"}}, needs=("loss",)))
    assert ended.kind is Kind.INVALID and "'2.5e' is not a plain number" in ended.message


def test_a_csv_names_its_columns(launch: Launch) -> None:
    script = """
import sys
with open(sys.argv[1] + "/m.csv", "w") as file:
    file.write("epoch,train_loss,val_loss,note\\n0,2.0,,a\\n1,1.0,1.5,\\"b, c\\"\\n")
"""
    *reports, ended = until(launch(script, "{run_dir}", metrics={"csv": "{run_dir}/m.csv"}), Outcome)
    assert [each.step for each in reports] == [0, 1]
    assert ended.metrics == {"epoch": 1.0, "train_loss": 1.0, "val_loss": 1.5}


def test_a_document_that_is_rewritten_is_reported_each_time(launch: Launch, tmp_path: Path) -> None:
    script = """
import json, os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
for step in (1, 2):
    with open(folder / "m.jsonl", "w") as file:
        json.dump({"step": step, "eval": {"loss": 1 / step}}, file, indent=2)
    while step == 1 and not (folder / "go").exists():
        time.sleep(0.01)
"""
    attempt = launch(script, "{run_dir}", needs=("eval.loss",))
    assert until(attempt, Report) == [Report(1, {"eval.loss": 1.0})]
    (tmp_path / "files" / "go").touch()
    *reports, ended = until(attempt, Outcome)
    assert [(each.step, dict(each.metrics)) for each in reports] == [(2, {"eval.loss": 0.5})]
    assert ended.metrics == {"step": 2.0, "eval.loss": 0.5}


def test_a_line_of_numbers_gets_its_names_from_the_definition(launch: Launch) -> None:
    script = "import sys\nopen(sys.argv[1] + '/best.txt', 'w').write('1.4697, 2000, 10646784')"
    metrics = {"csv": "{run_dir}/best.txt", "columns": ["best_val_loss", "iter", "params"]}
    ended = outcome(launch(script, "{run_dir}", metrics=metrics, needs=("best_val_loss",)))
    assert ended.metrics == {"best_val_loss": 1.4697, "iter": 2000.0, "params": 10646784.0}


def test_a_file_that_cannot_be_read_says_in_the_log_and_at_the_end_what_it_was_taken_for(
    launch: Launch, tmp_path: Path
) -> None:
    script = "import sys\nopen(sys.argv[1] + '/m.jsonl', 'w').write('step,loss\\n1,0.5\\n')"
    ended = outcome(launch(script, "{run_dir}", needs=("loss",)))
    taken = "taken for JSON, but line 1 is not: 'step,loss'; `csv: FILE` reads a table"
    assert ended.kind is Kind.INVALID and ended.message.endswith(f"m.jsonl has no 'loss'; it has none; {taken}")
    assert f"m.jsonl: {taken}\n" in (tmp_path / "log").read_text()


# Ends


@pytest.mark.parametrize(
    ("script", "kind", "words"),
    [
        ("raise ValueError('n_head must divide n_embd')", Kind.ERROR, "exited with code 1: ValueError: n_head must"),
        ("import sys; sys.exit(3)", Kind.ERROR, "exited with code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Kind.KILLED, "SIGKILL"),
        ("import ctypes; print('so far'); ctypes.string_at(0)", Kind.KILLED, "SIGSEGV: so far"),
        (
            "raise RuntimeError('CUDA out of memory. Tried 2 GiB')",
            Kind.OUT_OF_MEMORY,
            "CUDA out of memory. Tried 2 GiB",
        ),
        ("raise MemoryError", Kind.OUT_OF_MEMORY, "MemoryError"),
        ("print('out of memory, almost')", Kind.OUT_OF_MEMORY, "out of memory, almost"),
        ("print('out of memory'); write('{\"val_loss\": 1}')", Kind.COMPLETED, ""),
        ("pass", Kind.INVALID, "exited with 0, but there is no file .*m.jsonl with 'val_loss'"),
        ("write('')", Kind.INVALID, "m.jsonl has no 'val_loss'; it has none"),
        ("write('{\"vall_loss\": 1}')", Kind.INVALID, "m.jsonl has no 'val_loss'; it has vall_loss.*'vall_loss'"),
        ("write('{\"val_loss\": null}')", Kind.INVALID, "m.jsonl has no 'val_loss'"),
    ],
)
def test_every_end_of_a_command_is_told_apart(launch: Launch, script: str, kind: Kind, words: str) -> None:
    helper = "def write(text):\n    import sys\n    open(sys.argv[1] + '/m.jsonl', 'w').write(text)\n"
    ended = outcome(launch(helper + script, "{run_dir}", needs=("val_loss",)))
    assert ended.kind is kind and re.search(words, ended.message) and "\n" not in ended.message, ended


def test_a_pattern_that_matched_nothing_says_where_it_looked(launch: Launch) -> None:
    ended = outcome(
        launch("print('loss 3')", metrics={"stdout": {"val_loss": "val loss ([0-9.]+)"}}, needs=("val_loss",))
    )
    assert ended.kind is Kind.INVALID and "no line of its output matches 'val loss ([0-9.]+)'" in ended.message


def test_a_program_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    warm = WarmServer(command({"command": "no-such-program", "metrics": JSON}, tmp_path).text)
    ended = outcome(warm.start(assignment(tmp_path)))
    warm.close()
    assert ended.kind is Kind.ERROR and "cannot be started: No such file or directory: no-such-program" in ended.message


def test_what_an_earlier_attempt_wrote_is_no_result_of_this_one(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "m.jsonl").write_text('{"loss": 1.0}\n')
    ended = outcome(launch("pass", attempt=2))
    assert ended.kind is Kind.INVALID and "there is no file" in ended.message
    assert (tmp_path / "files" / "m.jsonl.before-attempt-2").read_text() == '{"loss": 1.0}\n'


SLOW = """
import json, os, signal, sys, time
out = sys.argv[1]
def end(*_):
    open(out + "/checkpoint", "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
with open(out + "/m.jsonl", "w") as file:
    print(json.dumps({"step": 1, "loss": 1.0, "pid": os.getpid()}), file=file, flush=True)
time.sleep(600)
"""


def started(attempt: Attempt) -> int:
    """The command's own process."""
    return int(until(attempt, Report)[-1].metrics["pid"])


def test_giving_back_reaches_the_command_and_its_half_is_no_result(launch: Launch, tmp_path: Path) -> None:
    attempt = launch(SLOW, "{run_dir}")
    pid = started(attempt)
    attempt.give_back(grace=20)
    ended = outcome(attempt)
    assert ended.kind is Kind.GIVEN_BACK and ended.seconds < 20 and gone([pid])
    assert (tmp_path / "files" / "checkpoint").exists()


def test_a_command_that_ignores_the_request_is_killed(launch: Launch) -> None:
    attempt = launch(SLOW.replace("signal.SIGTERM, end", "signal.SIGTERM, signal.SIG_IGN"), "{run_dir}")
    pid = started(attempt)
    attempt.give_back(grace=0.2)
    assert outcome(attempt).kind is Kind.GIVEN_BACK and gone([pid])


def test_should_stop_reaches_the_command_and_prunes_the_trial(launch: Launch, tmp_path: Path) -> None:
    attempt = launch(SLOW, "{run_dir}")
    started(attempt)
    attempt.request_stop()
    ended = outcome(attempt)
    assert (ended.kind, ended.message) == (Kind.PRUNED, "stopped early at step 1")
    assert (tmp_path / "files" / "checkpoint").exists()


@pytest.mark.parametrize("way", ["kill", "time limit", "trial killed", "keeper killed"])
def test_a_command_and_its_children_end_with_the_trial(launch: Launch, way: str) -> None:
    script = SLOW.replace("time.sleep(600)", "import subprocess; subprocess.run(['sleep', '600'])")
    attempt = launch(script, "{run_dir}", timeout=3.0 if way == "time limit" else None)
    pid = started(attempt)
    end = time.monotonic() + 30
    while not (below := psutil.Process(pid).children()):
        assert time.monotonic() < end
        time.sleep(0.01)
    match way:
        case "kill":
            attempt.kill()
        case "trial killed":
            psutil.Process(attempt.pid).kill()
        case "keeper killed":
            psutil.Process(attempt.pid).parent().kill()  # type: ignore[union-attr]
    expected = {"kill": Kind.GIVEN_BACK, "time limit": Kind.TIMED_OUT, "keeper killed": Kind.LOST}
    assert outcome(attempt).kind is expected.get(way, Kind.KILLED)
    assert gone([pid, *(each.pid for each in below)])


def test_a_command_that_leaves_a_process_with_its_output_open_has_ended(launch: Launch) -> None:
    script = "import subprocess, sys\nsubprocess.Popen(['sleep', '600'])\n" + ARGUMENTS
    ended = outcome(launch(script, env={"OUT": "{run_dir}"}))
    assert ended.kind is Kind.COMPLETED and ended.seconds < 60


def test_what_a_command_prints_is_in_the_log_and_the_tail(launch: Launch, tmp_path: Path) -> None:
    script = "import sys\nprint('one')\nprint('two', file=sys.stderr)\nprint('x' * 300_000)\nsys.exit('the end')"
    ended = outcome(launch(script, metrics={"stdout": {"a": "(x+)y"}}))
    assert (tmp_path / "log").read_text() == "one\ntwo\n" + "x" * 300_000 + "\nthe end\n"
    assert ended.kind is Kind.ERROR and ended.message == "exited with code 1: the end" and "the end" in ended.tail


# In a definition

DEFINITION = """
search: grow
objective:
  command: {python} train.py --a {{a}} --out {{run_dir}} {{flags}}
  metrics: {{json: "{{run_dir}}/m.jsonl"}}
score: {{metric: score, direction: maximize}}
cost: params
grow: {{increments: {{a: 1}}, steps: 1}}
config:
  a: 1
  note: "it's; touch owned $(touch owned)\\n--out x"
  dash: --out=/nowhere
  shuffle: false
  fused: true
  layers: [1, -2, -1e-5]
  rate: -1e-5
"""
TRAIN = """
import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument("--a", type=int)
parser.add_argument("--out")
parser.add_argument("--seed", type=int)
parser.add_argument("--note")
parser.add_argument("--dash")
parser.add_argument("--shuffle", action=argparse.BooleanOptionalAction, default=True)
parser.add_argument("--fused", action=argparse.BooleanOptionalAction, default=False)
parser.add_argument("--layers", type=float, nargs="+")
parser.add_argument("--rate", type=float)
options = parser.parse_args()
assert options.note == "it's; touch owned $(touch owned)\\n--out x" and options.dash == "--out=/nowhere", options
assert options.shuffle is False and options.fused is True and options.seed == 1337, options
assert options.layers == [1, -2, -1e-5] and options.rate == -1e-5, options
with open(options.out + "/m.jsonl", "w") as file:
    json.dump({"step": 1, "score": -1 / options.a, "params": options.a}, file)
"""


def write(folder: Path, text: str = DEFINITION.format(python=PYTHON)) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text(TRAIN)
    (folder / "own.yaml").write_text(text)
    return folder / "own.yaml"


def test_a_command_is_shown_as_its_definition_has_it() -> None:
    document = {"command": "python train.py {flags} 'a b'", "metrics": {"stdout": {"loss": "loss ([0-9.]+)"}}}
    assert Command.parse(document, Path("/"), [], "objective").shown() == document["command"]


def test_a_command_survives_its_way_into_the_database_and_to_another_host(tmp_path: Path) -> None:
    here, there = (Definition.load(write(tmp_path / name)) for name in ("here", "there"))
    again = Definition.from_json(json.loads(json.dumps(here.to_json())))
    assert again == here and again.hash == here.hash
    made = Command.from_text(here.objective)
    assert made.needs == ("score", "params") and made.folder == tmp_path / "here" and made.text == here.objective
    assert here.objective != there.objective and same_objective(here.objective, there.objective)
    other = write(tmp_path / "there", DEFINITION.format(python=PYTHON).replace("--a {a}", "--a={a}"))
    assert not same_objective(here.objective, Definition.load(other).objective)
    assert objective_folder(here.objective) == tmp_path / "here"
    assert objective_folder("/x/y.py:f") == Path("/x") and objective_folder("gpt") == CHECKOUT


def test_a_folder_that_is_not_here_is_one_line(tmp_path: Path) -> None:
    text = command({"command": "x", "cwd": "sub", "metrics": JSON}, tmp_path).text
    with pytest.raises(UsageError, match=f"no folder {tmp_path}/sub"):
        Reference.parse(text, Path("/"))
    for wrong in ("command: python train.py", "command:[]", 'command:{"folder": 3}'):
        with pytest.raises(UsageError, match="a command is a mapping"):
            Reference.parse(wrong, Path("/"))


def test_a_study_of_a_command_from_end_to_end(program: Program, tmp_path: Path) -> None:
    file = write(tmp_path / "own")
    for _ in range(2):  # to run it again is to resume it
        told = program("run", "grow", "--study", "own", "--file", file, "--workers", 2)
        assert told.returncode == 0, told.stderr
    certificate = json.loads(program("audit", "--study", "own", "--json").stdout)
    assert certificate["holds"] and certificate["points"]["accepted"] == 2 and certificate["points"]["failed"] == 0
    assert not list(tmp_path.rglob("owned"))
    shown = json.loads(program("show", "--study", "own", "--json").stdout)
    assert [step["chosen"]["value"] for step in shown["rounds"]] == [2]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("--a {a}", "--a {aa}", ["{aa} is neither", "'a'"]),
        ("json: ", "jsn: ", ["unknown key 'jsn'", "'json'"]),
        ('{json: "{run_dir}/m.jsonl"}', "{stdout: {score: score ..}}", ["stdout: score", "no group"]),
        (
            '{json: "{run_dir}/m.jsonl"}',
            "{stdout: {scor: 'score (.)', params: '(.)'}}",
            ["returns no 'score'", "'scor'"],
        ),
        (PYTHON, "pyhton-of-no-host", ["no program 'pyhton-of-no-host'"]),
    ],
)
def test_a_wrong_command_ends_the_program_with_one_line(
    program: Program, tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    text = DEFINITION.format(python=PYTHON)
    assert old in text
    refused(program("run", "grow", "--study", "own", "--file", write(tmp_path / "own", text.replace(old, new))), *words)


def test_the_example_runs_as_its_first_lines_say(program: Program, environment: dict[str, str], tmp_path: Path) -> None:
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    told = program("run", "grow", "--study", "wave", "--file", EXAMPLE, "--workers", 2)
    assert told.returncode == 0, told.stderr
    shown = json.loads(program("show", "--study", "wave", "--json").stdout)
    assert len(shown["rounds"]) == 2 and shown["rounds"][0]["chosen"]["param"] == "hidden"
    trial = json.loads(program("show", "--study", "wave", "--trial", 0, "--json").stdout)
    assert "train_loss" in json.dumps(trial)  # what it reported on its way
    log = program("show", "--study", "wave", "--trial", 0, "--log").stdout
    assert "step 200: val loss" in log
