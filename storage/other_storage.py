"""A study in any of Optuna's databases, as its finished trials: read through Optuna, and never written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from storage.errors import StorageError, UsageError, nearest, one_line
from storage.records import Json
from storage.session import connect
from storage.url import without_secrets

SQLITE = "sqlite:///"


@dataclass(frozen=True)
class OtherResult:
    """One trial of another study."""

    number: int
    state: str
    values: Sequence[float]
    """Of each score; empty of a trial that has none."""
    params: Json
    user_attributes: Json


@dataclass(frozen=True)
class OtherStudy:
    """Another study."""

    name: str
    directions: Sequence[str]
    """`minimize` or `maximize`."""
    metric_names: Sequence[str]
    """Of each score, in the order of the directions; empty of a study that names none."""
    trials: Sequence[OtherResult]


def read_other_study(url: str, name: str) -> OtherStudy:
    """Read a study from a database of Optuna's, of any kind that SQLAlchemy knows.

    Raises:
        UsageError: There is no such study; the message names the nearest.
        UnreachableError: Its server cannot be reached.
        StorageError: The database cannot be read.
    """
    import optuna
    from optuna.storages import RDBStorage
    from sqlalchemy.pool import NullPool

    from storage.optuna_storage import reading_storage

    if url.startswith("postgres"):
        connect(url).close()  # whose errors say more than Optuna's
    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE).partition("?")[0]).is_file():
        raise UsageError("there is no such file", url)  # SQLite would make it
    try:
        template = url.replace("{", "{{").replace("}", "}}")  # RDBStorage formats a URL as a template
        storage = (
            reading_storage(url)
            if url.startswith("postgres")
            else RDBStorage(template, {"poolclass": NullPool}, skip_table_creation=True)
        )
        names = optuna.get_all_study_names(storage)
        if name not in names:
            raise UsageError(f"has no study {name!r}{nearest(name, names)}", "import")
        study = optuna.load_study(study_name=name, storage=storage)
        metric_names = study.metric_names or []
        trials = study.get_trials(deepcopy=False)
    except UsageError:
        raise
    except Exception as error:  # SQLAlchemy's, the driver's, or Optuna's of another version of its tables
        raise StorageError(f"cannot be read: {without_secrets(one_line(error), url)}", "import") from None
    found = [
        OtherResult(
            trial.number,
            trial.state.name.lower(),
            trial.values or [],
            dict(trial.params),
            dict(trial.user_attrs),
        )
        for trial in trials
    ]
    return OtherStudy(name, [each.name.lower() for each in study.directions], metric_names, found)
