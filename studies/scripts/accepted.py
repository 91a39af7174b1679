"""Which flags an argparse script accepts, where its text tells all of them: nothing is run, and no guess is made."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from objectives.command.command import Command
from storage.errors import UsageError, nearest
from studies.scripts.flag import Parser
from studies.scripts.source import Source

MAKERS = ("ArgumentParser", "add_parser", "add_argument_group", "add_mutually_exclusive_group")
"""Calls that make something with `add_argument`."""
OPEN_ENDS = ("parse_known_args", "parse_known_intermixed_args", "argv", "add_arguments", "setattr")
"""Names by which a script may hear more than it declares."""
OPEN_KEYWORDS = ("parents", "prefix_chars", None)
"""Of a call that makes a parser; None: `**keywords`."""


def refused_flag(command: Command, configs: Iterable[Mapping[str, Any]]) -> str | None:
    """That a command's script has no flag for a key of these configurations; None: it has, or that is not known."""
    script = command.script()
    if script is None:
        return None
    try:
        sent = list(dict.fromkeys(flag for config in configs for flag in command.sent_flags(config)))
        accepted = accepted_flags(Source.of(script)) if sent else None
    except UsageError:  # a value that no flag can write is refused by itself
        return None
    unknown = None if accepted is None else unknown_flag(sent, accepted)
    if unknown is None:
        return None
    seed = "; name each key in the command in place of {flags}: --lr {lr}" if unknown.startswith("--seed") else ""
    return f"command: {script.name} has no flag {unknown}{seed}"


def accepted_flags(source: Source) -> frozenset[str] | None:
    """Every flag, `--lr`; None where the text does not tell all of them."""
    if source.parser is not Parser.ARGPARSE:
        return None
    nodes = [node for _, node in source.nodes()]
    own = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    parsers = set(_parsers(nodes))
    if any(_is_open(node, own, parsers) for node in nodes):
        return None
    flags = {"--help"}
    for node in nodes:
        if isinstance(node, ast.Call) and _name(node.func) == "add_argument":
            texts = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            is_known = all(each.arg is not None for each in node.keywords)
            if len(texts) < len(node.args) or not is_known:
                return None
            flags |= {each for each in texts if each.startswith("-")}
            if any(_name(each.value) == "BooleanOptionalAction" for each in node.keywords if each.arg == "action"):
                flags |= {f"--no-{each.removeprefix('--')}" for each in texts if each.startswith("--")}
    return frozenset(flags)


def unknown_flag(sent: Sequence[str], accepted: Collection[str]) -> str | None:
    """The first flag that is not accepted, with the nearest that is; an abbreviation is accepted, as argparse does."""
    for flag in sent:
        if not any(each.startswith(flag) for each in accepted):
            return f"{flag}{nearest(flag, sorted(accepted))}"
    return None


def _is_open(node: ast.AST, own: Collection[str], parsers: Collection[str]) -> bool:
    """Whether flags may come from elsewhere: a library's function that is given the parser, another class."""
    if _name(node) in OPEN_ENDS:
        return True
    match node:
        case ast.ClassDef(bases=bases):
            return any(_name(each) in MAKERS for each in bases)
        case ast.Call(func=ast.Attribute(attr="parse_args", value=ast.Call(func=maker))):
            return _name(maker) not in own and _name(maker) not in MAKERS
        case ast.Call(func=ast.Attribute(attr="parse_args", value=owner)):
            return _name(owner) not in parsers
        case ast.Call(func=function, args=given, keywords=named):
            if _name(function) in MAKERS:
                return any(each.arg in OPEN_KEYWORDS for each in named)
            values = [*given, *(each.value for each in named)]
            return _name(function) not in own and any(_name(each) in parsers for each in values)
    return False


def _parsers(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """The names that parsers and their groups are given."""
    for node in nodes:
        match node:
            case ast.Assign(targets=targets, value=ast.Call(func=maker)) if _name(maker) in MAKERS:
                yield from map(_name, targets)
            case ast.AnnAssign(target=target, value=ast.Call(func=maker)) if _name(maker) in MAKERS:
                yield _name(target)


def _name(node: ast.AST) -> str:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""
