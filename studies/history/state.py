"""Where a study stands, in one vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from storage.records import StudyCounts, StudyGlance


def state_of(row: StudyCounts | StudyGlance, alive: bool) -> str:
    """One word for where a study is; `alive` says whether a worker of it lives."""
    if row.outcome is not None:
        return "failed" if row.failed else "done"
    if row.draining:
        return "stopping" if row.running and alive else "stopped"
    return "running" if alive else "nobody works on it"


def decided(record: Mapping[str, Any]) -> str:
    """A decision on one line."""
    chosen = record.get("chosen")
    told = f"{chosen['param']} → {chosen['value']}" if chosen else record.get("told")
    return "; ".join(filter(None, (told, record.get("event")))) or "nothing chosen"


def decision_name(number: int, record: Mapping[str, Any]) -> str:
    """A growth's decision by its round, another search's by its number in the ledger."""
    return f"round {record['round']}" if "round" in record else f"decision {number}"
