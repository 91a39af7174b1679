"""Which function an objective is: `gpt`, `module.path:function` or `FILE.py:function`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from storage.errors import UsageError, nearest

SHIPPED = ("gpt", "difficulty")
"""Objectives that come with the project: packages of this folder, each with a function `objective`."""

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Objective:
    """A loaded objective: its function and what its module offers beside it."""

    function: Callable[..., Any]
    validate: Callable[[Config], str | None] | None
    cost: Callable[[Config], Mapping[str, float]] | None
    fingerprint: Callable[[Config], Mapping[str, str]] | None
    metrics: tuple[str, ...]
    """Names that it says it returns; empty if it does not say."""
    cuda_metrics: tuple[str, ...]
    """Names that it returns on CUDA only."""
    wants_trial: bool
    """Whether it takes the trial's context beside its config."""


@dataclass(frozen=True)
class Reference:
    """A checked name of an objective."""

    text: str

    @staticmethod
    def parse(text: str, folder: Path) -> Reference:
        """A name as written in a definition that lies in `folder`.

        Raises:
            UsageError: It names nothing, as far as can be told without running it.
        """
        where, colon, function = text.rpartition(":")
        if not colon:
            if text not in SHIPPED:
                hint = nearest(text, SHIPPED)
                raise UsageError(
                    f"objective: no objective {text!r}{hint}; or module.path:function, or FILE.py:function"
                )
            return Reference(text)
        if not function.isidentifier() or not where:
            raise UsageError(f"objective: {text!r} is not module.path:function or FILE.py:function")
        if where.endswith(".py"):
            file = (folder / where).resolve()
            if not file.is_file():
                raise UsageError(f"objective: there is no file {file}")
            return Reference(f"{file}:{function}")
        return Reference(text)

    def load(self) -> Objective:
        """Import it. Only in a trial's process and in its warm parent: it may import torch.

        Raises:
            UsageError: It cannot be imported, or has no such function.
        """
        where, colon, name = self.text.rpartition(":")
        module = _module(where) if colon else importlib.import_module(f"objectives.{self.text}")
        name = name if colon else "objective"
        function = getattr(module, name, None)
        if not callable(function):
            known = [each for each, value in vars(module).items() if inspect.isfunction(value)]
            raise UsageError(f"objective: {where} has no function {name!r}{nearest(name, known)}")
        return Objective(
            function=function,
            validate=getattr(module, "validate", None),
            cost=getattr(module, "cost", None),
            fingerprint=getattr(module, "fingerprint", None),
            metrics=tuple(getattr(module, "METRICS", ())),
            cuda_metrics=tuple(getattr(module, "CUDA_METRICS", ())),
            wants_trial=_takes_two(function),
        )


def _module(where: str) -> ModuleType:
    if not where.endswith(".py"):
        return importlib.import_module(where)
    file = Path(where)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent))
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


def _takes_two(function: Callable[..., Any]) -> bool:
    """Whether a second positional argument can be given."""
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return sum(each.kind in places for each in parameters) >= 2 or any(
        each.kind is inspect.Parameter.VAR_POSITIONAL for each in parameters
    )
