"""What else than its steps changed a growth's score: what a stall raised, and what a person changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.nested import flattened
from samplers.searches.plural import listed

MAX_NAMES = 4
"""Changes that are named."""


def changes_text(rounds: Sequence[Mapping[str, Any]], overrides: Sequence[Mapping[str, Any]]) -> str:
    """`, with max_iters raised to 30 and n_embd changed to 64,` between the start and the last step; empty where the
    steps alone led there.

    Args:
        rounds: Of `show --json`, from the first with a score.
        overrides: Of `show --json`.
    """
    steps = [place for place, each in enumerate(rounds) if any(row["chosen"] for row in each["candidates"])]
    if not steps:
        return ""
    raised: dict[str, Any] = {}
    for each in rounds[: steps[-1]]:
        raised |= each.get("raised") or {}
    changed: dict[str, Any] = {}
    for each in overrides:
        if rounds[0]["round"] < each["round"] <= rounds[steps[-1]]["round"]:
            changed |= {name: value for part in each["changes"].values() for name, value in flattened(part).items()}
    names = [f"{name} raised to {value}" for name, value in raised.items()]
    names += [f"{name} changed to {value}" for name, value in changed.items()]
    if len(names) > MAX_NAMES:
        names = [*names[:MAX_NAMES], f"{len(names) - MAX_NAMES} more"]
    return f", with {listed(names)}," if names else ""
