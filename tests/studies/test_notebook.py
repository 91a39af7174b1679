"""A study in a notebook: its frames agree with `export` and `show`, and opening one imports nothing heavy."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys

import pytest

from storage.errors import UsageError
from storage.home import CHECKOUT
from storage.reader import Reader
from storage.session import Session
from studies import open_study
from studies.export.export import export
from tests.support import made_studies
from tests.support.laws import NAMES, WIDTHS, broken, law, long_series, nothing


@pytest.fixture
def study(session: Session) -> Session:
    made_studies.grid(session.url, "lobo", WIDTHS, law, seeds=2, series=long_series, fixed={"kind": "a"})
    return session


def test_the_frame_has_a_row_a_trial_and_says_what_the_export_says(study: Session) -> None:
    frame = open_study("lobo", study.url).frame()
    assert len(frame) == 20 and frame.index.name == "trial" and (frame.state == "COMPLETE").all()
    told = list(csv.DictReader(io.StringIO(str(export(study, Reader(study).study("lobo"), "csv")))))
    assert frame["metrics.loss"].tolist() == [float(row["loss"]) for row in told]
    assert frame["config.width"].tolist() == [int(row["config.width"]) for row in told]
    assert frame.score.equals(frame["metrics.loss"].rename("score"))
    assert frame.cost.equals(frame["metrics.params"].rename("cost"))
    assert frame.seed.tolist() == [1, 2] * 10 and (frame.seconds >= 0).all()
    means = frame.groupby("config.width").score.mean()
    assert means[8192] < means[16], "it can be worked with"


def test_the_series_have_a_row_a_report(study: Session) -> None:
    series = open_study("lobo", study.url).series()
    assert len(series) == 20 * 80 and list(series.columns[:4]) == ["trial", "attempt", "step", "reported_at"]
    assert series["metrics.loss"].tolist()[:3] == [2.0, 1.0, pytest.approx(2 / 3)]
    assert series.groupby("trial").step.max().eq(79).all()


def test_the_figures_are_those_of_the_report(study: Session) -> None:
    figures = open_study("lobo", study.url).figures()
    assert {"law-loss-params", "front-params", "series-step"} <= set(figures)
    assert json.loads(figures["law-loss-params"].to_json())["data"]


def test_a_notebook_shows_a_study_by_its_name(study: Session) -> None:
    made_studies.grid(study.url, NAMES[1], WIDTHS[:1], law)
    shown = open_study(NAMES[1], study.url)._repr_html_()
    assert "<b>&" not in shown and "&lt;/script&gt;" in shown and "1 complete" in shown


@pytest.mark.parametrize("objective", [broken, nothing])
@pytest.mark.parametrize("settings", [[], WIDTHS[:1]])
def test_a_study_without_numbers_has_frames_too(session: Session, settings: object, objective: object) -> None:
    made_studies.grid(session.url, "odd", settings, objective)  # type: ignore[arg-type]
    opened = open_study("odd", session.url)
    frame = opened.frame()
    assert len(frame) == len(settings) and {"state", "score", "cost", "reason"} <= set(frame.columns)  # type: ignore[arg-type]
    assert all(not math.isfinite(value) for value in frame.score)
    assert len(opened.series()) == 0 and isinstance(opened.figures(), dict)
    assert "odd" in opened._repr_html_()


def test_a_name_that_no_study_has_is_told_with_the_nearest(study: Session) -> None:
    with pytest.raises(UsageError, match="did you mean 'lobo'"):
        open_study("loba", study.url)


def test_what_is_read_is_read_anew(study: Session) -> None:
    opened = open_study("lobo", study.url)
    before = len(opened.frame())
    made_studies.grid(study.url, "lobo", [{"width": 3}], law, fixed={"kind": "a"})
    assert len(opened.frame()) == before + 1


def test_importing_studies_is_light() -> None:
    script = "import sys, studies; print(*(name for name in sys.modules))"
    told = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in told.stdout.split()}
    assert not loaded & {
        "pandas",
        "numpy",
        "plotly",
        "scipy",
        "matplotlib",
        "optuna",
        "torch",
        "psycopg2",
        "sqlalchemy",
    }
