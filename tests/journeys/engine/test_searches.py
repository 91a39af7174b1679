"""Each search as users run it: real processes, a real server."""

from __future__ import annotations

from pathlib import Path

import optuna

from tests.support.noted_grid import grid_of, ran
from tests.support.program import Program, answer

# Fit

HOLDS = (
    "import time\n"
    "def own(config):\n"
    "    held = bytearray(config['size'] << 20)\n"
    "    time.sleep(0.4)\n"
    "    speed = min(config['size'], 64) - config['size'] / 100\n"
    "    return {'tokens_per_second': speed, 'peak_memory': len(held) / 2**20}\n"
)


def fit_of(folder: Path, fit: str = "{axis: size, multiple: 16}", more: str = "memory_limit: 124MiB\n") -> Path:
    (folder / "own.py").write_text(HOLDS)
    file = folder / "own.yaml"
    file.write_text(f"search: fit\nobjective: own.py:own\n{more}fit: {fit}\nconfig: {{size: 16}}\n")
    return file


def test_a_fit_names_the_largest_that_runs_within_the_memory_limit_and_the_fastest(
    program: Program, tmp_path: Path
) -> None:
    file = fit_of(tmp_path)
    told = program("run", "fit", "--study", "own", "--file", file, "--workers", 2)
    assert told.returncode == 0, told.stderr
    shown = answer(program, "show", "--study", "own")
    assert (shown["largest"], shown["smallest_failing"], shown["best"]["value"]) == (112, 128, 64)
    assert [probe["value"] for probe in shown["probes"]] == [16, 32, 64, 128, 96, 112]
    assert "memory_limit" in next(each["reason"] for each in shown["probes"] if not each["fits"])
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["attempts"] == 6, "out of memory is the answer, not tried again"
    assert answer(program, "replay", "--study", "own")["agrees"]
    assert "the largest size that fits is 112" in program("show", "--study", "own").stdout
    # Asked further than there was room, the known probes serve.
    assert program("run", "fit", "--study", "own", "--file", file, "--set", "high=100").returncode == 0
    assert answer(program, "show", "--study", "own")["largest"] == 96
    assert answer(program, "audit", "--study", "own")["attempts"] == 6


def test_an_objective_that_breaks_is_not_taken_for_one_that_does_not_fit(program: Program, tmp_path: Path) -> None:
    file = fit_of(tmp_path)
    (tmp_path / "own.py").write_text("def own(config):\n    assert config['size'] < 60\n    return 1.0\n")
    file.write_text(file.read_text().replace("fit:", "score: {metric: value, direction: maximize}\nattempts: 1\nfit:"))
    told = program("run", "fit", "--study", "own", "--file", file)
    assert told.returncode == 1 and "size 64: error: AssertionError" in told.stderr, told.stderr
    assert (
        "--as: no format 'results-yaml' of a fit study"
        in program("export", "--study", "own", "--as", "results-yaml").stderr
    )
    assert "its choices have no cost" in program("replay", "--study", "own", "--cost", "params").stderr


BAD = (
    "import time\n"
    "def validate(config):\n"
    "    return 'size must be even' if config['size'] % 2 else None\n"
    "def own(config):\n"
    "    if config['size'] > 21:\n"
    "        {bad}\n"
    "    return {{'tokens_per_second': float(config['size'])}}\n"
)


def test_a_probe_that_takes_too_long_does_not_fit_and_one_that_is_refused_bounds_nothing(
    program: Program, tmp_path: Path
) -> None:
    file = fit_of(tmp_path, "{axis: size, high: 1000, multiple: 2}", "timeout: 1s\n")
    (tmp_path / "own.py").write_text(BAD.format(bad="time.sleep(600)"))
    assert program("run", "fit", "--study", "own", "--file", file).returncode == 0
    shown = answer(program, "show", "--study", "own")
    assert (shown["largest"], shown["smallest_failing"], len(shown["probes"])) == (20, 22, 5)
    assert shown["probes"][1]["reason"].startswith("timed out: not finished after 1 s")
    assert shown["ended"].startswith(
        "the largest size that fits is 20, 22 does not; the best tokens_per_second is at 20"
    )
    # Odd sizes are refused before they take a slot; the answer claims no more than is known.
    told = program("run", "fit", "--study", "own", "--file", file, "--set", "multiple=1")
    assert told.returncode == 0 and "21 was refused (invalid: size must be even)" in told.stderr + told.stdout
    assert answer(program, "audit", "--study", "own")["attempts"] == 5
    assert answer(program, "replay", "--study", "own")["agrees"]


def test_a_probe_whose_score_is_not_a_number_ends_a_fit_with_the_reason(program: Program, tmp_path: Path) -> None:
    file = fit_of(tmp_path, "{axis: size, high: 1000, multiple: 2}", "")
    (tmp_path / "own.py").write_text(BAD.format(bad="return {'tokens_per_second': float('nan')}"))
    told = program("run", "fit", "--study", "own", "--file", file)
    assert told.returncode == 1 and "size 32: diverged: tokens_per_second is nan" in told.stderr, told.stderr
    shown = answer(program, "show", "--study", "own")
    assert shown["largest"] == 16 and not shown["probes"][-1]["fits"] and "Traceback" not in told.stderr


def test_cells_that_fail_once_are_all_accepted_in_the_end(program: Program, tmp_path: Path, url: str) -> None:
    axes = "{range: [0, 7, 1]}"
    file = grid_of(tmp_path, f"{{axes: {{a: {axes}, b: {axes}}}}}", flaky="true")
    told = program("run", "grid", "--study", "own", "--file", file, "--workers", 4)
    assert told.returncode == 0, told.stderr
    assert len(ran(tmp_path)) == 64
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["points"]["accepted"] == 64 and certificate["points"]["failed"] == 0
    assert (
        certificate["extra_attempts"] == {"error": sum(count == 2 for count in ran(tmp_path).values())} == {"error": 7}
    )
    trials = optuna.load_study(study_name="own", storage=url).trials
    assert [(trial.params["a"], trial.params["b"]) for trial in trials] == [(a, b) for a in range(8) for b in range(8)]


def test_what_the_objective_refuses_is_left_out_before_it_is_planned(program: Program, tmp_path: Path) -> None:
    file = grid_of(tmp_path, "{axes: {a: [0, 1, 2, 3], b: [0, 1]}}")
    with (tmp_path / "own.py").open("a") as own:
        own.write("def validate(config):\n    return 'a must be even' if config['a'] % 2 else None\n")
    assert program("run", "grid", "--study", "own", "--file", file).returncode == 0
    certificate = answer(program, "audit", "--study", "own")
    assert certificate["holds"] and certificate["points"]["planned"] == 4 and len(ran(tmp_path)) == 4


def test_a_grid_of_which_every_trial_fails_has_failed(program: Program, tmp_path: Path) -> None:
    file = grid_of(tmp_path, "{axes: {a: [0, 1]}}")
    (tmp_path / "own.py").write_text("def own(config):\n    raise RuntimeError('always')\n")
    told = program("run", "grid", "--study", "own", "--file", file)
    assert told.returncode == 1 and "2 settings × 1 seed are done; 2 trials failed" in told.stderr, told.stderr


def test_a_command_that_is_not_told_what_varies_is_refused(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        "search: grid\nobjective: {command: 'sh -c true {a}', metrics: {stdout: {score: '([0-9]+)'}}}\n"
        "score: {metric: score, direction: maximize}\ngrid: {axes: {a: [0, 1], b: [0, 1]}, repeats: 2}\n"
        "config: {a: 0, b: 0}\n"
    )
    told = program("run", "grid", "--study", "own", "--file", file)
    assert told.returncode == 2 and "the command has no argument for b, seed, which vary" in told.stderr, told.stderr
    assert program("show", "--study", "own").returncode == 2


def test_a_grid_of_a_million_points_starts_at_once_and_ends_at_its_budget(program: Program, tmp_path: Path) -> None:
    file = grid_of(tmp_path, "{axes: {a: {range: [1, 1000, 1]}, b: {range: [1, 1000, 1]}}}")
    told = program("run", "grid", "--study", "own", "--file", file, "--workers", 1, "--max-trials", 3)
    assert told.returncode == 0 and "budget used up: all of its 3 trials were started" in told.stderr, told.stderr
    assert set(ran(tmp_path)) == {"1-1-1337", "1-2-1337", "1-3-1337"}
    assert answer(program, "audit", "--study", "own")["points"]["planned"] == 1000
