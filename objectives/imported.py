"""Which files a Python file imports from its own repository or folder, found without running any of them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from objectives.named_keys import MAX_SOURCE_BYTES
from objectives.source_tree import source_tree
from storage.home import CHECKOUT

OURS = tuple(CHECKOUT / name for name in ("cli.py", "objectives", "samplers", "storage", "studies"))
"""Studyhall's own code, whose version a worker keeps apart."""
MAX_FILES = 2000


def with_imports(files: Iterable[Path], bases: Collection[Path], root: Path) -> list[Path]:
    """The files and what they import, directly or not, sorted; only what lies below `root`.

    Args:
        files: Python files, and others, which import nothing.
        bases: Folders in which Python finds modules.
        root: Of the repository, or the folder.
    """
    known: dict[Path, None] = {}
    ahead = [each.resolve() for each in files]
    while ahead and len(known) < MAX_FILES:
        file = ahead.pop()
        if file in known:
            continue
        known[file] = None
        for module in _modules_of(file):
            ahead += [each for each in _found(module, file, bases) if _is_theirs(each, root)]
    return sorted(known)


def _is_theirs(file: Path, root: Path) -> bool:
    if not file.is_relative_to(root) or "site-packages" in file.relative_to(root).parts:
        return False
    return root.is_relative_to(CHECKOUT / "objectives") or not any(file.is_relative_to(each) for each in OURS)


def _found(module: tuple[int, str], file: Path, bases: Collection[Path]) -> Iterator[Path]:
    """The files that an import loads: of a package, its `__init__.py` first."""
    level, name = module
    parts = name.split(".")
    folders = [file.parents[level - 1]] if level else bases
    for base in folders:
        folder = base
        for index, part in enumerate(parts):
            candidates = (folder / part / "__init__.py", folder / f"{part}.py" if part else folder / "__init__.py")
            yield from (each.resolve() for each in candidates if each.is_file())
            folder /= part
            if not folder.is_dir() and index < len(parts) - 1:
                break


def _modules_of(file: Path) -> frozenset[tuple[int, str]]:
    try:
        kept = file.stat()
    except OSError:
        return frozenset()
    if file.suffix != ".py" or kept.st_size > MAX_SOURCE_BYTES:
        return frozenset()
    return _parsed(file, kept.st_mtime_ns, kept.st_size)


@lru_cache(maxsize=4096)
def _parsed(file: Path, changed_at: int, size: int) -> frozenset[tuple[int, str]]:
    """How each import names its module: the level of a relative one, and its dotted name."""
    try:
        tree = source_tree(file)
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return frozenset()
    found: set[tuple[int, str]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(0, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            found |= {(node.level, ".".join(filter(None, (base, alias.name)))) for alias in node.names}
            found.add((node.level, base))
    return frozenset(found)
