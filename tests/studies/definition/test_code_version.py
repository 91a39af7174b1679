"""The code's version, read from real git repositories, and from where there is none."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from studies.definition.code_version import MAX_DIFF_BYTES, CodeVersion, read_code


def git(folder: Path, *arguments: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**env, **who}, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit with a file in a folder."""
    (tmp_path / "own" / "sub").mkdir(parents=True)
    (tmp_path / "own" / "train.py").write_text("rate = 1\n")
    git(tmp_path / "own", "init", "-q")
    git(tmp_path / "own", "add", ".")
    git(tmp_path / "own", "commit", "-q", "-m", "one")
    return tmp_path / "own"


def test_a_clean_repository_is_its_commit(repository: Path) -> None:
    (repository / "notes.txt").write_text("not code")
    code = read_code(repository / "sub")
    assert code == CodeVersion(git(repository, "rev-parse", "HEAD"))
    assert code.shown() == code.commit[:7]  # type: ignore[index]


def test_changes_anywhere_in_it_are_kept_as_a_diff(repository: Path) -> None:
    (repository / "train.py").write_text("rate = 2\n")
    code = read_code(repository / "sub")
    assert code.dirty and "-rate = 1\n+rate = 2\n" in code.diff and not code.cut
    git(repository, "add", ".")
    assert read_code(repository) == code, "staged or not is the same code"
    assert code.shown() != read_code_of(repository, "rate = 3\n").shown()


def read_code_of(repository: Path, text: str) -> CodeVersion:
    (repository / "train.py").write_text(text)
    return read_code(repository)


def test_a_new_python_file_makes_it_dirty_and_an_ignored_one_does_not(repository: Path) -> None:
    (repository / ".git" / "info" / "exclude").write_text("out/\n")
    (repository / "out").mkdir()
    (repository / "out" / "x.py").touch()
    assert not read_code(repository).dirty
    (repository / "sub" / "größe.py").touch()
    code = read_code(repository / "sub")
    assert code.dirty and code.untracked == ("sub/größe.py",) and code.diff == ""


def test_a_diff_is_cut_and_can_be_kept_as_text(repository: Path) -> None:
    (repository / "train.py").write_text("x = 1\n" * 200_000)
    code = read_code(repository)
    assert code.cut and code.dirty and len(code.diff) == MAX_DIFF_BYTES
    (repository / "train.py").write_bytes(b"rate = '\xff\xfe'\n")
    code = read_code(repository)
    assert CodeVersion.from_json(json.loads(json.dumps(code.to_json()))) == code and "\0" not in code.diff


def test_nothing_of_a_remote_is_told_and_nothing_is_run_or_written(repository: Path, tmp_path: Path) -> None:
    git(repository, "remote", "add", "origin", "https://user:secret@example.org/x.git")
    for key in ("diff.external", "core.fsmonitor", "core.pager"):
        git(repository, "config", key, f"touch {tmp_path}/ran; true")
    (repository / "train.py").write_text("rate = 2\n")
    index = (repository / ".git" / "index").stat().st_mtime_ns
    code = read_code(repository)
    assert code.diff and "secret" not in json.dumps(code.to_json())
    assert not (tmp_path / "ran").exists() and (repository / ".git" / "index").stat().st_mtime_ns == index


def test_a_git_that_called_us_does_not_lead_elsewhere(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert read_code(repository).commit == git(repository, "rev-parse", "HEAD")


def test_where_there_is_no_version_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_code(tmp_path) == CodeVersion(None, why="not in a git repository")
    assert read_code(tmp_path / "nowhere").why == "its folder is not there"
    git(tmp_path, "init", "-q")
    assert read_code(tmp_path).why == "its repository has no commit"
    monkeypatch.setenv("PATH", str(tmp_path))
    code = read_code(tmp_path)
    assert code.commit is None and code.shown() == "unknown (git cannot read its repository)"
