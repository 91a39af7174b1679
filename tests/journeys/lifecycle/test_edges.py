"""What was found by attack: odd outputs, closed streams, odd files, edits back and forth."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from storage.home import CHECKOUT
from tests.support.cases import usual
from tests.support.growth_trace import CHOICES, write_definition
from tests.support.program import GOOD, Program, answer, growth_of, path


def test_a_step_that_is_reported_twice_has_the_later_report(program: Program, tmp_path: Path) -> None:
    body = "def own(config, trial):\n    for value in (1.0, 2.0):\n        trial.report(3, score=value)\n" + GOOD
    assert program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, body)).returncode == 0
    assert answer(program, "show", "--study", "own", "--trial", 0)["reports"] == [{"step": 3, "score": 2.0}]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("raise ValueError('\\ud800\\0')", "error: ValueError"),
    ],
)
def test_what_cannot_be_stored_fails_its_own_trial_and_no_worker(
    program: Program, tmp_path: Path, bad: str, reason: str
) -> None:
    body = f"def own(config, trial):\n    if config['b'] > 1:\n        {bad}\n{GOOD}"
    told = program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, body, "attempts: 1\n"))
    assert told.returncode == 1 and "Traceback" not in told.stderr, told.stderr
    [step] = answer(program, "show", "--study", "own")["rounds"]
    assert reason in {row["param"]: row["reason"] for row in step["candidates"]}["b"]
    assert answer(program, "audit", "--study", "own")["holds"]


@pytest.mark.parametrize(
    "name", ["'\\ud800'", "'a\\0b'", "'x' * 3_000_000"], ids=["half of a pair", "NUL", "three million characters"]
)
def test_a_metrics_name_that_cannot_be_stored_leaves_out_the_name_and_not_the_trial(
    program: Program, tmp_path: Path, name: str
) -> None:
    body = f"def own(config, trial):\n    trial.report(1, **{{{name}: 1.0}})\n    more = {{{name}: 1}}\n"
    body += GOOD.replace("return {", "return {**more, ")
    told = program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, body))
    assert told.returncode == 0, told.stderr
    assert answer(program, "audit", "--study", "own")["holds"]


def test_square_brackets_are_printed_as_they_are(program: Program, tmp_path: Path) -> None:
    body = f"def own(config):\n    if config['b'] > 1:\n        raise RuntimeError('index [/train] of [red]')\n{GOOD}"
    told = program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, body))
    assert told.returncode == 1 and "Traceback" not in told.stderr, told.stderr
    for arguments in (["--whole"], ["--failures"], ["--trial", 2]):
        assert "index [/train] of [red]" in program("show", "--study", "own", *arguments).stdout


def test_steps_of_the_file_count_when_they_are_edited(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path, steps=1)
    run = ["run", "grow", "--study", "trace", "--file", file]
    assert program(*run).returncode == 0 and path(program, "trace") == CHOICES[:1]
    write_definition(tmp_path, steps=2)
    assert program(*run).returncode == 0 and path(program, "trace") == CHOICES[:2]
    assert program(*run, "--set", "grow.steps=3").returncode == 0 and path(program, "trace") == CHOICES[:3]
    # A smaller budget later on does not make what was decided before look wrong.
    assert program(*run, "--steps", 1).returncode == 0
    assert answer(program, "audit", "--study", "trace")["holds"]


def test_a_file_from_before_the_last_change_is_not_used_and_that_is_said(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path)
    run = ["run", "grow", "--study", "trace", "--file", file]
    before = file.read_text()
    program(*run, "--steps", 1)
    file.write_text(before.replace("max_iters: 5000", "max_iters: 8000"))
    program(*run, "--steps", 2)
    file.write_text(before)
    told = program(*run, "--steps", 3)
    assert told.returncode == 0 and "is not used; to go back, use --set" in told.stderr
    assert answer(program, "show", "--study", "trace")["config"]["max_iters"] == 8000


def test_a_definition_that_came_with_another_version_changes_no_study_that_has_begun(
    program: Program, tmp_path: Path
) -> None:
    shipped = (CHECKOUT / "studies" / "depth-100m.yaml").read_text()
    earlier = tmp_path / "earlier.yaml"
    edited = shipped.replace("targets: [10000000, 25000000, 50000000, 75000000, 100000000]", "targets: [25000000]")
    earlier.write_text(edited.replace("widths: auto", "widths: [384]"))
    assert program("run", "depth", "--study", "depth-100m", "--file", earlier).returncode == 0
    told = program("run", "depth", "--study", "depth-100m")
    assert told.returncode == 0 and "came with another version of Studyhall and is not used" in told.stderr
    assert len(answer(program, "show", "--study", "depth-100m")["results"]) == 1
    earlier.write_text(edited.replace("widths: auto", "widths: [384, 768]"))  # an edit by hand is taken over
    assert program("run", "depth", "--study", "depth-100m", "--file", earlier).returncode == 0
    assert len(answer(program, "show", "--study", "depth-100m")["results"]) == 2


def test_another_objective_file_of_the_same_name_is_told(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path)
    run = ["run", "grow", "--study", "trace", "--file", file]
    assert "has changed" not in program(*run, "--steps", 1).stderr
    with (tmp_path / "landscape.py").open("a") as code:
        code.write("# another\n")
    assert "here it is" in (told := program(*run, "--steps", 2).stderr) and "landscape.py has changed" in told
    told = program(*run, "--steps", 3, "--same-code")
    assert told.returncode == 2 and told.stderr.count("\n") == 1


def test_a_changed_seed_is_refused(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path, steps=1)
    file.write_text(file.read_text() + "  seed: 7\n")
    assert program("run", "grow", "--study", "trace", "--file", file).returncode == 0
    file.write_text(file.read_text().replace("seed: 7", "seed: 8"))
    told = program("run", "grow", "--study", "trace", "--file", file)
    assert told.returncode == 2 and "config.seed" in told.stderr


def test_a_dry_run_of_a_study_that_exists_takes_what_is_set_into_account(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path)
    run = ["run", "grow", "--study", "trace", "--file", file]
    program(*run, "--steps", 1)
    told = program(*run, "--dry-run", "--set", "zz=1")
    assert told.returncode == 2 and "no key 'zz'" in told.stderr
    assert "n_head → 31" in program(*run, "--dry-run", "--set", "n_head=30").stdout
    assert answer(program, "show", "--study", "trace")["overrides"] == []


@pytest.mark.parametrize("closed", usual([(0, 1, 2), (1,), (2,)], count=1), ids=str)
def test_closed_streams_are_as_good_as_empty_ones(
    program: Program, tmp_path: Path, environment: dict[str, str], closed: tuple[int, ...]
) -> None:
    file = growth_of(tmp_path, f"def own(config):\n    print('here')\n    sys.stdout.close()\n{GOOD}")
    command = " ".join(map(str, [sys.executable, CHECKOUT / "cli.py", "run grow --study own --file", file]))
    shut = " ".join(f"{number}>&-" for number in closed)
    assert subprocess.run(["sh", "-c", f"{command} {shut}"], env=environment, timeout=60).returncode == 0
    assert answer(program, "audit", "--study", "own")["points"]["accepted"] == 3


def test_an_export_writes_into_a_pipe_and_through_a_link(program: Program, tmp_path: Path) -> None:
    program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1))
    fifo, link, target = (tmp_path / name for name in ("fifo", "link", "target"))
    os.mkfifo(fifo)
    target.touch()
    link.symlink_to(target)
    reader = subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE, text=True)
    for out in (fifo, link):
        assert program("export", "--study", "trace", "--as", "csv", "--out", out).returncode == 0
    told, _ = reader.communicate(timeout=20)
    assert told == target.read_text() and told.startswith("trial,state")
    assert stat.S_ISFIFO(fifo.stat().st_mode) and link.is_symlink()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("max_iters: 5000", 'max_iters: 5000\n  s: "a\\0b"', "cannot be kept"),
        ("max_iters: 5000", "max_iters: " + "9" * 350, "too large"),
        ("n_layer: 1,", "n_layer: 1e305,", "at most"),
        ("steps: 1", "steps: 1\n  multiples: 1000000000", "multiples"),
        ("steps: 1", "steps: 1\n  seed: 9999999999", "grow.seed"),
        ("cost: params", "cost: params\nmemory_limit: " + "9" * 320 + "GiB", "is not a size"),
        ("max_iters: 5000", "max_iters: 5000\n  " + "k" * 300 + ": 1", "300 characters"),
    ],
)
def test_what_could_not_be_kept_is_refused_before_anything_is_written(
    program: Program, tmp_path: Path, old: str, new: str, words: str
) -> None:
    file = write_definition(tmp_path, steps=1)
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    told = program("run", "grow", "--study", "trace", "--file", file)
    assert told.returncode == 2 and words in told.stderr and told.stderr.count("\n") == 1, told.stderr
    assert program("show", "--study", "trace").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "grow", "--study", "x", "--steps", "3000000000"],
        ["run", "grow", "--study", "x", "--max-trials", "99999999999"],
        ["run", "grow", "--study", "x", "--file", "/dev/zero"],
        ["show", "--study", b"a\xff"],
        ["retry", "--study", "trace", "--trial", "99999999999"],
    ],
    ids=str,
)
def test_an_odd_order_gets_one_line(
    program: Program, tmp_path: Path, environment: dict[str, str], arguments: list[str | bytes]
) -> None:
    if "trace" in arguments:
        program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1))
    told = subprocess.run(
        [sys.executable, CHECKOUT / "cli.py", *arguments], env=environment, capture_output=True, timeout=60
    )
    assert told.returncode == 2 and told.stderr.count(b"\n") == 1, told.stderr


def test_a_terminal_without_the_characters_and_a_full_output_are_no_traceback(
    program: Program, tmp_path: Path, environment: dict[str, str]
) -> None:
    program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1))
    show = [sys.executable, CHECKOUT / "cli.py", "show", "--study", "trace"]
    told = subprocess.run(show, env={**environment, "PYTHONIOENCODING": "ascii"}, capture_output=True, timeout=60)
    assert told.returncode == 0 and b"mlp_size \\u2192 64" in told.stdout
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(show, env=environment, stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert told.returncode == 1 and b"No space left" in told.stderr and b"Traceback" not in told.stderr
