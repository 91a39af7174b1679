"""The house: imports go one way, no circle, wings of a size that one reads in one sitting, one home for each thing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from storage.home import CHECKOUT

PACKAGES = ("studies", "objectives", "samplers", "storage")

# From top to bottom; what stands in one line does not import each other.
LEVELS = [
    {"cli"},
    {"studies"},
    {"samplers", "objectives"},
    {"storage"},
]
WINGS = [
    {"studies"},
    {"studies.notebook"},
    {"studies.demo"},
    {"studies.status", "studies.importing", "studies.starter", "studies.endings"},
    {"studies.report", "studies.lifecycle"},
    {"studies.usage"},
    {"studies.dashboard", "studies.completion"},
    {"studies.drawing", "studies.answers"},
    {"studies.figures", "studies.export", "studies.engine", "studies.launch"},
    {"studies.comparison"},
    {"studies.results", "studies.trial", "studies.slots", "studies.audit", "studies.planning"},
    {"studies.settings"},
    {"studies.laws", "studies.history", "studies.scripts"},
    {"studies.tables", "studies.definition"},
]
LARGE_WINGS = ("figures", "status")


class Arrow(NamedTuple):
    """An import."""

    source: str
    target: str
    where: str
    """FILE:LINE."""


@cache
def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    files = [CHECKOUT / "cli.py", *(file for name in PACKAGES for file in sorted((CHECKOUT / name).rglob("*.py")))]
    names = (".".join(file.relative_to(CHECKOUT).with_suffix("").parts) for file in files)
    return {name.removesuffix(".__init__"): file for name, file in zip(names, files, strict=True)}


@cache
def arrows() -> list[Arrow]:
    """Every import of a module of the product by another, those inside functions too."""
    return list(_arrows())


def _arrows() -> Iterator[Arrow]:
    known = modules()
    for source, file in known.items():
        for node in ast.walk(ast.parse(file.read_text())):
            targets: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
                inside = [f"{node.module}.{alias.name}" for alias in node.names]
                targets = [each if each in known else node.module for each in inside]
            elif isinstance(node, ast.Import):
                targets = [alias.name for alias in node.names]
            for target in dict.fromkeys(targets):
                if target in known and target != source:
                    yield Arrow(source, target, f"{file.relative_to(CHECKOUT)}:{node.lineno}")


def wing(module: str) -> str:
    """`studies.engine` of `studies.engine.worker`; of a module directly below studies/, itself."""
    return ".".join(module.split(".")[:2])


def rank(levels: list[set[str]], name: str) -> int:
    """How far down; the test of sizes shows that every wing has its place."""
    return next(index for index, level in enumerate(levels) if name in level)


def test_packages_import_downwards_alone() -> None:
    wrong = [
        f"{arrow.where} imports {arrow.target}"
        for arrow in arrows()
        if (source := arrow.source.split(".")[0]) != (target := arrow.target.split(".")[0])
        and rank(LEVELS, source) >= rank(LEVELS, target)
    ]
    assert wrong == []


def test_wings_of_studies_import_downwards_alone() -> None:
    wrong = [
        f"{arrow.where} imports {arrow.target}"
        for arrow in arrows()
        if arrow.source.startswith("studies")
        and arrow.target.startswith("studies")
        and (source := wing(arrow.source)) != (target := wing(arrow.target))
        and rank(WINGS, source) >= rank(WINGS, target)
    ]
    assert wrong == []


def test_no_module_imports_itself_by_a_way_round() -> None:
    below: dict[str, dict[str, str]] = {}
    for arrow in arrows():
        below.setdefault(arrow.source, {})[arrow.target] = arrow.where

    def circle(module: str, path: tuple[str, ...], cleared: set[str]) -> list[str] | None:
        if module in path:
            way = [*path[path.index(module) :], module]
            return [f"{below[one][other]} imports {other}" for one, other in pairwise(way)]
        if module in cleared:
            return None
        for target in below.get(module, ()):
            found = circle(target, (*path, module), cleared)
            if found is not None:
                return found
        cleared.add(module)
        return None

    cleared: set[str] = set()
    for module in modules():
        assert circle(module, (), cleared) is None


def test_only_storage_knows_a_database() -> None:
    wrong = []
    for name, file in modules().items():
        if name.split(".")[0] == "storage":
            continue
        text = file.read_text()
        wrong += [f"{name} imports {each}" for each in ("psycopg2", "sqlalchemy") if f"import {each}" in text]
        wrong += [f"{name} runs SQL: {each}" for each in re.findall(r"session\.(?:run|one|execute)\(.*", text)]
    assert wrong == []


def test_every_wing_has_its_place_and_says_what_to_read_first() -> None:
    for folder in (each for each in (CHECKOUT / "studies").iterdir() if (each / "__init__.py").exists()):
        rank(WINGS, f"studies.{folder.name}")
        init = (folder / "__init__.py").read_text()
        caption = ast.get_docstring(ast.parse(init))
        assert caption is not None and "Read first: " in caption and len(ast.parse(init).body) == 1, folder


def test_a_wing_is_read_in_one_sitting() -> None:
    for folder in (each for each in (CHECKOUT / "studies").iterdir() if (each / "__init__.py").exists()):
        if folder.name in LARGE_WINGS:
            continue
        files = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
        lines = sum(len(file.read_text().splitlines()) for file in files)
        assert len(files) <= 15 and lines <= 2000, f"{folder.name}: {len(files)} files, {lines} lines"


@pytest.mark.parametrize("folder", PACKAGES)
def test_no_file_is_longer_than_400_lines(folder: str) -> None:
    lengths = {file: len(file.read_text().splitlines()) for file in (CHECKOUT / folder).rglob("*.py")}
    assert {file: length for file, length in lengths.items() if length > 400} == {}


def test_one_place_knows_where_the_checkout_lies() -> None:
    found = [name for name, file in modules().items() if re.search(r"^CHECKOUT\b.*=", file.read_text(), re.MULTILINE)]
    assert found == ["storage.home"]
