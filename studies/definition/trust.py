"""Whose code a worker runs. A storage can name code, and whoever can write to it can name any.

A worker runs the objectives that ship, by their names, and what its user named here: in a definition's file, by
`--set`, or by `--trust-study`, which says yes to what the storage names now. What was named once is remembered, by its
hash, in the user's own folder, so that resuming needs no file. All else is refused before it is imported, wherever it
lies: a checkout holds benchmarks, tests and virtual environments, whose functions run whatever they are given.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectives.reference import SHIPPED, shown_objective
from storage.errors import StorageError, UsageError
from studies.definition.definition import Definition

FACTORY = "model"
"""The key of a config under which the objective `parameters` is given code to call."""


@dataclass(frozen=True)
class Trust:
    """The code that this user trusts, by hash."""

    file: Path
    hashes: frozenset[str]

    @staticmethod
    def of(home: Path) -> Trust:
        """Read from a home; creates nothing."""
        file = home / "trusted"
        try:
            return Trust(file, frozenset(file.read_text(errors="replace").split()))
        except FileNotFoundError:
            return Trust(file, frozenset())
        except OSError as error:
            raise StorageError(f"{file}: {error.strerror}") from error

    def given(self, texts: Iterable[str]) -> Trust:
        """With these names of code trusted too, not yet remembered."""
        return Trust(self.file, self.hashes | {_hash(text) for text in texts})

    def remember(self) -> None:
        """Keep the trusted hashes for later runs of this user."""
        new = sorted(self.hashes - Trust.of(self.file.parent).hashes)
        if not new:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write("".join(f"{each}\n" for each in new))
        except OSError as error:
            raise StorageError(f"{self.file}: {error.strerror}") from error

    def knows(self, text: str) -> bool:
        """Whether this user trusts the code of that name."""
        return text in SHIPPED or _hash(text) in self.hashes

    def check(self, objective: str, config: Mapping[str, Any], study: str) -> None:
        """Raises:
        UsageError: The storage names code that this user does not trust; it was not imported.
        """
        for text in code_in(objective, config):
            self._check(text, "an objective", study)

    def check_sampler(self, block: Mapping[str, Any], study: str) -> None:
        """The same of the sampler that a search's block names; Optuna's own are no code of the storage.

        Raises:
            UsageError: This user does not trust it.
        """
        for text in sampler_code(block):
            self._check(text, "a sampler", study)

    def _check(self, text: str, kind: str, study: str) -> None:
        if not self.knows(text):
            raise UsageError(
                f"--study: {study!r} runs `{shown_objective(text)}`, {kind} that only the storage names: "
                f"look at it, then `run {study} --trust-study`, or give its definition by --file"
            )


def code_in(objective: str, config: Mapping[str, Any]) -> list[str]:
    """Names of code that a trial of this config runs."""
    factory = config.get(FACTORY) if objective == "parameters" else None
    return [objective, *([factory] if isinstance(factory, str) else [])]


def code_named(definition: Definition) -> list[str]:
    """Names of code in a whole definition: what its trials and its choices may run."""
    named = [definition.objective, *sampler_code(definition.settings)]
    return named if definition.objective != "parameters" else [*named, *texts([definition.config, definition.settings])]


def sampler_code(block: Mapping[str, Any]) -> list[str]:
    """The name of a sampler that is none of Optuna's, in a search's block: `FILE.py:Class`, `hub:package:Class`."""
    given = block.get("sampler")
    name = given.get("name") if isinstance(given, Mapping) else given
    return [name] if isinstance(name, str) and ":" in name else []


def texts(value: object) -> Iterator[str]:
    """Every text that could name code: `…:…`, anywhere below."""
    if isinstance(value, str) and ":" in value:
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
