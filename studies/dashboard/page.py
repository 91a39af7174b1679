"""The dashboard as a WSGI application: optuna-dashboard's own, with what it lacks on a host of several people."""

from __future__ import annotations

import gzip
import json
import logging
import re
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from optuna.artifacts.exceptions import ArtifactNotFound

from storage.errors import StudyhallError, UsageError
from storage.reader import Reader
from storage.session import Session
from storage.url import without_secrets
from studies.dashboard.artifacts import TrialArtifacts
from studies.dashboard.renaming import rename
from studies.dashboard.storage import BrowsedStorage

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]
GZIP_MIN_BYTES = 2000
"""A smaller answer is sent as it is."""
RENAME = re.compile(r"/api/studies/(\d{1,9})/rename")
MAX_BODY_BYTES = 10_000
"""Of a request to rename."""
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def application(url: str, home: Path, names: tuple[str, ...] | None, shown: str | None) -> Application:
    """The dashboard on one storage.

    Args:
        url: Of the storage.
        home: The folder of this host's logs and trial files.
        names: The host names that a browser may use; None: any. Otherwise a foreign page whose name resolves to
            loopback could act for its reader.
        shown: The URL without a password, as notes show it; None: the embedded server.

    Raises:
        StorageError: The storage cannot be used.
    """
    from optuna_dashboard._app import create_app

    for name in ("optuna_dashboard._bottle_util", "optuna_dashboard._app"):
        logging.getLogger(name).addFilter(_FirstLine(url))
    storage = BrowsedStorage(url, home)
    made = create_app(storage, artifact_store=TrialArtifacts(url, home))
    made.catchall = False  # errors are answered here, without a traceback
    return _Guarded(_Renaming(made, storage, url, shown), url, names)


class _Renaming:
    """Renames a planned study in place. optuna-dashboard copies its trials into a new one, and deletes it."""

    def __init__(self, inner: Application, storage: BrowsedStorage, url: str, shown: str | None) -> None:
        self.inner, self.storage, self.url, self.shown = inner, storage, url, shown

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        asked = RENAME.fullmatch(str(environ.get("PATH_INFO", "")))
        if asked is None or environ.get("REQUEST_METHOD") != "POST":
            return self.inner(environ, start)
        with closing(Session(self.url)) as session:
            study = Reader(session).study_of_id(int(asked[1]))
            if study is None:  # another Optuna program's
                return self.inner(environ, start)
            name = _new_name(environ)
            if name is None:
                return _refusal(start, "400 Bad Request", "a new name is needed: study_name")
            try:
                rename(session, study, name, self.shown)
            except UsageError as error:
                return _refusal(start, "400 Bad Request", str(error))
        return self._renamed(study.study_id, start)

    def _renamed(self, study_id: int, start: Start) -> Iterable[bytes]:
        """The study as the page lists it."""
        from optuna_dashboard._serializer import serialize_frozen_study
        from optuna_dashboard._storage import get_study

        start("201 Created", [("Content-Type", "application/json")])
        return [json.dumps(serialize_frozen_study(get_study(self.storage, study_id))).encode()]


def _new_name(environ: Environ) -> str | None:
    """The name that the page sends as JSON. What a foreign page can send without asking first is not JSON to us."""
    if not str(environ.get("CONTENT_TYPE", "")).startswith("application/json"):
        return None
    try:
        size = min(int(environ.get("CONTENT_LENGTH") or 0), MAX_BODY_BYTES)
        name = json.loads(environ["wsgi.input"].read(size))["study_name"]
    except (ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


class _Guarded:
    """Refuses other host names, answers an error with one line, and compresses large answers."""

    def __init__(self, inner: Application, url: str, names: tuple[str, ...] | None) -> None:
        self.inner, self.url, self.names = inner, url, names

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        host = str(environ.get("HTTP_HOST", ""))
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if self.names is not None and name not in self.names:
            return _refusal(start, "403 Forbidden", "this dashboard answers to localhost alone")
        answered: list[Any] = []
        try:
            body = self.inner(environ, lambda *given: answered.extend(given))
        except ArtifactNotFound:
            return _refusal(start, "404 Not Found", "there is no such artifact here")
        except UsageError as error:
            return _refusal(start, "409 Conflict", str(error))
        except StudyhallError as error:
            return _refusal(start, "503 Service Unavailable", str(error))
        except Exception as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            return _refusal(start, "500 Internal Server Error", without_secrets(first, self.url))
        # optuna-dashboard lets any origin read artifacts; drop that header.
        headers = [(name, value) for name, value in answered[1] if name != "Access-Control-Allow-Origin"]
        kind = dict(headers).get("Content-Type", "")
        if kind.startswith("application/json") and "gzip" in environ.get("HTTP_ACCEPT_ENCODING", ""):
            whole = b"".join(body)
            if len(whole) >= GZIP_MIN_BYTES:
                packed = gzip.compress(whole, compresslevel=1)
                headers = [each for each in headers if each[0] != "Content-Length"]
                start(answered[0], [*headers, ("Content-Encoding", "gzip"), ("Content-Length", str(len(packed)))])
                return [packed]
            body = [whole]
        start(answered[0], headers)
        return body


class _FirstLine(logging.Filter):
    """Keeps the first line of an error that the dashboard logs, without passwords."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def filter(self, record: logging.LogRecord) -> bool:
        lines = record.getMessage().splitlines() or [""]
        record.msg, record.args = without_secrets(lines[0], self.url), ()
        record.exc_info = record.exc_text = None
        return True


def _refusal(start: Start, status: str, reason: str) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/json")])
    return [json.dumps({"reason": reason}).encode()]
