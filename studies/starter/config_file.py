"""A command that reads its settings from a file: `python train.py --config base.json`.

The file's values become the definition's config, and `{config_json}` stands in its place: a file of each trial's own.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectives.command.flags import Spelling
from samplers.searches.nested import flattened
from storage.errors import UsageError
from studies.definition.yaml_text import can_be_kept, read_yaml
from studies.scripts.flag import Flag
from studies.scripts.source import Source
from studies.starter.choices import Sent

SUFFIXES = (".json", ".yaml", ".yml")
PLACEHOLDER = "{config_json}"


@dataclass(frozen=True)
class ConfigFile:
    """A file of settings that a command names."""

    name: str
    """As the command names it."""
    flag: str
    """The flag before it, spelt plainly; empty where it stands alone."""
    command: Sequence[str]
    """The command with `{config_json}` in the file's place."""
    values: Mapping[str, Any]

    @staticmethod
    def of(arguments: Sequence[str], here: Path) -> ConfigFile | None:
        """The first file of settings among a command's arguments; None: it names none.

        Raises:
            UsageError: The file cannot be read, or is no mapping.
        """
        for index, argument in enumerate(arguments):
            head, equals, tail = argument.partition("=")
            lead, name = (f"{head}=", tail) if equals else ("", argument)
            if name.endswith(SUFFIXES) and (here / name).is_file():
                flag = head if equals else arguments[index - 1] if index else ""
                command = [*arguments[:index], f"{lead}{PLACEHOLDER}", *arguments[index + 1 :]]
                return ConfigFile(name, _plain(flag), command, _read(here / name))
        return None

    def is_all(self, flags: Sequence[Flag]) -> bool:
        """Whether the script has no flags but the one that names the file, and perhaps a seed."""
        return all(each.plain in (self.flag, "seed") for each in flags)

    def sent(self, source: Source) -> Sent:
        """Its values as settings. The seed is each trial's own, and stands in the file too."""
        flags = [Flag(name, value) for name, value in flattened(self.values).items() if name != "seed"]
        return Sent(Spelling("value"), flags, {}, [], "seed" in self.values or _names_seed(source))


def _plain(flag: str) -> str:
    return flag.lstrip("-").replace("-", "_").lower() if flag.startswith("-") else ""


def _read(file: Path) -> Mapping[str, Any]:
    try:
        values = json.loads(file.read_bytes()) if file.suffix == ".json" else read_yaml(file)
    except (OSError, ValueError) as error:
        raise UsageError(f"init: --command: {file}: cannot be read: {error}") from error
    if not isinstance(values, Mapping) or not values:
        raise UsageError(f"init: --command: {file} is not a mapping of settings to values")
    strange = next((key for key in _keys(values) if "." in key or not can_be_kept(key)), None)
    if strange is not None:
        raise UsageError(f"init: --command: {file}: the key {strange!r} cannot stand in a config as it is")
    return values


def _keys(values: Mapping[str, Any]) -> list[str]:
    inner = [key for each in values.values() if isinstance(each, Mapping) for key in _keys(each)]
    return [*map(str, values), *inner]


def _names_seed(source: Source) -> bool:
    """Whether the script's text asks for a key `seed`."""
    return any(
        (isinstance(node, ast.Constant) and node.value == "seed")
        or (
            isinstance(node, ast.Attribute)
            and node.attr == "seed"
            and isinstance(node.value, ast.Name)
            and node.value.id not in ("random", "torch", "np", "numpy")
        )
        for _, node in source.nodes()
    )
