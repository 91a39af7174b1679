"""`run` as users run it: real processes, a real server, the growth trace with known answers."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.cases import usual
from tests.support.growth_trace import CHOICES, landscape, write_definition
from tests.support.program import GOOD, Program, answer, growth_of, path, states
from tests.support.reference_path import assert_reference_path


def test_the_reference_path(program: Program, tmp_path: Path) -> None:
    told = program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path), "--workers", 1)
    assert told.returncode == 0, told.stderr
    assert_reference_path(program)


def test_budgets_belong_to_the_study(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path)
    run = ["run", "grow", "--study", "trace", "--file", file, "--workers", 2]
    assert program(*run, "--steps", 1).returncode == 0 and path(program, "trace") == CHOICES[:1]
    assert program(*run, "--steps", 2).returncode == 0 and path(program, "trace") == CHOICES[:2]
    told = program(*run, "--steps", 12, "--max-trials", 20)
    assert told.returncode == 0 and "budget used up: all of its 20 trials were started" in told.stderr
    assert states(program, "trace")["accepted"] == 20
    told = program(*run, "--max-trials", 1000, "--timeout", "1s")
    assert told.returncode == 0 and states(program, "trace")["running"] == 0


# Changes


def test_an_override_measures_the_baseline_again_and_replay_knows_it(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path)
    run = ["run", "grow", "--study", "trace", "--file", file, "--workers", 2]
    program(*run, "--steps", 2)
    assert program(*run, "--steps", 3, "--set", "max_iters=10000").returncode == 0
    shown = answer(program, "show", "--study", "trace")
    assert shown["config"]["max_iters"] == 10000
    events = [round_["event"] for round_ in shown["rounds"]]
    assert any(event and "max_iters=10000" in event for event in events)
    measured = [round_["baseline"] for round_ in shown["rounds"] if round_["baseline"]]
    assert measured[-1]["score"] == pytest.approx(landscape({**shown_before(shown), "seed": 1337})["score"])
    # The same again changes nothing.
    assert program(*run, "--steps", 3, "--set", "max_iters=10000").returncode == 0
    assert answer(program, "show", "--study", "trace") == shown
    assert answer(program, "audit", "--study", "trace")["holds"]


def shown_before(shown: dict[str, Any]) -> dict[str, Any]:
    """The configuration that the last round began with."""
    last = next(round_ for round_ in reversed(shown["rounds"]) if round_["chosen"])
    chosen = last["chosen"]
    before = dict(shown["config"])
    before[chosen["param"]] = chosen["value"] - (1 if chosen["value"] < 32 else 32)
    return before


def test_what_was_set_stays_set_when_the_study_is_resumed_without_it(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path)
    run = ["run", "grow", "--study", "trace", "--file", file, "--workers", 2]
    assert program(*run, "--steps", 1, "--set", "max_iters=8000").returncode == 0
    assert program(*run, "--steps", 2).returncode == 0
    shown = answer(program, "show", "--study", "trace")
    assert shown["config"]["max_iters"] == 8000 and shown["overrides"] == []
    # An edited file changes what was edited in it, and nothing else.
    file.write_text(file.read_text().replace("  n_cproj: 1\n  n_embd", "  n_cproj: 3\n  n_embd"))
    assert program(*run, "--steps", 3).returncode == 0
    shown = answer(program, "show", "--study", "trace")
    assert shown["overrides"] == [{"round": 2, "changes": {"config": {"n_cproj": 3}}}]
    assert shown["config"]["max_iters"] == 8000
    assert answer(program, "audit", "--study", "trace")["holds"]


def test_a_worker_whose_code_differs_says_so_or_is_refused(program: Program, tmp_path: Path) -> None:
    file = write_definition(tmp_path)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "landscape.py"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *command], check=True)
    run = ["run", "grow", "--study", "trace", "--file", file]
    told = program(*run, "--steps", 1, "--same-code")
    assert told.returncode == 0 and "ran code" not in told.stderr
    with (tmp_path / "landscape.py").open("a") as code:
        code.write("# a change\n")
    told = program(*run, "--steps", 2, "--same-code")
    assert told.returncode == 2 and "--same-code: 8 of 8 results of 'trace' ran code" in told.stderr
    assert told.stderr.count("\n") == 1 and path(program, "trace") == CHOICES[:1]
    told = program(*run, "--steps", 2)
    assert told.returncode == 0 and "results may not be comparable" in told.stderr


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("landscape.py:landscape", "landscape.py:write_definition", "objective"),
        ("metric: score", "metric: loss", "score"),
        ("direction: maximize", "direction: minimize", "score|direction"),
        ("cost: params", "cost: vram", "cost"),
    ],
)
def test_a_change_that_would_make_results_incomparable_is_refused_with_what_to_do(
    program: Program, tmp_path: Path, old: str, new: str, words: str
) -> None:
    file = write_definition(tmp_path, steps=1)
    program("run", "grow", "--study", "trace", "--file", file)
    before = program("show", "--study", "trace", "--json").stdout
    file.write_text(file.read_text().replace(old, new))
    told = program("run", "grow", "--study", "trace", "--file", file)
    assert told.returncode == 2 and told.stderr.count("\n") == 1, told.stderr
    assert words.split("|")[0] in told.stderr or words.split("|")[-1] in told.stderr
    assert "--study OTHER" in told.stderr
    assert program("show", "--study", "trace", "--json").stdout == before


# Failures


@pytest.mark.parametrize(
    ("bad", "reason"),
    usual(
        [
            ("return {'score': float('nan'), 'params': 1}", "diverged: score is nan"),
            ("return {'score': float('inf'), 'params': 1}", "diverged: score is inf"),
            ("return {'score': 1.0, 'params': float('-inf')}", "diverged: params is -inf"),
            ("return {'score': 1.0}", "invalid: the objective returned no 'params'; it returned: score"),
            ("return 'well'", "invalid: returned 'well'"),
            ("sys.exit(3)", "error: exited with 3 without a result"),
            ("os._exit(0)", "error: exited with code 0 without a result"),
            ("os.kill(os.getpid(), signal.SIGKILL)", "killed: SIGKILL"),
            ("os.kill(os.getpid(), signal.SIGSEGV)", "killed: SIGSEGV"),
            (
                "os.fork() or time.sleep(600); raise RuntimeError('a parent that fails')",
                "error: RuntimeError: a parent",
            ),
            ("raise OSError(28, 'No space left on device')", "error: OSError: [Errno 28] No space left on device"),
            ("raise RuntimeError('broken')", "error: RuntimeError: broken"),
            ("held = [b'x' * (8 << 20) for _ in iter(int, 1)]", "out of memory: held"),
            ("signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)", "timed out: not finished after 1 s"),
        ],
        step=3,
    ),
)
def test_a_candidate_that_ends_badly_is_out_of_its_round_with_the_reason(
    program: Program, tmp_path: Path, bad: str, reason: str
) -> None:
    file = growth_of(
        tmp_path,
        f"def own(config):\n    if config['b'] > 1:\n        {bad}\n{GOOD}",
        f"timeout: {1 if reason.startswith('timed out') else 60}s\nmemory_limit: 300MiB\n",
    )
    told = program("run", "grow", "--study", "own", "--file", file, "--workers", 2)
    assert told.returncode == 1, told.stderr
    [step] = answer(program, "show", "--study", "own")["rounds"]
    rows = {row["param"]: row for row in step["candidates"]}
    assert step["chosen"] == {"param": "a", "value": 2}
    assert not rows["b"]["eligible"] and reason in rows["b"]["reason"]
    certificate = answer(program, "audit", "--study", "own")
    charged = reason.startswith(("error", "killed", "out of memory"))
    assert certificate["holds"] and certificate["points"]["failed"] == 1
    assert certificate["attempts"] == 3 + charged


def test_a_baseline_that_fails_ends_the_study_with_exit_code_1_and_retry_mends_it(
    program: Program, tmp_path: Path
) -> None:
    file = growth_of(tmp_path, f"def own(config):\n    assert os.path.exists({str(tmp_path / 'ready')!r})\n{GOOD}")
    told = program("run", "grow", "--study", "own", "--file", file)
    assert told.returncode == 1 and "the baseline cannot be measured" in told.stderr
    assert "Traceback" not in told.stderr
    assert "AssertionError" in program("show", "--study", "own", "--trial", 0).stdout
    assert "assert os.path.exists" in program("show", "--study", "own", "--trial", 0, "--log").stdout
    (tmp_path / "ready").touch()
    assert "retried as trial 1" in program("retry", "--study", "own", "--failed").stdout
    assert program("run", "grow", "--study", "own", "--file", file).returncode == 0
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and answer(program, "show", "--study", "own")["rounds"][0]["chosen"]["param"] == "a"


def test_a_point_that_its_objective_refuses_never_takes_a_slot(program: Program, tmp_path: Path) -> None:
    body = "def validate(config):\n    return 'b must be odd' if config['b'] % 2 == 0 else None\ndef own(config):\n"
    file = growth_of(tmp_path, f"{body}    assert config['b'] == 1\n{GOOD}")
    assert program("run", "grow", "--study", "own", "--file", file).returncode == 0
    [step] = answer(program, "show", "--study", "own")["rounds"]
    assert {row["param"]: row["reason"] for row in step["candidates"]}["b"].endswith("invalid: b must be odd")
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["attempts"] == 2 and certificate["holds"]


def test_status_show_and_replay_number_rounds_alike(program: Program, tmp_path: Path) -> None:
    """An override is a decision within a round, and takes no number of its own."""
    file = write_definition(tmp_path, steps=1)
    run = ["run", "grow", "--study", "trace", "--file", file]
    assert program(*run).returncode == 0
    assert program(*run, "--steps", 2, "--set", "max_iters=6000").returncode == 0
    numbers = [each["round"] for each in answer(program, "show", "--study", "trace")["rounds"]]
    for verb in ("status", "replay"):
        lines = program(verb, "--study", "trace").stdout.splitlines()
        seen = [int(line.split()[1].rstrip(":")) for line in lines if line.startswith("round ")]
        assert set(seen) == set(numbers), (verb, lines, numbers)
