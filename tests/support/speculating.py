"""A growth that begins what comes next while slots would wait."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.growth_trace import write_definition
from tests.support.program import Program

UNEVEN = """

def uneven(config):
    time.sleep(0.1 + 0.7 * (config["n_layer"] == 2))
    return landscape(config)
"""


def speculating(folder: Path, steps: int = 4) -> Path:
    file = write_definition(folder, steps=steps, more="  speculate: true\n")
    with (folder / "landscape.py").open("a") as objective:
        objective.write(UNEVEN)
    file.write_text(file.read_text().replace("landscape.py:landscape", "landscape.py:uneven"))
    return file


def facts(program: Program) -> tuple[list[str], dict[str, Any]]:
    """The path and the certificate."""
    shown, audit = (json.loads(program(verb, "--study", "trace", "--json").stdout) for verb in ("show", "audit"))
    return [round_["chosen"]["param"] for round_ in shown["rounds"]], audit
