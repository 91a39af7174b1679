"""The config of a transformers model with other sizes, wherever the model keeps them: at the top, or in `text_config`.

A size has more names than one: bart's decoder has `decoder_layers`, longcat_flash `num_layers`. A name is taken if the
finished config has the value. Models without heads, like mamba, ignore the number of heads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from storage.errors import UsageError, nearest

LAYERS, WIDTH, HEADS = SIZES = "num_hidden_layers", "hidden_size", "num_attention_heads"
PARTS = ("text_config", "decoder", "generator")
"""Where a model of several parts keeps the one that writes text, as transformers' `get_text_config` looks for it."""
OWN_NAMES = {
    LAYERS: ("decoder_layers", "num_decoder_layers", "num_layers", LAYERS),
    HEADS: ("decoder_attention_heads", "num_decoder_attention_heads", HEADS, "num_heads"),
}
"""The names of a size, the decoder's first: the model that is built is a decoder."""

Make = Callable[[Any], Any]


@dataclass(frozen=True)
class SizedConfig:
    """A model's default config and the values that replace some of it."""

    kind: Any
    """The class of the config."""
    default: Any
    part: str | None
    """The key of the config that holds the sizes; None: it holds them itself."""
    outer: Mapping[str, Any]
    inner: Mapping[str, Any]
    """Values of the part."""

    @staticmethod
    def of(kind: Any, settings: Mapping[str, Any]) -> SizedConfig:
        """The config of a class with these settings, under transformers' common names or the model's own.

        Raises:
            UsageError: The model has no such key.
        """
        default = kind()
        part = next((each for each in PARTS if each in kind.sub_configs and _has(default, each)), None)
        text = default if part is None else getattr(default, part)
        given = settings.get(part, {}) if part else {}
        if not isinstance(given, Mapping):
            raise UsageError(f"config: hf: {part} is {given!r}; a mapping is needed")
        outer, inner = {}, {}
        for name, value in {**settings, **given}.items():
            if name == part or (name == HEADS and not own_names(text, name)):
                continue
            if own_names(text, name):
                inner[name] = value
            elif _has(default, name) and name not in given:
                outer[name] = value
            else:
                known = sorted({each for config in (text, default) for each in vars(config) if each[:1] != "_"})
                hint = nearest(name, known)
                close = hint if "did you mean" in hint else ""  # they are hundreds
                raise UsageError(f"config: hf: {kind.model_type} has no key {name!r}{close}")
        return SizedConfig(kind, default, part, outer, inner)

    @property
    def text(self) -> Any:
        """The default config of the part that writes text."""
        return self.default if self.part is None else getattr(self.default, self.part)

    def build(self, make: Make) -> Any:
        """The model that `make` builds of the first config that holds the sizes and that its library can build.

        Raises:
            UsageError: A size has no effect on the config.
            Exception: The library's own, of the first attempt.
        """
        first: Exception | None = None
        unused: UsageError | None = None
        for values in self._attempts():
            try:
                config = self._config(values)
                if (ignored := self._ignored(config, values)) is not None:
                    unused = UsageError(f"config: hf: {ignored} has no effect on a config of {self.kind.model_type}")
                    continue
                return make(config)
            except Exception as error:
                first = first or error
        raise first or unused or AssertionError

    def _ignored(self, config: Any, values: Mapping[str, Any]) -> str | None:
        """The first size that the config has as by default, and not as it was given."""
        made = config if self.part is None else getattr(config, self.part)
        for name in {each for size in SIZES for each in own_names(self.text, size)} & values.keys():
            if values[name] != value_of(made, name) == value_of(self.text, name):
                return name
        return None

    def _attempts(self) -> Iterator[dict[str, Any]]:
        """Values of the part: as given; with lists of one value a layer made as long; with sizes that are left out."""
        for names in self._namings():
            own = {names.get(name, name): value for name, value in self.inner.items()}
            lists = self._lists()
            yield own
            yield {**own, **lists}
            yield {**self._missing(own), **own, **lists}

    def _namings(self) -> Iterator[dict[str, str]]:
        """The model's own name of each setting: for the number of layers, one after the other."""
        heads = next(iter(own_names(self.text, HEADS)), HEADS)
        for layers in own_names(self.text, LAYERS) or [LAYERS]:
            own = {name: next(iter(own_names(self.text, name)), name) for name in self.inner}
            yield {**own, HEADS: heads, LAYERS: layers}

    def _lists(self) -> dict[str, Any]:
        """Every list of one value a layer, cut or cycled to the number of layers asked for."""
        layers, before = self.inner.get(LAYERS), value_of(self.text, LAYERS)
        if not isinstance(layers, int) or not isinstance(before, int):
            return {}
        own = {name: value for name, value in {**vars(self.text), **self.inner}.items() if isinstance(value, list)}
        made = {
            name: [value[index % len(value)] for index in range(layers)]
            for name, value in own.items()
            if value and (len(value) == before or name in self.inner) and len(value) != layers
        }
        if {"attention_layers", "attention_types"} <= own.keys() and "attention_layers" in made:
            # gpt_neo computes the first from the second: pairs of a list and how often it stands.
            made["attention_types"] = [[made.pop("attention_layers"), 1]]
        return made

    def _missing(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """Sizes that a default config leaves out though its model needs them, by the formulas of other models."""
        heads = own.get(HEADS) or value_of(self.text, HEADS)
        width = next((own[name] for name in own_names(self.text, WIDTH) if name in own), None)
        width = width or value_of(self.text, WIDTH)
        made: dict[str, Any] = {}
        if isinstance(heads, int) and isinstance(width, int):
            usual = {"head_dim": width // heads, "num_key_value_heads": heads}
            made = {
                name: value
                for name, value in usual.items()
                if name in vars(self.text) and not value_of(self.text, name)
            }
        if value_of(self.text, "is_decoder") is False:
            made["is_decoder"] = True
        return made

    def _config(self, values: Mapping[str, Any]) -> Any:
        if self.part is None:
            return self.kind(**{**self.outer, **values})
        own = {name: value for name, value in self.text.to_diff_dict().items() if isinstance(value, str | int | float)}
        if {WIDTH, HEADS} & self.inner.keys():
            own.pop("head_dim", None)  # their quotient
        return self.kind(**self.outer, **{self.part: {**own, "model_type": self.text.model_type, **values}})


def own_names(config: Any, name: str) -> list[str]:
    """The names under which a config has a size or another value, the likeliest first."""
    own = [config.attribute_map.get(each, each) for each in OWN_NAMES.get(name, (name,))]
    return [each for each in dict.fromkeys(own) if _has(config, each)]


def _has(config: Any, name: str) -> bool:
    try:
        return hasattr(config, name)
    except RuntimeError:  # a value of its own in each layer
        return name in vars(config)


def value_of(config: Any, name: str) -> Any:
    """The value of a config, where layers differ the whole config's; None if it has none."""
    try:
        return getattr(config, name, None)
    except RuntimeError:
        return vars(config).get(name)
