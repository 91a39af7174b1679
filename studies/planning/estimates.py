"""A depth search's estimates by the closed form, for a dry run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samplers.searches.depth.closed_form import ClosedForm
from samplers.searches.depth.settings import parse_settings
from studies.definition.searches import PARAMS
from studies.tables.table import Column, Document, Table


def estimates(block: Mapping[str, Any], config: Mapping[str, Any], metric: str, where: str) -> Document:
    """A line for each target of each width; nothing is counted. The closed form is of parameters alone.

    Raises:
        UsageError: The block is wrong.
    """
    if metric != PARAMS:
        return Document(notes=[f"no estimate: the closed form is of {PARAMS}, and the targets are of {metric}"])
    settings, form = parse_settings(block, where), ClosedForm.of(config)
    if form is None:
        return Document(notes=["no estimate: the config names no vocab_size"])
    deep = settings.solve == "layers"
    given, wanted = ("Width", "Layers (estimate)") if deep else ("Layers", "Width (estimate)")
    columns = [*(Column(name, right=True) for name in ("Target", given, wanted)), Column("")]
    lowest, highest = settings.value(0), settings.value(settings.last)
    rows = []
    for fixed in settings.fixed:
        for target in settings.targets:
            value = form.layers(target, fixed) if deep else form.width(target, fixed)
            bound = f"min_{settings.solve} {lowest}" if value < lowest else f"max_{settings.solve} {highest}"
            beyond = "" if lowest <= value <= highest else f"beyond {bound}"
            rows.append([f"{target:,}", str(fixed), f"{value:,}", beyond])
    return Document([Table(columns, rows, "by the closed form V·d + P·d + layers · (12·d² + 4·d)")])
