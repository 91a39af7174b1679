"""A model of transformers, built from its config alone: `hf: {model_type: llama, …}`. It fetches nothing, no weights.

The keys that searches vary (n_layer, n_embd, n_head) are passed under the model's own names, wherever it keeps them
(transformers_config.py), and so are vocab_size and max_position_embeddings beside `hf:`. Sizes that a model's config
does not derive, such as llama's intermediate_size, keep their given values.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from torch import Tensor, nn

from objectives.parameters.counts import Count, count_module, on_meta
from objectives.parameters.sizes import Sizes, usual_sizes
from objectives.parameters.transformers_config import PARTS, SizedConfig
from storage.checks import check_keys
from storage.errors import UsageError, nearest, one_line

HF_NAMES = {
    "n_layer": "num_hidden_layers",
    "n_embd": "hidden_size",
    "n_head": "num_attention_heads",
    "vocab_size": "vocab_size",
    "max_position_embeddings": "max_position_embeddings",
}


@dataclass(frozen=True)
class HuggingFaceSource:
    """Counted once for each version of transformers."""

    model_type: str
    settings: Mapping[str, Any]
    """Under transformers' common names or the model's own."""
    sizes: Sizes | None
    identity: Mapping[str, Any]
    is_known = False

    def count(self) -> Count:
        with on_meta():
            model = self.make()
        counted = count_module(model, model.get_output_embeddings())
        return replace(counted, without_embeddings=int(model.num_parameters(exclude_embeddings=True)))

    def make(self) -> Any:
        """Build the model.

        Raises:
            UsageError: transformers has no such model, or it cannot be built with these sizes.
        """
        library: Any = importlib.import_module("transformers")
        types = library.models.auto.configuration_auto.CONFIG_MAPPING
        if self.model_type not in types:
            raise UsageError(f"config: hf: no model_type {self.model_type!r}{_close(self.model_type, types.keys())}")
        models = library.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING

        def make(config: Any) -> Any:
            model = models.get(type(config), None)
            for part in (getattr(config, name, None) for name in PARTS):
                if part is not None and getattr(model, "config_class", None) is type(part):
                    return model(part)
            return library.AutoModelForCausalLM.from_config(config)

        try:
            return SizedConfig.of(types[self.model_type], self.settings).build(make)
        except UsageError:
            raise
        except Exception as error:
            raise UsageError(f"config: hf: {self.model_type} cannot be built: {one_line(error)}") from error

    def loss(self, model: nn.Module, tokens: Tensor, targets: Tensor) -> Tensor:
        out: Tensor = model(input_ids=tokens, labels=targets).loss
        return out


def hugging_face_of(config: Mapping[str, Any]) -> HuggingFaceSource:
    """Check a config's `hf` block.

    Raises:
        UsageError: The block is wrong, or transformers is not installed.
    """
    block = config["hf"]
    if not isinstance(block, Mapping) or not isinstance(block.get("model_type"), str):
        raise UsageError(f"config: hf is {block!r}; {{model_type: llama, …}} is needed")
    if importlib.util.find_spec("transformers") is None:
        raise UsageError("config: hf: transformers is not installed; pip install -e '.[hf]'")
    check_keys(config, ("hf", "batch_size", *HF_NAMES), "config", "; keys of the model go into hf")
    given = {key: value for key, value in block.items() if key != "model_type"}
    settings = {**given, **{name: config[key] for key, name in HF_NAMES.items() if config.get(key) is not None}}
    identity = {"hf": block["model_type"], "settings": settings, "transformers": version("transformers")}
    return HuggingFaceSource(block["model_type"], settings, usual_sizes({**given, **config}), identity)


def _close(word: str, known: Any) -> str:
    """A hint at the nearest of hundreds of names; empty if none is near."""
    hint = nearest(word, known)
    return hint if hint.startswith("; did you mean") else ""
