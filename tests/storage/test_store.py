"""What `--storage` names is what is used: another database on the embedded server is not the default one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import urlsplit

import pytest

from storage import server
from storage.store import Store
from storage.url import without_password
from tests.support.program import GOOD, answer, growth_of

Program = Callable[..., CompletedProcess[str]]


@pytest.fixture
def ours(environment: dict[str, str], server_home: Path) -> dict[str, str]:
    """The embedded server of these tests is the program's own; its default database is left as it is."""
    environment["STUDYHALL_HOME"] = str(server_home)
    return environment


def test_every_verb_acts_on_the_database_that_was_typed(
    program: Program, ours: dict[str, str], url: str, empty_url: str, server_home: Path, tmp_path: Path
) -> None:
    """`url` and `empty_url` are databases on the embedded server, beside its default one."""
    del ours["STUDYHALL_STORAGE"]
    file = growth_of(tmp_path, "def own(config):\n" + GOOD)
    assert Store(url, server_home).start() == url
    assert program("run", "grow", "--study", "typed", "--file", file, "--storage", url).returncode == 0
    assert [each["study"] for each in answer(program, "status", "--storage", url)] == ["typed"]
    default = program("status", "--json")
    assert "typed" not in default.stdout
    assert program("show", "--study", "typed").returncode == 2
    backup = tmp_path / "backup"
    assert program("storage", "backup", backup, "--storage", url).returncode == 0
    assert program("storage", "restore", backup, "--storage", empty_url).returncode == 0
    assert [each["study"] for each in answer(program, "status", "--storage", empty_url)] == ["typed"]
    assert program("delete", "--study", "typed", "--yes", "--storage", url).returncode == 0
    assert [each["study"] for each in answer(program, "status", "--storage", empty_url)] == ["typed"]
    assert f"/{urlsplit(url).path[1:]}?" in program("storage", "url", "--storage", url).stdout


def test_a_url_of_the_embedded_server_starts_it_however_its_socket_is_written(server_home: Path) -> None:
    socket = server.cluster(server_home).socket
    for text in (f"postgresql+psycopg2://studyhall@/other?host={socket}", f"postgresql:///other?host={socket}"):
        assert server.is_embedded(text, server_home), text
    assert not server.is_embedded(f"postgresql:///other?host={socket}2", server_home)
    assert not server.is_embedded("postgresql://db.example/other", server_home)


def test_the_default_database_alone_goes_without_saying(server_home: Path, url: str) -> None:
    default = server.ensure(server_home)
    assert Store("", server_home).shown is None and Store(default, server_home).shown is None
    assert Store(url, server_home).shown == without_password(url)[0]
    assert json.dumps(Store(url, server_home).shown)
