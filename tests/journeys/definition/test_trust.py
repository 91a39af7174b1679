"""Code that only a storage names is not run, and not even imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from objectives.command.command import Command
from storage.errors import UsageError
from storage.home import CHECKOUT
from storage.session import Session
from studies.definition.trust import Trust
from tests.support.growth_trace import write_definition
from tests.support.program import Program, refused

RM = Command.parse({"command": "rm -r x", "metrics": {"json": "{run_dir}/m"}}, Path("/"), ["loss"], "objective")
RUN = ("run", "grow", "--study", "trace")


@pytest.fixture
def begun(program: Program, tmp_path: Path) -> Path:
    """A study of an objective outside of the checkout; its marker tells when that is imported again."""
    file = write_definition(tmp_path, steps=1)
    assert program(*RUN, "--file", file).returncode == 0
    objective = tmp_path / "landscape.py"
    objective.write_text(f"{objective.read_text()}\nopen({str(tmp_path / 'imported')!r}, 'w').close()\n")
    return tmp_path / "imported"


def as_another_user(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same storage with another home."""
    other = {**environment, "STUDYHALL_HOME": environment["STUDYHALL_HOME"] + "-other"}
    return subprocess.run(
        [sys.executable, CHECKOUT / "cli.py", *arguments], env=other, capture_output=True, text=True, timeout=120
    )


def test_who_named_the_code_once_resumes_without_the_file(program: Program, begun: Path) -> None:
    told = program(*RUN, "--steps", "2")
    assert told.returncode == 0 and begun.exists(), told.stderr


def test_another_user_is_asked_before_anything_is_imported(environment: dict[str, str], begun: Path) -> None:
    for more in ((), ("--dry-run",)):
        refused(as_another_user(environment, *RUN, *more), "landscape.py:landscape", "--file", "--trust-study")
        assert not begun.exists()
    told = as_another_user(environment, *RUN, "--steps", "2", "--trust-study")
    assert told.returncode == 0 and begun.exists(), told.stderr
    assert as_another_user(environment, *RUN).returncode == 0  # it is remembered


def test_an_objective_that_was_changed_in_the_storage_is_not_run(
    program: Program, begun: Path, url: str, tmp_path: Path
) -> None:
    evil = tmp_path / "evil.py"
    evil.write_text(f"open({str(begun)!r}, 'w').close()\ndef landscape(config): return 0.0\n")
    session = Session(url)
    session.execute(
        "UPDATE studyhall_studies SET origin = replace(origin::text, 'landscape.py', 'evil.py')::json,"
        " definition = replace(definition::text, 'landscape.py', 'evil.py')::json"
    )
    session.close()
    refused(program(*RUN, "--steps", "3"), "evil.py:landscape")
    assert not begun.exists()


def test_a_factory_that_was_put_into_a_waiting_point_is_not_called(program: Program, url: str, tmp_path: Path) -> None:
    marker = tmp_path / "called"
    (tmp_path / "evil.py").write_text(f"def build(config): open({str(marker)!r}, 'w').close()\n")
    (tmp_path / "count.yaml").write_text(
        "search: grid\nobjective: parameters\nscore: {metric: params, direction: minimize}\n"
        "grid: {axes: {n_layer: [1, 2]}}\n"
        "config: {family: gpt2, n_layer: 1, n_embd: 16, n_head: 2, vocab_size: 64, block_size: 16}\n"
    )
    order = ("run", "grid", "--study", "count", "--file", tmp_path / "count.yaml", "--workers", "1")
    assert program(*order, "--max-trials", "1").returncode == 0
    session = Session(url)
    session.execute(
        "UPDATE studyhall_points SET config = %s WHERE reason IS NULL AND trial_id = "
        "(SELECT trial_id FROM trials WHERE state = 'WAITING')",
        [json.dumps({"model": f"{tmp_path}/evil.py:build"})],
    )
    session.close()
    told = program(*order, "--max-trials", "2")
    assert told.returncode == 2 and "evil.py:build" in told.stderr and not marker.exists(), told.stderr


@pytest.mark.parametrize(
    "objective",
    ["os:system", "subprocess:run", "numpy.linalg:norm", "/etc/x.py:f", RM.text, "nope:f"],
)
def test_code_that_is_not_of_this_checkout_has_to_be_named(tmp_path: Path, objective: str) -> None:
    with pytest.raises(UsageError, match="--trust-study"):
        Trust.of(tmp_path).check(objective, {}, "own")
    named = Trust.of(tmp_path).given([objective])
    named.check(objective, {}, "own")
    named.remember()
    Trust.of(tmp_path).check(objective, {}, "own")


@pytest.mark.parametrize("objective", ["gpt", "difficulty", "parameters"])
def test_objectives_that_ship_are_run_by_their_names(tmp_path: Path, objective: str) -> None:
    Trust.of(tmp_path).check(objective, {}, "own")
    assert not (tmp_path / "trusted").exists()


@pytest.mark.parametrize(
    "objective",
    [
        "benchmarks.engine:_seconds",
        "tests.support.nasty:returns_a_number",
        "objectives.gpt:_objective",
        "objectives.process.warm:WarmServer",
        f"{CHECKOUT}/benchmarks/engine.py:main",
        f"{CHECKOUT}/objectives/gpt/__init__.py:objective",
        f"{CHECKOUT}/.venv/lib/python3.11/site-packages/pip/__init__.py:main",
        "benchmarks/engine.py:main",
        "cli:main",
    ],
)
@pytest.mark.parametrize("key", ["objective", "model"])
def test_nothing_else_of_a_checkout_is_run_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objective: str, key: str
) -> None:
    monkeypatch.chdir(CHECKOUT)
    named = ("parameters", {"model": objective}) if key == "model" else (objective, {})
    with pytest.raises(UsageError, match="--trust-study"):
        Trust.of(tmp_path).check(*named, "own")


@pytest.mark.parametrize("more", [(), ("--join",), ("--dry-run",)])
def test_a_stored_definition_runs_nothing_by_its_studys_name_alone(
    program: Program, url: str, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """A definition whose objective hands its config to `subprocess.run`, put into the storage by somebody else."""
    marker = tmp_path / "ran"
    (tmp_path / "fine.py").write_text("def fine(config): return 0.0\n")
    (tmp_path / "evil.yaml").write_text(
        "search: grid\nobjective: fine.py:fine\nscore: {metric: value, direction: minimize}\n"
        f"grid: {{axes: {{timeout: [1, 2]}}}}\nconfig: {{args: [touch, {marker}], timeout: 1}}\n"
    )
    begin = ("run", "grid", "--study", "evil", "--file", tmp_path / "evil.yaml", "--max-trials", "1", "--workers", "1")
    assert program(*begin).returncode == 0
    session = Session(url)
    for column in ("origin", "definition"):
        session.execute(
            f"UPDATE studyhall_studies SET {column} = replace({column}::text, %s, %s)::json",
            [f"{tmp_path}/fine.py:fine", "benchmarks.engine:_seconds"],
        )
    session.close()
    told = program("run", "grid", "--study", "evil", *more)
    refused(told, "benchmarks.engine:_seconds", "--trust-study")
    assert not marker.exists()


def test_what_is_no_text_in_the_file_of_trusted_code_trusts_nothing(tmp_path: Path) -> None:
    (tmp_path / "trusted").write_bytes(b"\xff\xfe\n")
    assert not Trust.of(tmp_path).knows("own.py:objective")
