"""The catalogue of prepared datasets, for `dataset: NAME` and `data list`."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.errors import StudyhallError
from storage.home import home
from storage.program import program_name

BUILT_IN = ("stdlib", "gssm")  # datasets that need no preparation: no other dataset can have their names


RECIPES = {
    "minipile": "--hf JeanKaddour/minipile --tokenizer tiktoken:gpt2",
    "openwebtext": "--hf Skylion007/openwebtext --tokenizer tiktoken:gpt2",
    "tinystories": "--hf roneneldan/TinyStories --tokenizer tiktoken:gpt2",
    "shakespeare_char": "--text input.txt --tokenizer char",
}
"""How `data prepare` makes the datasets that nanoGPT's descendants name."""


@dataclass(frozen=True)
class Entry:
    """One dataset; `problem` says what is missing in an unfinished or damaged one."""

    name: str
    folder: str
    bytes: int
    tokenizer: str | None = None
    vocab_size: int | None = None
    dtype: str | None = None
    train: int | None = None
    val: int | None = None
    """The numbers of tokens."""
    problem: str | None = None


def datasets_folder() -> Path:
    """The folder of all prepared datasets."""
    return home() / "datasets"


def part_of(name: str) -> Path:
    """The folder in which a dataset is made. No dataset's name begins with a dot."""
    return datasets_folder() / f".{name}.part"


def names() -> list[str]:
    """The names that `dataset: NAME` finds."""
    with suppress(OSError):
        return sorted(
            each.name for each in datasets_folder().iterdir() if each.is_dir() and not each.name.startswith(".")
        )
    return []


def is_unfinished(folder: Path) -> bool:
    """Whether `data prepare` works in this folder, or was killed there."""
    return (folder / "state.json").exists()


def begun(name: str) -> str:
    """A hint for a missing dataset whose preparation was begun; otherwise empty."""
    with suppress(OSError, ValueError):  # a text that cannot be a file's name
        if "/" not in name and is_unfinished(part_of(name)):
            return f"{name!r} is not finished: run `data prepare` again"
    return ""


def recipe(name: str) -> str:
    """The command that makes a well-known dataset, as a hint; empty for every other name."""
    return f"make it: `{program_name()} data prepare {name} {RECIPES[name]}`" if name in RECIPES else ""


def entries() -> list[Entry]:
    """Every dataset by name, then the unfinished ones."""
    with suppress(OSError):
        parts = sorted(each.name[1:-5] for each in datasets_folder().glob(".*.part"))
        return [*map(_entry, names()), *map(_unfinished, parts)]
    return []


def _entry(name: str) -> Entry:
    folder = datasets_folder() / name
    try:
        meta = read_json(folder / "meta.json")
    except StudyhallError as error:
        return Entry(name, str(folder), _size(folder), problem=str(error))
    about = {key: meta.get(key) for key in ("tokenizer", "vocab_size", "dtype")}
    return Entry(name, str(folder), _size(folder), **about, **(meta.get("counts") or {}))


def _unfinished(name: str) -> Entry:
    folder, share = part_of(name), ""
    with suppress(StudyhallError, KeyError, TypeError, ZeroDivisionError):
        state = read_json(folder / "state.json")
        share = f", {state['position'] / state['total']:.0%} of its {'first' if state['scanning'] else 'last'} pass"
    return Entry(name, str(folder), _size(folder), problem=f"not finished{share}: run data prepare again")


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.glob("*.bin"))


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; raises StudyhallError if the file holds none."""
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        raise StudyhallError(f"no {path.name}") from None
    except (OSError, ValueError) as error:
        raise StudyhallError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise StudyhallError(f"{path} is not a JSON object")
    return found
