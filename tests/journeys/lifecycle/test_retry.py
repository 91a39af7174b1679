"""`retry` as users run it: what was decided from a failed trial is decided again once it has succeeded."""

from __future__ import annotations

from pathlib import Path

from tests.support.program import Program, answer, growth_of

OWN = (
    "import os\n"
    "def own(config):\n"
    "    if config['n_embd'] == 16 and not os.path.exists({ready!r}):\n"
    "        raise {error}\n"
    "    if config['n_embd'] > 40:\n"
    "        raise MemoryError('too large')\n"
    "    return {{'params': float(config['n_embd'] * (10 + config['n_layer']))}}\n"
)
FIT, DEPTH = "{axis: n_embd, low: 4, high: 400, multiple: 4}", "{targets: [300], widths: [8, 16, 24], max_layers: 40}"


def own_of(folder: Path, search: str, block: str, error: str = "OSError('the disk is full')") -> Path:
    (folder / "own.py").write_text(OWN.format(ready=str(folder / "ready"), error=error))
    file = folder / "own.yaml"
    file.write_text(
        f"search: {search}\nobjective: own.py:own\nscore: {{metric: params, direction: maximize}}\nattempts: 1\n"
        f"{search}: {block}\nconfig: {{n_embd: 8, n_layer: 1}}\n"
    )
    return file


def holds(program: Program) -> None:
    certificate, again = answer(program, "audit", "--study", "own"), answer(program, "replay", "--study", "own")
    assert certificate["holds"] and again["agrees"], (certificate["violations"], again)
    assert certificate["decisions"]["made"] == certificate["decisions"]["rederived"] == len(again["decisions"]) > 0


def test_a_fit_that_a_failure_ended_goes_on_from_the_retried_probe(program: Program, tmp_path: Path) -> None:
    file = own_of(tmp_path, "fit", FIT)
    assert program("run", "fit", "--study", "own", "--file", file).returncode == 1
    (tmp_path / "ready").touch()
    told = program("retry", "--study", "own", "--failed")
    assert told.stdout == "trial 2: retried as trial 3; the search decides again from there\n", told.stderr
    holds(program)
    shown = answer(program, "show", "--study", "own")
    assert (shown["largest"], shown["ended"], len(shown["probes"])) == (8, None, 2), "what stood before it still stands"
    assert program("run", "fit", "--study", "own", "--file", file).returncode == 0
    shown = answer(program, "show", "--study", "own")
    assert [each["value"] for each in shown["probes"]] == [4, 8, 16, 32, 64, 48, 40, 44] and shown["largest"] == 40
    holds(program)


def test_a_probe_that_wrongly_ran_out_of_memory_bounds_nothing_any_more_once_it_ran(
    program: Program, tmp_path: Path
) -> None:
    file = own_of(tmp_path, "fit", FIT, "MemoryError('somebody else held it')")
    assert program("run", "fit", "--study", "own", "--file", file).returncode == 0
    assert answer(program, "show", "--study", "own")["largest"] == 12
    (tmp_path / "ready").touch()
    assert program("retry", "--study", "own", "--trial", 2).returncode == 0
    told = program("run", "fit", "--study", "own", "--file", file)
    assert told.returncode == 0 and answer(program, "show", "--study", "own")["largest"] == 40, told.stderr
    assert "n_embd that fits is 40" in program("show", "--study", "own").stdout
    holds(program)
    # Tried again and failed again, the answer is what it was.
    failed = next(each for each in answer(program, "show", "--study", "own")["probes"] if each["value"] == 44)
    assert program("retry", "--study", "own", "--trial", failed["trial"]).returncode == 0
    assert program("run", "fit", "--study", "own", "--file", file).returncode == 0
    assert answer(program, "show", "--study", "own")["largest"] == 40
    holds(program)


def test_a_width_that_could_not_be_counted_is_answered_from_the_retried_count(program: Program, tmp_path: Path) -> None:
    file = own_of(tmp_path, "depth", DEPTH)
    assert program("run", "depth", "--study", "own", "--file", file).returncode == 1
    before = answer(program, "show", "--study", "own")["results"]
    assert [row["layers"] for row in before] == [27, None, 2]
    (tmp_path / "ready").touch()
    assert program("retry", "--study", "own", "--failed").returncode == 0
    assert answer(program, "show", "--study", "own")["results"] == before[:1]
    told = program("run", "depth", "--study", "own", "--file", file)
    assert told.returncode == 0 and "3 of 3 targets reached" in told.stderr + told.stdout, told.stderr
    after = answer(program, "show", "--study", "own")["results"]
    assert [row["layers"] for row in after] == [27, 9, 2] and [after[0], after[2]] == [before[0], before[2]]
    assert "3 of 3 targets answered" in program("show", "--study", "own").stdout
    holds(program)
    # And an override still begins anew, from counts that are known.
    assert program("run", "depth", "--study", "own", "--file", file, "--set", "widths=[16]").returncode == 0
    assert [row["layers"] for row in answer(program, "show", "--study", "own")["results"]] == [9]
    holds(program)


def test_a_candidate_of_a_round_that_is_decided_is_said_to_be_trained_without_effect(
    program: Program, tmp_path: Path
) -> None:
    good = "    return {'score': config['a'] + 2.0 * config['b'], 'params': config['a'] + config['b']}\n"
    body = f"def own(config):\n    assert config['b'] == 1 or os.path.exists({str(tmp_path / 'ready')!r})\n{good}"
    file = growth_of(tmp_path, body)
    assert program("run", "grow", "--study", "own", "--file", file).returncode == 1
    decided = answer(program, "show", "--study", "own")["rounds"]
    (tmp_path / "ready").touch()
    told = program("retry", "--study", "own", "--failed")
    assert "retried as trial 3; its round is decided already and does not change" in told.stdout
    assert program("run", "grow", "--study", "own", "--file", file).returncode == 0
    assert answer(program, "show", "--study", "own")["rounds"] == decided
    holds(program)
