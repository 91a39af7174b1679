"""A model of transformers, from its config alone: `hf: {model_type: llama, …}`. No weights, and nothing is fetched.

The keys that searches vary (n_layer, n_embd, n_head) go to that config's own names, and so do vocab_size and
max_position_embeddings where they stand beside `hf:`. Sizes that a config does not derive, like llama's
intermediate_size, stay as they are given.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from torch import Tensor, nn

from objectives.parameters.counts import Count, count_module, on_meta
from objectives.parameters.sizes import Sizes, told_sizes
from storage.checks import known_keys
from storage.errors import UsageError, nearest, one_line

NAMES = {
    "n_layer": "num_hidden_layers",
    "n_embd": "hidden_size",
    "n_head": "num_attention_heads",
    "vocab_size": "vocab_size",
    "max_position_embeddings": "max_position_embeddings",
}


@dataclass(frozen=True)
class HuggingFaceSource:
    """Counted once for a version of transformers."""

    model_type: str
    settings: Mapping[str, Any]
    """By transformers' common names or the config's own."""
    sizes: Sizes | None
    identity: Mapping[str, Any]
    is_known = False

    def count(self) -> Count:
        with on_meta():
            model = self.make()
        return count_module(model, model.get_output_embeddings())

    def make(self) -> Any:
        """Raises:
        UsageError: transformers has no such model, or it cannot be built with these sizes.
        """
        library: Any = importlib.import_module("transformers")
        types = library.models.auto.configuration_auto.CONFIG_MAPPING
        if self.model_type not in types:
            raise UsageError(f"config: hf: no model_type {self.model_type!r}{_close(self.model_type, types.keys())}")
        try:
            default = types[self.model_type]()
            own = {default.attribute_map.get(name, name): value for name, value in self.settings.items()}
            for key in own:
                if not hasattr(default, key):
                    known = [name for name in vars(default) if not name.startswith("_")]
                    raise UsageError(f"config: hf: {self.model_type} has no key {key!r}{_close(key, known)}")
            model = library.AutoModelForCausalLM.from_config(types[self.model_type](**own))
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(f"config: hf: {self.model_type} cannot be built: {one_line(error)}") from error
        return model

    def loss(self, model: nn.Module, tokens: Tensor, targets: Tensor) -> Tensor:
        out: Tensor = model(input_ids=tokens, labels=targets).loss
        return out


def hugging_face_of(config: Mapping[str, Any]) -> HuggingFaceSource:
    """Raises:
    UsageError: The block is wrong, or transformers is not installed.
    """
    block = config["hf"]
    if not isinstance(block, Mapping) or not isinstance(block.get("model_type"), str):
        raise UsageError(f"config: hf is {block!r}; {{model_type: llama, …}} is needed")
    if importlib.util.find_spec("transformers") is None:
        raise UsageError("config: hf: transformers is not installed; pip install 'studyhall[hf]'")
    known_keys(config, ("hf", "batch_size", *NAMES), "config", "; keys of the model go into hf")
    given = {key: value for key, value in block.items() if key != "model_type"}
    settings = {**given, **{name: config[key] for key, name in NAMES.items() if config.get(key) is not None}}
    identity = {"hf": block["model_type"], "settings": settings, "transformers": version("transformers")}
    return HuggingFaceSource(block["model_type"], settings, told_sizes({**given, **config}), identity)


def _close(word: str, known: Any) -> str:
    """The nearest of hundreds of names, or nothing."""
    hint = nearest(word, known)
    return hint if hint.startswith("; did you mean") else ""
