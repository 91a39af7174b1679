"""A depth study's definition."""

from __future__ import annotations

from pathlib import Path


def depth_of(folder: Path, config: str, depth: str, more: str = "") -> Path:
    file = folder / "deep.yaml"
    file.write_text(f"search: depth\nobjective: parameters\n{more}depth: {depth}\nconfig: {config}\n")
    return file
