"""The last events of a study: attempts that began or ended, and decisions, by the database's clock."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime

from studies.definition.units import Units
from studies.history.purpose import purpose
from studies.history.state import decision_text
from studies.status.memory import Seen
from studies.tables.digits import number

Event = tuple[datetime, int, str]
"""When, its order among those of one moment, and what."""


def last_events(seen: Seen, count: int) -> list[str]:
    """So many, the latest last: `12:03:11 trial 4 (lr 0.1): COMPLETE, val_loss 3.2 nats`."""
    latest = heapq.nlargest(count, _events(seen))
    return [f"{when.astimezone():%H:%M:%S} {what}" for when, _, what in reversed(latest)]


def _events(seen: Seen) -> Iterator[Event]:
    units, score = Units.of(seen.study), seen.study.score
    for trial, attempts in seen.attempts.items():
        row = seen.points.get(trial)
        name = f"trial {trial}" if row is None else f"trial {trial} ({purpose(row.role)})"
        for each in attempts:
            if each.ended_at is None or each.outcome is None:
                again = f", attempt {each.attempt}" if each.attempt > 1 else ""
                yield each.started_at, 0, f"{name} runs{again}"
                continue
            value = None if row is None or not each.accepted else row.metrics.get(score)
            why = f"{each.outcome.replace('_', ' ')}: {each.message}".removesuffix(": ")
            end = why if value is None else f"{score} {units.text(score, number(value))}"
            yield each.ended_at, 1, f"{name}: {end}"
    for made in seen.decisions:
        yield made.decided_at, 2, decision_text(made.number, made.record)
