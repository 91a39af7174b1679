"""A copied study: the same results and decisions, with a certificate of its own; both go on by themselves."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psycopg2
import pytest

from samplers.searches.plural import counted
from storage.copying import copy_study as copy_rows
from storage.errors import UsageError
from storage.moving import move
from storage.reader import Reader
from storage.session import Session
from storage.studies import NewWorker, sign_in
from storage.url import libpq_url
from studies.audit.audit import audit
from studies.audit.replay_study import replay_study
from studies.dashboard.copying import copy as copy_study
from tests.support.audited import SEARCHES
from tests.support.growth_trace import CHOICES, write_definition
from tests.support.planned import begin as begin_study
from tests.support.planned import new_points
from tests.support.program import Begin, Program, answer, path, refused, states, until
from tests.support.stock import stock

EVERY = [*SEARCHES, *(f"{search}-open" for search in SEARCHES)]
HOLD = "LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE"


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("name", EVERY)
def test_a_copy_passes_audit_and_replay_and_leaves_the_original_as_it_was(copy: Session, url: str, name: str) -> None:
    study = Reader(copy).study(name)
    before = audit(copy, study)
    said = copy_study(copy, study, "twin", None)
    assert audit(copy, study) == before
    twin = Reader(copy).study("twin")
    certificate = audit(copy, twin)
    assert certificate.holds and certificate.copy_of == before.seal, certificate.violations
    assert f"copied from a study that passed its audit; the seal of that: {before.seal}" in certificate.document().notes
    assert certificate.seal is not None and before.seal is not None
    assert certificate.seal.rpartition(":")[2] != before.seal.rpartition(":")[2], "a study of its own"
    assert certificate.decisions == before.decisions and not certificate.unlocked
    counts = counted(certificate.points["planned"], "trial"), counted(certificate.decisions["made"], "decision")
    assert said == f"{name}: copied to twin: {', '.join(counts)}"
    assert replay_study(copy, twin, None, None).agrees
    points, ended = dict(before.points), dict(certificate.points)
    points["waiting"], points["running"] = points["waiting"] + points["running"], 0
    assert ended == points, "what ran waits"
    moved = Session(url)
    move(copy, moved, ["twin"], lambda _: None)
    assert audit(moved, Reader(moved).study("twin")).seal == certificate.seal
    moved.close()


def test_a_change_that_the_original_shows_is_not_hidden_by_a_copy(copy: Session) -> None:
    study = Reader(copy).study("grid")
    copy.execute(
        "UPDATE studyhall_metrics SET value = value + 1 WHERE name = 'score' AND trial_id IN "
        "(SELECT trial_id FROM studyhall_points WHERE study_id = %s)",
        [study.study_id],
    )
    with pytest.raises(UsageError, match="does not pass its audit, and a copy would hide that: trial 0: "):
        copy_study(copy, study, "twin", None)
    assert Reader(copy).find_study("twin") is None


def test_a_copy_and_its_original_go_on_apart(program: Program, tmp_path: Path, environment: dict[str, str]) -> None:
    file = write_definition(tmp_path, steps=2)
    assert program("run", "grow", "--study", "trace", "--file", file).returncode == 0
    log = program("show", "--study", "trace", "--trial", 0, "--log").stdout
    copied = program("copy", "trace", "twin")
    assert (copied.returncode, copied.stderr) == (0, "") and "trials, 2 decisions" in copied.stdout
    assert program("show", "--study", "twin", "--trial", 0, "--log").stdout == log
    assert answer(program, "show", "--study", "twin") == answer(program, "show", "--study", "trace")
    on = program("run", "grow", "--study", "twin", "--file", file, "--steps", 3)
    assert on.returncode == 0, on.stderr
    assert path(program, "twin") == CHOICES[:3] and path(program, "trace") == CHOICES[:2]
    assert states(program, "twin")["accepted"] > states(program, "trace")["accepted"]
    runs = Path(environment["STUDYHALL_HOME"], "runs")
    assert len(list(runs.iterdir())) == 2
    assert program("delete", "--study", "trace", "--yes").returncode == 0
    assert program("show", "--study", "twin", "--trial", 0, "--log").stdout == log
    assert program("audit", "--study", "twin").returncode == 0 and len(list(runs.iterdir())) == 1


def test_a_study_that_was_corrected_and_one_that_was_upgraded_are_copied_whole(
    program: Program, tmp_path: Path, session: Session
) -> None:
    (tmp_path / "own.py").write_text("def own(config):\n    return {'loss': config['a'] / 3}\n")
    file = tmp_path / "own.yaml"
    text = (
        "search: grid\nobjective: own.py:own\nscore: {metric: lost, direction: minimize}\n"
        "grid: {axes: {a: [1, 2, 3, 4]}}\nconfig: {a: 1}\n"
    )
    file.write_text(text)
    assert program("run", "grid", "--study", "fixed", "--file", file).returncode == 1
    file.write_text(text.replace("lost", "loss"))
    assert program("run", "grid", "--study", "fixed", "--file", file).returncode == 0
    session.execute("UPDATE studyhall_studies SET upgraded = 4")
    decisions = Reader(session).decisions(Reader(session).study("fixed").study_id)
    assert len({row.origin for row in decisions}) == 2, "one of them is from before the correction"
    assert program("copy", "fixed", "twin").returncode == 0
    certificate = answer(program, "audit", "--study", "twin")
    assert certificate["holds"] and certificate["upgraded"] == 4
    assert program("replay", "--study", "twin").returncode == 0


def test_nonsense_copies_nothing(copy: Session, environment: dict[str, str], copy_url: str) -> None:
    grid = Reader(copy).study("grid")
    for name, words in (("grow", "a study 'grow' exists"), ("grid", "exists"), ("a b", "holds ' '"), ("", "0 char")):
        with pytest.raises(UsageError, match=words):
            copy_study(copy, grid, name, None)
    worker = sign_in(copy, grid.study_id, NewWorker("here", 1, "me", ["cpu0"], {"studyhall": "test"}))
    with pytest.raises(UsageError, match="copy: 1 worker runs 'grid'; `stop` it first"):
        copy_study(copy, grid, "twin", None)
    assert worker and Reader(copy).find_study("twin") is None


def test_what_another_program_runs_in_the_original_nobody_runs_in_the_copy(copy: Session, copy_url: str) -> None:
    study = stock(copy_url, "grid")
    number = study.ask({}).number
    study.set_user_attr("stop", True)
    study.set_user_attr("studyhall:launch:slurm:17", {"job": "17"})
    study.set_user_attr("mine", "kept")
    copy_study(copy, Reader(copy).study("grid"), "twin", None)
    twin = stock(copy_url, "twin")
    assert [twin.trials[number].state.name, stock(copy_url, "grid").trials[number].state.name] == ["FAIL", "RUNNING"]
    assert set(twin.user_attrs) == {"studyhall", "mine"} and twin.user_attrs["studyhall"]["study"] == "twin"
    assert twin.user_attrs["studyhall"]["key"] != study.user_attrs["studyhall"]["key"]


@pytest.mark.parametrize(("verb", "table"), [("rename", "study_user_attributes"), ("copy", "studyhall_decisions")])
def test_killed_in_the_middle_nothing_is_half(
    program: Program, begin: Begin, two_studies: Path, url: str, session: Session, verb: str, table: str
) -> None:
    before = json.loads(program("status", "--json").stdout)
    held = psycopg2.connect(libpq_url(url))
    with held.cursor() as cursor:
        cursor.execute(HOLD.format(table))
        process = begin(verb, "trace", "twin")
        until(lambda: session.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")[0].count)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    held.close()
    assert json.loads(program("status", "--json").stdout) == before
    refused(program("show", "--study", "twin"), "there is no study 'twin'")
    assert len(list((two_studies.parent / "home" / "runs").iterdir())) == 2
    assert program(verb, "trace", "twin").returncode == 0
    assert program("audit", "--study", "twin").returncode == 0


def test_a_large_study_is_copied_row_by_row_where_the_server_knows_another_size(url: str, session: Session) -> None:
    """It had planned each row's lookup for a study of one trial, and went through all of them: 8 minutes for 20,000."""
    count = 1500
    ledger, _ = begin_study(url)
    with ledger.planning():
        ledger.plan_points(new_points(count), 0)
    session.execute("ANALYZE")
    (study,) = Reader(session).studies()
    own = Session(url)
    with own.transaction():
        copy_rows(own, Reader(own).study(study.name), "twin", "a seal")
    own.close()
    read = "SELECT sum(idx_tup_read)::bigint AS rows FROM pg_stat_user_indexes WHERE relname = 'trials'"
    assert until(lambda: session.execute(read)[0].rows) < 100 * count
