"""A host as containers are: a user id without an account, no HOME, an empty environment, a read-only checkout."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage import listening, server
from storage.home import CHECKOUT
from tests.support.slurm_cluster import free_ports

USER_ID = 45678
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a server that others reach by an address and a password."""
    home = Path(tempfile.mkdtemp(prefix="studyhall-elsewhere-"))
    home.chmod(0o755)
    monkeypatch.setenv("STUDYHALL_HOME", str(home))
    server.ensure(home)
    (port,) = free_ports(1)
    listening.up(home, f"127.0.0.1:{port}")
    *_, user, password = (home / "password").read_text().strip().split(":")
    yield f"postgresql://{user}:{password}@127.0.0.1:{port}/studyhall"
    server.down(home)
    shutil.rmtree(home)


@pytest.fixture
def container() -> Iterator[Call]:
    """Run the program as a container runs it, in an empty folder."""
    if os.geteuid() != 0:
        pytest.skip("only root can become a user without an account")
    closed = [each for each in Path(sys.prefix).resolve().parents if not each.stat().st_mode & stat.S_IXOTH]
    if closed:
        pytest.skip(f"no other user can enter {closed[-1]}, where this interpreter lies")
    base = Path(tempfile.mkdtemp(prefix="studyhall-container-"))
    base.chmod(0o755)
    checkout, work, temporary = base / "checkout", base / "work", base / "tmp"
    for each in ("storage", "studies", "objectives", "samplers"):
        shutil.copytree(CHECKOUT / each, checkout / each)  # with its byte code, as images have it
    shutil.copy(CHECKOUT / "cli.py", checkout)
    for folder in (work, temporary):
        folder.mkdir()
        os.chown(folder, USER_ID, USER_ID)

    def call(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, checkout / "cli.py", *map(str, arguments)],
            env={"PATH": "/usr/bin:/bin", "TMPDIR": str(temporary), **variables},
            cwd=work,
            user=USER_ID,
            group=USER_ID,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=300,
        )

    yield call
    assert not [each for each in checkout.rglob("*") if each.stat().st_uid == USER_ID]
    shutil.rmtree(base)


def test_from_run_to_report_without_account_home_or_a_checkout_to_write_to(container: Call, elsewhere: str) -> None:
    fast = ("max_iters=3", "eval_iters=2", "grow.steps=1", "grow.repeats=1", "grow.racing=null")
    short = [word for each in fast for word in ("--set", each)]
    for arguments in (
        ["run", "lobo", *short, "--storage", elsewhere],
        ["run", "lobo", *short, "--storage", elsewhere],
        ["status", "--storage", elsewhere],
        ["show", "lobo", "--storage", elsewhere],
        ["show", "lobo", "--trial", 0, "--log", "--storage", elsewhere],
        ["audit", "--study", "lobo", "--storage", elsewhere],
        ["replay", "--study", "lobo", "--storage", elsewhere],
        ["export", "--study", "lobo", "--as", "csv", "--storage", elsewhere],
        ["report", "--study", "lobo", "--out", "there", "--storage", elsewhere],
    ):
        ended = container(*arguments)
        assert ended.returncode == 0, (arguments[0], ended.stdout[-2000:], ended.stderr[-2000:])
        assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, ["STUDYHALL_HOME", "--storage", f"user id {USER_ID}"]),
        ({"HOME": "/"}, ["/ cannot be written", "STUDYHALL_HOME"]),
        ({"HOME": "/nonexistent"}, ["cannot be written", "STUDYHALL_HOME"]),
        ({"STUDYHALL_HOME": "~/home"}, ["STUDYHALL_HOME", "whole path"]),
        ({"STUDYHALL_HOME": "home"}, [f"user id {USER_ID} has no entry in the passwd file", "--storage"]),
    ],
)
def test_without_a_url_the_embedded_server_says_what_it_lacks(
    container: Call, variables: dict[str, str], words: list[str]
) -> None:
    ended = container("run", "difficulty", **variables)
    assert ended.returncode in (1, 2) and ended.stdout == "" and ended.stderr.count("\n") == 1, ended.stderr
    assert all(word in ended.stderr for word in words), ended.stderr


def test_a_temporary_folder_of_somebody_else_is_not_used(container: Call, elsewhere: str) -> None:
    folder = Path(tempfile.gettempdir()) / f"studyhall-{USER_ID}"
    folder.mkdir(mode=0o755)
    try:
        ended = container("status", "--storage", elsewhere, TMPDIR=tempfile.gettempdir())
        assert ended.returncode == 2 and f"{folder} is not this user's alone" in ended.stderr, ended.stderr
    finally:
        shutil.rmtree(folder)


def test_a_home_of_another_user_is_said(container: Call) -> None:
    closed = Path(tempfile.mkdtemp(prefix="studyhall-closed-"))  # root's alone
    (closed / ".local").mkdir()
    ended = container("run", "difficulty", HOME=str(closed))
    closed.joinpath(".local").rmdir()
    closed.rmdir()
    assert ended.returncode == 2 and f"{closed} cannot be written" in ended.stderr, ended.stderr
