"""`export`: a study's results in the formats that its users have programs for."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from storage.errors import UsageError, nearest
from storage.files import replacing
from storage.reader import Reader
from storage.records import StudyRow, TrialRow
from storage.session import Session
from studies.export.ablation import ablation_csv
from studies.export.depth_json import depth_json
from studies.export.folders import Folder, sweep_folder, tasks_folder
from studies.export.results_yaml import results_yaml
from studies.export.trials import parquet
from studies.export.trials import trials_csv as grid_csv
from studies.history.grid_points import apart
from studies.results.show import show
from studies.results.trial import trial_json

FORMATS = {
    "grow": ("csv", "json", "results-yaml"),
    "grid": ("csv", "json", "ablation-csv", "sweep-dir", "tasks", "parquet"),
    "depth": ("csv", "json", "depth-json"),
    "fit": ("csv", "json"),
}
"""By search."""
TRIAL_COLUMNS = ("trial", "state", "round", "role", "param", "value", "seed", "attempts", "seconds", "reason")


def export(session: Session, study: StudyRow, form: str) -> str | bytes | Folder:
    """A study in one of its search's `FORMATS`: what a file or a folder holds.

    Raises:
        UsageError: There is no such format of its search.
    """
    formats = FORMATS[study.search]
    if form not in formats:
        raise UsageError(f"--as: no format {form!r} of a {study.search} study{nearest(form, formats)}")
    match form:
        case "csv" if study.search == "grid":
            return grid_csv(*_grid_rows(session, study))
        case "ablation-csv":
            rows, earlier = _grid_rows(session, study)
            return ablation_csv(_without(rows, earlier), Reader(session).reports_of)
        case "parquet":
            return parquet(*_grid_rows(session, study))
        case "sweep-dir":
            score = study.origin["score"]
            rows = _without(*_grid_rows(session, study))
            return sweep_folder(rows, score["metric"], score["direction"], datetime.now())
        case "tasks":
            return tasks_folder(_without(*_grid_rows(session, study)))
        case "csv":
            return trials_csv(Reader(session).trials(study.study_id))
        case "json" if study.search == "grid":
            rows, earlier = _grid_rows(session, study)
            trials = [{**trial_json(row), "in_force": row.trial_id not in earlier} for row in rows]
            return json.dumps({**show(session, study).to_json(), "trials": trials}, indent=1, default=str) + "\n"
        case "json":
            document = show(session, study).to_json()
            document["trials"] = [trial_json(row) for row in Reader(session).trials(study.study_id)]
            return json.dumps(document, indent=1, default=str) + "\n"
        case "depth-json":
            return json.dumps(depth_json(Reader(session).decisions(study.study_id)), indent=2) + "\n"
        case _:
            return results_yaml(study.origin["config"], Reader(session).decisions(study.study_id), study.outcome)


def _grid_rows(session: Session, study: StudyRow) -> tuple[Sequence[TrialRow], Collection[int]]:
    """Every trial of a grid, and the ids of those that are not of the grid in force."""
    rows = Reader(session).trials(study.study_id)
    return rows, {row.trial_id for row in apart(rows, Reader(session).decisions(study.study_id)).earlier}


def _without(rows: Sequence[TrialRow], earlier: Collection[int]) -> list[TrialRow]:
    return [row for row in rows if row.trial_id not in earlier]


def write_aside(file: Path, made: str | bytes | Folder) -> None:
    """Write a file whole or not at all, where a link points to; a folder goes into the folder `file`. A device or a
    pipe is written to, not replaced.

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


def trials_csv(rows: Sequence[TrialRow]) -> str:
    """One row a trial: what it was for, its whole configuration, how it ended, its metrics."""
    config = list(dict.fromkeys(name for row in rows for name in row.config))
    metrics = list(dict.fromkeys(name for row in rows for name in row.metrics or ()))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*TRIAL_COLUMNS, *(f"config.{name}" for name in config), *metrics])
    for row in rows:
        told = row.metrics
        writer.writerow(
            [
                row.number,
                row.state,
                row.round,
                row.role.get("role"),
                row.role.get("param"),
                _cell(row.role.get("value")),
            ]
            + [row.seed, row.attempt, row.seconds, row.reason]
            + [_cell(row.config.get(name)) for name in config]
            + [told.get(name) for name in metrics]
        )
    return text.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value
