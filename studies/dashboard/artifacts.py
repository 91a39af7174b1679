"""A trial's artifacts: its log, its series as CSV, the files that it left. Nothing is copied: an id names the artifact,
which is found when a browser asks for it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import socket
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from optuna.artifacts import FileSystemArtifactStore
from optuna.artifacts.exceptions import ArtifactNotFound

from storage.home import TrialFolder, trial_folder
from storage.reader import Reader
from storage.records import ReportRow, Trace
from storage.session import Session
from studies.tables.delimited import csv_text

ATTRIBUTE_PREFIX = "artifacts:"
"""Optuna's prefix of an artifact's entry among a trial's system attributes."""
OURS = re.compile(r"([0-9a-f]{1,8})-(a|b|c([0-9a-f]{24}))$")
"""Trial id and kind: `a` log, `b` series, `c…` a file by the digest of its path: hexadecimal alone."""
MAX_UPLOADED_FILES = 30
"""Of a trial that are listed."""
TEXT = "text/plain; charset=utf-8"
SHOWN = {f".{kind}": f"image/{kind}" for kind in ("gif", "jpeg", "png", "webp")}
SHOWN |= {
    ".jpg": "image/jpeg",
    ".mp4": "video/mp4",
    ".wav": "audio/wav",
    ".csv": "text/csv",
    ".txt": TEXT,
    ".log": TEXT,
}
SHOWN |= {".json": "application/json", ".jsonl": "application/jsonl"}
"""Types that a browser shows. It saves all others: a page could act as if it were the dashboard's own."""


def entries(trace: Trace, home: Path) -> dict[str, str]:
    """The artifacts of a started trial, as Optuna keeps them: a system attribute each."""
    name = f"{trace.trial_id:x}"
    made = [(f"{name}-a", f"trial-{trace.number}.log", TEXT)]
    if trace.reported:
        made.append((f"{name}-b", f"trial-{trace.number}-series.csv", SHOWN[".csv"]))
    folder = _folder(trace, home)
    for file in left_files(folder):
        shown = folder.shown(file)
        made.append((f"{name}-c{_digest(shown)}", shown, SHOWN.get(file.suffix.lower(), "application/octet-stream")))
    return {
        f"{ATTRIBUTE_PREFIX}{key}": json.dumps(
            {"artifact_id": key, "filename": file, "mimetype": kind, "encoding": None}
        )
        for key, file, kind in made
    }


def left_files(folder: TrialFolder) -> list[Path]:
    """The files that a trial left in its `run_dir` on this host, without links and what they lead to."""
    if not folder.files.is_dir():
        return []
    inside = folder.files.resolve()
    found = (each for each in folder.files.rglob("*") if not each.is_symlink() and each.is_file())
    return sorted(each for each in found if each.resolve().is_relative_to(inside))[:MAX_UPLOADED_FILES]


@dataclass
class TrialArtifacts:
    """Optuna's `ArtifactStore` over the trials' files; uploads from the browser lie in a folder of their own."""

    url: str
    home: Path

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """A log, a series, a file, or an upload.

        Raises:
            ArtifactNotFound: No artifact has that id.
            StorageError: The database cannot be read.
        """
        ours = OURS.match(artifact_id)
        if ours is None:
            return self._uploads().open_reader(artifact_id)
        with closing(Session(self.url)) as session:
            trace = Reader(session).trace(int(ours[1], 16) % 2**31)
            if trace is None:
                raise ArtifactNotFound(artifact_id)
            if ours[2] == "a":
                return _log(trace, self.home)
            if ours[2] == "b":
                return io.BytesIO(series_csv(Reader(session).reports_of(trace.trial_id)).encode())
        folder = _folder(trace, self.home)
        for file in left_files(folder):
            if _digest(folder.shown(file)) == ours[3]:
                return file.open("rb")
        raise ArtifactNotFound(artifact_id)

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Keep an upload."""
        self._uploads().write(artifact_id, content_body)

    def remove(self, artifact_id: str) -> None:
        """Remove an upload. A trial's own files are removed with its study, by `delete`."""
        if OURS.match(artifact_id) is None:
            self._uploads().remove(artifact_id)

    def _uploads(self) -> FileSystemArtifactStore:
        folder = self.home / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        return FileSystemArtifactStore(folder)


def series_csv(reports: Sequence[ReportRow]) -> str:
    """A trial's reports: a line a step, a column a metric."""
    names = list(dict.fromkeys(name for row in reports for name in row.metrics))
    return csv_text([["step", *names], *([row.step, *map(row.metrics.get, names)] for row in reports)])


def _log(trace: Trace, home: Path) -> BinaryIO:
    log = _folder(trace, home).log(trace.attempt)
    if log.is_file() and not log.is_symlink():
        return log.open("rb")
    where = f"on host {trace.host}" if trace.host not in (None, socket.gethostname()) else "in another home folder"
    tail = f"The last lines, from the database:\n\n{trace.tail}\n" if trace.tail else ""
    text = f"The log of trial {trace.number}, attempt {trace.attempt}, is not here: it lies {where}.\n{tail}"
    return io.BytesIO(text.encode())


def _folder(trace: Trace, home: Path) -> TrialFolder:
    return trial_folder(home, trace.folder, trace.created_at, trace.number)


def _digest(path: str) -> str:
    return hashlib.sha256(path.encode(errors="surrogateescape")).hexdigest()[:24]
