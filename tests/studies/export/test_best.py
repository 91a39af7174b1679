"""`best`: the best configuration as flags, within a condition, and how sure it is."""

from __future__ import annotations

from tests.support import made_studies
from tests.support.program import Program, answer, refused


def test_the_best_of_a_grid_says_how_many_others_tie_and_chooses_within_a_condition(url: str, program: Program) -> None:
    def objective(config: dict[str, float]) -> dict[str, float]:
        return {"loss": config["n"] // 2 + 0.01 * config["n"] * config["seed"], "params": 10.0 * config["n"]}

    made_studies.grid(url, "cells", [{"n": n} for n in range(4)], objective, seeds=3)
    found = program("best", "cells")
    assert found.stdout.strip() == "n=0"
    assert found.stderr.strip() == "1 other setting may be as good: the seeds do not set them apart"
    assert answer(program, "best", "cells")["ties"] == 1
    within = program("best", "cells", "--where", "params >= 20")
    assert (within.stdout.strip(), within.stderr) == ("n=2", "")
    refused(program("best", "cells", "--where", "params > 99"), "has all its seeds and satisfies 'params > 99'")
    refused(program("best", "cells", "--where", "param > 99"), "--where: the table has no 'param'")
