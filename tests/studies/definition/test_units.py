"""The units of metrics in heads of tables: known of the objectives that ship, and of what is measured of commands."""

from __future__ import annotations

from studies.definition.units import Units, ago_text


def test_a_head_has_the_unit_where_the_objective_says_it() -> None:
    gpt = Units("gpt", "val_loss", "params")
    assert gpt.head("val_loss") == "val_loss (nats)" and gpt.head("peak_memory") == "peak_memory (MiB)"
    assert gpt.head("params") == "params" and gpt.text("iter", "12") == "12 ms"
    command = Units("command:python train.py", "val_loss", "seconds")
    assert command.head("seconds") == "seconds (s)" and command.head("iter") == "iter", "steps, not milliseconds"
    assert Units("own.py:own").head("val_loss") == "val_loss", "nobody said what it is measured in"


def test_an_efficiency_is_per_million_parameters_or_per_unit_of_the_cost() -> None:
    def per(objective: str, cost: str) -> tuple[str, float]:
        units = Units(objective, cost=cost)
        return units.efficiency, units.efficiency_times

    assert per("own.py:own", "params") == ("efficiency (per M params)", 1e6)
    assert per("gpt", "non_embedding_params") == ("efficiency (per M non_embedding_params)", 1e6)
    assert per("gpt", "vram") == ("efficiency (per MiB)", 1.0) and per("gpt", "iter") == ("efficiency (per ms)", 1.0)
    assert per("own.py:own", "paramstore") == ("efficiency (per paramstore)", 1.0)
    assert Units().efficiency == "efficiency"


def test_how_long_ago_is_said_in_whole_units() -> None:
    times = (-0.1, 6.65, 130, 7300, 200_000)
    assert [ago_text(each) for each in times] == ["0 s ago", "7 s ago", "2 min ago", "2 h ago", "2 d ago"]
