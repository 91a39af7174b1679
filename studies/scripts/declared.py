"""What a script's text adds to the flags that its help prints: defaults, above all, which argparse and click hide."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from studies.scripts.flag import Flag, Missing, Parser, Switch
from studies.scripts.help_flags import value_of
from studies.scripts.source import Source, literal

NUMBERS = {"int": int, "float": float}


def completed(flags: Sequence[Flag], source: Source, parser: Parser) -> list[Flag]:
    """The flags with what the script's text says of them."""
    found = [*source.declarations("add_argument"), *source.declarations("option")]
    declared = {_plain(text): keywords for texts, keywords in found for text in texts if text.startswith("--")}
    fields = {name: value for name, value in source.fields().items() if not isinstance(value, Missing)}
    later = _set_later(source)
    completed_flags = []
    for flag in flags:
        keywords = declared.get(flag.plain)
        flag = flag if keywords is None else _declared(flag, keywords, later)
        if flag.default is Missing.UNKNOWN and flag.leaf.replace("-", "_") in fields:
            flag = _with_default(flag, fields[flag.leaf.replace("-", "_")])
        if parser is Parser.TYRO:  # which hears both spellings; expressions know this one alone
            flag = replace(flag, name=flag.name.replace("-", "_"))
        completed_flags.append(flag)
    if parser is Parser.TRANSFORMERS:  # `--no_x` of a boolean that is on, which hears `--x false` too
        names = {f"no_{each.plain}" for each in completed_flags}
        completed_flags = [each for each in completed_flags if each.plain not in names]
    return completed_flags


def _declared(flag: Flag, keywords: Mapping[str, ast.expr], later: Mapping[str, Any]) -> Flag:
    """With the keywords of its `add_argument` or `click.option`."""
    action, kind = literal(keywords.get("action")), getattr(keywords.get("type"), "id", "")
    default = literal(keywords["default"]) if "default" in keywords else None
    dest = literal(keywords.get("dest"))
    default = later.get(dest if isinstance(dest, str) else flag.plain, default)
    if literal(keywords.get("multiple")) is True:
        flag = replace(flag, repeated=True)
    if action in ("append", "extend", "append_const") and not flag.fault:
        return replace(flag, fault="it is given once for each value")
    if flag.switch is Switch.PRESENT:
        return replace(flag, default=action == "store_true" and default is True)
    if literal(keywords.get("required")) is True and default is None:
        return replace(flag, default=Missing.REQUIRED)
    if kind == "bool" and flag.switch is not Switch.PAIR:
        flag = replace(flag, switch=Switch.VALUE, deaf="multiple" not in keywords and "is_flag" not in keywords)
    if flag.known or flag.default is Missing.REQUIRED:
        return flag if kind != "str" or not flag.known else replace(flag, default=_text(flag.default))
    if isinstance(default, str) and kind in NUMBERS:
        default = value_of(default)
    return _with_default(flag, default)


def _with_default(flag: Flag, default: Any) -> Flag:
    """A boolean that is sent as a value is known by its default."""
    is_value = isinstance(default, bool) and flag.switch is None
    return replace(flag, default=default, switch=Switch.VALUE if is_value else flag.switch)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _set_later(source: Source) -> dict[str, Any]:
    """The keywords of `set_defaults(…)`."""
    found: dict[str, Any] = {}
    for _, node in source.nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "set_defaults":
            found |= {each.arg: literal(each.value) for each in node.keywords if each.arg is not None}
    return found


def _plain(text: str) -> str:
    return text.partition("/")[0].removeprefix("--").replace("-", "_").lower()
