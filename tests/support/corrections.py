"""A grid or a growth of a command, to be written wrong and then right."""

from __future__ import annotations

from pathlib import Path

TRAIN = """
import json, sys
value = dict(zip(sys.argv[1::2], sys.argv[2::2]))
with open(value["--out"] + "/metrics.jsonl", "w") as file:
    file.write(json.dumps({"loss": float(value["--n"]), "size": 2.0, "other": 0 - float(value["--n"])}) + "\\n")
"""


def written(
    folder: Path, command: str, score: str = "{metric: loss, direction: minimize}", search: str = "grid", more: str = ""
) -> Path:
    (folder / "train.py").write_text(TRAIN)
    blocks = {"grid": "{axes: {n: [1, 2, 3]}}", "grow": "{increments: {n: 1}, steps: 1}"}
    file = folder / "own.yaml"
    file.write_text(
        f"search: {search}\nobjective:\n  command: {command}\n  metrics: {{json: '{{run_dir}}/metrics.jsonl'}}\n"
        f"score: {score}\nattempts: 1\n{more}{search}: {blocks[search]}\nconfig: {{n: 1}}\n"
    )
    return file


RIGHT = "python train.py --n {n} --out {run_dir}"
