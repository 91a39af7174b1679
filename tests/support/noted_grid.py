"""A grid whose points leave a file each time they are begun."""

from __future__ import annotations

from pathlib import Path

# Grid

NOTED = (
    "import os, time\n"
    "from pathlib import Path\n"
    "FOLDER = Path(__file__).parent / 'ran'\n"
    "def own(config, trial):\n"
    "    place = FOLDER / f\"{config['a']}-{config['b']}-{trial.seed}\"\n"
    "    first = not place.exists()\n"
    "    with place.open('a') as file:\n"
    "        file.write('x')\n"
    "    time.sleep(config['seconds'])\n"
    "    if first and config['flaky'] and (config['a'] * 8 + config['b']) % 10 == 0:\n"
    "        raise RuntimeError('once')\n"
    "    return {'score': config['a'] + config['b'] / 10 + trial.seed / 1e6}\n"
)


def grid_of(folder: Path, grid: str, seconds: float = 0.0, flaky: str = "false") -> Path:
    (folder / "own.py").write_text(NOTED)
    (folder / "ran").mkdir(exist_ok=True)
    file = folder / "own.yaml"
    file.write_text(
        "search: grid\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\n"
        f"grid: {grid}\nconfig: {{a: 0, b: 0, flaky: {flaky}, seconds: {seconds}}}\n"
    )
    return file


def ran(folder: Path) -> dict[str, int]:
    """How often each point was begun."""
    return {file.name: len(file.read_text()) for file in (folder / "ran").iterdir()}
