"""A definition that is right, to be made wrong."""

from __future__ import annotations

from pathlib import Path

from studies.definition.definition import Definition

GOOD = """
search: grow
objective: gpt
score: {metric: next_token_probability, direction: maximize}
cost: params
grow: {increments: {n_head: 1}}
timeout: 2h
memory_limit: 6GiB
config: {dataset: stdlib, n_head: 1, learning_rate: 1e-4, note: no, n_head_layerlist: [1, 2, 1], nested: {a: 1}}
"""


def load(folder: Path, text: str = GOOD) -> Definition:
    (folder / "own.yaml").write_text(text)
    return Definition.load(folder / "own.yaml")
