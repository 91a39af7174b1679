"""Booleans that a Python script cannot hear, found in its text: nothing of the script is imported or run.

`type=bool` of argparse takes every text but the empty one for true: `--bias false` is true. `store_true` with
`default=True` is true whatever is sent.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from objectives.command.flags import Spelling


def deaf_switch(script: Path | None, name: str, spelling: Spelling) -> str | None:
    """Why a script cannot hear both values of a boolean flag, or None where it can, or that is not known."""
    if script is None:
        return None
    try:
        tree = ast.parse(script.read_text())
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
    for call in _declarations(tree, name):
        known = {each.arg: each.value for each in call.keywords if each.arg is not None}
        kind, action, default = (known.get(key) for key in ("type", "action", "default"))
        line = f"{script.name}:{call.lineno}: --{name}"
        if isinstance(kind, ast.Name) and kind.id == "bool" and spelling.word(False) != "":
            return f'{line} has `type=bool`, which takes every text for true; `words: {{false: ""}}` can be heard'
        if _is(action, "store_true") and _is(default, True):
            return f"{line} is on by default and `store_true` cannot turn it off"
        if _is(action, "store_true") and spelling.mode != "omit":
            return f"{line} is a `store_true` switch: send it by `flags: omit`"
    return None


def _declarations(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    """The calls of `add_argument` that declare a flag."""
    spellings = {f"--{name}", f"--{name.replace('_', '-')}"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            given = {each.value for each in node.args if isinstance(each, ast.Constant)}
            if given & spellings:
                yield node


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value
