"""The version of the user's code, read from real folders and repositories."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from studies.definition.definition import Definition
from studies.definition.user_code import UserCode, read_user_code, version_of
from tests.studies.definition.test_code_version import git

COMMAND = "search: grid\nobjective:\n  command: {command}\n  metrics: {{stdout: {{score: 'score (.*)'}}}}\n"
FUNCTION = "search: grid\nobjective: {objective}\n"
REST = "score: {metric: score, direction: maximize}\ngrid: {axes: {a: [1, 2]}}\nconfig: {a: 1}\n"


def code_of(folder: Path, text: str, more: str = "") -> UserCode:
    (folder / "own.yaml").write_text(text + REST + more)
    code = read_user_code(Definition.load(folder / "own.yaml"))
    assert version_of(code.details) == code.version
    return code


def command(folder: Path, text: str = "python train.py --a {a}", more: str = "") -> UserCode:
    return code_of(folder, COMMAND.format(command=text), more)


def function(folder: Path, text: str = "own.py:own", more: str = "") -> UserCode:
    return code_of(folder, FUNCTION.format(objective=text), more)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script that imports a module and a package, without git."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    made = tmp_path / "own"
    (made / "package").mkdir(parents=True)
    (made / "train.py").write_text("import helper, json\nfrom package import layers\n")
    (made / "helper.py").write_text("rate = 1\n")
    (made / "package" / "__init__.py").write_text("")
    (made / "package" / "layers.py").write_text("from . import norms\n")
    (made / "package" / "norms.py").write_text("eps = 1\n")
    (made / "package" / "other.py").write_text("nothing imports it\n")
    shutil.copy(made / "train.py", made / "own.py")
    return made


def committed(folder: Path) -> Path:
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "one")
    return folder


@pytest.mark.parametrize("read", [command, function])
def test_a_script_and_what_it_imports_are_the_version(folder: Path, read: type) -> None:
    first = read(folder)
    script = "train.py" if read is command else "own.py"
    assert [*first.details["files"]] == sorted(
        ["helper.py", "package/__init__.py", "package/layers.py", "package/norms.py", script]
    )
    assert first.why is None
    (folder / "package" / "other.py").write_text("still nothing\n")
    (folder / "notes.txt").write_text("no code")
    assert read(folder).version == first.version and not first.changed
    (folder / "package" / "norms.py").write_text("eps = 2\n")
    assert read(folder).version != first.version and first.changed


def test_the_same_files_are_the_same_version_in_another_folder(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert command(folder).version == command(tmp_path / "elsewhere").version
    assert function(folder).version == function(tmp_path / "elsewhere").version


@pytest.mark.parametrize(
    "text", ["python -u train.py", "python -m train --a {a}", "env X=1 python train.py {seed}", "nice ./train.py"]
)
def test_a_command_names_its_script_in_many_ways(folder: Path, text: str) -> None:
    assert "train.py" in command(folder, text).details["files"]


def test_a_package_is_named_by_its_main(folder: Path) -> None:
    (folder / "package" / "__main__.py").write_text("import helper\n")
    assert {"package/__main__.py", "helper.py"} <= {*command(folder, "python -m package").details["files"]}


def test_a_script_without_python_is_a_file_too(folder: Path) -> None:
    (folder / "run.sh").write_text("#!/bin/sh\necho score 1\n")
    (folder / "run.sh").chmod(0o755)
    assert [*command(folder, "./run.sh").details["files"]] == ["run.sh"]


def test_a_command_without_a_file_is_not_known(folder: Path) -> None:
    code = command(folder, "echo score {a}")
    assert code.why is not None and "name its files under `code:`" in code.why


def test_files_named_under_code_belong_to_it(folder: Path) -> None:
    (folder / "prompts").mkdir()
    (folder / "prompts" / "one.txt").write_text("say yes")
    more = "code: ['prompts/*.txt']\n"
    first = command(folder, more=more)
    assert "prompts/one.txt" in first.details["files"]
    (folder / "prompts" / "one.txt").write_text("say no")
    assert first.changed and command(folder, more=more).version != first.version
    missing = command(folder, more="code: ['nowhere/*.txt']\n")
    assert missing.why is not None and "nowhere/*.txt names no file" in missing.why


def test_the_content_of_a_repository_counts_and_not_its_commits(folder: Path) -> None:
    committed(folder)
    first = command(folder)
    (folder / "train.py").write_text("import helper\n")
    changed = command(folder)
    assert changed.version != first.version and changed.details["repository"]["dirty"]
    git(folder, "commit", "-qam", "two")
    assert command(folder).version == changed.version, "committing what ran changes nothing"
    (folder / "package" / "other.py").write_text("tracked, and not imported\n")
    assert command(folder).version != changed.version, "a script may read any file of its repository"


def test_new_files_count_and_ignored_ones_where_they_are_named(folder: Path) -> None:
    (folder / ".gitignore").write_text("local/\n")
    committed(folder)
    (folder / "local").mkdir()
    (folder / "local" / "settings.json").write_text("{}")
    first = command(folder)
    (folder / "local" / "settings.json").write_text("{1}")
    assert command(folder).version == first.version
    named = command(folder, more="code: ['local/*.json']\n")
    (folder / "local" / "settings.json").write_text("{2}")
    assert command(folder, more="code: ['local/*.json']\n").version != named.version
    (folder / "new.py").write_text("")
    assert command(folder).version != first.version


def test_a_definition_is_no_code(folder: Path) -> None:
    committed(folder)
    first = command(folder)
    git(folder, "add", "own.yaml")
    git(folder, "commit", "-qm", "its definition")
    assert command(folder).version == first.version
    with (folder / "own.yaml").open("a") as file:
        file.write("# another axis\n")
    assert read_user_code(Definition.load(folder / "own.yaml")).version == first.version


def test_a_submodule_counts_by_its_files(folder: Path, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "deep.py").write_text("x = 1\n")
    committed(library)
    committed(folder)
    git(folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
    git(folder, "commit", "-qm", "a library")
    first = command(folder)
    assert first.why is None
    (folder / "lib" / "deep.py").write_text("x = 2\n")
    assert command(folder).version != first.version and first.changed


def test_a_repository_of_another_user_is_said_with_what_mends_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed(folder)
    own = command(folder)
    real = shutil.which("git")
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "git"
    wrapper.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {real} "$@"\n')  # git's own switch
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    theirs = command(folder)
    assert theirs.why is not None and f"git config --global --add safe.directory {folder}" in theirs.why
    assert "train.py" in theirs.details["files"] and theirs.version != own.version


def test_without_git_a_repository_is_not_known_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(folder)
    monkeypatch.setenv("PATH", str(folder))
    why = command(folder, f"{shutil.which('python3')} train.py").why
    assert why is not None and "git is not installed" in why


def test_a_broken_or_a_missing_file_is_no_traceback(folder: Path) -> None:
    (folder / "train.py").write_bytes(b"import \xff\xfe (((")
    assert [*command(folder).details["files"]] == ["train.py"]
    missing = function(folder, "nowhere.py:own")
    assert missing.why is not None and "nowhere.py" in missing.why
    assert function(folder, "no.such.module:own").why == "the module no.such.module is not found"
    assert function(folder, "json.tool:main").why is None
    (folder / ".git").write_text("gitdir: /nowhere\n")
    why = command(folder).why
    assert why is not None and "git cannot read" in why


def test_shipped_objectives_have_a_version_too(folder: Path) -> None:
    assert "gpt/training.py" in function(folder, "gpt").details["files"]
