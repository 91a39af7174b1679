"""Run the storage tests of the installed version of Optuna on StudyStorage; where not all pass, on RDBStorage too.

python .ci/optuna_storage_tests.py     exit 0: all pass, or end as on RDBStorage

The tests come from Optuna's source distribution, which pip fetches. Both storages are given the same PostgreSQL server,
and every test a database of its own. Loaded by pytest (`-p`), this file puts the storage in place of Optuna's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import types
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg2

CHECKOUT = Path(__file__).parent.parent
sys.path.insert(0, str(CHECKOUT))
OTHER_TESTS = ("test_heartbeat.py", "test_with_server.py")
"""test_storages.py is a public class too, which tests/storage runs; EVERY_CASE=1 runs it here."""
TESTS = (*OTHER_TESTS, "test_storages.py") if os.environ.get("EVERY_CASE") else OTHER_TESTS
CHOSEN, URL = "OPTUNA_TESTS_STORAGE", "TEST_DB_URL"
"""Variables of a run: the storage's class, and the URL of the server, under the name that Optuna's tests read."""


def main() -> int:
    """Fetch the tests, run them, print what passes, and what ends otherwise than on Optuna's own storage."""
    from storage import server

    with tempfile.TemporaryDirectory(prefix="optuna-tests-") as folder:
        home = Path(folder)
        home.chmod(0o755)  # run as root, the server is another user
        tests = fetched(home / "optuna")
        url = server.ensure(home / "home")
        try:
            statement(url, "ALTER SYSTEM SET fsync = off")
            statement(url, "SELECT pg_reload_conf()")
            ours = outcomes(tests, "StudyStorage", url)
            say(f"StudyStorage: {sum(each == 'passed' for each in ours.values())} of {len(ours)} tests pass")
            if set(ours.values()) == {"passed"}:
                return 0
            optunas = outcomes(tests, "RDBStorage", url)
        finally:
            server.down(home / "home")
    differing = [name for name in optunas | ours if optunas.get(name) != ours.get(name)]
    for name in differing:
        say(f"{name}: {optunas.get(name, 'missing')} on RDBStorage, {ours.get(name, 'missing')} on StudyStorage")
    return int(bool(differing) or "passed" not in ours.values())


def fetched(folder: Path) -> Path:
    """Optuna's storage tests, unpacked into a folder."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-build-isolation"]
    wanted = f"optuna=={version('optuna')}"
    subprocess.run([*pip, "--no-binary", "optuna", "--dest", str(folder), wanted], check=True)
    (file,) = folder.glob("optuna-*.tar.gz")
    with tarfile.open(file) as packed:
        members = [each for each in packed.getmembers() if each.name.split("/")[1:2] == ["tests"]]
        packed.extractall(folder, members, filter="data")
    return folder / file.name.removesuffix(".tar.gz")


def outcomes(root: Path, storage: str, url: str) -> dict[str, str]:
    """How each test ends on a storage: `passed`, `failure`, `error` or `skipped`, by its name."""
    report = root / f"{storage}.xml"
    own = {CHOSEN: storage, URL: url, "PYTHONPATH": str(Path(__file__).parent)}
    options = ["-q", "-p", Path(__file__).stem, "-p", "no:cacheprovider", "-p", "no:xdist", f"--junitxml={report}"]
    files = [f"tests/storages_tests/{name}" for name in TESTS]
    (root / "pytest.ini").write_text("[pytest]\n")
    subprocess.run([sys.executable, "-m", "pytest", *options, *files], cwd=root, env={**os.environ, **own})
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        ended = [each.tag for each in case if each.tag in ("failure", "error", "skipped")]
        found[f"{case.get('classname')}.{case.get('name')}"] = ended[0] if ended else "passed"
    return found


def statement(url: str, text: str) -> None:
    """Run one SQL statement outside of a transaction."""
    from storage.url import libpq_url

    connection = psycopg2.connect(libpq_url(url))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(text)
    connection.close()


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


# Loaded by pytest


def pytest_configure() -> None:
    """Give Optuna's tests the chosen storage, in databases of their own."""
    if CHOSEN not in os.environ:
        return
    sys.modules.setdefault("fakeredis", types.ModuleType("fakeredis"))  # imported for storages that are not tested here
    import optuna
    from optuna.testing import storages

    from storage.optuna_storage import StudyStorage

    chosen = {"RDBStorage": optuna.storages.RDBStorage, "StudyStorage": StudyStorage}[os.environ[CHOSEN]]
    server_url = os.environ[URL]

    def at(database: str) -> str:
        return server_url.replace("/studyhall?", f"/{database}?", 1)

    template = f"template_{uuid.uuid4().hex}"
    statement(server_url, f"CREATE DATABASE {template}")
    chosen(at(template)).engine.dispose()

    def new_database() -> str:
        name = f"test_{uuid.uuid4().hex}"
        statement(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
        return at(name)

    def enter(supplier: Any) -> Any:
        supplier.storage = chosen(new_database(), **supplier.extra_args)
        return supplier.storage

    storages.STORAGE_MODES[:] = storages.STORAGE_MODES_HEARTBEAT[:] = ["postgresql"]
    storages.StorageSupplier.__enter__ = enter  # type: ignore[method-assign]
    os.environ[URL] = new_database()


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Give the tests that open the storage of a URL the chosen class: their module asks `optuna.storages` for it."""
    import optuna

    from storage.optuna_storage import StudyStorage

    if os.environ.get(CHOSEN) == "StudyStorage":
        own = types.SimpleNamespace(**{**vars(optuna.storages), "RDBStorage": StudyStorage})
        shown = types.SimpleNamespace(**{**vars(optuna), "storages": own})
        for module in {item.module for item in items if item.module.__name__.endswith("test_with_server")}:
            module.optuna = shown


if __name__ == "__main__":
    sys.exit(main())
