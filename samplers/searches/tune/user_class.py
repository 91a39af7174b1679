"""A sampler's class outside Optuna: of a file, of a module, or of OptunaHub.

It runs as its user's own code, once its user has allowed it; nothing here downloads anything.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from storage.errors import UsageError, nearest, one_line

HUB = "hub:"
HUB_FOLDER = Path("github.com/optuna/optunahub-registry/main/package/samplers")
"""In OptunaHub's cache: where its `load_module` puts the samplers that it downloads."""


def user_class(name: str, where: str) -> Callable[..., Any]:
    """The class of `FILE.py:Class` or `module.path:Class`.

    Raises:
        UsageError: It cannot be imported, or there is no such class.
    """
    place, _, class_name = name.rpartition(":")
    try:
        module = _module(place)
    except Exception as error:
        raise UsageError(f"{name!r} cannot be imported: {one_line(error)}", where) from error
    return _class_in(module, class_name, place, where)


def hub_class(name: str, where: str) -> Callable[..., Any]:
    """The class of `hub:PACKAGE:Class`, from what OptunaHub has downloaded before.

    Raises:
        UsageError: OptunaHub is not installed, or has not downloaded the package; or there is no such class.
    """
    package, _, class_name = name.removeprefix(HUB).rpartition(":")
    if importlib.util.find_spec("optunahub") is None:
        raise UsageError(f"{name!r} needs OptunaHub: pip install optunahub", where)
    folder = _hub_cache() / HUB_FOLDER
    if not (folder / package / "__init__.py").is_file():
        download = f"python -c \"import optunahub; optunahub.load_module('samplers/{package}')\""
        raise UsageError(f"OptunaHub's samplers/{package} is not on this host: {download}", where)
    try:
        module = _hub_module(package, str(folder))
    except Exception as error:
        raise UsageError(f"{name!r} cannot be imported: {one_line(error)}", where) from error
    return _class_in(module, class_name, package, where)


def _class_in(module: ModuleType, class_name: str, place: str, where: str) -> Callable[..., Any]:
    made = getattr(module, class_name, None)
    if not inspect.isclass(made):
        classes = [each for each, value in vars(module).items() if inspect.isclass(value)]
        raise UsageError(f"{place} has no class {class_name!r}{nearest(class_name, classes)}", where)
    return made


@lru_cache(maxsize=16)
def _module(place: str) -> ModuleType:
    if not place.endswith(".py"):
        return importlib.import_module(place)
    file = Path(place)
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    spec = importlib.util.spec_from_file_location(f"{file.stem}_sampler", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=16)
def _hub_module(package: str, folder: str) -> ModuleType:
    import optunahub

    module: ModuleType = optunahub.load_local_module(package, registry_root=folder)
    return module


def _hub_cache() -> Path:
    """Where OptunaHub keeps what it downloads: https://optuna.github.io/optunahub, `OPTUNAHUB_CACHE_HOME`."""
    given = os.environ.get("OPTUNAHUB_CACHE_HOME")
    return Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "optunahub"
