"""A renamed study is the same study: by the verb, and by the dashboard."""

from __future__ import annotations

import io
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from storage.errors import UsageError
from storage.reader import Reader
from storage.renaming import rename_study
from storage.session import Session
from storage.store import Store
from storage.studies import NewWorker, sign_in
from studies.dashboard.page import application
from studies.dashboard.renewal import renew
from studies.engine import membership
from tests.support.growth_trace import CHOICES, write_definition
from tests.support.program import Begin, Program, administer, answer, path, refused, states, until
from tests.support.stock import stock, write_grid


def post(url: str, home: Path, study_id: int, body: str, kind: str = "application/json") -> tuple[int, Any]:
    """What the dashboard answers to a request to rename."""
    answered: list[Any] = []
    served = application(url, home, None, None)
    said = b"".join(served(request(study_id, body, kind), lambda *given: answered.extend(given)))
    return int(answered[0].split()[0]), json.loads(said)


def request(study_id: int, body: str, kind: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/api/studies/{study_id}/rename",
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(body.encode())),
        "wsgi.input": io.BytesIO(body.encode()),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
    }


def id_of(session: Session, name: str) -> int:
    return Reader(session).study(name).study_id


def test_a_renamed_study_keeps_its_certificate_seal_logs_and_goes_on(
    program: Program, tmp_path: Path, environment: dict[str, str]
) -> None:
    file = write_definition(tmp_path, steps=2)
    assert program("run", "grow", "--study", "trace", "--file", file).returncode == 0
    before = {verb: answer(program, verb, "--study", "trace") for verb in ("audit", "replay", "show")}
    seal, log = before["audit"]["seal"], program("show", "--study", "trace", "--trial", 0).stdout
    renamed = program("rename", "trace", "best")
    assert (renamed.returncode, renamed.stdout, renamed.stderr) == (0, "trace: renamed to best\n", "")
    refused(program("show", "--study", "trace"), "there is no study 'trace'")
    for verb in before:
        was = json.loads(json.dumps(before[verb]).replace('"trace"', '"best"').replace(":trace:", ":best:"))
        assert answer(program, verb, "--study", "best") == was
    assert program("audit", "--study", "best", "--seal", seal).returncode == 0
    assert program("show", "--study", "best", "--trial", 0).stdout == log
    on = program("run", "grow", "--study", "best", "--file", file, "--steps", 3)
    assert on.returncode == 0, on.stderr
    assert path(program, "best") == CHOICES[:3] and states(program, "best")["accepted"] > 0
    (folder,) = Path(environment["STUDYHALL_HOME"], "runs").iterdir()
    assert folder.name.startswith("trace-"), "the folders of its trials keep their name"
    assert program("delete", "--study", "best", "--yes").returncode == 0
    assert not folder.exists()


def test_a_checkpoint_is_found_after_a_rename(program: Program, begin: Begin, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(
        "import time\n\ndef own(config, trial):\n    place = trial.checkpoint_dir / 'place'\n"
        "    if place.exists():\n        return {'score': float(place.read_text())}\n"
        "    place.write_text('7')\n    time.sleep(600)\n"
    )
    file = tmp_path / "slow.yaml"
    file.write_text(
        "search: grid\nobjective: slow.py:own\nscore: {metric: score, direction: maximize}\n"
        "grid: {axes: {x: [1]}}\nconfig: {x: 1}\n"
    )
    worker = begin("run", "grid", "--study", "slow", "--file", file, "--workers", 1)
    until(lambda: list(tmp_path.glob("home/runs/*/trial-0/checkpoint/place")))
    refused(program("rename", "slow", "slower"), "1 worker runs 'slow'", "`stop` it first")
    os.killpg(worker.pid, signal.SIGKILL)
    until(lambda: program("rename", "slow", "slower").returncode == 0)
    on = program("run", "grid", "--study", "slower", "--file", file, "--workers", 1)
    assert on.returncode == 0, on.stderr
    (row,) = answer(program, "show", "--study", "slower")["results"]
    assert row["mean"] == 7.0, row


def test_nonsense_renames_nothing(program: Program, two_studies: Path, url: str) -> None:
    refused(program("rename", "trace", "gitter"), "rename: a study 'gitter' exists")
    refused(program("rename", "trace", "trace"), "rename: a study 'trace' exists")
    refused(program("rename", "trce", "other"), "there is no study 'trce'", "'trace'")
    refused(program("rename", "trace", "a b"), "rename: 'a b' holds ' '")
    stock_made = stock_study(url, "theirs")
    refused(program("rename", "trace", "theirs"), "rename: a study 'theirs' exists")
    refused(program("rename", "theirs", "mine"), "was made by another Optuna program")
    assert stock_made.study_name == "theirs" and program("show", "--study", "trace").returncode == 0


def stock_study(url: str, name: str) -> Any:
    import optuna

    return optuna.create_study(storage=url, study_name=name)


def test_a_worker_that_signs_in_meanwhile_finds_no_study(
    program: Program, two_studies: Path, session: Session, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It found the study by its old name, by which it would look for it again."""
    study = Reader(session).study("trace")

    def slow_sign_in(own: Session, study_id: int, worker: NewWorker) -> int:
        rename_study(session, study, "best")
        return sign_in(own, study_id, worker)

    monkeypatch.setattr(membership, "sign_in", slow_sign_in)
    with pytest.raises(UsageError, match="there is no study 'trace'"):
        membership.Membership(Store(url, two_studies.parent), "trace", ()).connect()


def test_the_dashboard_renames_in_place(program: Program, two_studies: Path, session: Session, url: str) -> None:
    home = two_studies.parent / "home"
    seal = answer(program, "audit", "--study", "trace")["seal"]
    study_id = id_of(session, "trace")
    status, said = post(url, home, study_id, '{"study_name": "best"}')
    assert status == 201, said
    assert (said["study_id"], said["study_name"], said["directions"]) == (study_id, "best", ["maximize"])
    assert {each["key"] for each in said["user_attrs"]} == {"studyhall"}
    assert program("audit", "--study", "best", "--seal", seal).returncode == 0
    refusals = {
        '{"study_name": "gitter"}': "exists",
        '{"study_name": "a b"}': "holds ' '",
        '{"study_name": 7}': "a new name is needed",
        "no json": "a new name is needed",
        "{}": "a new name is needed",
    }
    for body, words in refusals.items():
        status, said = post(url, home, study_id, body)
        assert status == 400 and words in said["reason"], (body, said)
    assert post(url, home, study_id, '{"study_name": "z"}', "text/plain")[0] == 400, "another page may send that"
    worker = sign_in(session, study_id, NewWorker("here", 1, "me", ["cpu0"], {"studyhall": "test"}))
    status, said = post(url, home, study_id, '{"study_name": "other"}')
    assert status == 400 and "1 worker runs 'best'" in said["reason"] and worker
    assert program("show", "--study", "best").returncode == 0


def test_the_dashboard_renames_a_study_of_another_program_as_ever(url: str, tmp_path: Path) -> None:
    made = stock_study(url, "theirs")
    made.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    status, said = post(url, tmp_path, made._study_id, '{"study_name": "mine"}')
    assert status == 201 and said["study_name"] == "mine", said
    assert len(stock(url, "mine").trials) == 2


def test_the_note_has_the_new_name(program: Program, two_studies: Path, session: Session) -> None:
    assert renew(session, "trace", None)
    assert program("rename", "trace", "best").returncode == 0
    (note,) = session.execute(
        "SELECT value_json FROM study_system_attributes WHERE study_id = %s AND key = 'dashboard:note_str:0'",
        [id_of(session, "best")],
    )
    assert "--study best" in note.value_json and "trace" not in note.value_json.partition("Definition")[0]


def test_queued_workers_know_the_old_name(
    program: Program, tmp_path: Path, url: str, session: Session, environment: dict[str, str]
) -> None:
    file = write_grid(tmp_path, "width: [1]")
    assert program("run", "grid", "--study", "slow", "--file", file).returncode == 0
    launch = {"launcher": "slurm", "job": "17", "name": "slow", "workers": 2, "logs": "/x", "host": "here"}
    administer(
        url,
        "INSERT INTO study_user_attributes (study_id, key, value_json) "
        f"VALUES ({id_of(session, 'slow')}, 'studyhall:launch:slurm:17', '{json.dumps(launch)}')",
    )
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "squeue").write_text("#!/bin/sh\necho '17_0|PENDING'\n")
    (folder / "squeue").chmod(0o755)
    environment["PATH"] = f"{folder}:{environment['PATH']}"
    refused(program("rename", "slow", "slower"), "slurm job 17: 2 workers will run 'slow'", "`stop` it first")


# What a stock dashboard renames


def stock_rename(url: str, study_id: int, name: str) -> None:
    """As optuna-dashboard renames a study, by its own code."""
    from optuna.storages import RDBStorage
    from optuna_dashboard._app import create_app

    answered: list[Any] = []
    app = create_app(RDBStorage(url))
    environ = request(study_id, json.dumps({"study_name": name}), "application/json")
    b"".join(app(environ, lambda *given: answered.extend(given)))
    assert answered[0].startswith("201"), answered


def test_a_study_that_a_stock_dashboard_renamed_is_said_to_be_what_it_is(
    program: Program, two_studies: Path, session: Session, url: str
) -> None:
    stock_rename(url, id_of(session, "trace"), "best")
    words = ("'best' was made by another Optuna program of the trials of 'trace' alone", "'trace' was deleted")
    for verb in ("status", "show", "audit", "replay", "stop"):
        refused(program(verb, "--study", "best"), *words, "restore", "begin anew", "`rename`")
    refused(program("run", "grow", "--study", "best", "--file", two_studies), *words)
    refused(program("rename", "best", "trace"), *words)
    listed = program("status")
    assert listed.returncode == 0 and all(each in " ".join(listed.stdout.split()) for each in words), listed.stdout
    assert [each["study"] for each in json.loads(program("status", "--json").stdout)] == ["gitter"]
    stock_rename(url, id_of(session, "gitter"), "gitter-2")
    listed = program("status")
    assert "no study in this storage yet" in listed.stdout and "'gitter-2' was made" in listed.stdout


def test_a_copy_by_another_program_names_the_study_that_is_whole(program: Program, two_studies: Path, url: str) -> None:
    import optuna

    optuna.copy_study(from_study_name="trace", from_storage=url, to_storage=url, to_study_name="theirs")
    assert program("rename", "trace", "best").returncode == 0
    told = refused(
        program("show", "--study", "theirs"), "of the trials of 'trace' alone", "'best' is whole and goes on"
    )
    assert "deleted" not in told
    optuna.create_study(storage=url, study_name="odd").set_user_attr("studyhall", float("nan"))
    refused(program("show", "--study", "odd"), "was made by another Optuna program; choose another name")
