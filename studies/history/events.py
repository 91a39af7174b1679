"""What a decision's record says happened besides a choice, in words: `changed: grow.repeats 3 → 6`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.nested import flattened
from storage.records import DecisionRow

STORED = "override: "
"""Begins the event of a change in every study's records, which never change."""


def event_text(record: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> str | None:
    """A record's event for people; None where nothing happened.

    Args:
        record: The decision's.
        before: The search's state before it, which has the old values; None: not known.
    """
    event: str | None = record.get("event")
    if event is None or not event.startswith(STORED):
        return event
    values = [each for part, changed in record.get("changes", {}).items() for each in _changes(part, changed, before)]
    return "changed: " + (", ".join(values) or event.removeprefix(STORED))


def _changes(part: str, changed: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[str]:
    old = flattened((before or {}).get(part) or {})
    return [
        f"{name} {old[name]} → {value}" if name in old else f"{name}={value}"
        for name, value in flattened(changed).items()
        if name not in old or old[name] != value
    ]


def event_texts(decisions: Sequence[DecisionRow], start: Mapping[str, Any]) -> list[str | None]:
    """Of decisions in force, one each. `start`: what the search began from, by the names of a state."""
    states = [start, *(row.state for row in decisions)]
    return [event_text(row.record, before) for row, before in zip(decisions, states, strict=False)]
