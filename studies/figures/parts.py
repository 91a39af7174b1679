"""Where a growth's parameters are: the share of each part along the path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.figures.picture import Area, Axis, Picture
from studies.figures.scales import number_text

PART_PREFIX = "params_"
"""Metrics with this prefix are parts that add up to `params`."""


def parts_of(metrics: Mapping[str, float]) -> dict[str, float]:
    """Parameters by part, where the objective returns them: its `params_…` metrics and the rest, or those inside and
    outside the embeddings. Empty where it returns neither."""
    total = metrics.get("params")
    if total is None or total <= 0:
        return {}
    parts = {name.removeprefix(PART_PREFIX): value for name, value in metrics.items() if name.startswith(PART_PREFIX)}
    if parts:
        rest = total - sum(parts.values())
        return {**parts, **({"rest": rest} if rest > 0.5 else {})} if rest > -0.5 else {}
    if "non_embedding_params" in metrics:
        inner = metrics["non_embedding_params"]
        return {"embedding": total - inner, "all else": inner}
    return {}


def parts_picture(steps: Sequence[Mapping[str, float]]) -> list[Picture]:
    """From the metrics of each step; none before a step was taken, and where the parts are not known."""
    known = [(place, parts_of(metrics)) for place, metrics in enumerate(steps)]
    known = [(place, parts) for place, parts in known if parts]
    if len(known) < 2:
        return []
    names = list(dict.fromkeys(name for _, parts in known for name in parts))
    shares = {name: [parts.get(name, 0.0) / sum(parts.values()) for _, parts in known] for name in names}
    x = [float(place) for place, _ in known]
    first, last = (sum(parts.values()) for parts in (known[0][1], known[-1][1]))
    caption = f"{_moved(shares)} In all {number_text(first)} parameters at the start, {number_text(last)} at the end."
    return [
        Picture(
            "growth-parts",
            "Share of the parameters in each part, along the path",
            Axis("step"),
            Axis("share of parameters", percent=True),
            [Area(name, x, each) for name, each in shares.items()],
            caption,
        )
    ]


def _moved(shares: Mapping[str, Sequence[float]]) -> str:
    """The part whose share grew most, and the one whose share fell most."""
    change = {name: each[-1] - each[0] for name, each in shares.items()}
    most, least = max(change, key=lambda name: change[name]), min(change, key=lambda name: change[name])
    if change[most] < 0.005:
        return "The shares hardly changed."
    up, down = shares[most], shares[least]
    return f"{most} grew from {up[0]:.0%} to {up[-1]:.0%}, {least} fell from {down[0]:.0%} to {down[-1]:.0%}."
