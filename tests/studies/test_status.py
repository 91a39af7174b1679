"""`status` of many studies: how many statements it takes, and the best score of each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from storage.reader import Reader
from storage.session import Session
from studies.answers.answer import answer
from studies.results.show import show
from studies.status.status import read_overview, read_status
from tests.support import made_studies
from tests.support.planned import begin
from tests.support.program import GOOD, Program, growth_of


class Counted(Session):
    """A session that counts its statements."""

    count = 0

    def execute(self, *given: object) -> list[object]:  # type: ignore[override]
        self.count += 1
        return super().execute(*given)  # type: ignore[arg-type]


def test_the_json_of_all_studies_takes_as_many_statements_as_that_of_one(
    program: Program, tmp_path: Path, url: str
) -> None:
    file = growth_of(tmp_path, f"def own(config):\n{GOOD}")
    counts = []
    for name in ("one", "two", "three"):
        assert program("run", "grow", "--study", name, "--file", file).returncode == 0
        session = Counted(url)
        before = session.count
        found = json.loads(json.dumps(read_overview(session, None).to_json()))
        counts.append(session.count - before)
        assert found[-1] == json.loads(json.dumps(read_status(session, name).to_json()))
        assert [each["study"] for each in found] == ["one", "two", "three"][: len(found)]
        assert found[-1]["counts"]["complete"] == 3 and found[-1]["rounds"] == 1
        session.close()
    assert counts == [counts[0]] * 3 and counts[0] <= 8


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_empty_storage_has_no_studies(program: Program, form: list[str]) -> None:
    assert program("status", *form).returncode == 0


def best_score(session: Session, name: str, metric: str = "score") -> float | None:
    """Of JSON, which the table of all studies and `show` agree with."""
    score: float | None = read_status(session, name).to_json()["best"]["mean"]
    study = Reader(session).study(name)
    sentence, table = answer(study, show(session, study).to_json()), read_overview(session, None).document().tables[0]
    assert (score is None) == (sentence is None)
    if score is not None:
        assert f" {score:g}" in str(sentence) and f"{metric} {score:g}" in [cell for row in table.rows for cell in row]
    return score


def test_the_best_score_of_a_growth_is_that_of_its_path(session: Session) -> None:
    def objective(config: Mapping[str, Any]) -> dict[str, float]:
        """`b` raises the score most, `a` the most for its cost."""
        gain = 0.25 * (config["a"] > 1) + 0.5 * (config["b"] > 1)
        return {"params": 10.0 * config["a"] + 1000.0 * config["b"], "score": 0.5 + gain}

    block = {"increments": {"a": 1, "b": 1}, "steps": 1}
    made_studies.growth(session.url, "grown", block, {"a": 1, "b": 1}, objective)
    assert best_score(session, "grown") == 0.75, "not the 1.0 of the candidate that was rejected"

    ledger, _ = begin(session.url, "grown")
    first = Reader(session).decisions(ledger.study_id)[0]
    state, rejected = first.state, {**first.record, "round": 1, "chosen": None}
    rejected["candidates"] = [{**each, "chosen": False} for each in rejected["candidates"]]
    ledger.record_decision(1, "stopped", rejected, state, [], "test")
    assert best_score(session, "grown") == 0.75, "a round without a choice is no step"
    ledger.record_decision(2, "redone", {"back_to": 0, "event": "redone", "trials": []}, state, [], "test")
    assert best_score(session, "grown") is None, "decisions that were taken back do not count"
    ledger.record_decision(3, "stopped", {**rejected, "round": 0, "event": None}, state, [], "test")
    assert best_score(session, "grown") == 0.5, "the baseline where nothing is chosen yet"
    ledger.session.close()


def test_the_best_score_of_a_changed_grid_counts_the_seeds_that_show_counts(session: Session) -> None:
    def objective(config: Mapping[str, Any]) -> dict[str, float]:
        return {"loss": config["n"] + (9.0 if config["seed"] > 2 else 0.0) * (1 if config["n"] == 1 else -1)}

    made_studies.grid(session.url, "cells", [{"n": 1}, {"n": 2}], objective, seeds=4)
    assert best_score(session, "cells", "loss") == -2.5, "of n 2, over four seeds"
    ledger, _ = begin(session.url, "cells")
    state = {"grid": {"axes": {"n": [1, 2]}, "seed": 1, "repeats": 2}, "config": {"n": 1}}
    ledger.record_decision(0, "override", {"event": "override: grid.repeats=2", "changes": {}}, state, [], "test")
    assert best_score(session, "cells", "loss") == 1.0, "of n 1, over the two seeds that count"
    ledger.session.close()


def test_the_best_score_of_a_changed_fit_is_of_the_probes_since(program: Program, tmp_path: Path, url: str) -> None:
    (tmp_path / "own.py").write_text("def own(config):\n    return {'speed': config['batch'] / config['n']}\n")
    file = tmp_path / "own.yaml"
    file.write_text(
        "search: fit\nobjective: own.py:own\nscore: {metric: speed, direction: maximize}\n"
        "fit: {axis: batch, high: 4}\nconfig: {batch: 1, n: 1}\n"
    )
    assert program("run", "own", "--file", file, "--workers", 1).returncode == 0
    with closing(Session(url)) as session:
        assert read_status(session, "own").to_json()["best"]["mean"] == 4.0
        assert program("run", "own", "--set", "n=2", "--workers", 1).returncode == 0
        assert read_status(session, "own").to_json()["best"]["mean"] == 2.0
