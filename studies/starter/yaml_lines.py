"""Values as YAML 1.2 reads them back, and lines with a comment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from studies.definition.yaml_text import is_plain

PLAIN_TEXT = re.compile(r"[\w./][\w./+@-]*", re.ASCII)
COMMENT_COLUMN = 40


def scalar(value: Any) -> str:
    """A value as YAML 1.2 reads it back."""
    if not isinstance(value, str):
        return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    if PLAIN_TEXT.fullmatch(value) and is_plain(value):
        return value
    return f"'{value.replace(chr(39), chr(39) * 2)}'" if value.isprintable() else json.dumps(value)


def flow(value: Any) -> str:
    """A list or a mapping on one line."""
    match value:
        case list() | tuple():
            return f"[{', '.join(flow(each) for each in value)}]"
        case Mapping():
            return f"{{{', '.join(f'{scalar(key)}: {flow(each)}' for key, each in value.items())}}}"
    return scalar(value)


def line_text(text: str) -> str:
    """A text that ends its line: without quotes where it reads back without."""
    return text if text.isprintable() and is_plain(text) else scalar(text)


def noted(line: str, note: str) -> str:
    return f"{line:<{COMMENT_COLUMN - 2}}  # {note}" if note else line
