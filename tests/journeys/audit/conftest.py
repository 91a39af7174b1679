"""Studies of every search, made once and cloned for each test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from storage.session import Session
from tests.support.audited import make_studies
from tests.support.program import administer


@pytest.fixture(scope="session")
def made(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with the studies, which tests clone."""
    name, folder = f"made_{uuid.uuid4().hex}", tmp_path_factory.mktemp("made")
    administer(server_url, f"CREATE DATABASE {name} TEMPLATE template")
    url = server_url.replace("/studyhall?", f"/{name}?", 1)
    own = {"STUDYHALL_BOARD": "off", "STUDYHALL_STORAGE": url, "STUDYHALL_HOME": str(folder / "home")}
    own |= {"STUDYHALL_LOCKS": str(folder / "locks"), "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "160"}
    make_studies({**os.environ, **own}, url, folder)
    return name


@pytest.fixture
def copy_url(server_url: str, made: str) -> Iterator[str]:
    """A database of the test's own that has the studies."""
    with _clone(server_url, made) as url:
        yield url


@pytest.fixture(scope="module")
def shared_copy_url(server_url: str, made: str) -> Iterator[str]:
    """The same for the tests of a module, which undo their changes."""
    with _clone(server_url, made) as url:
        yield url


@pytest.fixture
def copy(copy_url: str) -> Iterator[Session]:
    """A session on it."""
    session = Session(copy_url)
    yield session
    session.close()


@contextmanager
def _clone(server_url: str, made: str) -> Iterator[str]:
    name = f"clone_{uuid.uuid4().hex}"
    administer(server_url, f"CREATE DATABASE {name} TEMPLATE {made}")
    yield server_url.replace("/studyhall?", f"/{name}?", 1)
    administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")
