"""Each search as users run it: real processes, a real server; fit first."""

from __future__ import annotations

from pathlib import Path

from tests.test_run import Program, answer

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
