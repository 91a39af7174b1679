"""Folders: the checkout, the definitions that ship, this user's home, and a folder for each trial."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import socket
import stat
import tempfile
from collections.abc import Container, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import platformdirs

from storage.errors import StorageError, UsageError
from storage.files import make_private, replacing

CHECKOUT = Path(__file__).resolve().parent.parent
"""The folder that holds `cli.py`; of an installed copy, its site-packages."""

DEFINITIONS = CHECKOUT / "studies"
"""The definitions that ship."""

OBJECTIVES = CHECKOUT / "objectives"
YAML_SUFFIXES = (".yaml", ".yml")


def home() -> Path:
    """`STUDYHALL_HOME`, or the user's data folder; a temporary one for a user who has none that can be written.

    Raises:
        UsageError: There is none at all.
    """
    named = os.environ.get("STUDYHALL_HOME")
    if named:
        path = _expanded(named)
        if path.startswith("~"):
            raise UsageError(f"{named!r}: there is no such home folder; give a whole path", "STUDYHALL_HOME")
        return Path(path)
    return _temporary_home() if no_home() else Path(platformdirs.user_data_dir("studyhall"))


def no_home() -> str | None:
    """What keeps this user from a folder that lasts, as the end of a line; None: nothing."""
    if os.environ.get("STUDYHALL_HOME"):
        return None
    if _expanded("~").startswith("~"):
        return f"user id {os.getuid()} has neither a HOME nor an account"
    data = Path(platformdirs.user_data_dir("studyhall"))
    above = next(each for each in (data, *data.parents) if os.access(each, os.F_OK))
    return None if os.access(above, os.W_OK | os.X_OK) else f"{above} cannot be written"


def _expanded(path: str) -> str:
    """With the home folder for `~`; as it is where there is none."""
    try:
        return str(Path(path).expanduser())
    except RuntimeError:
        return path


def _temporary_home() -> Path:
    """A folder that is this user's alone."""
    try:
        folder = Path(tempfile.gettempdir()) / f"studyhall-{os.getuid()}"
        make_private(folder)
        found = folder.lstat()
    except OSError as error:
        raise UsageError(
            f"{no_home()}, and there is no temporary folder: {error.strerror}", "STUDYHALL_HOME"
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UsageError(f"{no_home()}, and {folder} is not this user's alone", "STUDYHALL_HOME")
    return folder


def user_name() -> str:
    """The name of this user's account; the user id where there is none, as in a container."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def definition_file(name: str) -> Path | None:
    """`NAME.yaml` and `studies/NAME.yaml` of the current folder, then of the checkout; None: there is no such file."""
    files = (folder / f"{name}.yaml" for folder in _definition_folders())
    return next((file for file in files if file.is_file()), None)


def named_file(name: str, file: Path | None) -> tuple[str, Path | None]:
    """The study's name and its file: `run mine.yaml` is `run mine --file mine.yaml`, where there is such a file."""
    given = Path(name)
    if file is None and name.endswith(YAML_SUFFIXES) and given.is_file():
        return given.stem, given
    return name, file


def definition_files() -> dict[str, Path]:
    """Every definition that is found by its name, in the order of names."""
    found: dict[str, Path] = {}
    for folder in _definition_folders():
        for file in folder.glob("*.yaml"):
            found.setdefault(file.stem, file)
    return dict(sorted(found.items()))


def _definition_folders() -> tuple[Path, ...]:
    here = Path.cwd()
    return here, here / "studies", DEFINITIONS


def python_path(environment: Mapping[str, str], *more: str) -> str:
    """PYTHONPATH for a started process: this checkout, the environment's own folders, then `more`."""
    return os.pathsep.join(filter(None, (str(CHECKOUT), environment.get("PYTHONPATH"), *more)))


@dataclass(frozen=True)
class TrialFolder:
    """One trial's files."""

    path: Path

    def make(self, attempt: int) -> None:
        """Make the folders of an attempt.

        Raises:
            StorageError: A folder cannot be made.
        """
        try:
            make_private(self.checkpoint)
            make_private(self.run(attempt))
        except OSError as error:
            raise StorageError(f"cannot keep a trial's files: {error.strerror}", str(self.path)) from error

    def clear(self) -> None:
        """Remove what nobody needs once the trial is over: its checkpoint, its locks, empty logs and empty folders.
        Leaves all of it while a process of the trial lives."""
        with ExitStack() as held:
            locks = [*self.path.glob("lock-*")]
            try:
                for each in locks:
                    fcntl.flock(held.enter_context(each.open("rb")), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # held, or gone
                return
            shutil.rmtree(self.checkpoint, ignore_errors=True)
            empty = [each for each in self.path.glob("attempt-*.log") if each.stat().st_size == 0]
            for each in (*locks, *empty):
                each.unlink(missing_ok=True)
        for each in (*self.files.glob("attempt-*"), self.files, self.path):
            with suppress(OSError):  # not empty, or gone
                each.rmdir()

    def log(self, attempt: int) -> Path:
        return self.path / f"attempt-{attempt}.log"

    @property
    def lock(self) -> Path:
        return self.path / f"lock-{socket.gethostname()}"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint"

    @property
    def files(self) -> Path:
        """What its attempts left: a folder each, side by side."""
        return self.path / "files"

    def run(self, attempt: int) -> Path:
        """The `run_dir` of an attempt: fresh, so that no attempt meets what another one left."""
        return self.files / f"attempt-{attempt}"

    def shown(self, file: Path) -> str:
        """The name of a left file; without the folder of the last attempt that left any."""
        name = file.relative_to(self.files).as_posix()
        attempts = [each.name.removeprefix("attempt-") for each in self.files.glob("attempt-*")]
        last = max((int(each) for each in attempts if each.isdecimal()), default=0)
        return name.removeprefix(f"attempt-{last}/")


def study_folder(home: Path, folder: str, created_at: datetime) -> Path:
    """The folder of a study's trials. The time keeps apart studies of one name in two storages, or made again."""
    return home / "runs" / f"{folder}-{created_at:%Y%m%d-%H%M%S-%f}"


def link_trials(old: Path, new: Path, over: Container[int]) -> None:
    """Give a copied study what its trials left on this host, as links: all logs, and the files of those that are over.

    Raises:
        OSError: A folder or a link cannot be made; then there is no new folder.
    """
    with replacing(new) as aside:
        make_private(aside)
        for each in old.glob("trial-*"):
            trial, copy = TrialFolder(each), TrialFolder(aside / each.name)
            for log in each.glob("attempt-*.log"):
                make_private(copy.path)
                os.link(log, copy.path / log.name)
            if trial.files.is_dir() and int(each.name.removeprefix("trial-")) in over:
                make_private(copy.path)
                shutil.copytree(trial.files, copy.files, symlinks=True, copy_function=os.link)


def trial_folder(home: Path, folder: str, created_at: datetime, number: int) -> TrialFolder:
    """The folder of trial `number` on this host; `folder` is its study's."""
    return TrialFolder(study_folder(home, folder, created_at) / f"trial-{number}")
