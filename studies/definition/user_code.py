"""The version of the user's code: what an objective runs, as one short id that is kept with each attempt.

Of a command: the script that it names, what the script imports from its repository or folder, and the repository's
content. Of a function: its file and what it imports from there. And the files that the definition names under `code:`.
Two hosts with the same files have the same version, whatever the folders are called.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from objectives.command.command import COMMAND_PREFIX, Command
from objectives.imported import with_imports
from objectives.named_keys import module_file
from objectives.reference import SHIPPED, objective_folder
from storage.digests import digest_of
from storage.home import CHECKOUT, OBJECTIVES
from studies.definition.code_version import read_code
from studies.definition.definition import Definition
from studies.definition.repository import Content, content_id, read_content, top_of
from studies.definition.trust import code_named

VERSION_DIGITS = 12
IMPORTED = "imported:"
"""With it begins the content of a version that is no code: results that were made elsewhere."""
MAX_FILE_BYTES = 100_000_000
"""A larger file is data, even if a command names it first."""
MAX_WATCHED_FILES = 5000
"""Of a repository with more, those that are named or imported are watched."""

Stamp = tuple[int, int] | None
"""When a file was changed and its size; None: it is not there."""


@dataclass(frozen=True)
class UserCode:
    """The user's code at one moment."""

    version: str
    details: Mapping[str, Any]
    """As it is kept, once a version: repository, files with their contents' ids, and why it is not known whole."""
    stamps: Mapping[Path, Stamp] = field(default_factory=dict, compare=False, repr=False)
    loaded: bool = False
    """Whether it is loaded once, and not read again by each trial."""

    @property
    def why(self) -> str | None:
        """Why it is not known whole; None if it is."""
        return "; ".join(self.details["why"]) or None

    @property
    def changed(self) -> bool:
        """Whether one of its files was changed since, by its time and size."""
        return any(stamp_of(file) != stamp for file, stamp in self.stamps.items())


def version_of(details: Mapping[str, Any]) -> str:
    """The version that these details have."""
    return digest_of("user code", details["content"], details["files"], details["why"])[:VERSION_DIGITS]


def imported_details(source: str, digest: str) -> dict[str, Any]:
    """What stands in place of the code's details with results that were made elsewhere."""
    return {"content": f"{IMPORTED}{digest}", "files": {source: digest}, "why": [], "repository": None}


def is_imported(details: Mapping[str, Any] | None) -> bool:
    """Whether results of this version were made elsewhere."""
    return str((details or {}).get("content")).startswith(IMPORTED)


def version_text(version: str, details: Mapping[str, Any] | None) -> str:
    """`4f2a91c07d1e (commit 1f3a9c2, changed)`."""
    if details is not None and is_imported(details):
        return f"{version} (imported from {', '.join(details['files'])})"
    repository = (details or {}).get("repository") or {}
    if not repository.get("commit"):
        return version
    return f"{version} (commit {repository['commit'][:7]}{', changed' if repository['dirty'] else ''})"


def changed_files(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names of the files, among those that are named or imported, that differ between two versions."""
    names = sorted({*old["files"], *new["files"]})
    return [name for name in names if old["files"].get(name) != new["files"].get(name)]


def read_user_code(definition: Definition) -> UserCode:
    """The version of the code that a definition runs here. Never fails, and changes nothing."""
    own, *others = code_named(definition)
    # Of the others only some name code: `hf:gpt2` does not.
    sources = [_sources(own), *(each for each in map(_sources, others) if not each.why)]
    why = [each for source in sources for each in source.why]
    command = definition.objective.startswith(COMMAND_PREFIX)
    content = read_content(sources[0].root) if command else Content(None)
    why += [content.why] if content.why is not None else []
    files: dict[str, str] = {}
    for source in sources:
        for file in with_imports(source.files, source.bases, source.root):
            files[os.path.relpath(file, source.root)] = content_id(file)
    paths = [source.root / name for source in sources for name in files if (source.root / name).is_file()]
    for pattern in definition.code:
        named = sorted(each for each in definition.code_folder.glob(pattern) if each.is_file())
        if not named:
            why.append(f"code: {pattern} names no file in {definition.code_folder}")
        files |= {os.path.relpath(each, definition.code_folder): content_id(each) for each in named}
        paths += named
    whole = None if content.top is None or content.why else digest_of("content", sorted(content.ids.items()))
    details = {
        "repository": read_code(sources[0].root).to_json(),
        "content": whole,
        "files": dict(sorted(files.items())),
        "why": list(dict.fromkeys(why)),
    }
    if content.top is not None and len(content.ids) <= MAX_WATCHED_FILES:
        paths += [content.top / name for name in content.ids]
    stamps = {path: stamp_of(path) for path in paths}
    return UserCode(version_of(details), details, stamps, loaded=not command)


def stamp_of(file: Path) -> Stamp:
    try:
        kept = os.lstat(file)
    except OSError:
        return None
    return kept.st_mtime_ns, kept.st_size


@dataclass(frozen=True)
class Sources:
    """Where an objective's code begins, and how far it may reach."""

    files: Sequence[Path]
    bases: Sequence[Path]
    """Folders in which Python finds its modules."""
    root: Path
    why: Sequence[str] = ()


def _sources(text: str) -> Sources:
    if text.startswith(COMMAND_PREFIX):
        return _command_sources(Command.from_text(text))
    if text in SHIPPED:
        return Sources([OBJECTIVES / text / "__init__.py"], [CHECKOUT], OBJECTIVES)
    where = text.rpartition(":")[0]
    if where.endswith(".py"):
        file = Path(where).resolve()
        root = top_of(file.parent) or file.parent
        return Sources([file], [file.parent, root, root / "src"], root, [] if file.is_file() else [f"no file {file}"])
    found = module_file(where, [*(Path(each or ".").resolve() for each in sys.path), Path.cwd()])
    if found is None:
        return Sources([], [], objective_folder(text), [f"the module {where} is not found"])
    file, base = found
    return Sources([file], [base], top_of(file.parent) or base)


def _command_sources(command: Command) -> Sources:
    folder = (command.folder / command.cwd).resolve()
    folder = folder if folder.is_dir() else command.folder.resolve()
    path = [folder / each for each in command.env.get("PYTHONPATH", "").split(os.pathsep) if each and "{" not in each]
    scripts = list(dict.fromkeys(_scripts(command.arguments, folder, [folder, *path])))
    if not scripts:
        why = f"the command names no file of its own in {folder}: name its files under `code:`"
        return Sources([], [], top_of(folder) or folder, [why])
    script = scripts[-1]
    root = top_of(script.parent) or (folder if script.is_relative_to(folder) else script.parent)
    return Sources(scripts, [*(each.parent for each in scripts), folder, *path, root, root / "src"], root)


def _scripts(arguments: Sequence[str], folder: Path, path: Sequence[Path]) -> Iterator[Path]:
    """The files that a command names as what to run: a script in place of the program, then the first argument that is
    a file or, after `-m`, a module."""
    program = folder / arguments[0]
    if os.sep in arguments[0] and program.is_file() and _first_bytes(program) == b"#!":
        yield program.resolve()
    for before, each in pairwise(arguments):
        if before == "-m":
            found = module_file(f"{each}.__main__", path) or module_file(each, path)
            if found is not None:
                yield found[0]
                return
        file = folder / each
        if file.is_file() and file.stat().st_size <= MAX_FILE_BYTES:
            yield file.resolve()
            return


def _first_bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(2)
    except OSError:
        return b""
