"""`status --watch` and `run` in a real terminal, on studies that are really running."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.cells import cell_len

from samplers.searches.noise import t975
from storage import server
from storage.home import CHECKOUT
from studies.status.pace import Pace, pace
from tests.support.cases import usual
from tests.support.growth_trace import write_definition
from tests.support.made_studies import grid
from tests.support.program import Begin, Program, answer, growth_of, until
from tests.support.terminal import Terminal, needs_tmux

Open = Callable[..., Terminal]

GATED = """
from pathlib import Path
def own(config, trial):
    gate = Path(__file__).parent / "gate"
    for step in range(10**6):
        trial.report(step, loss=10 - step / 100, accuracy=0.5)
        print("step", step, flush=True)
        if gate.exists() or config["b"] == 1 and trial.seed == SEED:
            break
        time.sleep(0.05)
    return {"score": config["a"] + 3 * config["b"] + trial.seed % 7 / 100, "params": 10 * config["a"] + config["b"]}
"""
"""A trial that goes on until a file is there; that of the first seed of the baseline ends by itself."""


@pytest.fixture
def terminal(environment: dict[str, str]) -> Iterator[Open]:
    """`python cli.py ARGUMENTS` on a terminal of its own."""
    opened: list[Terminal] = []

    def start(*arguments: object, columns: int = 120, lines: int = 40) -> Terminal:
        command = [sys.executable, str(CHECKOUT / "cli.py"), *map(str, arguments)]
        opened.append(Terminal(command, environment, columns, lines))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def gated(folder: Path, steps: int = 1) -> Path:
    """A growth whose trials wait for `open_gate`."""
    body = GATED.replace("SEED", "1337")
    return growth_of(folder, body, grow=f"increments: {{a: 1, b: 1}}, repeats: 2, steps: {steps}")


def open_gate(folder: Path) -> None:
    (folder / "gate").touch()


def figures(line: str) -> list[float]:
    """The numbers of a line."""
    return [float(each.replace(",", "")) for each in re.findall(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?", line)]


def fits(screen: str, columns: int) -> bool:
    return all(cell_len(line) <= columns for line in screen.splitlines())


@needs_tmux
def test_a_running_study_is_shown_as_it_is_wide_narrow_and_resized(
    program: Program, begin: Begin, terminal: Open, tmp_path: Path
) -> None:
    begin("run", "grow", "--study", "own", "--file", gated(tmp_path), "--workers", 2)
    until(lambda: program("show", "--study", "own").returncode == 0)
    until(lambda: answer(program, "status", "--study", "own")["counts"]["complete"] == 1)
    watch = terminal("status", "--watch", "--study", "own", columns=140)
    screen = watch.shows("own (grow): running", "1 complete", "baseline", "loss", "/step", "/s")
    assert re.search(r"baseline +1/2 .* 1 running", screen) and "ETA" in screen
    now = answer(program, "status", "--study", "own")
    for each in now["running"]:
        [line] = [line for line in screen.splitlines() if re.match(rf" {each['slot']} +{each['trial']} ", line)]
        assert re.search(r"-0\.01/step", line), "the slope is that of the objective"
        assert re.search(r"/s +[▁▂▃▄▅▆▇█]+$", line), "a trend, and with one finished trial no ground for an ETA"
    assert "left in this round" not in screen
    for columns, lines in ((80, 24), (200, 50), (46, 20), (80, 30)):
        watch.resize(columns, lines)
        assert fits(watch.shows("own (grow): running", "loss", "baseline", "quit"), columns)
    watch.resize(140, 40)
    open_gate(tmp_path)
    screen = watch.shows("own (grow): done: 1 step is done", "b → 2")
    [step] = answer(program, "show", "--study", "own")["rounds"]
    [won] = [each for each in step["candidates"] if each["chosen"]]
    [line] = [line for line in screen.splitlines() if re.match(r" 0 +b → 2", line)]
    seeds, *shown = figures(line.partition("→ 2")[2].partition("best")[0])
    gain, efficiency = ([won[name], won[f"{name}_95"]] for name in ("gain", "efficiency"))
    per_million = [1e6 * each for each in efficiency]
    expected = [won["score"], *gain, won["added_cost"], *per_million, won["cost"]]
    assert seeds == len(won["seeds"]) and shown[: len(expected)] == pytest.approx(expected, rel=1e-2, abs=1e-6)
    watch.keys("q")
    watch.shows("ended with 0")


@needs_tmux
def test_candidates_stand_as_show_has_them_once_they_are_in(
    program: Program, begin: Begin, terminal: Open, tmp_path: Path
) -> None:
    """Of two steps the second is stopped half way: what has finished of it stands there with its leader."""
    body = (
        "from pathlib import Path\n"
        "def own(config, trial):\n"
        "    gate = Path(__file__).parent / 'gate'\n"
        "    while config['a'] == 2 and config['b'] == 3 and not gate.exists():\n"
        "        time.sleep(0.05)\n"
        "    noise = trial.seed % 7 * config['b'] / 100\n"
        "    return {'score': config['a'] + 3 * config['b'] + noise, 'params': config['a']}\n"
    )
    grow = "increments: {b: 1, a: 1}, repeats: 3, steps: 3"
    begin("run", "grow", "--study", "own", "--file", growth_of(tmp_path, body, grow=grow), "--workers", 1)
    watch = terminal("status", "--watch", "--study", "own")
    until(lambda: program("show", "--study", "own").returncode == 0)
    watch.close()  # it may have been begun before the study was there
    watch = terminal("status", "--watch", "--study", "own")
    screen = watch.once(lambda screen: re.search(r"a → 2 +0/3 .*1 running", screen) is not None)
    [line] = [line for line in screen.splitlines() if line.startswith(" b → 4")]
    assert "best" in line and "3/3" in line
    open_gate(tmp_path)
    watch.shows("own (grow): done")
    step = answer(program, "show", "--study", "own")["rounds"][-1]
    [b] = [each for each in step["candidates"] if each["param"] == "b"]
    score, _, gain, half, *_ = figures(line.partition("3/3")[2])
    assert [gain, half] == pytest.approx([b["gain"], t975(2) * b["gain_error"]], rel=5e-2), (
        "Student's, of its own seeds"
    )
    assert score == pytest.approx(b["score"], rel=1e-2) and b["chosen"]


@needs_tmux
def test_a_killed_worker_leaves_trials_that_are_nobodys(
    program: Program, begin: Begin, terminal: Open, tmp_path: Path
) -> None:
    file = gated(tmp_path)
    worker = begin("run", "grow", "--study", "own", "--file", file, "--workers", 1)
    until(lambda: program("show", "--study", "own").returncode == 0)
    until(lambda: answer(program, "status", "--study", "own")["running"])
    watch = terminal("status", "--watch", "--study", "own", columns=80, lines=24)
    watch.shows("own (grow): running")
    trial = until(lambda: [each["trial"] for each in answer(program, "status", "--study", "own")["running"]])[0]
    os.killpg(worker.pid, signal.SIGKILL)
    screen = watch.shows("nobody works on it", "workers: none", "is gone", "to go on: python cli.py run")
    assert re.search(r"trial \d+: its worker \S+:" + str(worker.pid), screen)
    assert answer(program, "status", "--study", "own")["state"] == "nobody works on it"
    open_gate(tmp_path)
    begin("run", "grow", "--study", "own", "--file", file, "--workers", 1)
    watch.shows("own (grow): done", "1 × lost")
    assert answer(program, "show", "--study", "own", "--trial", trial)["state"] == "COMPLETE"


@needs_tmux
def test_keys_show_a_log_ask_before_they_drain_and_switch_studies(
    program: Program, begin: Begin, terminal: Open, tmp_path: Path
) -> None:
    (tmp_path / "first").mkdir()
    finished = write_definition(tmp_path / "first", steps=1)
    assert program("run", "grow", "--study", "隠れ層", "--file", finished).returncode == 0
    worker = begin("run", "grow", "--study", "own", "--file", gated(tmp_path), "--workers", 1)
    until(lambda: program("show", "--study", "own").returncode == 0)
    until(lambda: answer(program, "status", "--study", "own")["counts"]["complete"] == 1)
    watch = terminal("status", "--watch", columns=100, lines=30)
    screen = watch.shows("隠れ層", "own", "done", "running")
    watch.keys("Enter")  # the newest is the first
    watch.shows("own (grow): running", "baseline")
    watch.keys("l")
    watch.shows("Show the log of which trial?", "1")
    watch.keys("Enter")
    watch.once(lambda screen: "the log of trial 1" in screen and re.search(r"^ step \d\d+$", screen, re.M) is not None)
    watch.keys("Escape")
    watch.shows("own (grow): running")
    watch.keys("d")
    watch.shows("Stop every worker of own")
    watch.keys("n")
    watch.once(lambda screen: "Stop every" not in screen and "own (grow): running" in screen)
    assert answer(program, "status", "--study", "own")["state"] == "running"
    watch.keys("d")
    watch.shows("Stop every worker")
    watch.keys("y")
    watch.shows("own: 1 worker will stop", "own (grow): draining")
    open_gate(tmp_path)
    assert worker.wait(timeout=60) == 0
    watch.shows("own (grow): stopped", "python cli.py run grow --study own")
    watch.keys("n")
    screen = watch.shows("隠れ層 (grow): done", "mlp_size → 64")
    assert "own (grow)" not in screen
    watch.keys("l")
    watch.shows("Show the log of which trial?")
    watch.keys("999")
    watch.shows("999")
    watch.keys("Enter")
    watch.shows("there is no trial 999")
    watch.keys("Escape")  # alone: with another key after it at once it would be one key, Alt
    watch.shows("隠れ層 (grow): done")
    watch.keys("d")
    watch.shows("隠れ層 is done: there is nothing to stop")
    watch.keys("s")
    watch.shows("studies: enter opens one")
    watch.keys("C-c")
    watch.shows("ended with 0")


@needs_tmux
def test_an_empty_storage_shows_that_it_is_and_then_the_first_study(
    program: Program, terminal: Open, tmp_path: Path
) -> None:
    watch = terminal("status", "--watch", columns=80)
    watch.shows("no study in this storage yet")
    assert program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1)).returncode == 0
    watch.shows("trace", "done", "1 step is done")
    watch.keys("Enter")
    watch.shows("trace (grow): done", "mlp_size → 64")


@needs_tmux
def test_a_database_that_goes_away_is_told_and_looked_for_until_it_is_back(tmp_path: Path) -> None:
    home = Path(tempfile.mkdtemp(prefix="studyhall-watch-"))
    home.chmod(0o755)
    environment = {**os.environ, "STUDYHALL_HOME": str(home), "STUDYHALL_LOCKS": str(tmp_path / "locks")}

    def call(*arguments: object) -> None:
        subprocess.run([sys.executable, CHECKOUT / "cli.py", *map(str, arguments)], env=environment, check=True)

    call("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1))
    command = [sys.executable, str(CHECKOUT / "cli.py"), "status", "--watch", "--study", "trace"]
    watch = Terminal(command, environment, 100, 30)
    try:
        watch.shows("trace (grow): done", "mlp_size → 64")
        call("storage", "down")
        watch.shows("the storage does not answer, trying again", "mlp_size → 64", "s ago")
        assert not server.status(home).up, "what was taken down is not started by looking"
        call("storage", "up")
        watch.once(lambda screen: "does not answer" not in screen and "trace (grow): done" in screen)
    finally:
        watch.close()
        server.down(home)
        shutil.rmtree(home)


# Other searches, odd things, a pipe

SEARCHES = {
    "grid": (
        "search: grid\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\n"
        "grid: {axes: {width: [1, 2], название: ['"
        + "ж" * 1000
        + "', '|%_']}, repeats: 2}\nconfig: {width: 1, название: a}\n",
        "def own(config, trial):\n    return {'score': config['width'] + trial.seed % 3}\n",
        ["own (grid): done", "4 of 4 settings", "best"],
    ),
    "depth": (
        "search: depth\nobjective: parameters\ndepth: {targets: [10000000], widths: [512], num_heads: 8}\n"
        "config: {family: cehr, vocab_size: 6516, max_position_embeddings: 2048, time_tokens: 78}\n",
        "",
        ["own (depth): done", "Target", "10,000,000"],
    ),
    "fit": (
        "search: fit\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\n"
        "fit: {axis: size, low: 1, high: 64}\nconfig: {size: 1}\n",
        "def own(config, trial):\n    if config['size'] > 11:\n        raise MemoryError\n"
        "    return {'score': config['size']}\n",
        ["own (fit): done", "the largest size that fits is 11", "no", "yes"],
    ),
}


@needs_tmux
@pytest.mark.parametrize("search", usual(SEARCHES, step=2))
def test_every_search_has_its_view(program: Program, terminal: Open, tmp_path: Path, search: str) -> None:
    text, body, words = SEARCHES[search]
    (tmp_path / "own.yaml").write_text(text)
    (tmp_path / "own.py").write_text(body)
    ended = program("run", search, "--study", "own", "--file", tmp_path / "own.yaml", "--workers", 2)
    assert ended.returncode == 0, ended.stderr
    watch = terminal("status", "--watch", "--study", "own", columns=80, lines=40)
    assert fits(watch.shows(*words), 80)


@needs_tmux
def test_of_only_failures_and_nan_the_causes_are_shown(program: Program, terminal: Open, tmp_path: Path) -> None:
    body = (
        "def own(config, trial):\n    trial.report(1, loss=float('nan'))\n"
        "    if config['a'] > 0:\n        raise RuntimeError('\\x1b[31m[red] 漢字 ' + 'x' * 1000)\n"
    )
    file = growth_of(tmp_path, body, "attempts: 1\n")
    assert program("run", "grow", "--study", "own", "--file", file).returncode == 1
    watch = terminal("status", "--watch", "--study", "own", columns=80, lines=30)
    screen = watch.shows("own (grow): failed", "failed attempts", "[red] 漢字")
    assert fits(screen, 80) and "0 complete" not in screen


def test_in_a_pipe_there_is_a_line_for_each_change_and_it_ends_with_the_study(
    program: Program, begin: Begin, tmp_path: Path
) -> None:
    begin("run", "grow", "--study", "own", "--file", gated(tmp_path), "--workers", 1)
    until(lambda: program("show", "--study", "own").returncode == 0)
    until(lambda: answer(program, "status", "--study", "own")["counts"]["complete"] == 1)
    watch = begin("status", "--watch", "--study", "own")
    everything = begin("status", "--watch")
    assert watch.stdout is not None
    first = watch.stdout.readline()
    assert first.startswith("own (grow): running")
    open_gate(tmp_path)
    output, _ = watch.communicate(timeout=60)
    assert watch.returncode == 0 and "\x1b" not in output
    assert re.search(r"^\d\d:\d\d:\d\d trial \d+ \(b → 2\): COMPLETE, score \d", output, re.M)
    assert re.search(r"^\d\d:\d\d:\d\d round 0: b → 2; the better of the 2 \(sure 0\.99\)$", output, re.M)
    assert output.splitlines()[-1].endswith("own: done: 1 step is done")
    output, _ = everything.communicate(timeout=60)
    assert everything.returncode == 0 and "own: done: 1 step is done; 6 finished, 0 running, 0 waiting" in output


@pytest.mark.parametrize("change", [("delete", "own", "--yes"), ("rename", "own", "best")])
def test_in_a_pipe_it_ends_once_no_study_has_the_name_any_more(
    program: Program, begin: Begin, url: str, change: Sequence[str]
) -> None:
    grid(url, "own", [{"lr": 0.1}], lambda config: None)
    watch = begin("status", "--watch", "--study", "own")
    assert watch.stdout is not None
    assert watch.stdout.readline().startswith("own (grid): nobody works on it")
    assert program(*change).returncode == 0
    output, _ = watch.communicate(timeout=60)
    assert watch.returncode == 2
    assert output.splitlines()[-1] == "studyhall: --study: there is no study 'own' in this storage any more"
    assert output.count("any more") == 1


@needs_tmux
def test_on_a_terminal_a_deleted_study_is_named_until_it_is_there_again(
    program: Program, terminal: Open, url: str
) -> None:
    grid(url, "own", [{"lr": 0.1}], lambda config: None)
    watch = terminal("status", "--watch", "--study", "own")
    watch.shows("own (grid): nobody works on it")
    assert program("delete", "own", "--yes").returncode == 0
    watch.shows("there is no study 'own' in this storage any more")
    grid(url, "own", [{"lr": 0.1}], lambda config: None)
    assert "any more" not in watch.shows("own (grid): nobody works on it")
    watch.keys("q")
    watch.shows("ended with 0")


def test_a_name_that_is_not_there_is_refused_at_once(program: Program) -> None:
    ended = program("status", "--watch", "--study", "nothing")
    assert ended.returncode == 2 and "there is no study 'nothing'" in ended.stderr


@needs_tmux
def test_run_shows_the_round_below_what_it_says_and_an_interrupt_drains(
    program: Program, terminal: Open, tmp_path: Path
) -> None:
    run = terminal("run", "grow", "--study", "own", "--file", gated(tmp_path), "--workers", 2, columns=80, lines=24)
    screen = run.shows("round 0: the baseline, 2 trials", "round 0: 1/2 trials, 1 running", "loss")
    assert re.search(r"cpu\d +\d+ +baseline", screen) and fits(screen, 80)
    run.keys("C-c")
    run.shows("finishing 1 running trial")
    open_gate(tmp_path)
    screen = run.shows("own: interrupted", "ended with 130")
    assert "1/2 trials, 1 running" not in screen, "it is gone once the run has ended"


def test_without_a_terminal_run_says_lines_and_no_more(program: Program, tmp_path: Path) -> None:
    ended = program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1))
    assert "\x1b" not in ended.stderr and " trials, " not in ended.stderr
    lines = ended.stderr.splitlines()
    assert sum(bool(re.match(r"\d\d:\d\d:\d\d trial \d+ \(round 0, .*\): .* s$", line)) for line in lines) == 8


def report(step: int, at: float, **figures: float) -> Any:
    return SimpleNamespace(step=step, reported_at=datetime.fromtimestamp(at, UTC), metrics=figures)


def test_there_is_no_slope_and_no_rate_before_there_is_ground_for_one() -> None:
    assert pace([], "score") == Pace()
    two = [report(20, 2.0, loss=1.0), report(10, 1.0, loss=2.0)]
    assert pace(two, "score") == Pace("loss", 1.0)
    three = [report(30, 3.0, loss=0.0), *two]
    assert pace(three, "score") == Pace("loss", 0.0, pytest.approx(-0.1), pytest.approx(10.0), "█▅▁")
    assert pace([report(each, 5.0, loss=1.0) for each in (3, 2, 1)], "score").rate is None, "all came in one batch"
    nan = [report(30, 3.0, loss=float("nan")), *two]
    assert pace(nan, "score").slope is None and pace([report(1, 1.0, other=3.0, score=4.0)], "score").metric == "score"


def test_json_stays_what_status_prints(program: Program, tmp_path: Path) -> None:
    assert program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1)).returncode == 0
    assert json.loads(program("status", "--study", "trace", "--watch", "--json").stdout)["state"] == "done"
