"""A script's flag, and the parser that reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Parser(Enum):
    """What reads a script's flags."""

    HYDRA = "Hydra"
    GLOBALS = "nanoGPT's configurator"
    JSONARGPARSE = "jsonargparse"
    TYRO = "tyro"
    TRANSFORMERS = "HfArgumentParser"
    FIRE = "Fire"
    ABSL = "absl"
    CLICK = "click"
    ARGPARSE = "argparse"


class Switch(Enum):
    """How a boolean is sent."""

    PAIR = "--x, --no-x"
    PRESENT = "--x, or nothing"
    VALUE = "--x true"


class Missing(Enum):
    """In the place of a default that is not known."""

    UNKNOWN = "its default is not known"
    REQUIRED = "it has no default"


@dataclass(frozen=True)
class Flag:
    """One flag."""

    name: str
    """As the script spells it, without `--`; dotted where it is nested."""
    default: Any = Missing.UNKNOWN
    switch: Switch | None = None
    """Of a boolean."""
    choices: Sequence[str] = ()
    repeated: bool = False
    """Whether a list is sent as the flag with each value in turn."""
    deaf: bool = False
    """Whether it takes every text but the empty one for true: argparse's `type=bool`."""
    fault: str = ""
    """Why no value can be sent to it."""

    @property
    def known(self) -> bool:
        return not isinstance(self.default, Missing)

    @property
    def words(self) -> tuple[str, ...]:
        """Its name in words, without what it is nested in: `learning`, `rate`."""
        return tuple(re.split(r"[_\-]", self.leaf.lower()))

    @property
    def leaf(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def plain(self) -> str:
        """Its name, however it spells its words."""
        return self.name.replace("-", "_").lower()
