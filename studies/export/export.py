"""`export`: a study's results in the formats of other programs."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from storage.errors import UsageError, nearest
from storage.files import replacing
from storage.reader import Reader
from storage.records import DecisionRow, StudyRow, TrialRow
from storage.session import Session
from studies.export.ablation import ablation_csv
from studies.export.depth_json import depth_json
from studies.export.folders import Folder, sweep_folder, tasks_folder
from studies.export.results_yaml import results_yaml
from studies.export.trials import Columns, columns_csv, grid_cells, in_force, joined, parquet, trial_cells
from studies.results.show import Shown
from studies.settings.grid_points import GridPoints, apart
from studies.settings.tuned import tuned
from studies.trial.logs import output_of
from studies.trial.story import trial_json

FORMATS = {
    "grow": ("csv", "json", "results-yaml"),
    "grid": ("csv", "json", "ablation-csv", "sweep-dir", "tasks", "parquet"),
    "depth": ("csv", "json", "depth-json"),
    "fit": ("csv", "json"),
    "tune": ("csv", "json", "parquet"),
}
"""By search."""
SETTINGS = ("grid", "tune")
"""Searches whose trials are of settings: a column for each axis."""


def export(session: Session, study: StudyRow, form: str) -> str | bytes | Folder:
    """A study in one of its search's `FORMATS`: the text, bytes or folder to write.

    Raises:
        UsageError: There is no such format of its search.
    """
    formats = FORMATS[study.search]
    if form not in formats:
        raise UsageError(f"--as: no format {form!r} of a {study.search} study{nearest(form, formats)}")
    reader, has_settings = Reader(session), study.search in SETTINGS
    rows, decisions = reader.trials(study.study_id), reader.decisions(study.study_id)
    points = _points(study, rows, decisions)
    earlier = {row.trial_id for row in points.earlier}
    match form:
        case "csv":
            return columns_csv(_cells(study, rows, earlier))
        case "parquet":
            return parquet(rows, earlier)
        case "ablation-csv":
            return ablation_csv(points.in_force, reader.reports_of)
        case "sweep-dir":
            output = partial(output_of, session, study)
            return sweep_folder(points.in_force, study.score, study.direction, datetime.now(), output)
        case "tasks":
            return tasks_folder(points.in_force)
        case "json":
            marks = [{"in_force": in_force(row, earlier)} if has_settings else {} for row in rows]
            trials = [{**trial_json(row), **mark} for row, mark in zip(rows, marks, strict=True)]
            document = {**Shown(study, rows, decisions).to_json(), "trials": trials}
            return json.dumps(document, indent=1, default=str) + "\n"
        case "depth-json":
            return json.dumps(depth_json(decisions), indent=2) + "\n"
        case _:
            return results_yaml(study, decisions)


def export_named(session: Session, names: Sequence[str], form: str) -> str | bytes | Folder:
    """The study of that name in a format; several studies in one csv, each below the one before it.

    Raises:
        UsageError: No study is named, one is not there, or the format does not suit them.
    """
    names, reader = list(dict.fromkeys(names)), Reader(session)
    if not names:
        raise UsageError("export: which study? `export lobo --as csv`")
    if len(names) == 1:
        return export(session, reader.study(names[0]), form)
    if form != "csv":
        raise UsageError(f"--as: {form!r} is of one study; several go into one csv")
    tables = {}
    for study in map(reader.study, names):
        rows = reader.trials(study.study_id)
        earlier = _points(study, rows, reader.decisions(study.study_id)).earlier if study.search in SETTINGS else ()
        tables[study.name] = _cells(study, rows, {row.trial_id for row in earlier})
    return columns_csv(joined(tables))


def _cells(study: StudyRow, rows: Sequence[TrialRow], earlier: Collection[int]) -> Columns:
    return grid_cells(rows, earlier) if study.search in SETTINGS else trial_cells(rows)


def _points(study: StudyRow, rows: Sequence[TrialRow], decisions: Sequence[DecisionRow]) -> GridPoints:
    """A study's trials, split by whether its search still wants them."""
    match study.search:
        case "grid":
            return apart(rows, decisions)
        case "tune":
            others = {row.trial_id for row in tuned(rows, decisions, study).others}
            in_force = [row for row in rows if row.trial_id not in others]
            return GridPoints(in_force, [row for row in rows if row.trial_id in others])
        case _:
            return GridPoints(rows, ())


def write_aside(file: Path, made: str | bytes | Folder) -> None:
    """Write a file whole or not at all, through a link to its target; a folder goes into the folder `file`. A device
    or a pipe is written to, not replaced.

    Raises:
        UsageError: It cannot be written.
    """
    if isinstance(made, Folder):
        made.write(file)
        return
    whole = made.encode() if isinstance(made, str) else made
    target = file.resolve()
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(whole)
        else:
            with replacing(target) as aside:
                aside.write_bytes(whole)
    except OSError as error:
        raise UsageError(f"--out: {file}: {error.strerror}") from error
