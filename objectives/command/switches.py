"""Booleans that a Python script cannot hear, found in its text: nothing of the script is imported or run.

`type=bool` of argparse takes every text but the empty one for true. A switch that is on by default cannot be turned off
by leaving it out. absl takes `--bias false` for `--bias`, and Fire takes `false` for a text, which is true.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from objectives.command.flags import Spelling
from objectives.source_tree import source_tree

DECLARATIONS = ("add_argument", "option", "DEFINE_bool", "DEFINE_boolean")
"""Of argparse, click and absl."""


def deaf_switch(script: Path | None, name: str, spelling: Spelling, is_fixed: bool = False) -> str | None:
    """Why a script cannot hear both values of a boolean flag, or None where it can, or that is not known.

    `is_fixed`: it has to hear `false` alone.
    """
    if script is None:
        return None
    try:
        tree = source_tree(script)
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
    if is_fixed and _imports(tree, "jsonargparse"):  # its `type=bool` reads `false`
        return None
    for call in _declarations(tree, name):
        fault = _fault(call, spelling, is_fixed)
        if fault is not None:
            return f"{script.name}:{call.lineno}: --{name} {fault}"
    if _imports(tree, "fire") and spelling.mode in ("value", "equals") and spelling.word(False) is None:
        fault = f"Fire reads false as a text, which counts as true, so {name} has no effect: use `flags: python`"
        return f"{script.name}: {fault}"
    return None


def _fault(call: ast.Call, spelling: Spelling, is_fixed: bool) -> str | None:
    known = {each.arg: each.value for each in call.keywords if each.arg is not None}
    kind, action, default = (known.get(key) for key in ("type", "action", "default"))
    if _name(call.func).startswith("DEFINE_"):
        if spelling.mode == "value":
            return "is absl's, which reads `--x false` as `--x`: use `flags: equals`"
        default = call.args[1] if len(call.args) > 1 else default
        return "is on by default: left out, it stays on; `flags: equals`" if _is_on(default, spelling) else None
    if isinstance(kind, ast.Name) and kind.id == "bool" and _name(call.func) == "add_argument":
        is_left_out = spelling.mode == "omit" and spelling.word(False) is None
        if spelling.word(False) == "" or (is_fixed and is_left_out and not _is(default, True)):
            return None
        return 'has `type=bool`, which takes every text for true: use `words: {false: ""}`'
    if _is(action, "store_true") and _is(default, True):
        return "is on by default and `store_true` cannot turn it off"
    if _is(action, "store_true") and spelling.mode != "omit":
        return "is a `store_true` switch: use `flags: omit`"
    if _is(known.get("is_flag"), True) and _is_on(default, spelling):
        return "is on by default: left out, it stays on"
    return None


def _is_on(default: ast.expr | None, spelling: Spelling) -> bool:
    """Whether a switch is on where {flags} says nothing of it."""
    return _is(default, True) and spelling.mode == "omit" and spelling.word(False) is None


def _declarations(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """The calls that declare a flag."""
    spellings = {name, f"--{name}", f"--{name.replace('_', '-')}"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in DECLARATIONS:
            given = {each.value for each in node.args if isinstance(each, ast.Constant)}
            if given & spellings:
                yield node


def _name(function: ast.expr) -> str:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _imports(tree: ast.AST, module: str) -> bool:
    return any(
        (isinstance(node, ast.Import) and any(each.name == module for each in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == module)
        for node in ast.walk(tree)
    )


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value
