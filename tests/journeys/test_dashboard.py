"""The dashboard in a real browser, on studies of every search, while workers run; and the server by itself."""

from __future__ import annotations

import http.client
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from storage.session import Session
from tests.support.cases import usual
from tests.support.growth_trace import write_definition
from tests.support.program import Begin, Program, answer, until

pytestmark = pytest.mark.usefixtures("with_scribe")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SHOTS = os.environ.get("SHOTS")
"""A folder for the screenshots, to be looked at."""

OBJECTIVES = """
import time
from pathlib import Path

def gate():
    while Path(__file__).with_name("closed").exists():
        time.sleep(0.05)

def count(config):
    gate()
    return {"params": float(1000 + config["n_layer"] * 12 * config["n_embd"] ** 2)}

def cell(config, trial):
    for step in range(4):
        trial.report(step, score=config["width"] * (step + 1) / 4)
    print("a cell of width", config["width"])
    gate()
    (trial.run_dir / "trace.json").write_text('{"traced": true}')
    return {"score": config["width"] + trial.seed % 7 / 10}

def batch(config):
    gate()
    if config["batch_size"] > 24:
        raise MemoryError("too much")
    size = config["batch_size"]
    return {"tokens_per_second": 1000.0 * size / (4 + size), "peak_memory": 10.0 * size}

def problem(config):
    gate()
    difficulty = 0.5 + config["alpha_X"] / 4 + config["alpha_Z"] / 8
    return {"difficulty": difficulty, "distance": abs(difficulty - config["target"])}
"""
STUDIES = {
    "depth": (
        "search: depth\nobjective: objectives_here.py:count\ndepth: {targets: [200000, 400000], widths: [32, 64, 128],"
        " num_heads: 4, min_layers: 1, max_layers: 64}\nconfig: {n_layer: 1, n_head: 4, n_embd: 32}\n",
        ["Layers over width, for each target"],
        "200,000",
    ),
    "grid": (
        "search: grid\nobjective: objectives_here.py:cell\nscore: {metric: score, direction: maximize}\n"
        "grid: {axes: {width: [1, 2, 3], act: [relu, gelu]}, repeats: 2}\nconfig: {width: 1, act: relu}\n",
        ["score of the best settings", "score over width and act", "score against width, for each act"],
        "gelu",
    ),
    "fit": (
        "search: fit\nobjective: objectives_here.py:batch\nfit: {axis: batch_size, low: 1, high: 64}\n"
        "config: {batch_size: 1}\n",
        ["tokens_per_second over batch_size", "peak_memory over batch_size"],
        "largest",
    ),
    "difficulty": (
        "search: grid\nobjective: objectives_here.py:problem\nscore: {metric: distance, direction: minimize}\n"
        "grid: {axes: {alpha_X: [0.0, 0.5, 1.0], alpha_Z: [0.0, 0.5, 1.0]}}\n"
        "config: {alpha_X: 0.0, alpha_Z: 0.0, target: 0.75}\n",
        ["Difficulty over alpha_X and alpha_Z", "distance of the best settings"],
        "nearest",
    ),
}
GROWN = ["The path: score against params", "Round 1: efficiency of each candidate"]
DRAWN = ".point, .points path, .hm image, .gl-canvas, canvas"
"""What plotly makes of a mark."""
BUILT_IN = ["History", "Hyperparameter Importance", "Timeline", "Best Trial"]


@dataclass
class Served:
    """A dashboard that runs."""

    process: subprocess.Popen[str]
    port: int
    said: str

    @property
    def base(self) -> str:
        return f"http://localhost:{self.port}"

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            connection.request("GET", path, headers=headers)
            answered = connection.getresponse()
            return answered.status, answered.read()

    def studies(self) -> dict[str, int]:
        found = json.loads(self.get("/api/studies")[1])["study_summaries"]
        return {each["study_name"]: each["study_id"] for each in found}


@pytest.fixture
def serve(begin: Begin) -> Callable[..., Served]:
    def start(*options: object) -> Served:
        process = begin("dashboard", "--port", 0, *options)
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        while "and there:" not in lines[-1] and "no password" not in lines[-1]:
            assert lines[-1], "".join(lines)
            lines.append(process.stdout.readline())
        found = re.search(r":(\d+)/dashboard", lines[0])
        assert found is not None, lines
        return Served(process, int(found[1]), "".join(lines))

    return start


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of a real browser; an error on it fails the test."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    wrong: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1500, "height": 1000})
        opened.set_default_timeout(60_000)
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        yield opened
        browser.close()
    assert not wrong


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def titles(page: Any) -> list[str]:
    """Of the figures on the page, without their captions."""
    found: list[str] = page.eval_on_selector_all(
        ".gtitle", "all => all.map(each => (each.querySelector('tspan') || each).textContent)"
    )
    return found


def see(page: Any, served: Served, study: int, name: str, figures: list[str], cell: str) -> None:
    """Look at everything that the dashboard has of a study whose trials are done."""
    until(lambda: "done" in json.loads(served.get(f"/api/studies/{study}")[1])["note"]["body"])
    page.goto(f"{served.base}/dashboard")
    page.get_by_text(name, exact=False).filter(visible=True).first.wait_for()
    shoot(page, f"{name}-list")

    page.goto(f"{served.base}/dashboard/studies/{study}")
    for text in BUILT_IN:
        page.get_by_text(text).filter(visible=True).first.wait_for()
    until(lambda: set(figures) <= set(titles(page)))
    for figure in page.query_selector_all("[id^='user-defined-plot']"):
        until(lambda figure=figure: figure.query_selector(DRAWN), 30)
    assert page.query_selector_all("[id*='history'] .point, .scatterlayer .point"), "the history has its trials"
    shoot(page, f"{name}-study")

    page.goto(f"{served.base}/dashboard/studies/{study}/note")
    page.get_by_role("heading", name="Results so far").first.wait_for()
    page.get_by_role("cell", name=cell).first.wait_for()
    assert f"--study {name}" in page.text_content("body")
    shoot(page, f"{name}-note")

    page.goto(f"{served.base}/dashboard/studies/{study}/analytics")
    for text in ("Slice", "Rank"):
        page.get_by_text(text).filter(visible=True).first.wait_for()
    until(lambda: len(page.query_selector_all(".scatterlayer .point")) > 1)
    shoot(page, f"{name}-analytics")

    page.goto(f"{served.base}/dashboard/studies/{study}/trials?numbers=0")
    page.get_by_text("trial-0.log").filter(visible=True).first.wait_for()
    page.get_by_text("Complete").filter(visible=True).first.wait_for()
    shoot(page, f"{name}-trial")


ALIKE = ("difficulty", "fit")
"""A grid and a search by probes like others here, as the page shows them."""


@pytest.mark.parametrize(
    "name", usual([*(each for each in STUDIES if each not in ALIKE), *ALIKE], count=len(STUDIES) - len(ALIKE))
)
def test_every_search_is_seen_while_it_runs_and_once_it_is_done(
    begin: Begin, serve: Callable[..., Served], page: Any, tmp_path: Path, name: str
) -> None:
    definition, figures, cell = STUDIES[name]
    (tmp_path / "objectives_here.py").write_text(OBJECTIVES)
    file = tmp_path / f"{name}.yaml"
    file.write_text(f"question: What of {name}?\n{definition}")
    (tmp_path / "closed").touch()
    search = "grid" if name == "difficulty" else name
    worker = begin("run", search, "--study", f"a-{name}", "--file", file, "--workers", 1)
    served = serve()
    study = until(lambda: served.studies().get(f"a-{name}"))
    page.goto(f"{served.base}/dashboard/studies/{study}/note")
    page.get_by_text(f"Asks: What of {name}?").wait_for()
    page.goto(f"{served.base}/dashboard/studies/{study}/trials")
    page.get_by_text("Running").filter(visible=True).first.wait_for()
    assert worker.poll() is None, "looked at while it runs"
    (tmp_path / "closed").unlink()
    output, _ = worker.communicate(timeout=120)
    assert worker.returncode == 0, output
    see(page, served, study, f"a-{name}", figures, cell)


def test_a_growth_is_seen_with_its_artifacts_and_series(
    program: Program, serve: Callable[..., Served], page: Any, tmp_path: Path
) -> None:
    ended = program(
        "run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=2, more="  repeats: 2\n")
    )
    assert ended.returncode == 0, ended.stderr
    served = serve()
    see(page, served, served.studies()["trace"], "trace", GROWN, "mlp_size → 64")


def test_intermediate_values_a_csv_and_a_file_of_a_trial_are_shown(
    program: Program, serve: Callable[..., Served], page: Any, tmp_path: Path
) -> None:
    (tmp_path / "objectives_here.py").write_text(OBJECTIVES)
    (tmp_path / "grid.yaml").write_text(STUDIES["grid"][0])
    assert program("run", "grid", "--study", "cells", "--file", tmp_path / "grid.yaml").returncode == 0
    served = serve()
    study = served.studies()["cells"]
    page.goto(f"{served.base}/dashboard/studies/{study}/trials?numbers=0")
    for text in ("trial-0.log", "trial-0-series.csv", "trace.json", "0.25"):
        page.get_by_text(text, exact=False).filter(visible=True).first.wait_for()
    links = page.eval_on_selector_all("a[href*='/artifacts/']", "all => all.map(each => each.getAttribute('href'))")
    read = [served.get(link[link.index("/artifacts/") :])[1].decode() for link in links]
    assert any("a cell of width 1" in text for text in read) and '{"traced": true}' in read
    assert any(text.startswith("step,score\n0,0.25\n") for text in read)
    page.goto(f"{served.base}/dashboard/studies/{study}")
    page.get_by_text("Intermediate values").filter(visible=True).first.wait_for()
    shoot(page, "cells-study")


def test_a_stopped_study_is_resumed_by_the_command_in_its_note(
    begin: Begin, program: Program, serve: Callable[..., Served], page: Any, tmp_path: Path
) -> None:
    served = serve()
    file = write_definition(tmp_path, steps=3, seconds=0.5)
    worker = begin("run", "grow", "--study", "trace", "--file", file, "--workers", 2)
    study = until(lambda: served.studies().get("trace"))
    assert program("stop", "--study", "trace").returncode == 0
    worker.communicate(timeout=60)
    assert worker.returncode == 0
    until(lambda: "told to stop" in json.loads(served.get(f"/api/studies/{study}")[1])["note"]["body"])
    page.goto(f"{served.base}/dashboard/studies/{study}/note")
    page.get_by_text("told to stop").filter(visible=True).first.wait_for()
    command = page.locator("code.language-sh").first.text_content().strip()
    words = shlex.split(command)
    assert words[:2] == ["python", "cli.py"]
    ended = program(*words[2:])
    assert ended.returncode == 0 and "3 steps are done" in ended.stderr, ended.stderr
    assert answer(program, "audit", "--study", "trace")["holds"]


# The server by itself


def test_it_is_for_this_host_alone(program: Program, serve: Callable[..., Served]) -> None:
    for host in ("0.0.0.0", "::", socket.gethostbyname(socket.gethostname())):
        if not host.startswith("127."):
            ended = program("dashboard", "--host", host)
            assert ended.returncode == 2 and "--yes-really" in ended.stderr and ended.stderr.count("\n") == 1
    served = serve()
    assert "ssh -L" in served.said
    assert served.get("/api/studies")[0] == 200
    assert served.get("/api/studies", Host=f"localhost:{served.port}")[0] == 200
    assert served.get("/api/studies", Host="evil.example")[0] == 403


def test_with_yes_really_others_are_let_in_and_that_is_said(serve: Callable[..., Served]) -> None:
    served = serve("--host", "0.0.0.0", "--yes-really")
    assert "it asks for no password" in served.said
    assert served.get("/api/studies", Host="box.example")[0] == 200


def test_a_taken_port_and_a_host_that_is_none_are_one_line(program: Program, serve: Callable[..., Served]) -> None:
    served = serve()
    for options in (["--port", served.port], ["--port", 70000], ["--host", "no.such.host.invalid"]):
        ended = program("dashboard", *options)
        assert ended.returncode == 2 and ended.stderr.startswith("studyhall: --") and ended.stderr.count("\n") == 1


@pytest.mark.parametrize("server", ["gunicorn", "wsgiref"])
def test_ctrl_c_ends_it_quietly(
    serve: Callable[..., Served], environment: dict[str, str], tmp_path: Path, server: str
) -> None:
    if server == "gunicorn":
        pytest.importorskip("gunicorn")
    else:
        (tmp_path / "gunicorn").mkdir()
        (tmp_path / "gunicorn" / "__init__.py").write_text("raise ImportError('not here')\n")
        environment["PYTHONPATH"] = str(tmp_path)
    served = serve()
    assert served.get("/api/studies")[0] == 200
    os.killpg(served.process.pid, signal.SIGINT)  # as a terminal does
    output, _ = served.process.communicate(timeout=30)
    assert served.process.returncode == 130 and output == ""


def test_a_database_that_goes_away_is_no_traceback(
    program: Program, serve: Callable[..., Served], server_url: str, url: str, tmp_path: Path
) -> None:
    (tmp_path / "objectives_here.py").write_text(OBJECTIVES)
    (tmp_path / "grid.yaml").write_text(STUDIES["grid"][0])
    assert (
        program("run", "grid", "--study", "cells", "--file", tmp_path / "grid.yaml", "--max-trials", 1).returncode == 0
    )
    served = serve()
    study = served.studies()["cells"]
    shown = json.loads(served.get(f"/api/studies/{study}")[1])
    log = next(each["artifact_id"] for each in shown["trials"][0]["artifacts"] if each["filename"].endswith(".log"))
    link = f"/artifacts/{study}/{shown['trials'][0]['trial_id']}/{log}"
    assert served.get(link)[0] == 200
    name = url.partition("?")[0].rpartition("/")[2]
    admin = Session(server_url)
    admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
    try:
        assert served.get("/api/studies")[0] >= 500 and served.get(link)[0] >= 500
    finally:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        admin.close()
    assert until(lambda: served.get("/api/studies")[0] == 200)
    served.process.send_signal(signal.SIGINT)
    output, _ = served.process.communicate(timeout=30)
    assert "Traceback" not in output and "File " not in output


def test_a_study_can_be_deleted_in_the_browser(program: Program, serve: Callable[..., Served], tmp_path: Path) -> None:
    assert program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1)).returncode == 0
    served = serve()
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    with closing(connection):
        headers = {"Content-Type": "application/json"}
        connection.request("DELETE", f"/api/studies/{served.studies()['trace']}", "{}", headers)
        assert connection.getresponse().status == 204
    assert served.studies() == {} and program("show", "--study", "trace").returncode == 2


def test_a_study_can_be_renamed_in_the_browser(program: Program, serve: Callable[..., Served], tmp_path: Path) -> None:
    assert program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1)).returncode == 0
    seal = answer(program, "audit", "--study", "trace")["seal"]
    served = serve()
    study = served.studies()["trace"]
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    with closing(connection):
        headers = {"Content-Type": "application/json"}
        connection.request("POST", f"/api/studies/{study}/rename", '{"study_name": "best"}', headers)
        assert connection.getresponse().status == 201
    assert served.studies() == {"best": study}
    assert "--study best" in json.loads(served.get(f"/api/studies/{study}")[1])["note"]["body"]
    assert program("audit", "--study", "best", "--seal", seal).returncode == 0


def test_a_large_answer_is_packed(program: Program, serve: Callable[..., Served], tmp_path: Path) -> None:
    ended = program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=2))
    assert ended.returncode == 0
    served = serve()
    path = f"/api/studies/{served.studies()['trace']}"
    plain, packed = served.get(path)[1], served.get(path, **{"Accept-Encoding": "gzip"})[1]
    assert len(packed) < len(plain) / 5 and packed[:2] == b"\x1f\x8b"
