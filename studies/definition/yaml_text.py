"""YAML as people mean it: `1e-4` is a number, `no` is a string, and nothing in a file can run code or fill the memory.

A file is composed into nodes first, counted, and only then made into values: at most 1 MiB of text, 20,000 values
after aliases are followed, 50 levels. Scalars follow YAML 1.2's core schema (section 10.3 of its specification):
`true True TRUE`, `false …`, `null Null NULL ~`, integers (`10`, `0x1F`, `0o17`), floats; everything else is a string.
NaN and infinities are refused, since a configuration is kept as JSON. What is written (`scalar`, `flow`) reads back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from storage.errors import UsageError

MAX_YAML_BYTES = 1 << 20
MAX_VALUES = 20_000
MAX_LEVELS = 50
MAX_KEY_CHARACTERS = 200
INTEGER_BOUND = 2**63
MAX_DIGITS = 40
"""Of a whole number, leading zeros counted."""

WORDS = {"~": None, "": None} | {
    spelled: value
    for word, value in (("true", True), ("false", False), ("null", None))
    for spelled in (word, word.capitalize(), word.upper())
}
YAML_1_1_BOOLEANS = {
    spelled: value
    for word, value in (("yes", True), ("no", False), ("on", True), ("off", False))
    for spelled in (word, word.capitalize(), word.upper())
}
"""More words for true and false, by YAML 1.1, which PyYAML reads."""
INTEGER = re.compile(r"[-+]?[0-9]+$|0x[0-9a-fA-F]+$|0o[0-7]+$")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
NOT_FINITE_PATTERN = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$")
TAG = "tag:yaml.org,2002:"
SCALARS = ("str", "int", "float", "bool", "null", "timestamp", "value")
"""PyYAML's guesses, which are ignored: the text decides."""
PLAIN_TEXT = re.compile(r"[\w./][\w./+@-]*", re.ASCII)
COMMENT_COLUMN = 40


def read_yaml(file: Path, yaml_1_1: bool = False) -> Mapping[str, Any]:
    """A file that holds one mapping. With `yaml_1_1`, yes, no, on and off without quotes are booleans.

    Raises:
        UsageError: It cannot be read, or is not that; with the line.
    """
    try:
        if file.exists() and not file.is_file():
            raise UsageError(f"{file}: is not a file")
        data = file.read_bytes() if file.stat().st_size <= MAX_YAML_BYTES else None
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    if data is None:
        raise UsageError(f"{file}: larger than {MAX_YAML_BYTES // 1024} KiB; a definition is a page of text")
    try:
        value = _read(data.decode("utf-8-sig"), str(file), yaml_1_1)
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 at byte {error.start}") from error
    if not isinstance(value, dict):
        raise UsageError(f"{file}: is not a mapping of keys to values but {_kind(value)}")
    return value


def read_scalar(text: str, where: str = "--set") -> Any:
    """The value in `KEY=VALUE`, by the same rules: `true`, `1e-4`, `null`, `[1, 2]`, `{a: 1}`, `'no'`.

    Raises:
        UsageError: It is not YAML.
    """
    if len(text) > MAX_YAML_BYTES:
        raise UsageError(f"{where}: longer than {MAX_YAML_BYTES // 1024} KiB")
    return _read(text, where)


def can_be_kept(text: str) -> bool:
    """Whether the database can hold a text: without NUL and halves of a surrogate pair."""
    return not any(each == "\0" or "\ud800" <= each <= "\udfff" for each in text)


@cache
def is_plain(text: str) -> bool:
    """Whether a text stands for itself without quotes: not `1e-4`, `null`, `[1]` or nothing at all."""
    try:
        return bool(read_scalar(text) == text)
    except UsageError:
        return False


def _read(text: str, where: str, yaml_1_1: bool = False) -> Any:
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark is not None else ""
        hint = "" if mark is None else _hint(text.splitlines()[: mark.line + 1])
        raise UsageError(f"{where}{line}: {error.problem or error.context}{hint}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{where}: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise UsageError(f"{where}: nested more than {MAX_LEVELS} levels deep") from error
    finally:
        if loader is not None:
            loader.dispose()
    return None if node is None else _Maker(where, yaml_1_1).make(node, 0)


def _hint(lines: Sequence[str]) -> str:
    """The likeliest mend of what cannot be read, by its last lines."""
    has_braces = any(re.search(r"command:\s*[^'\"\s].*[{}]|command:\s*\{", each) for each in lines[-2:])
    return "; put a command that holds braces in quotes: command: 'python train.py {flags}'" if has_braces else ""


class _Maker:
    """Makes values of nodes and counts them."""

    def __init__(self, where: str, yaml_1_1: bool) -> None:
        self.where = where
        self.yaml_1_1 = yaml_1_1
        self.count = 0

    def make(self, node: yaml.Node, depth: int) -> Any:
        self.count += 1
        if self.count > MAX_VALUES:
            raise self.wrong(node, f"more than {MAX_VALUES:,} values once aliases are followed")
        if depth > MAX_LEVELS:
            raise self.wrong(node, f"nested more than {MAX_LEVELS} levels deep")
        match node:
            case yaml.ScalarNode():
                return self.scalar(node)
            case yaml.SequenceNode() if node.tag == f"{TAG}seq":
                return [self.make(each, depth + 1) for each in node.value]
            case yaml.MappingNode() if node.tag == f"{TAG}map":
                return self.mapping(node, depth)
            case _:
                raise self.wrong(node, f"the tag {node.tag!r} is not allowed")

    def mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == f"{TAG}merge":
                raise self.wrong(key_node, "a key has to be a plain word (merges are not supported)")
            key = self.text(key_node)
            if len(key) > MAX_KEY_CHARACTERS:
                raise self.wrong(key_node, f"a key of {len(key)} characters; {MAX_KEY_CHARACTERS} are allowed")
            if key in made:
                raise self.wrong(key_node, f"{key!r} appears twice")
            made[key] = self.make(value_node, depth + 1)
        return made

    def scalar(self, node: yaml.ScalarNode) -> Any:
        text = self.text(node)
        if node.tag.removeprefix(TAG) not in SCALARS:
            raise self.wrong(node, f"the tag {node.tag!r} is not allowed")
        if node.style is not None:
            return text
        if text in WORDS:
            return WORDS[text]
        if self.yaml_1_1 and node.tag == f"{TAG}bool" and text in YAML_1_1_BOOLEANS:
            return YAML_1_1_BOOLEANS[text]
        if NOT_FINITE_PATTERN.match(text):
            raise self.wrong(node, f"{text} cannot be kept: a number has to be finite")
        if INTEGER.match(text):
            number = int(text, 0 if text[:2] in ("0x", "0o") else 10) if len(text) <= MAX_DIGITS else INTEGER_BOUND
            if abs(number) >= INTEGER_BOUND:
                raise self.wrong(node, f"{text[:20]} is too large for a number; the largest is 2**63 - 1")
            return number
        if FLOAT.match(text):
            value = float(text)
            if value - value != 0:
                raise self.wrong(node, f"{text} is too large for a number")
            return value
        return text

    def text(self, node: yaml.ScalarNode) -> str:
        """The text of a node, checked."""
        text: str = node.value
        if not can_be_kept(text):
            raise self.wrong(node, f"{text[:40]!r} holds a character that cannot be kept")
        return text

    def wrong(self, node: yaml.Node, what: str) -> UsageError:
        return UsageError(f"{self.where}:{node.start_mark.line + 1}: {what}")


def _kind(value: object) -> str:
    return {list: "a list", type(None): "nothing", str: "a text"}.get(type(value), f"a {type(value).__name__}")


def scalar(value: Any) -> str:
    """A value as YAML 1.2 reads it back."""
    if not isinstance(value, str):
        return repr(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    if PLAIN_TEXT.fullmatch(value) and is_plain(value):
        return value
    return f"'{value.replace(chr(39), chr(39) * 2)}'" if value.isprintable() else quoted(value)


def quoted(value: Any) -> str:
    """A value as JSON that YAML reads back. YAML refuses some characters as they are, takes others for ends of lines,
    and has no surrogate pairs."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in text)


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
