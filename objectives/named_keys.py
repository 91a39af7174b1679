"""The keys of a config that an objective names, read from its source without running any of it.

A key that the objective names needs no twin in the config. Where its source shows that it reads no other key, any other
new name is refused; where the config is handed on whole, only a misspelt one (samplers/searches/new_names.py).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from objectives.command.command import COMMAND_PREFIX, Command
from objectives.gssm.graph import GRAPH_KEYS
from objectives.source_tree import source_tree
from storage.home import OBJECTIVES

MAX_SOURCE_BYTES = 5_000_000
GPT_CONFIG = OBJECTIVES / "gpt" / "config.py"
READING_METHODS = ("get", "pop", "setdefault")
OPAQUE_CALLS = ("locals", "vars", "globals", "eval", "exec")
"""A function with one of these may read any key."""
PARAMETERS_KEYS = ("model", "hf", "verify", "seq_length", "time_tokens")
"""Of the objective `parameters`, beside those of `gpt`."""


@dataclass(frozen=True)
class NamedKeys:
    """The keys that an objective names."""

    keys: frozenset[str] = frozenset()
    closed: bool = False
    """Whether it certainly reads no other key."""
    ignored: tuple[str, ...] = ()
    """Keys of other programs that would change none of its results."""


def named_keys(objective: str) -> NamedKeys:
    """The keys that an objective names. Never fails: of a source that cannot be read, none are known."""
    if objective.startswith(COMMAND_PREFIX):
        names = Command.from_text(objective).named()
        return NamedKeys() if names is None else NamedKeys(frozenset(names), closed=True)
    match objective:
        case "gpt":
            return NamedKeys(_gpt_keys(), closed=True, ignored=_constant(GPT_CONFIG, "IGNORED_KEYS"))
        case "parameters":
            return NamedKeys(_gpt_keys() | {*PARAMETERS_KEYS}, ignored=_constant(GPT_CONFIG, "IGNORED_KEYS"))
        case "difficulty":
            own = _constant(OBJECTIVES / "difficulty" / "__init__.py", "_OWN_KEYS")
            return NamedKeys(frozenset((*own, *GRAPH_KEYS)), closed=True)
    where, _, function = objective.rpartition(":")
    file = Path(where)
    if not where.endswith(".py"):
        found = module_file(where, [*(Path(each or ".").resolve() for each in sys.path), Path.cwd()])
        if found is None:
            return NamedKeys()
        file = found[0]
    try:
        kept = file.stat()
    except OSError:
        return NamedKeys()
    return _named_by(file, function, kept.st_mtime_ns, kept.st_size)


def module_file(name: str, bases: Iterable[Path]) -> tuple[Path, Path] | None:
    """The file of a module, and the folder in which it was found; `package` alone is its `__init__.py`."""
    for base in bases:
        place = base.joinpath(*name.split("."))
        for path in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
            if path.is_file():
                return path.resolve(), base
    return None


@cache
def _gpt_keys() -> frozenset[str]:
    """Without an import: objectives/gpt imports torch."""
    (config,) = (each for each in source_tree(GPT_CONFIG).body if _is_class(each, "GptConfig"))
    fields = (each.target for each in getattr(config, "body", ()) if isinstance(each, ast.AnnAssign))
    return frozenset(each.id for each in fields if isinstance(each, ast.Name))


def _is_class(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.ClassDef) and node.name == name


@cache
def _constant(file: Path, name: str) -> tuple[str, ...]:
    for node in source_tree(file).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return tuple(_texts(node.value))
    raise AssertionError(f"{file} has no {name}")


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts of a tuple, and of tuples unpacked in it."""
    return (each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str))


@lru_cache(maxsize=64)
def _named_by(file: Path, function: str, changed_at: int, size: int) -> NamedKeys:
    if size > MAX_SOURCE_BYTES:
        return NamedKeys()
    try:
        body = source_tree(file).body
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return NamedKeys()
    reading = _Reading({each.name: each for each in body if isinstance(each, ast.FunctionDef)})
    reading.follow(function, 0)
    objective_closed = reading.closed
    for beside in ("validate", "cost"):
        if beside in reading.functions:
            reading.follow(beside, 0)
    return NamedKeys(frozenset(reading.keys), objective_closed)


@dataclass
class _Reading:
    """The keys that functions of one file read from the config, which they are given as an argument."""

    functions: Mapping[str, ast.FunctionDef]
    keys: set[str] = field(default_factory=set)
    closed: bool = True
    seen: set[tuple[str, int]] = field(default_factory=set)

    def follow(self, name: str, position: int) -> None:
        """Read a function that is given the config as the argument at this position."""
        if (name, position) in self.seen:
            return
        self.seen.add((name, position))
        function = self.functions.get(name)
        parameters = [] if function is None else [*function.args.posonlyargs, *function.args.args]
        if function is None or position >= len(parameters) or function.decorator_list:
            self.closed = False
            return
        config = parameters[position].arg
        uses = sum(isinstance(each, ast.Name) and each.id == config for each in ast.walk(function))
        understood = sum(self._understand(each, config) for each in ast.walk(function))
        if uses != understood or any(_is_opaque(each) for each in ast.walk(function)):
            self.closed = False

    def _understand(self, node: ast.AST, config: str) -> int:
        """Take the keys of one use of the config; how many mentions of it that explains."""
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Constant(value=str() as key)) if name == config:
                self.keys.add(key)
                return 1
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=name), attr=method), args=[ast.Constant(value=str() as key), *_]
            ) if name == config and method in READING_METHODS:
                self.keys.add(key)
                return 1
            case ast.Compare(
                left=ast.Constant(value=str() as key), ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=name)]
            ) if name == config:
                self.keys.add(key)
                return 1
            case ast.Call(func=ast.Name(id=called)) if called in self.functions:
                return sum(1 for _ in self._handed_on(node, called, config))
        return 0

    def _handed_on(self, call: ast.Call, called: str, config: str) -> Iterator[None]:
        """Each argument that is the config itself, followed into the function that is called."""
        own = self.functions[called].args
        names = [each.arg for each in (*own.posonlyargs, *own.args)]
        places = [(index, each) for index, each in enumerate(call.args)]
        places += [(names.index(each.arg), each.value) for each in call.keywords if each.arg in names]
        for index, value in places:
            if isinstance(value, ast.Name) and value.id == config:
                self.follow(called, index)
                yield


def _is_opaque(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OPAQUE_CALLS
