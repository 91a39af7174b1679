"""How a value is written on a command line: what `{flags}` becomes, for each way in which scripts read their flags.

    flags: equals                       # --bias=false
    words: {true: "1", null: none}      # --bias=1 --dropout=none
    lists: comma                        # --sizes=64,128

A value that a mode cannot write is refused, or, where it stays the same in all trials, left out as null is.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from objectives.command.placeholders import FLAGS, as_text, leaves
from storage.errors import UsageError, nearest

MODES = ("no-prefix", "value", "omit", "equals", "python", "hydra")
"""How {flags} sends a key:

no-prefix   --x 1   --x, --no-x               argparse's BooleanOptionalAction, tyro
value       --x 1   --x true, --x false       HfArgumentParser, jsonargparse
omit        --x 1   --x, and nothing          argparse's store_true, click's is_flag
equals      --x=1   --x=true, --x=false       absl
python      --x=1   --x=True, --x=None        nanoGPT's configurator, Fire: Python's literals
hydra       x=1     x=true, x=null            Hydra's overrides
"""
LISTS = ("several", "one", "comma", "repeat")
"""How a list is sent: `--x 1 2`, `--x [1,2]`, `--x 1,2`, `--x 1 --x 2`."""
WORD_KEYS = ("true", "false", "null")
MODE_WORDS: Mapping[str, Mapping[str, str]] = {
    "python": {"true": "True", "false": "False", "null": "None"},
    "hydra": {"true": "true", "false": "false", "null": "null"},
}
"""The words that a mode has for itself; null has none in the others, and is left out."""
PLAIN_HYDRA_TEXT = re.compile(r"[A-Za-z_][\w./@-]*|/[\w./@-]*", re.ASCII)
HYDRA_WORDS = ("true", "false", "null", "nan", "inf")
PYTHON_SYNTAX = re.compile(r"[\[\](){}#'\"\\\n,]")


@dataclass(frozen=True)
class Spelling:
    """How a command's values are written."""

    mode: str = MODES[0]
    lists: str = LISTS[0]
    words: Mapping[str, str] = field(default_factory=dict)
    """What the definition says for true, false and null."""

    @staticmethod
    def parse(document: Mapping[str, Any], where: str) -> Spelling:
        """The keys `flags`, `lists` and `words` of a definition's command.

        Raises:
            UsageError: One of them is none of its values.
        """
        mode = document.get("flags", MODES[0])
        if mode not in MODES:
            raise UsageError(f"{where}: flags: {mode!r}{nearest(str(mode), MODES)}")
        lists = document.get("lists", LISTS[0] if mode in MODES[:3] else LISTS[1])
        if lists not in LISTS:
            raise UsageError(f"{where}: lists: {lists!r}{nearest(str(lists), LISTS)}")
        if (mode in MODES[3:] and lists == "several") or (mode, lists) == ("hydra", "repeat"):
            raise UsageError(f"{where}: lists: `flags: {mode}` has no {lists!r}; `one` or `comma`")
        return Spelling(mode, lists, _words(document.get("words", {}), f"{where}: words"))

    def to_json(self) -> dict[str, Any]:
        """The keys as a definition would write them; those that say what is so without them are left out."""
        document: dict[str, Any] = {"flags": self.mode}
        if Spelling.parse(document, "").lists != self.lists:
            document["lists"] = self.lists
        return {**document, "words": dict(self.words)} if self.words else document

    @property
    def all_words(self) -> Mapping[str, str]:
        return {**MODE_WORDS.get(self.mode, {}), **self.words}

    def text(self, value: Any) -> str:
        """A value as a placeholder's text."""
        word = self.word(value)
        return as_text(value) if word is None else word

    def word(self, value: Any) -> str | None:
        """The word for true, false or null, if there is one."""
        return self.all_words.get(json.dumps(value)) if value is None or isinstance(value, bool) else None

    def is_left_out(self, value: Any) -> bool:
        """Whether {flags} says nothing of a value, so that the script takes its own."""
        return value is None and self.word(None) is None

    def flags(self, config: Mapping[str, Any]) -> list[str]:
        """Every key of a configuration as arguments, nested ones dotted.

        Raises:
            UsageError: A value that the mode cannot write.
        """
        return [text for name, value in leaves(config) for text in self._flag(name, value)]

    def _flag(self, name: str, value: Any) -> list[str]:
        if self.is_left_out(value):
            return []
        if isinstance(value, list | tuple):
            return self._list(name, value)
        if isinstance(value, bool) and self.word(value) is None:
            match self.mode:
                case "no-prefix":
                    return [f"--{name}" if value else f"--no-{name}"]
                case "omit":
                    return [f"--{name}"] if value else []
        return self._pair(name, self._written(value))

    def _pair(self, name: str, text: str) -> list[str]:
        """One flag with its value; joined where a parser would take the value for a flag."""
        if self.mode == "hydra":
            return [f"{name}={text}"]
        if self.mode in ("equals", "python") or text.startswith("-"):
            return [f"--{name}={text}"]
        return [f"--{name}", text]

    def _written(self, value: Any) -> str:
        match self.mode:
            case "python":
                return _python(value, self.all_words)
            case "hydra":
                return _hydra(value, self.all_words)
        return self.text(value)

    def _list(self, name: str, values: Sequence[Any]) -> list[str]:
        match self.lists:
            case "several":
                return self._several(name, values)
            case "repeat":
                return [text for each in values for text in self._pair(name, self._written(each))]
            case "comma":
                texts = [self.text(each) for each in values]
                if any("," in each for each in texts):
                    raise UsageError(f"{FLAGS}: a comma in {name!r}: `lists: comma` cannot send it")
                return self._pair(name, ",".join(texts))
        return self._pair(name, self._written(values) if self.mode in MODE_WORDS else _compact(values))

    def _several(self, name: str, values: Sequence[Any]) -> list[str]:
        texts = [_without_exponent(each) if isinstance(each, float) else self.text(each) for each in values]
        if len(texts) == 1 and texts[0].startswith("-"):
            return [f"--{name}={texts[0]}"]
        for each in texts:
            if each.startswith("-") and not re.fullmatch(r"-\d+|-\d*\.\d+", each):
                raise UsageError(f"{FLAGS}: argparse cannot be sent {each!r} as one of several values of {name!r}")
        return [f"--{name}", *texts]


def _words(given: Any, where: str) -> dict[str, str]:
    if not isinstance(given, Mapping):
        raise UsageError(f"{where}: {given!r} is not a mapping of true, false and null to words")
    words = {}
    for key, word in given.items():
        name = str(key).lower()
        if name not in WORD_KEYS:
            raise UsageError(f"{where}: {key!r}{nearest(str(key), WORD_KEYS)}")
        if word is None or isinstance(word, list | Mapping) or "\0" in as_text(word):
            raise UsageError(f"{where}: {key}: {word!r} is not a text; in quotes, every word is one")
        words[name] = as_text(word)
    return words


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _without_exponent(value: float) -> str:
    """argparse takes -0.00001 for a number and -1e-05 for a flag."""
    return format(Decimal(repr(value)), "f") if value < 0 and "e" in repr(value) else as_text(value)


def _python(value: Any, words: Mapping[str, str], inside: bool = False) -> str:
    """A value as Python's literal; a text as it stands where Python would take it for a text."""
    match value:
        case None | bool():
            return words[json.dumps(value)]
        case list() | tuple():
            return f"[{','.join(_python(each, words, True) for each in value)}]"
        case Mapping():
            return f"{{{','.join(f'{key!r}:{_python(each, words, True)}' for key, each in value.items())}}}"
        case str():
            renamed = unicodedata.normalize("NFKC", value) != value  # as Python writes a name, for which Fire takes it
            quoted = inside or renamed or PYTHON_SYNTAX.search(value) or _is_literal(value)
            return repr(value) if quoted else value
        case _:
            return repr(value)


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _hydra(value: Any, words: Mapping[str, str]) -> str:
    """A value in the grammar of Hydra's overrides; a text in quotes where it would be something else without them."""
    match value:
        case None | bool():
            return words[json.dumps(value)]
        case list() | tuple():
            return f"[{','.join(_hydra(each, words) for each in value)}]"
        case Mapping():
            return f"{{{','.join(f'{_hydra(str(key), words)}:{_hydra(each, words)}' for key, each in value.items())}}}"
        case str():
            if PLAIN_HYDRA_TEXT.fullmatch(value) and value.lower() not in HYDRA_WORDS:
                return value
            if value == "???":
                raise UsageError(f"{FLAGS}: Hydra takes '???' for a value that is missing")
            kept = re.sub(r"(\\*)\$\{", r"\1\1\\${", value)  # OmegaConf would fill it in
            quoted = re.sub(r"(\\*)'", r"\1\1\\'", kept)
            return "'" + re.sub(r"(\\+)\Z", r"\1\1", quoted) + "'"
        case _:
            return repr(value)
