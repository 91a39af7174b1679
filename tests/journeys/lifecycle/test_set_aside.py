"""`redo` and `drop` as users run them: finished results are set aside, and nothing is lost or counted twice."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from storage.ledger import Ledger
from storage.reader import Reader
from storage.records import SetAside
from storage.session import Session
from studies.lifecycle.set_aside import Selection, propose, set_aside
from tests.support.program import Begin, Program, answer, growth_of, refused, until

GRID = (
    "search: grid\nobjective: own.py:own\nscore: {metric: score, direction: maximize}\n"
    "grid: {axes: {a: [1, 2, 3]}, repeats: 2}\nconfig: {a: 1, optimizer: {lr: 0.1}}\n"
)
SCORE = "    return {'score': float(config['a'] + %s), 'params': 1.0}\n"
GROWS = "    return {'score': config['a'] + 2.0 * config['b'] + %s, 'params': float(config['a'] + config['b'])}\n"
FIT = (
    "search: fit\nobjective: own.py:own\nscore: {metric: speed, direction: maximize}\nattempts: 1\n"
    "fit: {axis: n, low: 4, high: 400, multiple: 4}\nconfig: {n: 4}\n"
)


def grid(folder: Path, plus: str = "0") -> Path:
    (folder / "own.py").write_text("def own(config):\n" + SCORE % plus)
    (folder / "own.yaml").write_text(GRID)
    return folder / "own.yaml"


def growth(folder: Path, plus: str = "0", steps: int = 3) -> Path:
    return growth_of(folder, "def own(config):\n" + GROWS % plus, grow=f"increments: {{a: 1, b: 1}}, steps: {steps}")


def holds(program: Program) -> dict[str, Any]:
    certificate, again = answer(program, "audit", "--study", "own"), answer(program, "replay", "--study", "own")
    assert certificate["holds"] and again["agrees"], (certificate["violations"], again)
    assert certificate["decisions"]["made"] == certificate["decisions"]["rederived"]
    assert program("audit", "--study", "own", "--seal", certificate["seal"]).returncode == 0
    found: dict[str, Any] = certificate
    return found


def done(program: Program, *arguments: object) -> str:
    ended = program(*arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def scores(program: Program) -> dict[int, tuple[float, int]]:
    shown = answer(program, "show", "--study", "own")["results"]
    return {each["setting"]["a"]: (each["mean"], each["n"]) for each in shown}


def test_a_grid_counts_the_new_result_and_shows_the_old_one_apart(program: Program, tmp_path: Path) -> None:
    run = ["run", "grid", "--study", "own", "--file", grid(tmp_path)]
    done(program, *run)
    old = next(iter(answer(program, "audit", "--study", "own")["user_code"]))
    grid(tmp_path, plus="10 * (config['a'] == 2)")
    told = done(program, "redo", "--study", "own", "--where", "a == 2", "--yes")
    assert "set aside, its point is planned again as trial 6" in told
    assert scores(program) == {1: (1, 2), 3: (3, 2)}
    holds(program)
    done(program, *run)
    assert scores(program) == {1: (1, 2), 2: (12, 2), 3: (3, 2)}
    shown = answer(program, "show", "--study", "own")
    assert [(each["trial"], each["how"], each["again"]) for each in shown["set_aside"]] == [
        (2, "redone", 6),
        (3, "redone", 7),
    ]
    text = program("show", "--study", "own").stdout
    assert "2 results set aside (2 redone)" in text and "redone as trial 6" in text
    status = program("status", "--study", "own").stdout
    assert "6 complete" in status and "2 set aside" in status, status
    assert answer(program, "status", "--study", "own")["counts"]["set_aside"] == 2
    assert "set aside" in program("status").stdout
    certificate = holds(program)
    assert certificate["points"]["accepted"] == 6 and certificate["points"]["set_aside"] == 2
    assert ": it no longer counts" in program("show", "--study", "own", "--trial", 2).stdout
    # The rest of what the old code made, by its version.
    assert "(trials 0–1, 4–5)" in program("redo", "--study", "own", "--code", old[:6]).stdout
    done(program, "redo", "--study", "own", "--code", old[:6], "--yes")
    done(program, *run, "--same-code")
    assert answer(program, "audit", "--study", "own")["points"]["set_aside"] == 6
    assert len(scores(program)) == 3 and "versions of the code" not in program("show", "--study", "own").stdout
    holds(program)


def test_what_was_dropped_is_not_planned_again_unless_it_is_redone(program: Program, tmp_path: Path) -> None:
    run = ["run", "grid", "--study", "own", "--file", grid(tmp_path)]
    done(program, *run)
    assert "trial 0: set aside\n" in done(program, "drop", "--study", "own", "--trial", 0, "--yes")
    assert scores(program)[1] == (1, 1)
    holds(program)
    done(program, *run, "--set", "grid.repeats=3")
    assert scores(program)[1] == (1, 2), "the whole grid was planned again, but for it"
    holds(program)
    done(program, "redo", "--study", "own", "--trial", 0, "--yes")
    done(program, *run)
    assert scores(program)[1] == (1, 3)
    holds(program)


def exported(program: Program, form: str) -> str:
    ended = program("export", "--study", "own", "--as", form)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_an_export_of_a_grid_marks_what_was_set_aside(program: Program, tmp_path: Path) -> None:
    done(program, "run", "grid", "--study", "own", "--file", grid(tmp_path))
    done(program, "drop", "--study", "own", "--trial", 0, "--yes")
    done(program, "redo", "--study", "own", "--trial", 1, "--yes")
    rows = list(csv.DictReader(io.StringIO(exported(program, "csv"))))
    marks = [(row["state"], row["set_aside"], row["in_force"]) for row in rows]
    counts = ("COMPLETE", "", "true")
    assert marks[:3] == [("COMPLETE", "dropped", "false"), ("COMPLETE", "redone", "false"), counts]
    assert marks[3:] == [counts] * 3 + [("WAITING", "", "true")]
    trials = json.loads(exported(program, "json"))["trials"]
    assert [each["set_aside"] or "" for each in trials] == [row["set_aside"] for row in rows]
    assert [json.dumps(each["in_force"]) for each in trials] == [row["in_force"] for row in rows]
    read_table = pytest.importorskip("pyarrow.parquet").read_table
    done(program, "export", "--study", "own", "--as", "parquet", "--out", tmp_path / "own.parquet")
    columns = read_table(tmp_path / "own.parquet").to_pydict()
    assert columns["set_aside"] == [each["set_aside"] for each in trials]
    assert columns["in_force"] == [each["in_force"] for each in trials]


def test_an_export_of_a_growth_marks_what_was_set_aside(program: Program, tmp_path: Path) -> None:
    done(program, "run", "grow", "--study", "own", "--file", growth(tmp_path, steps=1))
    done(program, "drop", "--study", "own", "--trial", 1, "--from-here", "--yes")
    rows = list(csv.DictReader(io.StringIO(exported(program, "csv"))))
    assert [row["set_aside"] for row in rows] == ["", "dropped", ""]
    assert [each["set_aside"] for each in json.loads(exported(program, "json"))["trials"]] == [None, "dropped", None]


def test_what_cannot_be_set_aside_is_refused_on_one_line(program: Program, tmp_path: Path) -> None:
    done(program, "run", "grid", "--study", "own", "--file", grid(tmp_path))
    redo = ["redo", "--study", "own", "--yes"]
    refused(program(*redo), "needs one of --trial N, --where EXPR and --code VERSION")
    refused(program(*redo, "--trial", 0, "--where", "a == 1"), "needs one of")
    refused(program(*redo, "--trial", 77), "has no trial 77")
    refused(program(*redo, "--where", "b == 1"), "no result has 'b'")
    refused(program(*redo, "--where", "a +"), "is not an expression")
    refused(program(*redo, "--where", "a + 1"), "a condition has to be true or false")
    refused(program(*redo, "--where", "a > 100"), "--where: no finished result of 'own' matches")
    refused(program(*redo, "--code", "0123"), "ran code '0123'")
    assert "6 results" in program("redo", "--study", "own", "--where", "optimizer.lr == 0.1 and score > 0").stdout
    done(program, *redo, "--trial", 0)
    refused(program(*redo, "--trial", 0), "trial 0 of 'own' is no finished result: it is redone")
    refused(program(*redo, "--trial", 6), "it is WAITING")
    assert program("drop", "--study", "own", "--trial", 1).returncode == 130, "it asks, and nobody answers"
    assert answer(program, "audit", "--study", "own")["points"]["set_aside"] == 1


def test_a_growth_decides_again_from_the_first_round_that_used_it(program: Program, tmp_path: Path) -> None:
    run = ["run", "grow", "--study", "own", "--file", growth(tmp_path)]
    done(program, *run)
    before = answer(program, "show", "--study", "own")
    assert [each["chosen"]["param"] for each in before["rounds"]] == ["b", "b", "b"]
    second = next(each for each in before["rounds"][1]["candidates"] if each["param"] == "b")["trials"][0]
    growth(tmp_path, plus="10 * (config['a'] == 2)")
    refused(
        program("redo", "--study", "own", "--trial", second, "--yes"), "round 1 was decided from trial", "--from-here"
    )
    assert answer(program, "show", "--study", "own") == before
    told = done(program, "redo", "--study", "own", "--trial", second, "--from-here", "--yes")
    assert "own: decided again from round 1 on" in told
    now = answer(program, "show", "--study", "own")
    assert now["rounds"] == before["rounds"][:1] and now["config"] == {"a": 1, "b": 2}
    holds(program)
    done(program, *run)
    after = answer(program, "show", "--study", "own")
    assert [each["round"] for each in after["rounds"]] == [0, 1, 2]
    assert [each["trial"] for each in after["set_aside"]] == [second]
    assert "1 result set aside" in program("show", "--study", "own").stdout
    holds(program)
    # Everything that the old code made: from the baseline on, the new code chooses otherwise.
    old = next(iter(answer(program, "audit", "--study", "own")["user_code"]))
    done(program, "redo", "--study", "own", "--code", old, "--from-here", "--yes")
    assert answer(program, "show", "--study", "own")["rounds"] == []
    done(program, *run)
    after = answer(program, "show", "--study", "own")
    assert after["rounds"][0]["chosen"]["param"] == "a" and len(after["rounds"]) == 3
    assert after["mixed_code"] == []
    holds(program)
    for form in ("results-yaml", "json", "csv"):
        done(program, "export", "--study", "own", "--as", form)
    done(program, "report", "--study", "own", "--out", tmp_path / "report")


def test_an_override_that_is_taken_back_with_them_is_said(program: Program, tmp_path: Path) -> None:
    run = ["run", "grow", "--study", "own", "--file", growth(tmp_path)]
    done(program, *run, "--steps", 1)
    done(program, *run, "--steps", 2, "--set", "a=5")
    told = done(program, "redo", "--study", "own", "--trial", 0, "--from-here", "--yes")
    assert "changed: a=5: taken back with them; give it again by --set" in told
    done(program, *run, "--steps", 2)
    assert answer(program, "show", "--study", "own")["overrides"] == []
    holds(program)


def test_a_dropped_candidate_is_out_of_its_round(program: Program, tmp_path: Path) -> None:
    run = ["run", "grow", "--study", "own", "--file", growth(tmp_path, steps=1)]
    done(program, *run)
    first = answer(program, "show", "--study", "own")["rounds"][0]
    chosen = next(each for each in first["candidates"] if each["chosen"])
    done(program, "drop", "--study", "own", "--trial", chosen["trials"][0], "--from-here", "--yes")
    holds(program)
    done(program, *run)
    again = answer(program, "show", "--study", "own")["rounds"][0]
    assert again["chosen"]["param"] == "a"
    out = next(each for each in again["candidates"] if each["param"] == "b")
    assert not out["eligible"] and "dropped" in out["reason"]
    assert answer(program, "audit", "--study", "own")["points"]["planned"] == 3
    holds(program)


def test_a_fit_decides_again_from_the_probe(program: Program, tmp_path: Path) -> None:
    body = "def own(config):\n    if config['n'] > %d: raise MemoryError('too large')\n    return {'speed': 1.0}\n"
    (tmp_path / "own.py").write_text(body % 20)
    (tmp_path / "own.yaml").write_text(FIT)
    run = ["run", "fit", "--study", "own", "--file", tmp_path / "own.yaml"]
    done(program, *run)
    assert answer(program, "show", "--study", "own")["largest"] == 20
    (tmp_path / "own.py").write_text(body % 40)
    refused(program("redo", "--study", "own", "--where", "n > 20", "--yes"), "--from-here")
    done(program, "redo", "--study", "own", "--where", "n > 20", "--from-here", "--yes")
    done(program, *run)
    assert answer(program, "show", "--study", "own")["largest"] == 40
    holds(program)


def test_a_running_growth_takes_what_was_redone_into_the_round_that_is_not_decided(
    program: Program, begin: Begin, tmp_path: Path
) -> None:
    wait = f"    while config['b'] == 2 and not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.02)\n"
    file = growth_of(tmp_path, "def own(config):\n" + wait + GROWS % "0", grow="increments: {a: 1, b: 1}, steps: 2")
    worker = begin("run", "grow", "--study", "own", "--file", file, "--workers", 2)
    until(lambda: '"complete": 2' in program("status", "--study", "own", "--json").stdout)
    done(program, "redo", "--study", "own", "--trial", 1, "--yes")
    (tmp_path / "go").touch()
    said, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, said
    shown = answer(program, "show", "--study", "own")
    assert len(shown["rounds"]) == 2 and [each["trial"] for each in shown["set_aside"]] == [1]
    assert all(1 not in each["trials"] for round_ in shown["rounds"] for each in round_["candidates"])
    holds(program)


def test_a_running_growth_goes_back_under_its_worker(program: Program, begin: Begin, tmp_path: Path) -> None:
    wait = f"    while config['b'] == 3 and not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.02)\n"
    file = growth_of(tmp_path, "def own(config):\n" + wait + GROWS % "0", grow="increments: {a: 1, b: 1}, steps: 2")
    worker = begin("run", "grow", "--study", "own", "--file", file, "--workers", 2)
    until(lambda: '"rounds": 1' in program("status", "--study", "own", "--json").stdout)
    until(lambda: answer(program, "status", "--study", "own")["counts"]["running"])
    done(program, "redo", "--study", "own", "--where", "b == 1", "--from-here", "--yes")
    (tmp_path / "go").touch()
    said, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, said
    shown = answer(program, "show", "--study", "own")
    assert [each["chosen"]["param"] for each in shown["rounds"]] == ["b", "b"] and len(shown["set_aside"]) >= 2
    holds(program)


@pytest.mark.parametrize("killed_after", ["redo_points", "record_decision", "withdraw_points"])
def test_killed_in_between_nothing_has_happened(
    program: Program, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, killed_after: str
) -> None:
    done(program, "run", "grow", "--study", "own", "--file", growth(tmp_path))
    before = answer(program, "show", "--study", "own"), holds(program)["seal"]

    class Killed(BaseException):
        pass

    whole = getattr(Ledger, killed_after)

    def dies(*arguments: Any, **named: Any) -> Any:
        whole(*arguments, **named)
        raise Killed

    session = Session(url)
    study = Reader(session).study("own")
    proposal = propose(session, study, SetAside.REDONE, Selection(numbers=[0]), True)
    monkeypatch.setattr(Ledger, killed_after, dies)
    with pytest.raises(Killed):
        set_aside(session, study, SetAside.REDONE, proposal)
    session.close()
    assert (answer(program, "show", "--study", "own"), holds(program)["seal"]) == before
