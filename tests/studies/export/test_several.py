"""Several studies in one CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from storage.errors import UsageError
from storage.reader import Reader
from storage.session import Session
from studies.export.export import export, export_named
from studies.export.trials import joined
from tests.support import made_studies
from tests.support.program import Program, refused


def test_tables_stand_below_one_another_with_the_columns_of_all() -> None:
    columns = joined({"one": {"a": [1]}, "two": {"b": [2, 3]}})
    assert columns == {"study": ["one", "two", "two"], "a": [1, None, None], "b": [None, 2, 3]}


def test_a_grid_and_a_growth_go_into_one_file(url: str, program: Program, tmp_path: Path) -> None:
    made_studies.grid(url, "cells", [{"lr": 1}, {"lr": "1"}], lambda config: {"loss": 0.5, "params": 7.0})
    block = {"increments": {"n": 1}, "steps": 1}
    made_studies.growth(url, "path", block, {"n": 1}, lambda config: {"score": config["n"], "params": 3.0})
    session = Session(url)
    text = export_named(session, ["path", "cells"], "csv")
    assert isinstance(text, str)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["study"] for row in rows] == ["path"] * 2 + ["cells"] * 2
    assert [row["config.lr"] for row in rows] == ["", "", "1", '"1"']
    assert [row["role"] for row in rows] == ["baseline", "candidate", "", ""] and rows[2]["loss"] == "0.5"
    alone = list(csv.DictReader(io.StringIO(str(export_named(session, ["cells"], "csv")))))
    assert alone == [{name: row[name] for name in alone[0]} for row in rows[2:]]
    assert export_named(session, ["cells", "cells"], "csv") == export(session, Reader(session).study("cells"), "csv")
    with pytest.raises(UsageError, match="--as: 'json' is of one study; several go into one csv"):
        export_named(session, ["path", "cells"], "json")
    session.close()
    told = program("export", "path", "cells", "--as", "csv", "--out", tmp_path / "both.csv")
    assert told.returncode == 0 and (tmp_path / "both.csv").read_text() == text, told.stderr
    refused(program("export", "--as", "csv"), "which study?")
    refused(program("export", "path", "cels", "--as", "csv"), "no study 'cels'", "'cells'")
