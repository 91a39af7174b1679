"""A Python file as a syntax tree: how everything here reads source that it does not run."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path


def source_tree(file: Path) -> ast.Module:
    """The syntax tree of a file, in the encoding that it names. Python's warnings about its style are not shown.

    Raises:
        OSError: It cannot be read.
        SyntaxError, ValueError, RecursionError, MemoryError: It is no Python that this version can parse.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(file.read_bytes())
