"""Depth searches over closed forms."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from samplers.searches.depth.depth import Depth
from samplers.searches.plan import Decision, Done, Need, Point, Result
from storage.home import CHECKOUT

SEVERAL = {"targets": [100_000_000, 50_000_000], "widths": [16, 768]}

REFERENCE = json.loads((CHECKOUT / "tests" / "data" / "cehr_depths.json").read_text())
CEHR = {"family": "cehr", "vocab_size": 6516, "max_position_embeddings": 2048, "time_tokens": 78}


def cehr(layers: int, width: int, vocab_size: int = 6516, positions: int = 2048, time_tokens: int = 78) -> int:
    """The reference's closed form."""
    head = 2 * width + width**2 + 2 * width + 2 + width * time_tokens // 3
    return width * (positions + vocab_size) + layers * (12 * width**2 + 13 * width) + head


def count(layers: int, width: int) -> int:
    return cehr(layers, width)


def outcome(
    search: Depth,
    counts: Callable[[int, int], int | str] = count,
    state: Mapping[str, Any] | None = None,
    known: dict[str, Result] | None = None,
    shuffle: random.Random | None = None,
) -> tuple[list[Decision], Done, dict[str, Result], list[Point]]:
    """Run to the end: one point after the other, in order or in any other; a text in place of a count is a failure."""
    results = {} if known is None else known
    state, made, asked = state or search.start(), [], []
    names = {"layers": "n_layer", "width": "n_embd"}
    while True:
        step = search.advance(state, results)
        if isinstance(step, Decision):
            json.dumps(step.record)
            made.append(step)
            state = json.loads(json.dumps(step.state))
        elif isinstance(step, Done):
            return made, step, results, asked
        else:
            assert isinstance(step, Need) and step.points and not any(each.hash in results for each in step.points)
            point = step.points[0] if shuffle is None else shuffle.choice(step.points)
            asked.append(point)
            said = counts(*(point.config[name] for name in names.values()))
            results[point.hash] = (
                Result(len(results), "FAIL", reason=said)
                if isinstance(said, str)
                else Result(len(results), "COMPLETE", {"params": float(said)})
            )


def decided(block: dict[str, Any], families: bool = False, **more: Any) -> list[Any]:
    made, _, _, _ = outcome(Depth.parse(block, CEHR, "d", families=families), **more)
    return [Row(each.kind, *json.loads(json.dumps([each.record, each.state]))) for each in made]


@dataclass
class Row:
    """A decision as the database gives it."""

    kind: str
    record: dict[str, Any]
    state: dict[str, Any]
