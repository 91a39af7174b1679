"""Which function an objective is: `gpt`, `module.path:function`, `FILE.py:function`, or a command."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from objectives.command.command import COMMAND_PREFIX, Command
from storage.errors import UsageError, nearest
from storage.home import CHECKOUT

SHIPPED = ("gpt", "difficulty", "parameters")
"""Objectives that come with the project: packages of this folder, each with a function `objective`."""

CONTEXT_NAMES = ("trial", "context", "ctx")
POSITIONAL_KINDS = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

Config = Mapping[str, Any]


@dataclass(frozen=True)
class Objective:
    """A loaded objective: its function and what its module offers beside it."""

    function: Callable[..., Any]
    validate: Callable[[Config], str | None] | None
    cost: Callable[[Config], Mapping[str, float]] | None
    fingerprint: Callable[[Config], Mapping[str, str]] | None
    preload: Callable[[], object] | None
    """Called once before the first trial, in the process that trials are forked from: they all share what it loads."""
    metrics: tuple[str, ...]
    """Names of the metrics that it returns; empty if its module does not list them."""
    cuda_metrics: tuple[str, ...]
    """Names of further metrics that it returns on CUDA."""
    wants_trial: bool
    """Whether the function takes the trial's context as a second argument."""


@dataclass(frozen=True)
class Reference:
    """The checked name of an objective."""

    text: str

    @staticmethod
    def parse(text: str, folder: Path) -> Reference:
        """Check a name from a definition in `folder`, without importing anything.

        Raises:
            UsageError: The name is malformed, or its file does not exist.
        """
        if text.startswith(COMMAND_PREFIX):
            Command.from_text(text).check_here()
            return Reference(text)
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
        """Import the objective. Call it only in the warm server or in a trial's process: it may import torch.

        Raises:
            UsageError: The module cannot be imported, or has no such function.
        """
        if self.text.startswith(COMMAND_PREFIX):
            return _command(Command.from_text(self.text))
        where, colon, name = self.text.rpartition(":")
        module = _module(where) if colon else importlib.import_module(f"objectives.{self.text}")
        name = name if colon else "objective"
        function = getattr(module, name, None)
        if not callable(function):
            known = [each for each, value in vars(module).items() if inspect.isfunction(value)]
            raise UsageError(f"objective: {where} has no function {name!r}{nearest(name, known)}")
        wants_trial = _wants_trial(function, self.text)
        return Objective(
            function=function,
            validate=getattr(module, "validate", None),
            cost=getattr(module, "cost", None),
            fingerprint=getattr(module, "fingerprint", None),
            preload=getattr(module, "preload", None),
            metrics=tuple(getattr(module, "METRICS", ())),
            cuda_metrics=tuple(getattr(module, "CUDA_METRICS", ())),
            wants_trial=wants_trial,
        )


def located(text: str, folder: Path) -> str:
    """`FILE.py:function` with the file's absolute path, resolved from `folder`; every other name unchanged."""
    file, separator, function = text.rpartition(":")
    if separator and file.endswith(".py") and not text.startswith(COMMAND_PREFIX) and not Path(file).is_absolute():
        return f"{(folder / file).resolve()}:{function}"
    return text


def same_objective(one: str, other: str) -> bool:
    """Whether two names mean the same objective, even where hosts keep its files in different folders."""
    if one.startswith(COMMAND_PREFIX) and other.startswith(COMMAND_PREFIX):
        return Command.from_text(one).same(Command.from_text(other))
    return Path(one).name == Path(other).name if ".py:" in one and ".py:" in other else one == other


def reading_as(one: str, other: str) -> str:
    """An objective that reads its metrics as another one does, if both are the same command; else unchanged."""
    if one.startswith(COMMAND_PREFIX) and same_objective(one, other):
        return Command.from_text(one).reading_as(Command.from_text(other)).text
    return one


def shown_objective(text: str) -> str:
    """An objective's name for messages; a command as one would type it."""
    return Command.from_text(text).shown() if text.startswith(COMMAND_PREFIX) else text


def objective_folder(text: str) -> Path:
    """The folder of an objective's code: its file's, its command's, or this checkout."""
    if text.startswith(COMMAND_PREFIX):
        command = Command.from_text(text)
        return command.folder / command.cwd if (command.folder / command.cwd).is_dir() else command.folder
    file = text.rpartition(":")[0]
    return Path(file).parent if file.endswith(".py") else CHECKOUT


def _command(command: Command) -> Objective:
    from objectives.command.run import run_command

    return Objective(
        function=partial(run_command, command),
        validate=command.validate,
        cost=None,
        fingerprint=None,
        preload=None,
        metrics=command.names,
        cuda_metrics=(),
        wants_trial=True,
    )


def _module(where: str) -> ModuleType:
    if not where.endswith(".py"):
        return importlib.import_module(where)
    file = Path(where)
    # A user's objectives.py must not replace our package of the same name.
    name = f"{file.stem}_objective" if file.stem in sys.modules else file.stem
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent))
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _wants_trial(function: Callable[..., Any], shown: str) -> bool:
    """Whether a function takes the trial's context: a second argument without a default, or with a CONTEXT_NAMES name.

    Raises:
        UsageError: The function cannot be called as an objective.
    """
    call = function.func if isinstance(function, partial) else function
    calls = (call, inspect.getattr_static(type(call), "__call__", None))
    if inspect.isclass(call):
        raise UsageError(f"objective: {shown} is a class; an objective is a function, or an object that can be called")
    if any(inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in calls):
        raise UsageError(f"objective: {shown} is async; an objective is a plain function: call asyncio.run inside it")
    if any(inspect.isgeneratorfunction(each) for each in calls):
        raise UsageError(f"objective: {shown} yields; an objective returns its metrics")
    try:
        signature = inspect.signature(function)
    except ValueError:  # written in C: its signature is unknown
        return False
    parameters = [each for each in signature.parameters.values() if each.kind in POSITIONAL_KINDS]
    second = parameters[1] if len(parameters) > 1 else None
    wanted = (
        second.default is inspect.Parameter.empty or second.name in CONTEXT_NAMES
        if second is not None
        else any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in signature.parameters.values())
    )
    try:
        signature.bind(*([None, None] if wanted else [None]))
    except TypeError:
        raise UsageError(
            f"objective: {shown} takes {signature}; an objective takes (config) or (config, trial)"
        ) from None
    return wanted
