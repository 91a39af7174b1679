"""`export --as results-yaml` of growths that minimize, stall, raise a budget, or cannot go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.program import Program, answer, growth_of

LOSSES = "    return {'val': 4.0 - config['a'] - (trial.seed - 1337) / 10, 'loss': 9.0, 'params': config['a']}\n"


def exported(program: Program, name: str) -> Any:
    return yaml.safe_load(program("export", "--study", name, "--as", "results-yaml").stdout)


def test_what_a_growth_minimizes_is_its_loss(program: Program, tmp_path: Path) -> None:
    file = growth_of(
        tmp_path, f"def own(config, trial):\n{LOSSES}", grow="increments: {a: 1}, repeats: 2, steps: 1, seed: 1337"
    )
    file.write_text(file.read_text().replace("metric: score, direction: maximize", "metric: val, direction: minimize"))
    assert program("run", "grow", "--study", "own", "--file", file).returncode == 0
    first, step = exported(program, "own")["iterations"]
    assert first["baseline_metrics"]["loss"] == pytest.approx(2.95)
    assert step["chosen"]["avg_loss"] == pytest.approx(1.95) == step["chosen"]["avg_score"]
    assert [seed["loss"] for seed in step["chosen"]["seeds"]] == pytest.approx([2.0, 1.9])
    assert step["chosen"]["best_val_loss"] == pytest.approx(1.9)


@pytest.mark.parametrize(
    ("body", "grow", "reason", "shown"),
    [
        ("1.0", "increments: {a: 1}, steps: 3", "no_positive_efficiency", "no candidate helps"),
        ("1.0", "increments: {a: 1}, steps: 1, on_stall: {b: 1}", None, "1 step is done"),
        ("1.0 * config['a']", "increments: {a: 1}, steps: 1", None, "1 step is done"),
        (
            "1 / 0",
            "increments: {a: 1}, steps: 1",
            "the baseline cannot be measured: ",
            "the baseline cannot be measured",
        ),
    ],
)
def test_a_stop_reason_is_why_the_growth_stopped(
    program: Program, tmp_path: Path, body: str, grow: str, reason: str | None, shown: str
) -> None:
    file = growth_of(
        tmp_path, f"def own(config):\n    return {{'score': {body}, 'params': config['a']}}\n", "attempts: 1\n", grow
    )
    program("run", "grow", "--study", "own", "--file", file)
    written = exported(program, "own").get("stop_reason")
    assert written is None if reason is None else written.startswith(reason)
    assert shown in answer(program, "show", "--study", "own")["stop_reason"]
    assert f"stopped: {shown}" in program("show", "--study", "own").stdout
