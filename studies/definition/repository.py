"""The content of a git repository as it lies on disk: one id for each file, whether it is committed or not.

A file that was changed counts by its content, so that committing it changes nothing. Definitions are left out: a study
keeps its own.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studies.definition.code_version import MAX_NAMES_BYTES, NEW_FILES, ask_git, git_refusal

MAX_LIST_BYTES = 50_000_000
"""Of a list of files, in git's answer."""
MAX_DEFINITION_BYTES = 100_000
"""A larger YAML file is no definition."""
DEFINITION = (re.compile(rb"^search:", re.MULTILINE), re.compile(rb"^objective:", re.MULTILINE))
SUBMODULE = "160000"
CHANGED = ("diff", "--name-only", "-z", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all")


@dataclass(frozen=True)
class Content:
    """The files of a repository."""

    top: Path | None
    """None: there is no repository that git reads."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Of each file by its path below `top`: git's id of its content."""
    why: str | None = None
    """Why the content is not known."""


def read_content(folder: Path) -> Content:
    """The content of the repository that a folder lies in. Never fails, and changes nothing."""
    found, top, _ = ask_git(folder, MAX_NAMES_BYTES, "rev-parse", "--show-toplevel")
    if not found or not top.strip():
        return Content(None, why=git_refusal(folder))
    return _content(Path(top.removesuffix("\n")))


def _content(top: Path) -> Content:
    lists = []
    for question in (("ls-files", "-s", "-z"), CHANGED, NEW_FILES):
        answered, text, cut = ask_git(top, MAX_LIST_BYTES, *question)
        if not answered or cut:
            return Content(top, why=f"git does not answer in {top}, or its list of files is too long")
        lists.append(text.split("\0")[:-1])
    ids: dict[str, str] = {}
    digits = 40
    for line in lists[0]:
        (mode, id_, _), path = line.partition("\t")[0].split(" "), line.partition("\t")[2]
        digits = len(id_)
        if mode != SUBMODULE:
            ids[path] = id_
            continue
        below = _content(top / path) if (top / path / ".git").exists() else Content(None)
        if below.why is not None:
            return Content(top, why=below.why)
        ids |= {path: id_} if below.top is None else {f"{path}/{name}": each for name, each in below.ids.items()}
    for path in (*lists[1], *lists[2]):
        ids[path] = content_id(top / path, digits)
    return Content(top, {path: id_ for path, id_ in ids.items() if not _is_definition(top / path)})


def content_id(file: Path, digits: int = 64) -> str:
    """Git's id of a file's content; `gone` of a file that is not there."""
    try:
        mode = os.lstat(file).st_mode
        data = os.fsencode(file.readlink()) if stat.S_ISLNK(mode) else file.read_bytes()
    except OSError:
        return "gone"
    kind = hashlib.sha1 if digits == 40 else hashlib.sha256
    return kind(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _is_definition(file: Path) -> bool:
    if file.suffix not in (".yaml", ".yml"):
        return False
    try:
        text = file.read_bytes() if file.stat().st_size <= MAX_DEFINITION_BYTES else b""
    except OSError:
        return False
    return all(pattern.search(text) for pattern in DEFINITION)


def top_of(folder: Path) -> Path | None:
    """The nearest folder above with a repository, without asking git."""
    return next((each for each in _upwards(folder) if (each / ".git").exists()), None)


def _upwards(folder: Path) -> Iterator[Path]:
    yield folder.resolve()
    yield from folder.resolve().parents
