"""Keeping current what the browser shows: by a scribe of each worker, cheaply, and never in the way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import optuna_dashboard
import pytest
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna_dashboard._custom_plot_data import get_plotly_graph_objects
from optuna_dashboard.artifact._backend import get_trial_artifact_meta, list_trial_artifacts

from storage.dashboard import lock_dashboard, read_dashboard
from storage.locks import DASHBOARD_LOCKS
from storage.reader import Reader
from storage.session import Session
from studies.dashboard.artifacts import TrialArtifacts, series_csv
from studies.dashboard.note import OWN
from studies.dashboard.renewal import renew
from studies.dashboard.scribe import Scribe
from studies.dashboard.storage import BrowsedStorage
from tests.support.growth_trace import write_definition
from tests.support.program import Program, answer, until
from tests.support.stock import stock

pytestmark = pytest.mark.usefixtures("with_scribe")
REPORTING = """
from pathlib import Path

def objective(config, trial):
    print("hello from", config["width"])
    for step in range(3):
        trial.report(step, score=step / 2, other=float("nan") if step else 1.5)
    if config["width"] == 2:
        raise ValueError("two is too many")
    Path(trial.run_dir, "trace.json").write_text("{}")
    Path(trial.run_dir, "evil.html").write_text("<script>1</script>")
    Path(trial.run_dir, "link").symlink_to("/etc/passwd")
    return {"score": float("nan") if config["width"] == 3 else float(config["width"])}
"""


def attributes(url: str, name: str) -> dict[str, Any]:
    study = stock(url, name)
    return study._storage.get_study_system_attrs(study._study_id)


def figures(url: str, name: str) -> dict[str, Any]:
    return {key: json.loads(text) for key, text in get_plotly_graph_objects(attributes(url, name)).items()}


def note_of(url: str, name: str, text: str) -> str:
    """The note, once it says that: a scribe's last update may come after its worker's end."""
    study = stock(url, name)
    return str(until(lambda: text in (note := optuna_dashboard.get_note(study)) and note))


@pytest.fixture
def grown(program: Program, url: str, tmp_path: Path) -> Program:
    told = program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=2))
    assert told.returncode == 0, told.stderr
    note_of(url, "trace", "done: 2 steps are done")
    return program


@pytest.fixture
def reported(program: Program, tmp_path: Path) -> Program:
    """A grid whose trials complete, fail and end with NaN."""
    (tmp_path / "reporting.py").write_text(REPORTING)
    (tmp_path / "reporting.yaml").write_text(
        "search: grid\nobjective: reporting.py:objective\nscore: {metric: score, direction: maximize}\nattempts: 1\n"
        "grid: {axes: {width: [1, 2, 3]}}\nconfig: {width: 1}\n"
    )
    told = program("run", "grid", "--study", "reported", "--file", tmp_path / "reporting.yaml", "--workers", 1)
    assert "reported: done: 3 settings" in told.stderr, told.stderr
    return program


def test_a_run_leaves_a_note_and_figures_that_optuna_dashboard_reads(grown: Program, url: str) -> None:
    note = optuna_dashboard.get_note(stock(url, "trace"))
    assert "done: 2 steps are done" in note and "python cli.py run grow --study trace" in note
    made = figures(url, "trace")
    assert set(made) == {"growth-path", "growth-round"}
    tables = answer(grown, "show", "--study", "trace")["rounds"]
    chosen = [next(each["score"] for each in step["candidates"] if each["chosen"]) for step in tables]
    path = next(trace for trace in made["growth-path"]["data"] if trace["name"] == "path")
    assert path["y"][1:] == pytest.approx(chosen, rel=1e-6)


def test_what_has_not_changed_is_not_written_again(grown: Program, url: str, session: Session) -> None:
    study = Reader(session).find_study("trace")
    assert study is not None
    before = attributes(url, "trace")
    assert renew(session, "trace", None) and attributes(url, "trace") == before
    session.execute("UPDATE studyhall_studies SET draining = true")
    assert renew(session, "trace", None)
    after = attributes(url, "trace")
    assert after["dashboard:note_ver"] == before["dashboard:note_ver"] + 1 and after != before


def test_what_a_reader_wrote_below_the_line_is_kept(grown: Program, url: str, session: Session) -> None:
    study = stock(url, "trace")
    mine = "My own thoughts.\n" * 300  # in several pieces, as the dashboard stores it
    optuna_dashboard.save_note(study, optuna_dashboard.get_note(study) + mine)
    session.execute("UPDATE studyhall_studies SET draining = true, outcome = NULL")
    assert renew(session, "trace", None)
    note = optuna_dashboard.get_note(study)
    assert "told to stop" in note and note.endswith(f"*{OWN}*\n{mine}") and note.count(OWN) == 1
    session.execute("UPDATE studyhall_studies SET draining = false")
    assert renew(session, "trace", None) and optuna_dashboard.get_note(study).endswith(mine)


def test_a_figure_that_is_no_longer_true_goes_and_others_figures_stay(
    grown: Program, url: str, session: Session
) -> None:
    import plotly.graph_objects as go

    optuna_dashboard.save_plotly_graph_object(stock(url, "trace"), go.Figure(), graph_object_id="mine")
    session.execute("DELETE FROM studyhall_decisions")
    assert renew(session, "trace", None)
    assert set(figures(url, "trace")) == {"mine"}


def test_one_of_several_writes_and_the_others_go_on(grown: Program, url: str, session: Session) -> None:
    other = Session(url)
    study = Reader(session).find_study("trace")
    assert study is not None
    session.execute("UPDATE studyhall_studies SET draining = true")
    with other.transaction():
        assert lock_dashboard(other, study.study_id)
        assert renew(session, "trace", None) is False
    assert renew(session, "trace", None) is True
    other.close()


def test_empty_and_failed_studies_have_a_note_that_is_true(
    program: Program, url: str, session: Session, tmp_path: Path
) -> None:
    (tmp_path / "fails.py").write_text("def objective(config):\n    raise ValueError('no')\n")
    (tmp_path / "fails.yaml").write_text(
        "search: grid\nobjective: fails.py:objective\nscore: {metric: score, direction: maximize}\nattempts: 1\n"
        "grid: {axes: {名前: ['" + "x" * 1000 + "', '<b>']}}\nconfig: {名前: a}\n"
    )
    told = program("run", "grid", "--study", "провал", "--file", tmp_path / "fails.yaml")
    assert told.returncode == 1
    note = note_of(url, "провал", "**State:** failed")
    assert "2 failed" in note and "no trial has a score yet" in note and "**State:** failed" in note
    assert figures(url, "провал") == {}
    session.execute("DELETE FROM trial_params; DELETE FROM trial_user_attributes; DELETE FROM trials")
    session.execute("DELETE FROM studyhall_decisions")
    session.execute("UPDATE studyhall_studies SET outcome = NULL, failed = false")
    until(lambda: renew(session, "провал", None))  # the scribe may still be at its last
    assert "none is planned yet" in optuna_dashboard.get_note(stock(url, "провал"))


def test_a_study_that_is_gone_or_not_ours_is_let_be(url: str, session: Session) -> None:
    assert renew(session, "nobody", None) is True
    optuna.create_study(study_name="theirs", storage=url)
    with pytest.raises(Exception, match="another Optuna program"):
        renew(session, "theirs", None)


def test_what_goes_wrong_is_said_once_without_the_password() -> None:
    said: list[str] = []
    scribe = Scribe("postgresql+psycopg2://me:s3cret@127.0.0.1:1/none", "x", None, said.append)

    def tell() -> bool:
        scribe.notify()
        return bool(said)

    until(tell)
    scribe.close(wait=True)
    assert len(said) == 1 and "the dashboard is not up to date" in said[0] and "s3cret" not in said[0]
    scribe.notify()
    scribe.close(wait=True)
    assert scribe._process is not None
    scribe._process.kill()
    scribe._process.wait()


def test_a_scribe_that_hangs_does_not_hold_up_its_worker(url: str) -> None:
    scribe = Scribe(url, "x", None, print)
    assert scribe._process is not None
    scribe._process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    for _ in range(100_000):  # more than a pipe holds
        scribe.notify()
    scribe.close(wait=False)
    assert time.monotonic() - began < 30
    scribe._process.kill()
    scribe._process.wait()


def test_the_scribe_imports_nothing_heavy() -> None:
    script = "import sys, studies.dashboard.scribe_process, studies.dashboard.renewal\nprint(' '.join(sys.modules))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not set(told.stdout.split()) & {"torch", "optuna", "sqlalchemy", "plotly", "numpy", "optuna_dashboard"}


# Artifacts


def text_of(store: TrialArtifacts, artifact_id: str) -> str:
    with store.open_reader(artifact_id) as opened:
        return opened.read().decode()


def test_a_trial_shows_its_log_its_series_and_what_it_left(
    reported: Program, url: str, environment: dict[str, str]
) -> None:
    home = Path(environment["STUDYHALL_HOME"])
    storage, store = BrowsedStorage(url, home), TrialArtifacts(url, home)
    study_id = storage.get_study_id_from_name("reported")
    first, failed, nan = storage.get_all_trials(study_id)
    assert [trial.state.name for trial in (first, failed, nan)] == ["COMPLETE", "FAIL", "FAIL"]
    metas = {each["filename"]: each for each in list_trial_artifacts({}, first.system_attrs, first)}
    assert set(metas) == {"trial-0.log", "trial-0-series.csv", "trace.json", "evil.html"}, "a link out of it is none"
    assert metas["evil.html"]["mimetype"] == "application/octet-stream", "it is saved, not run"
    for meta in metas.values():
        assert get_trial_artifact_meta(storage, study_id, first._trial_id, meta["artifact_id"]) == meta
    read = {name: text_of(store, meta["artifact_id"]) for name, meta in metas.items()}
    assert "hello from 1" in read["trial-0.log"] and read["trace.json"] == "{}"
    assert read["trial-0-series.csv"] == "step,score,other\n0,0.0,1.5\n1,0.5,nan\n2,1.0,nan\n"
    gone = {each["filename"]: each for each in list_trial_artifacts({}, failed.system_attrs, failed)}
    log = home / "runs"
    for file in log.rglob("attempt-*.log"):
        file.unlink()
    kept = text_of(store, gone["trial-1.log"]["artifact_id"])
    assert "is not here" in kept and "two is too many" in kept
    storage.engine.dispose()


def test_no_id_leads_out_of_a_trials_folder(reported: Program, url: str, environment: dict[str, str]) -> None:
    home = Path(environment["STUDYHALL_HOME"])
    store, first = TrialArtifacts(url, home), stock(url, "reported").trials[0]._trial_id
    (home / "secret").write_text("not for the browser")
    for nothing in (f"{first:x}-c" + "0" * 24, "ffffffff-a", f"{first:x}-d"):
        with pytest.raises(ArtifactNotFound):
            store.open_reader(nothing)
    for elsewhere in (f"{first:x}-a/../../x", "../secret", "../../../etc/passwd"):
        with pytest.raises(ValueError, match="Invalid artifact_id"):
            store.open_reader(elsewhere)
    with pytest.raises(IsADirectoryError):
        store.open_reader("")
    assert "hello from 1" in text_of(store, f"{first:x}-a"), "an id of its own opens"


def test_a_series_without_steps_is_a_line_of_names() -> None:
    assert series_csv([]) == "step\n"


def test_the_dashboard_has_locks_of_its_own() -> None:
    from storage.locks import TRIAL_LOCKS, WORKER_LOCKS

    assert len({DASHBOARD_LOCKS, TRIAL_LOCKS, WORKER_LOCKS}) == 3


def test_what_the_dashboard_shows_is_read_as_it_was_written(grown: Program, session: Session) -> None:
    study = Reader(session).find_study("trace")
    assert study is not None
    written = read_dashboard(session, study.study_id)
    assert written.token and set(written.figures) == {"growth-path", "growth-round"} and written.pieces == 1
