"""A model that a user's function builds: `model: module.path:function`, or `model: FILE.py:function`.

The function gets the config and returns an nn.Module. To count, it is called on torch's meta device, so that the model
takes no memory; a function that reads values while it builds (`.item()`, numpy) fails there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from objectives.parameters.counts import Count, count_module, on_meta
from objectives.parameters.sizes import Sizes, plain, usual_sizes
from objectives.reference import Reference
from storage.errors import UsageError, one_line
from storage.home import DEFINITIONS


@dataclass(frozen=True)
class FactorySource:
    """Counted each time, since the function may read more than its config."""

    name: str
    function: Callable[[dict[str, Any]], Any]
    config: Mapping[str, Any]
    sizes: Sizes | None
    identity = None
    is_known = False

    def count(self) -> Count:
        with on_meta():
            model = self._call("build on the meta device")
        try:
            return count_module(model)
        except Exception as error:
            raise UsageError(f"model: {self.name} cannot be counted: {one_line(error)}") from error

    def make(self) -> nn.Module:
        return self._call("build")

    def loss(self, model: nn.Module, tokens: Tensor, targets: Tensor) -> Tensor:
        """The mean of the model's output for tokens: enough to run every layer forwards and backwards."""
        out = model(tokens)
        first = out[0] if isinstance(out, tuple | list) else getattr(out, "logits", out)
        if not isinstance(first, Tensor):
            raise UsageError(f"model: {self.name}: called with tokens, it returns {type(first).__name__}, not a tensor")
        return first.float().mean()

    def _call(self, action: str) -> nn.Module:
        try:
            model = self.function(dict(plain(self.config)))
        except (Exception, SystemExit) as error:
            raise UsageError(f"model: {self.name} cannot {action}: {one_line(error)}") from error
        if not isinstance(model, nn.Module):
            raise UsageError(f"model: {self.name} returned {type(model).__name__}, not a torch.nn.Module")
        return model


def factory_of(config: Mapping[str, Any]) -> FactorySource:
    """Find the function that a config names.

    Raises:
        UsageError: There is no such function, or it cannot be imported.
    """
    name = config["model"]
    if not isinstance(name, str) or ":" not in name:
        raise UsageError(f"config: model is {name!r}; module.path:function or FILE.py:function is needed")
    here = Path.cwd() / name.rpartition(":")[0]
    try:
        # A definition gives its file's absolute path. Without one, the file is in the current folder or in studies/.
        function = Reference.parse(name, Path.cwd() if here.is_file() else DEFINITIONS).load().function
    except UsageError as error:
        raise UsageError(f"config: model: {str(error).removeprefix('objective: ')}") from error
    except (Exception, SystemExit) as error:
        raise UsageError(f"config: model: {name} cannot be imported: {one_line(error)}") from error
    given = {key: value for key, value in config.items() if key != "model"}
    return FactorySource(name, function, given, usual_sizes(config))
