"""Flags out of the text that a script prints for `--help`, by each parser's way of printing it.

Each function takes the text and gives the flags in their order. Defaults that the text does not print are unknown here;
declared.py finds them in the script's own text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from storage.errors import UsageError
from studies.definition.yaml_text import read_scalar
from studies.scripts.flag import Flag, Missing, Switch

NOT_SETTINGS = (
    *("help", "helpshort", "helpfull", "helpxml", "version", "print_config", "config"),
    *("install-completion", "show-completion"),
)
"""Flags that every parser of a kind has, or that are no setting of a training."""
FRAME = re.compile(r"[╭╰┌└┏┗┡├+].*|[─━═]+")
OPTION_LINE = re.compile(r" {0,6}(?:\* +)?(-{1,2}[A-Za-z].*)")
CLICK_METAVAR = re.compile(r"[A-Z][A-Z_ ]*(?:\.\.\.)?|\[.*\]|<.*>|--no-\S+")
INVOCATION = re.compile(r"(--?[\w.\-+]+)(?:[ =](.*))?")
FIRE_LINE = re.compile(r" {4}(?:-\w, )?--(\w+)=\w*")
ABSL_LINE = re.compile(r"  (?:-\w,)?--(\[no\])?(\w+): ?(.*)")
ABSL_NUMBER = re.compile(r"\(an? [\w \-]*(?:number|integer)\b|\((?:number|integer) [<>]=? ")
ABSL_MODULE = re.compile(r"(\S+):")


def argparse_flags(text: str) -> list[Flag]:
    """Of argparse and what is built on it: HfArgumentParser, tyro, simple_parsing."""
    required = _required(text)
    flags = []
    for invocation, help_ in _entries(text):
        names, metavar = _names(invocation)
        if names:
            flags.append(_flag(names, metavar, help_, required))
    return [each for each in flags if each.name not in NOT_SETTINGS]


def click_flags(text: str) -> list[Flag]:
    """Of click and typer."""
    flags = []
    for invocation, help_ in _entries(text):
        names, metavar = _names(re.sub(r" ?/ ?|,", ", ", invocation))
        if not names or names[0] in NOT_SETTINGS:
            continue
        metavar = "" if metavar == "<bool>" else metavar  # typer's, of a switch
        choices = re.fullmatch(r"[\[<](.*\|.*)[\]>]", metavar)
        flag = _flag(names, "{" + choices[1].replace("|", ",") + "}" if choices else metavar, help_, set())
        if "required]" in help_:
            flag = replace(flag, default=Missing.REQUIRED)
        if flag.switch is Switch.PAIR and flag.default in (flag.name, f"no-{flag.name}"):  # click's way to print it
            flag = replace(flag, default=flag.default == flag.name)
        if "/" in invocation and flag.switch is Switch.PRESENT:
            flag = replace(flag, fault=f"its false is --{names[-1]}, which {{flags}} cannot write")
        flags.append(replace(flag, switch=Switch.VALUE) if metavar == "BOOLEAN" else flag)
    return flags


def fire_flags(text: str) -> list[Flag]:
    """Of Fire: a manual's page."""
    flags: list[Flag] = []
    required = re.search(r"^POSITIONAL ARGUMENTS\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    for name in re.findall(r"^ {4}([A-Z]\w*)", required[1] if required else "", re.MULTILINE):
        flags.append(Flag(name.lower(), Missing.REQUIRED))
    name = ""
    for line in text.splitlines():
        found = FIRE_LINE.fullmatch(line)
        if found is not None:
            name = found[1]
            flags.append(Flag(name))
        elif name and (stated := re.fullmatch(r" +Default: (.*)", line)):
            default = value_of(stated[1])
            flags[-1] = Flag(name, default, Switch.VALUE if isinstance(default, bool) else None)
            name = ""
    return flags


def absl_flags(text: str, modules: set[str]) -> list[Flag]:
    """Of absl's `--helpfull`: the flags of these modules alone; libraries have theirs."""
    flags: list[Flag] = []
    entries: list[tuple[str, str, list[str]]] = []
    ours = False
    for line in text.splitlines():
        module, found = ABSL_MODULE.fullmatch(line), ABSL_LINE.fullmatch(line)
        if module is not None:
            ours = module[1].removesuffix(".py").rpartition(".")[2] in modules
        elif found is not None and ours:
            entries.append((found[2], found[1] or "", [found[3]]))
        elif entries and ours and line.startswith("   "):
            entries[-1][2].append(line.strip())
    for name, negated, lines in entries:
        help_ = " ".join(lines)
        stated = re.search(r"\(default: '(.*?)'\)", help_)
        words = stated[1] if stated else None
        choices = re.match(r"<([^>]*\|[^>]*)>:", help_)
        default: Any = words
        if "(a comma separated list)" in help_:
            default = None if words is None else words.split(",") if words else []
        elif words is not None and (negated or ABSL_NUMBER.search(help_)):
            default = value_of(words)
        repeated = "repeat this option" in help_
        if repeated:
            default = Missing.UNKNOWN if words is None else value_of(words)
        flags.append(
            Flag(name, default, Switch.VALUE if negated else None, choices[1].split("|") if choices else (), repeated)
        )
    return [each for each in flags if each.name not in NOT_SETTINGS]


def positionals(text: str) -> list[str]:
    """The arguments without a flag that the usage of argparse or click asks for."""
    if "positional arguments:" not in text and "Usage: " not in text:
        return []
    plain = re.sub(r"--?[\w.\-]+ \S+", "", _usage(text))
    return [each if "," in each else each.strip("{}") for each in plain.split()[1:] if each != "..."]


def config_flags(text: str) -> list[Flag]:
    """Of a configuration printed as YAML: Hydra's `--cfg job`, jsonargparse's `--print_config`."""
    try:
        document = read_scalar(text, "init")
    except UsageError as error:
        raise UsageError(f"init: the configuration that the script prints cannot be read: {error.what}") from error
    if not isinstance(document, Mapping):
        raise UsageError("init: the script prints no configuration")
    return list(_leaves(document, ""))


def value_of(text: str) -> Any:
    """A default as help prints it: a number, a boolean, nothing, a list, or a text."""
    text = text.strip()
    if text.lower() in ("none", "null", ""):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        value = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return text
    value = list(value) if isinstance(value, tuple) else value
    return value if isinstance(value, bool | int | float | str | list) else text


def _leaves(document: Mapping[str, Any], above: str) -> Iterator[Flag]:
    for key, value in document.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{name}.")
        elif "." in key or key.startswith("_"):
            yield Flag(name, fault="a key of its framework")
        elif value == "???":
            yield Flag(name, Missing.REQUIRED)
        elif "${" in str(value):
            yield Flag(name, fault="it follows from other keys")
        elif isinstance(value, list) and any(isinstance(each, list | Mapping) for each in value):
            yield Flag(name, fault="a list that holds more than numbers and texts")
        elif above or name not in NOT_SETTINGS:
            yield Flag(name, value, Switch.VALUE if isinstance(value, bool) else None)


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Each option's invocation with its help, both on one line. The usage above is left out."""
    invocation, help_ = "", ""
    in_usage = False
    for whole in text.splitlines():
        line = whole if FRAME.fullmatch(whole.strip()) is None else ""
        boxed = re.fullmatch(r"[│┃║](.*)[│┃║]", line.strip())
        line = boxed[1] if boxed else line
        in_usage = bool(line.strip()) and (in_usage or re.match(r" *usage:", line, re.IGNORECASE) is not None)
        if in_usage:
            continue
        found = OPTION_LINE.fullmatch(line)
        if found is not None:
            if invocation:
                yield invocation, help_.strip()
            invocation, help_ = _divided(found[1])
        elif line.strip() and invocation and line.startswith("   "):
            help_ += f" {line.strip()}"
        elif line.strip() and invocation:
            yield invocation, help_.strip()
            invocation = ""
    if invocation:
        yield invocation, help_.strip()


def _divided(line: str) -> tuple[str, str]:
    """The invocation and the help of a line; typer leaves wide spaces inside its invocations."""
    invocation, *rest = re.split(r" {2,}", line.rstrip())
    while rest and "[" not in invocation and CLICK_METAVAR.fullmatch(rest[0]) and "default:" not in rest[0]:
        invocation += f"{',' * rest[0].startswith('--')} {rest.pop(0)}"
    return invocation, " ".join(rest)


def _names(invocation: str) -> tuple[list[str], str]:
    """The long names of an invocation, and the word for its value."""
    names, metavar = [], ""
    for part in re.split(r",\s+(?=-)", invocation):
        found = INVOCATION.fullmatch(part.strip())
        if found is None:
            continue
        metavar = (found[2] or metavar).strip()
        if found[1].startswith("--") and not found[1].endswith("+"):
            names.append(found[1].removeprefix("--"))
    return names, metavar


def _flag(names: list[str], metavar: str, help_: str, required: set[str]) -> Flag:
    name = names[0]
    stated = stated_default(help_)
    default = Missing.UNKNOWN if stated is None else value_of(stated)
    outer, dot, leaf = name.rpartition(".")
    if name in required:
        default = Missing.REQUIRED
    if f"no-{name}" in names:
        return Flag(name, default, Switch.PAIR)
    if f"{outer}{dot}no-{leaf}" in names:
        return Flag(name, default, Switch.PAIR, fault=f"its false is --{outer}.no-{leaf}, which {{flags}} cannot write")
    if not metavar:
        return Flag(name, default if isinstance(default, bool) else False, Switch.PRESENT)
    choices = re.fullmatch(r"\{(.*)\}", metavar)
    words = choices[1].split(",") if choices else []
    if words and {each.lower() for each in words} <= {"true", "false"}:
        return Flag(name, default, Switch.VALUE)
    if "..." in metavar and isinstance(default, str):
        default = [value_of(each) for each in default.split()]
    elif "..." in metavar and stated is not None and not isinstance(default, list | None):
        default = [default]
    return Flag(name, default, Switch.VALUE if isinstance(default, bool) else None, words)


def stated_default(help_: str) -> str | None:
    """The text after `default:`, up to the bracket that closes it."""
    found = re.search(r"[(\[ ,]default(?::|=| is) *", f" {help_}")
    if found is None:
        return None
    text, depth = f" {help_}"[found.end() :], 0
    for index, each in enumerate(text):
        if each in ")]" and depth == 0:
            return text[:index].strip()
        if each == ";" and depth == 0:
            return text[:index].strip()
        depth += (each in "([") - (each in ")]")
    return text.strip()


def _required(text: str) -> set[str]:
    """The flags that the usage shows without brackets."""
    return set(re.findall(r"--([\w.\-]+)", _usage(text)))


def _usage(text: str) -> str:
    """The usage, without all that it shows in brackets."""
    usage = re.match(r"\s*usage:(.*?)(?:\n\s*\n|\Z)", text, re.DOTALL | re.IGNORECASE)
    rest, before = usage[1] if usage else "", ""
    while rest != before:
        before, rest = rest, re.sub(r"\[[^\[\]]*\]", "", rest)
    return rest
