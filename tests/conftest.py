"""A real PostgreSQL for the whole run, and for each test a database of its own, as a template is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from storage import server
from storage.home import CHECKOUT
from storage.optuna_storage import StudyStorage
from storage.session import Session
from tests.support.databases import TEMPLATE, Databases, at, drop, new_name
from tests.support.devices import devices
from tests.support.pgbouncer import proxy
from tests.support.program import Begin, Program, administer, call
from tests.support.two_studies import two_studies

__all__ = ["devices", "proxy", "two_studies"]  # fixtures that several folders share


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith(("PG", "STUDYHALL_"))]:
        del os.environ[name]
    # No deadline: a busy machine is no finding. The same examples each time, so that no change is refused by chance.
    same = not os.environ.get("EVERY_CASE")
    hypothesis.settings.register_profile("studyhall", deadline=None, max_examples=50, derandomize=same)
    hypothesis.settings.load_profile("studyhall")
    os.environ["HF_HUB_OFFLINE"] = "1"  # read once, by whichever test imports the library first
    os.environ["OMP_NUM_THREADS"] = (
        "1"  # likewise: workers of pytest share the cores, threads of torch would spin on them
    )


@pytest.fixture(scope="session")
def server_home() -> Iterator[Path]:
    """The home of this run's embedded server."""
    home = Path(tempfile.mkdtemp(prefix="studyhall-tests-"))
    home.chmod(0o755)  # run as root, the server is another user
    yield home
    server.down(home)
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def server_url(server_home: Path) -> str:
    """The embedded server, with a database `template` that has all tables."""
    url = server.ensure(server_home)
    # Nobody takes this server's power away, so nothing has to reach the disk: that is half of a short test's time.
    administer(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    administer(url, f"CREATE DATABASE {TEMPLATE}")
    storage = StudyStorage(at(url, TEMPLATE))
    storage.remove_session()
    storage.engine.dispose()
    return url


@pytest.fixture(scope="session")
def databases(server_url: str) -> Databases:
    return Databases(server_url)


@pytest.fixture
def url(databases: Databases) -> Iterator[str]:
    """A database of the test's own, with all tables."""
    with databases.lend() as url:
        yield url


@pytest.fixture(scope="module")
def shared_url(databases: Databases) -> Iterator[str]:
    """A database with all tables for the tests of a module, which leave it empty."""
    with databases.lend() as url:
        yield url


@pytest.fixture
def empty_url(server_url: str) -> Iterator[str]:
    """A database of the test's own, without any table."""
    name = new_name()
    administer(server_url, f"CREATE DATABASE {name}")
    yield at(server_url, name)
    drop(server_url, name)


@pytest.fixture
def session(url: str) -> Iterator[Session]:
    session = Session(url)
    yield session
    session.close()


@pytest.fixture
def environment(url: str, tmp_path: Path) -> dict[str, str]:
    """What a process of the program is given: this test's database and a home of its own, and no scribe."""
    own = {
        "STUDYHALL_BOARD": "off",
        "STUDYHALL_STORAGE": url,
        "STUDYHALL_HOME": str(tmp_path / "home"),
        "STUDYHALL_LOCKS": str(tmp_path / "locks"),
    }
    return {**os.environ, **own, "CUDA_VISIBLE_DEVICES": "", "COLUMNS": "160"}


@pytest.fixture
def with_scribe(environment: dict[str, str]) -> dict[str, str]:
    """The environment, in which a worker has its scribe."""
    del environment["STUDYHALL_BOARD"]
    return environment


@pytest.fixture
def program(environment: dict[str, str]) -> Program:
    """Run `python cli.py ARGUMENTS` to its end, in this test's environment."""

    def run(*arguments: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        return call(environment, *arguments, timeout=timeout)

    return run


@pytest.fixture
def begin(environment: dict[str, str]) -> Iterator[Begin]:
    """Start `python cli.py ARGUMENTS` in a process group of its own and leave it running."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, CHECKOUT / "cli.py", *map(str, arguments)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()
