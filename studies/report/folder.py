"""A report as a folder: a page, figures, fits. It is written aside, then renamed; it replaces only a report."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from storage.errors import UsageError
from studies.report.chapters import Report

PAGE, FITS, FIGURES = "index.html", "fits.json", "figures"
OWN_FIGURE = re.compile(r"[a-z0-9-]+\.(png|svg)")


def check_folder(folder: Path) -> None:
    """Whether a report may be written to a folder.

    Raises:
        UsageError: The folder holds anything else than a report.
    """
    if folder.is_symlink() and not folder.exists():
        raise UsageError(f"--out: {folder} is a link to nothing")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"--out: {folder} is not a folder")
    try:
        foreign = _foreign(folder)
    except OSError as error:
        raise UsageError(f"--out: {folder}: {error.strerror}") from error
    if foreign is not None:
        raise UsageError(f"--out: {folder} holds {foreign}, which is no part of a report; give another folder")


def write_report(report: Report, folder: Path) -> None:
    """Write the whole report or nothing; replace an older one.

    Raises:
        UsageError: The folder holds something else, or cannot be written.
    """
    from studies.drawing.drawn_by_matplotlib import draw

    check_folder(folder)
    target = folder.resolve()
    aside, old = (target.with_name(f".{target.name}.{os.getpid()}{end}") for end in ("", ".old"))
    try:
        (aside / FIGURES).mkdir(parents=True)
        for picture in report.pictures:
            draw(picture, aside / FIGURES / picture.key)
        (aside / FITS).write_text(report.fits_json(), encoding="utf-8")
        (aside / PAGE).write_text(report.page(), encoding="utf-8")
        _replace(aside, target, old)
    except OSError as error:
        raise UsageError(f"--out: {folder}: {error.strerror}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _replace(aside: Path, target: Path, old: Path) -> None:
    """Replace a folder by another; if that fails, it stays."""
    check_folder(target)  # another process may have written there meanwhile
    if target.exists() and any(target.iterdir()):
        target.rename(old)
        try:
            aside.rename(target)
        except OSError:
            old.rename(target)
            raise
    else:
        aside.rename(target)


def _foreign(folder: Path) -> str | None:
    """The name of a file that is not part of a report; None if there is none."""
    names = sorted(file.name for file in folder.iterdir())
    if not names:
        return None
    own = (PAGE, FITS, FIGURES)
    foreign = next((repr(name) for name in names if name not in own), None)
    missing = next((f"{names[0]!r} without {name!r}" for name in own if name not in names), None)
    if foreign or missing:
        return foreign or missing
    figures = sorted(file.name for file in (folder / FIGURES).iterdir())
    return next((repr(f"{FIGURES}/{name}") for name in figures if not OWN_FIGURE.fullmatch(name)), None)
