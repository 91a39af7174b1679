"""What the closed form expects of a depth search, for a dry run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from samplers.searches.depth.closed_form import ClosedForm
from samplers.searches.depth.settings import parse_settings


def estimates(block: Mapping[str, Any], config: Mapping[str, Any], where: str) -> RenderableType:
    """What the closed form expects, for a dry run. Nothing is counted.

    Raises:
        UsageError: The block is wrong.
    """
    settings, form = parse_settings(block, where), ClosedForm.of(config)
    if form is None:
        return Text("no estimate: the config names no vocab_size")
    deep = settings.solve == "layers"
    given, wanted = ("Width", "Layers (estimate)") if deep else ("Layers", "Width (estimate)")
    table = RichTable(title="by the closed form V·d + P·d + layers · (12·d² + 4·d)", title_justify="left", box=None)
    for name in ("Target", given, wanted):
        table.add_column(name, justify="right")
    table.add_column("")
    lowest, highest = settings.value(0), settings.value(settings.last)
    for fixed in settings.fixed:
        for target in settings.targets:
            value = form.layers(target, fixed) if deep else form.width(target, fixed)
            bound = f"min_{settings.solve} {lowest}" if value < lowest else f"max_{settings.solve} {highest}"
            table.add_row(
                f"{target:,}", str(fixed), f"{value:,}", "" if lowest <= value <= highest else f"beyond {bound}"
            )
    return table
