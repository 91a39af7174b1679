"""What a trial is for, and how a candidate and a setting are called: each in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def told(setting: Mapping[str, Any]) -> str:
    """A setting on one line."""
    return ", ".join(f"{name} {value}" for name, value in setting.items()) or "–"


def purpose(role: Mapping[str, Any]) -> str:
    """What a trial is for, on one line: `n_head → 2`, `lr 0.1, depth 4`, `baseline`."""
    if "param" in role:
        beside = "".join(f", {name} {role[name]}" for name in ("width", "layers") if name in role)
        return f"{role['param']} → {role['value']}{beside}"
    if "setting" in role:
        return ", ".join(f"{name} {value}" for name, value in role["setting"].items()) or "the only setting"
    return str(role.get("role", ""))


def candidate_name(candidate: Mapping[str, Any]) -> str:
    """As people say it: `n_head → 2`."""
    copied = f" (layer {candidate['dup']} again)" if candidate.get("dup") is not None else ""
    return f"{candidate['param']} → {candidate['value']}{copied}"
