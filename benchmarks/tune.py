"""Tuning beside plain Optuna: what a choice costs, how good the best setting is, and what waiting and kills cost.

    python benchmarks/tune.py cost           # a choice among 100, 1,000 and 5,000 settings, beside Optuna's in memory
    python benchmarks/tune.py storage        # the same on PostgreSQL; claims, and the weight of the study's page
    python benchmarks/tune.py functions      # the best value found with eight slots, over repeats, on known functions
    python benchmarks/tune.py idle           # slots that wait through `ahead`
    python benchmarks/tune.py gpt            # a tiny gpt, eight slots and eight processes of Optuna, the same trainings
    python benchmarks/tune.py kills          # settings lost, run twice and left RUNNING when workers are killed

tune_cost.py, tune_storage.py, tune_functions.py and tune_processes.py say how each is measured. Without a name: all.
Samplers named after `storage` are measured alone (`storage tpe`); the page's weight comes with `random`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import optuna

from benchmarks import tune_cost, tune_functions, tune_processes, tune_storage
from benchmarks.tune_cost import SAMPLERS

PARTS = {
    "cost": tune_cost.main,
    "storage": tune_storage.main,
    "functions": tune_functions.functions,
    "idle": tune_functions.idle,
    "gpt": tune_processes.gpt,
    "kills": tune_processes.kills,
}

if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if sys.argv[1:2] == ["storage"]:
        tune_storage.main(sys.argv[2:] or [*SAMPLERS])
    else:
        for part in sys.argv[1:] or PARTS:
            PARTS[part]()
