"""Where a model comes from: one of the families, a function of the user's, or transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objectives.parameters.families import cehr_source, decoder_source
from objectives.parameters.source import Source
from storage.errors import UsageError

WAYS = ("family", "model", "hf")
VERIFYING = ("verify", "seq_length")
"""Keys that say nothing of the model; `batch_size` is also one of the families' own."""


def source_of(config: Mapping[str, Any]) -> Source:
    """The model that a config names.

    Raises:
        UsageError: It names none or several, or a key or value is wrong.
    """
    ways = [key for key in WAYS if config.get(key) is not None]
    if len(ways) != 1:
        given = " and ".join(ways) or "none of them"
        raise UsageError(f"config: one of family, model and hf is needed; there is {given}")
    if config.get("verify") not in (None, True, False):
        raise UsageError(f"config: verify is {config['verify']!r}; true or false is needed")
    own = {key: value for key, value in config.items() if key not in (*VERIFYING, "seed")}
    match ways[0]:
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
