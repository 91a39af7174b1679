"""The groups in which help lists verbs and options, by their headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

GROUPS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "run": {
        "What to run": ("--study", "--file", "--set", "--laptop", "--join", "--dry-run", "--review", "--yes"),
        "Budget of the study": ("--steps", "--timeout", "--max-trials"),
        "Slots": ("--gpus", "--per-gpu", "--gpu-memory", "--workers", "--threads"),
        "Safety": ("--same-code", "--trust-study", "--keep-going"),
        "Output": ("--quiet", "--verbose", "--notify"),
        "Launch": ("--launch", "--wait"),
        "Slurm": ("--nodes", "--gpus-per-node", "--time", "--partition", "--slurm"),
        "Ray": ("--address", "--num-gpus", "--num-workers"),
    },
}
"""Of a verb's options, by its words."""

VERBS: Mapping[str, Sequence[str]] = {
    "Begin and go on": ("demo", "init", "studies", "run", "stop"),
    "Look": ("status", "show", "logs", "best", "compare", "report", "dashboard"),
    "Check": ("audit", "replay"),
    "Mend": ("retry", "redo", "drop"),
    "Keep": ("rename", "copy", "tag", "note", "export", "import", "delete"),
    "The machine": ("gpus", "data", "storage", "completion"),
}
"""Of the program."""
