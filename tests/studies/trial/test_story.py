"""`show --trial`: one trial with what it reported, as lines that are read at a glance."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from studies.definition.units import Units
from studies.tables.sparkline import sparkline
from studies.tables.terminal import lines
from studies.trial.story import TrialStory


def story(*values: float) -> list[str]:
    point: Any = SimpleNamespace(
        number=3,
        state="COMPLETE",
        reason=None,
        set_aside=None,
        role={"role": "baseline"},
        seed=1,
        config={"n": 1},
        metrics={"val_loss": 3.21987654},
    )
    reports: Any = [SimpleNamespace(step=10 * step, metrics={"val_loss": value}) for step, value in enumerate(values)]
    return lines(TrialStory(point, [], reports, Path("log"), [], Units("gpt", "val_loss")).document(), 200)


def test_a_series_is_a_sparkline_with_its_least_largest_and_last_value() -> None:
    shown = story(5.0, 4.0, float("nan"), 3.25)
    assert "metrics: val_loss 3.2199 nats" in shown
    place = shown.index("reported, steps 0 to 30")
    assert shown[place + 2].split() == ["val_loss", "(nats)", "█▄×▁", "3.25", "5", "3.25", "4"]


def test_a_trial_that_reported_nothing_has_no_series() -> None:
    assert not any("reported" in line for line in story())


def test_more_values_than_cells_are_averaged_and_no_value_overflows() -> None:
    assert len(sparkline([float(each) for each in range(1000)], 32)) == 32
    assert sparkline([-1.7e308, 1.7e308, 0.0], 8) == "▁█▅" and sparkline([], 8) == ""
    assert sparkline([float("nan")] * 3, 2) == "××"
