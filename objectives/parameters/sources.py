"""Finds a config's model: one of the families, a user's function, or a model of transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objectives.parameters.families import cehr_source, decoder_source
from objectives.parameters.source import Source
from storage.errors import UsageError

SOURCE_KEYS = ("family", "model", "hf")
VERIFY_KEYS = ("verify", "seq_length")  # of the training step, not of the model; `batch_size` belongs to both


def source_of(config: Mapping[str, Any]) -> Source:
    """The model that a config names.

    Raises:
        UsageError: The config names none or several models, or a key or value is wrong.
    """
    given = [key for key in SOURCE_KEYS if config.get(key) is not None]
    if len(given) != 1:
        shown = " and ".join(given) or "none of them"
        raise UsageError(f"config: one of family, model and hf is needed; the config has {shown}")
    if config.get("verify") not in (None, True, False):
        raise UsageError(f"config: verify is {config['verify']!r}; true or false is needed")
    own = {key: value for key, value in config.items() if key not in (*VERIFY_KEYS, "seed")}
    match given[0]:
        case "family" if config["family"] == "cehr":
            return cehr_source(own)
        case "family":
            return decoder_source(own)
        case "model":
            from objectives.parameters.factory import factory_of

            return factory_of(own)
        case _:
            from objectives.parameters.transformers_model import hugging_face_of

            return hugging_face_of(own)
