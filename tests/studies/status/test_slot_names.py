"""A slot's name says whose it is where two workers of one host have a slot of that name."""

from __future__ import annotations

from studies.status.slot_names import slot_names


def test_two_workers_of_one_host_are_told_apart_by_their_process_numbers() -> None:
    places = [("vm", 17, "cpu0"), ("vm", 23, "cpu0"), ("vm", 17, "cpu1"), ("node", 17, "cpu0")]
    assert [*slot_names(places, with_host=True).values()] == ["vm:17:cpu0", "vm:23:cpu0", "vm:cpu1", "node:cpu0"]


def test_one_worker_alone_needs_no_number() -> None:
    assert slot_names([("vm", 17, "cpu0"), ("vm", 17, "cpu0")], with_host=False) == {("vm", 17, "cpu0"): "cpu0"}
