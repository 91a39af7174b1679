"""A model that a function of the user's makes: `model: module.path:function`, or `model: FILE.py:function`.

It is called with the config and returns an nn.Module. For counting it is called under torch's meta device, so that it
takes no memory; what reads values while it builds (`.item()`, numpy) cannot be built there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from objectives.parameters.counts import Count, count_module, on_meta
from objectives.parameters.sizes import Sizes, plain, told_sizes
from objectives.reference import Reference
from storage.errors import UsageError, one_line
from storage.home import DEFINITIONS


@dataclass(frozen=True)
class FactorySource:
    """Counted each time: what the function reads besides its config is not known."""

    name: str
    function: Callable[[dict[str, Any]], Any]
    config: Mapping[str, Any]
    sizes: Sizes | None
    identity = None
    is_known = False

    def count(self) -> Count:
        with on_meta():
            model = self._called("build on the meta device")
        try:
            return count_module(model)
        except Exception as error:
            raise UsageError(f"model: {self.name} cannot be counted: {one_line(error)}") from error

    def make(self) -> nn.Module:
        return self._called("build")

    def loss(self, model: nn.Module, tokens: Tensor, targets: Tensor) -> Tensor:
        """The mean of what it returns for tokens: enough to run every layer forwards and backwards."""
        out = model(tokens)
        first = out[0] if isinstance(out, tuple | list) else getattr(out, "logits", out)
        if not isinstance(first, Tensor):
            raise UsageError(f"model: {self.name}: called with tokens, it returns {type(first).__name__}, not a tensor")
        return first.float().mean()

    def _called(self, what: str) -> nn.Module:
        try:
            made = self.function(dict(plain(self.config)))
        except (Exception, SystemExit) as error:
            raise UsageError(f"model: {self.name} cannot {what}: {one_line(error)}") from error
        if not isinstance(made, nn.Module):
            raise UsageError(f"model: {self.name} returned {type(made).__name__}, not a torch.nn.Module")
        return made


def factory_of(config: Mapping[str, Any]) -> FactorySource:
    """Raises:
    UsageError: There is no such function, or it cannot be imported.
    """
    name = config["model"]
    if not isinstance(name, str) or ":" not in name:
        raise UsageError(f"config: model is {name!r}; module.path:function or FILE.py:function is needed")
    here = Path.cwd() / name.rpartition(":")[0]
    try:
        # A definition's file has its whole path. Without a definition, it lies in the current folder or beside those.
        function = Reference.parse(name, Path.cwd() if here.is_file() else DEFINITIONS).load().function
    except UsageError as error:
        raise UsageError(f"config: model: {str(error).removeprefix('objective: ')}") from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"config: model: {name} cannot be imported: {one_line(error)}") from error
    given = {key: value for key, value in config.items() if key != "model"}
    return FactorySource(name, function, given, told_sizes(config))
