"""A cache of counts: a file for each model in the home folder, shared by all studies of this user.

A file's name is a hash of the model's config and of the code that counts, so a changed model is counted again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from objectives.parameters.counts import Count
from storage.files import replacing
from storage.home import OBJECTIVES, home


def cached(identity: Mapping[str, Any], count: Callable[[], Count]) -> Count:
    """The stored count for this identity (JSON values); else `count()`, which is then stored.

    A file that is damaged or cannot be read or written is ignored.
    """
    file = _file(identity)
    known = _read(file)
    if known is not None:
        return known
    counted = count()
    with suppress(OSError):
        _write(file, counted)
    return counted


def _file(identity: Mapping[str, Any]) -> Path:
    text = json.dumps([identity, _code()], sort_keys=True)
    return home() / "counts" / f"{hashlib.sha256(text.encode()).hexdigest()}.json"


@cache
def _code() -> str:
    """A hash of the code that a count depends on."""
    files = sorted(file for folder in ("parameters", "gpt") for file in (OBJECTIVES / folder).glob("*.py"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _read(file: Path) -> Count | None:
    try:
        stored = Count(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    numbers = [each for each in asdict(stored).values() if each is not None]
    return stored if len(numbers) > 1 and all(type(each) is int and each >= 0 for each in numbers) else None


def _write(file: Path, counted: Count) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file, mode=0o600) as aside:
        aside.write_text(json.dumps({name: each for name, each in asdict(counted).items() if each is not None}))
