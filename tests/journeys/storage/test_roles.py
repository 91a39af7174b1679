"""Least rights: the grants in docs/roles.md are enough for a worker and no more than that; and servers that refuse."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.errors import StorageError
from storage.home import CHECKOUT
from storage.session import Session
from tests.support.growth_trace import write_definition
from tests.support.program import Program, administer, refused, with_storage

RUN = ("run", "grow", "--study", "trace", "--workers", "2")


def documented(role: str) -> list[str]:
    """The statements of docs/roles.md that make a role, with a name of this process."""
    blocks = re.findall(r"```sql\n(.*?)```", (CHECKOUT / "docs" / "roles.md").read_text(), re.DOTALL)
    (block,) = [each for each in blocks if f"CREATE ROLE {role}" in each]
    return [re.sub(rf"\b{role}\b", f"{role}_{os.getpid()}", each.strip()) for each in block.split(";") if each.strip()]


@pytest.fixture
def roles(url: str) -> Iterator[Callable[[str], str]]:
    """Make a documented role, and a login that has its rights and no other: the login's URL."""
    made: list[str] = []

    def make(role: str) -> str:
        login = f"{role}_login_{os.getpid()}"
        administer(url, *documented(role), f"CREATE ROLE {login} LOGIN IN ROLE {role}_{os.getpid()}")
        made.extend([login, f"{role}_{os.getpid()}"])
        return url.replace("://studyhall@", f"://{login}@")

    yield make
    for name in made:
        administer(url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_a_worker_needs_no_more_than_the_documented_grants(
    environment: dict[str, str], roles: Callable[[str], str], url: str, tmp_path: Path
) -> None:
    own = roles("studyhall_worker")
    ended = with_storage(environment, own, *RUN, "--file", write_definition(tmp_path, steps=1))
    assert ended.returncode == 0, ended.stderr
    for verb in ("stop --study trace", "status", "show --study trace", "audit --study trace", "storage check"):
        ended = with_storage(environment, own, *verb.split())
        assert ended.returncode == 0, verb + ended.stderr
    by_the_owner = "only the owner of the tables may {}: ask studyhall (docs/roles.md)"
    refused(with_storage(environment, own, "delete", "trace", "--yes"), by_the_owner.format("delete a study"))
    refused(with_storage(environment, own, "copy", "trace", "again"), by_the_owner.format("copy a study"))
    session = Session(own)
    for statement in (
        "DELETE FROM trials",
        "TRUNCATE studyhall_decisions",
        "UPDATE studyhall_version SET version = 3",
        "DROP TABLE trials",
        "CREATE TABLE other ()",
    ):
        with pytest.raises(StorageError):
            session.execute(statement)
    session.close()


def test_a_study_is_moved_into_a_storage_by_the_owner_of_its_tables(
    environment: dict[str, str], program: Program, roles: Callable[[str], str], url: str, empty_url: str, tmp_path: Path
) -> None:
    assert with_storage(environment, empty_url, *RUN, "--file", write_definition(tmp_path, steps=1)).returncode == 0
    assert program("storage", "upgrade").returncode == 0
    ended = with_storage(environment, empty_url, "storage", "move", roles("studyhall_worker"), "--study", "trace")
    refused(ended, "only the owner of the tables may take in a study that is moved: ask studyhall")


def test_a_reader_sees_everything_and_runs_nothing(
    environment: dict[str, str], program: Program, roles: Callable[[str], str], tmp_path: Path
) -> None:
    file = write_definition(tmp_path, steps=1)
    assert program(*RUN, "--file", file).returncode == 0
    own = roles("studyhall_reader")
    for verb in ("status", "show --study trace", "audit --study trace", "replay --study trace"):
        assert with_storage(environment, own, *verb.split()).returncode == 0
    for arguments in ((*RUN, "--file", file, "--steps", "2"), ("stop", "--study", "trace")):
        ended = with_storage(environment, own, *arguments)
        refused(ended, "permission denied", "docs/roles.md")


def test_a_role_that_may_not_make_tables_is_told_so(
    environment: dict[str, str], empty_url: str, tmp_path: Path
) -> None:
    login = f"nobody_{os.getpid()}"
    administer(empty_url, f"CREATE ROLE {login} LOGIN")
    try:
        own = empty_url.replace("://studyhall@", f"://{login}@")
        ended = with_storage(environment, own, *RUN, "--file", write_definition(tmp_path))
        refused(ended, "permission denied", "docs/roles.md")
    finally:
        administer(empty_url, f"DROP ROLE {login}")
