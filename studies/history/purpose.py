"""What a trial is for, and the names of candidates and settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def setting_name(setting: Mapping[str, Any]) -> str:
    """A setting on one line: `lr 0.1, depth 4`; numbers in at most six digits."""
    return ", ".join(f"{name} {_shortened(value)}" for name, value in setting.items()) or "–"


def _shortened(value: Any) -> str:
    return min(str(value), f"{value:.6g}", key=len) if isinstance(value, float) else str(value)


def candidate_name(candidate: Mapping[str, Any]) -> str:
    """A growth's candidate: `n_head → 2`, `n_layer → 3 (layer 1 again)`."""
    copied = f" (layer {candidate['dup']} again)" if candidate.get("dup") is not None else ""
    return f"{candidate['param']} → {candidate['value']}{copied}"


def purpose(role: Mapping[str, Any]) -> str:
    """What a trial is for, on one line: `n_head → 2`, `lr 0.1, depth 4`, `baseline`."""
    if "param" in role:
        beside = "".join(f", {name} {role[name]}" for name in ("width", "layers") if name in role)
        return candidate_name(role) + beside
    if "setting" in role:
        return setting_name(role["setting"]) if role["setting"] else "the only setting"
    return str(role.get("role", ""))


def trial_name(number: int, role: Mapping[str, Any], seed: int) -> str:
    """A trial with what it is for: `trial 9 (round 1, n_embd → 64, seed 1)`."""
    round_ = f"round {role['step']}" if "step" in role else ""
    return f"trial {number} ({', '.join(filter(None, (round_, purpose(role), f'seed {seed}')))})"
