"""Two studies, and the folder of their report."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.session import Session
from studies.report.report import run_report
from tests.support import made_studies
from tests.support.laws import WIDTHS, law, long_series


def written(session: Session, folder: Path, *names: str) -> Path:
    run_report(session, names, folder, to_dashboard=False)
    return folder


@pytest.fixture
def two(session: Session) -> Session:
    """Two grids whose loss differs by 0.25."""
    made_studies.grid(session.url, "one", WIDTHS, law, seeds=2, series=long_series, fixed={"kind": "a"})
    worse = {"kind": "b"}
    made_studies.grid(
        session.url,
        "two",
        WIDTHS[2:],
        lambda config: {**law(config), "loss": law(config)["loss"] + 0.25},
        2,
        fixed=worse,
    )
    return session
