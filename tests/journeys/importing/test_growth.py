"""A growth's results.yaml becomes a study that goes on from its last baseline; nothing of it is trained again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml

from storage.session import Session
from storage.url import libpq_url
from tests.support.growth_trace import BASELINE, CHOICES, write_definition
from tests.support.program import Begin, Program, answer, path, refused, states, until

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def exported(program: Program, tmp_path: Path) -> Callable[..., tuple[Path, Path]]:
    """A definition and the results of a growth of so many steps, as its old program left them, changed."""

    def make(steps: int, more: str = "", change: Change = lambda document: None) -> tuple[Path, Path]:
        file = write_definition(tmp_path, steps=steps, more=more)
        assert program("run", "grow", "--study", "old", "--file", file, "--workers", 2).returncode == 0
        document = yaml.safe_load(program("export", "--study", "old", "--as", "results-yaml").stdout)
        change(document)
        results = tmp_path / "results.yaml"
        results.write_text(yaml.safe_dump(document, sort_keys=False))
        return file, results

    return make


def undisturbed(program: Program, tmp_path: Path, steps: int, more: str = "") -> Any:
    file = write_definition(tmp_path, steps=steps, more=more)
    assert program("run", "grow", "--study", "whole", "--file", file, "--workers", 2).returncode == 0
    return answer(program, "show", "--study", "whole")


def test_it_goes_on_from_the_last_baseline_and_trains_nothing_again(
    program: Program, exported: Callable[..., tuple[Path, Path]], tmp_path: Path
) -> None:
    file, results = exported(3)
    done = program("import", results, "--study", "new", "--file", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "new: 25 results imported from results.yaml\n" or "does not fit" not in done.stdout, (
        done.stdout
    )
    assert path(program, "new") == CHOICES[:3]
    before = states(program, "new")
    assert done.stdout == f"new: {before['accepted']} results imported from results.yaml\n"
    assert (before["accepted"], before["waiting"], before["running"]) == (states(program, "old")["accepted"], 0, 0)
    certificate = answer(program, "audit", "--study", "new")
    assert certificate["holds"] and len(certificate["imported"]) == before["accepted"], certificate["violations"]
    again = program("import", results, "--study", "new", "--file", file)
    assert (again.returncode, again.stdout) == (0, "new: 0 results imported from results.yaml\n")
    on = program("run", "grow", "--study", "new", "--file", file, "--steps", 6, "--workers", 2)
    assert on.returncode == 0, on.stderr
    assert path(program, "new") == CHOICES[:6]
    assert len(answer(program, "audit", "--study", "new")["imported"]) == before["accepted"]
    assert program("replay", "--study", "new").returncode == 0


def test_in_the_middle_of_a_step_it_makes_the_choice_that_it_would_have_made(
    program: Program, exported: Callable[..., tuple[Path, Path]], tmp_path: Path
) -> None:
    def stop_in_the_middle(document: dict[str, Any]) -> None:
        last = document["iterations"][-1]
        del last["chosen"], last["baseline_metrics"], last["baseline_config_after"]
        del last["candidates"][4:]
        last["candidates"][2]["seeds"].pop()

    more = "  repeats: 2\n"
    file, results = exported(2, more, stop_in_the_middle)
    done = program("import", results, "--study", "new", "--file", file)
    assert done.returncode == 0 and "each of 2 seeds of the baseline has their mean" in done.stdout
    assert path(program, "new") == CHOICES[:1]
    counts = states(program, "new")
    assert counts["waiting"] == 2 * 3 + 1, "the candidates that the file has not"
    assert program("run", "grow", "--study", "new", "--file", file, "--workers", 2).returncode == 0
    whole = undisturbed(program, tmp_path, 2, more)
    assert [each["chosen"] for each in answer(program, "show", "--study", "new")["rounds"]] == [
        each["chosen"] for each in whole["rounds"]
    ]


def test_a_file_of_older_programs_an_override_and_a_raise_are_followed(
    program: Program, exported: Callable[..., tuple[Path, Path]], tmp_path: Path
) -> None:
    def change(document: dict[str, Any]) -> None:
        for block in document["iterations"]:
            for each in (*block.get("candidates", ()), *[s for c in block.get("candidates", ()) for s in c["seeds"]]):
                for name in ("peak_gpu_mb", "iter_latency_avg", "iter_latency_ms"):
                    each.pop(name, None)
        document["iterations"][1]["baseline_config_after"]["max_iters"] = 9000
        for block in document["iterations"][2:]:
            block["baseline_config_after"]["max_iters"] = 9000

    file, results = exported(2, "", change)
    done = program("import", results, "--study", "new", "--file", file)
    assert "iteration 0: the file goes on with max_iters=9000, unlike this search: overridden" in done.stdout
    shown = answer(program, "show", "--study", "new")
    assert shown["config"]["max_iters"] == 9000
    assert [each["event"] for each in shown["rounds"] if each["event"]] == ["override: max_iters=9000"]
    assert answer(program, "audit", "--study", "new")["holds"]
    assert program("run", "grow", "--study", "new", "--file", file, "--steps", 3).returncode == 0


def test_a_step_that_this_search_would_not_have_taken_is_followed_and_said(
    program: Program, exported: Callable[..., tuple[Path, Path]]
) -> None:
    def change(document: dict[str, Any]) -> None:
        step = document["iterations"][1]
        step["chosen"] = step["candidates"][0]
        step["baseline_config_after"] = {**BASELINE, "n_layer": 2}

    file, results = exported(1, "", change)
    done = program("import", results, "--study", "new", "--file", file)
    words = "iteration 0: the file goes on with n_layer=2, mlp_size=32, unlike this search: overridden"
    assert words in done.stdout, done.stdout
    assert program("run", "grow", "--study", "new", "--file", file, "--steps", 2, "--workers", 2).returncode == 0
    rounds = answer(program, "show", "--study", "new")["rounds"]
    assert [each["event"] for each in rounds] == [None, "override: n_layer=2, mlp_size=32"]
    assert answer(program, "audit", "--study", "new")["holds"]
    baseline = answer(program, "show", "--study", "new", "--trial", rounds[1]["baseline"]["trials"][0])
    assert baseline["config"]["n_layer"] == 2 and baseline["attempts"][0]["slot"] == "imported"


def test_what_does_not_fit_is_named(
    program: Program, exported: Callable[..., tuple[Path, Path]], tmp_path: Path
) -> None:
    def change(document: dict[str, Any]) -> None:
        first, second, *_ = document["iterations"][1]["candidates"]
        first["value"] = {"dup": 0, "new_layers": 7}
        second["seeds"][0]["seed"] = 99
        document["iterations"][1]["candidates"][3]["num_params"] = None

    file, results = exported(1, "", change)
    done = program("import", results, "--study", "new", "--file", file)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("results.yaml, iteration 0, n_layer → 7: no candidate of this growth there")
    assert lines[1].startswith("results.yaml, iteration 0, n_head → 2, seed 99: the study's seeds are 1337 … 1337")
    assert lines[2] == "results.yaml, iteration 0, n_embd → 64, seed 1337: the file has no params"
    assert lines[3].startswith("iteration 0: some of its trials are not in the file: `run` them, then import again")
    assert program("run", "grow", "--study", "new", "--file", file).returncode == 0
    assert path(program, "new") == CHOICES[:1]


def test_another_beginning_and_another_file_make_no_study(
    program: Program, exported: Callable[..., tuple[Path, Path]], tmp_path: Path
) -> None:
    file, results = exported(1)
    document = yaml.safe_load(results.read_text())
    results.write_text(yaml.safe_dump({**document, "baseline_config": {**BASELINE, "n_embd": 64}}))
    refused(program("import", results, "--study", "new", "--file", file), "n_embd is 64, the definition's 32")
    results.write_text(yaml.safe_dump({**document, "baseline_config": {"n_embd": 32}}))
    refused(program("import", results, "--study", "new", "--file", file), "baseline_config has no 'n_layer'")
    results.write_text(yaml.safe_dump({**document, "iterations": [{"iter": -1}]}))
    refused(program("import", results, "--study", "new", "--file", file), "iteration -1 is not as a growth writes it")
    results.write_text("a: [")
    refused(program("import", results, "--study", "new", "--file", file), "is no YAML")
    results.write_text("a: 1")
    refused(program("import", results, "--study", "new", "--file", file), "is neither a growth's results.yaml")
    assert "new" not in program("status").stdout


def test_an_import_that_is_killed_between_two_steps_goes_on(
    program: Program, begin: Begin, exported: Callable[..., tuple[Path, Path]], url: str, session: Session
) -> None:
    file, results = exported(2)
    held = psycopg2.connect(libpq_url(url))
    with held.cursor() as cursor:
        cursor.execute("LOCK TABLE studyhall_decisions IN SHARE ROW EXCLUSIVE MODE")
        process = begin("import", results, "--study", "new", "--file", file)
        until(lambda: session.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")[0].count)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    held.close()
    assert path(program, "new") == []
    done = program("import", results, "--study", "new", "--file", file)
    assert done.returncode == 0 and "not fit" not in done.stdout, done.stdout
    assert path(program, "new") == CHOICES[:2] and states(program, "new")["waiting"] == 0
    assert answer(program, "audit", "--study", "new")["holds"]
