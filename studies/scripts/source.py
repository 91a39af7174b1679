"""A script's text, read and never run: its parser, its globals, the flags that it declares.

Modules beside the script that it imports are read too: many scripts keep their flags in one.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectives.named_keys import module_file
from objectives.source_tree import source_tree
from storage.errors import UsageError
from studies.scripts.flag import Missing, Parser

MAX_SOURCE_BYTES = 2_000_000
MAX_FILES = 30
PARSERS = {
    Parser.HYDRA: (("hydra",), ("main",)),
    Parser.JSONARGPARSE: (("jsonargparse",), ("CLI", "auto_cli", "ArgumentParser", "ActionConfigFile")),
    Parser.TYRO: (("tyro",), ("cli", "extras")),
    Parser.FIRE: (("fire",), ("Fire",)),
    Parser.ABSL: (("absl",), ("flags",)),
    Parser.CLICK: (("click", "typer"), ("command", "Typer", "run")),
    Parser.ARGPARSE: (("argparse",), ("ArgumentParser",)),
}
"""The modules that a script imports for a parser, and what it uses of them; the more telling first."""
PARSER_NAMES = {
    "HfArgumentParser": Parser.TRANSFORMERS,
    "LightningCLI": Parser.JSONARGPARSE,
    "configargparse": Parser.ARGPARSE,
    "simple_parsing": Parser.ARGPARSE,
    "pyrallis": Parser.ARGPARSE,
    "draccus": Parser.ARGPARSE,
    "tap": Parser.ARGPARSE,
}
OPERATIONS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}


@dataclass(frozen=True)
class Source:
    """The text of a script and of its own modules."""

    script: Path
    trees: Sequence[tuple[Path, ast.Module]]
    """The script's first."""

    @staticmethod
    def of(script: Path) -> Source:
        """Raises:
        UsageError: The script cannot be read.
        """
        try:
            first = _tree(script)
        except (OSError, ValueError, SyntaxError, RecursionError) as error:
            raise UsageError(f"--command: {script}: cannot be read as Python: {error}") from error
        trees, waiting, seen = [(script, first)], [first], {script.resolve()}
        while waiting and len(trees) < MAX_FILES:
            for name in _imports(waiting.pop(0)):
                found = module_file(name, [script.resolve().parent])
                if found is None or found[0] in seen:
                    continue
                seen.add(found[0])
                try:
                    tree = _tree(found[0])
                except (OSError, ValueError, SyntaxError, RecursionError):
                    continue
                trees.append((found[0], tree))
                waiting.append(tree)
        return Source(script, trees)

    def nodes(self) -> Iterator[tuple[Path, ast.AST]]:
        for file, tree in self.trees:
            for node in ast.walk(tree):
                yield file, node

    @property
    def parser(self) -> Parser | None:
        """What reads its flags, by what it imports; None: that is not known."""
        if self._configurator() is not None:
            return Parser.GLOBALS
        modules = [name.partition(".")[0] for _, tree in self.trees for name in _imports(tree)]
        names = {name for _, node in self.nodes() if isinstance(node, ast.ImportFrom) for name in _names(node)}
        for name, parser in PARSER_NAMES.items():
            if name in names or name in modules:
                return parser
        used = {node.attr for _, node in self.nodes() if isinstance(node, ast.Attribute)} | names
        return next(
            (parser for parser, (owners, uses) in PARSERS.items() if {*owners} & {*modules} and {*uses} & used), None
        )

    def globals(self) -> dict[str, Any]:
        """The settings above the line that runs nanoGPT's configurator; of a file without that line, all of them."""
        found: dict[str, Any] = {}
        end = self._configurator()
        for node in self.trees[0][1].body:
            if end is not None and node.lineno >= end:
                break
            if isinstance(node, ast.Assign):
                names = [each.id for each in node.targets if isinstance(each, ast.Name)]
                found |= {
                    name: _value(node.value) for name in names if not name.startswith("_") and name != "config_keys"
                }
        return found

    def fields(self) -> Mapping[str, Any]:
        """The defaults of dataclass fields, by name; unknown where two classes differ."""
        found: dict[str, Any] = {}
        for _, node in self.nodes():
            for each in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value is not None:
                    default = _field(each.value)
                    known = found.setdefault(each.target.id, default)
                    found[each.target.id] = default if _same(known, default) else Missing.UNKNOWN
        return found

    def declarations(self, *functions: str) -> Iterator[tuple[list[str], Mapping[str, ast.expr]]]:
        """Calls like `add_argument("--x", type=int)`: their texts, and their keywords."""
        for _, node in self.nodes():
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            if name in functions and texts:
                yield texts, {each.arg: each.value for each in node.keywords if each.arg is not None}

    def _configurator(self) -> int | None:
        """The line of `exec(open(…).read())` between a script's globals."""
        for node in self.trees[0][1].body:
            call = node.value if isinstance(node, ast.Expr) else None
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "exec":
                calls = (each.func for each in ast.walk(call) if isinstance(each, ast.Call))
                if "open" in {each.id for each in calls if isinstance(each, ast.Name)}:
                    return node.lineno
        return None


def literal(node: ast.expr | None) -> Any:
    """The value that an expression writes out; `Missing.UNKNOWN` of every other."""
    return Missing.UNKNOWN if node is None else _value(node)


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        left, right = _value(node.left), _value(node.right)
        if isinstance(left, int | float) and isinstance(right, int | float):
            try:
                return OPERATIONS[type(node.op)](left, right)
            except (ArithmeticError, ValueError):
                return Missing.UNKNOWN
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return Missing.UNKNOWN
    value = list(value) if isinstance(value, tuple) else value
    return value if value is None or isinstance(value, bool | int | float | str | list) else Missing.UNKNOWN


def _field(node: ast.expr) -> Any:
    """The default of a dataclass's field: the value itself, or what `field(…)` is given."""
    if not isinstance(node, ast.Call):
        return _value(node)
    known = {each.arg: each.value for each in node.keywords}
    if "default" in known:
        return _value(known["default"])
    factory = known.get("default_factory")
    return _value(factory.body) if isinstance(factory, ast.Lambda) else Missing.UNKNOWN


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


def _tree(file: Path) -> ast.Module:
    if file.stat().st_size > MAX_SOURCE_BYTES:
        raise ValueError(f"it is larger than {MAX_SOURCE_BYTES:,} bytes")
    return source_tree(file)


def _imports(tree: ast.Module) -> list[str]:
    """Every module that it imports, `a.b` of `from a import b` too."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found += [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        elif isinstance(node, ast.ImportFrom):
            found += [each.name for each in node.names]
    return list(dict.fromkeys(found))


def _names(node: ast.ImportFrom) -> list[str]:
    return [each.name for each in node.names]
