"""Print `name==version` of the oldest release that pyproject.toml allows of each dependency: pip's constraints.

torch is left out: one build serves every run.
"""

import re
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
for asked in project["dependencies"]:
    found = re.match(r"([\w.-]+)>=([\w.]+)", asked)
    assert found is not None, f"{asked}: give a dependency its oldest version"
    if found[1] != "torch":
        print(f"{found[1]}=={found[2]}")  # noqa: T201
