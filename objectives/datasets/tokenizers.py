"""Tokenizers: bytes and characters, which are ours; and tiktoken's and Hugging Face's, where those are installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from objectives.datasets.quiet import quiet
from storage.errors import UsageError, nearest, one_line

KINDS = ("bytes", "char", "tiktoken:gpt2", "hf:NAME")
_CODES = 0x110000  # Unicode's code points
_END = "<|endoftext|>"

Tokens = NDArray[np.unsignedinteger[Any]]


class Tokenizer(Protocol):
    """Turns a piece of text into tokens; several threads may at once."""

    @property
    def vocab_size(self) -> int: ...

    @property
    def ending(self) -> tuple[int, ...]:
        """The tokens that end a document: an end-of-text token, or a line's end where there is none."""
        ...

    def encode(self, text: bytes) -> Tokens:
        """Raises UnicodeDecodeError where the text has to be UTF-8 and is not."""
        ...


def check_tokenizer(spec: str) -> str:
    """The tokenizer's name, if it can be one. Loads nothing."""
    kind, _, name = spec.partition(":")
    if spec in ("bytes", "char") or (kind in ("tiktoken", "hf") and name):
        return spec
    raise UsageError(f"--tokenizer: {spec!r} is unknown{nearest(spec, KINDS)}")


def load_tokenizer(spec: str) -> Tokenizer | CharScan:
    """The tokenizer, or for `char` the pass over the text that has to come first.

    Raises:
        UsageError: It is unknown, its package is missing, or it has to be fetched and cannot be.
    """
    kind, _, name = check_tokenizer(spec).partition(":")
    match kind:
        case "bytes":
            return Bytes()
        case "char":
            return CharScan()
        case "tiktoken":
            return Tiktoken(name)
        case _:
            with quiet():
                return HubTokenizer(name)


def need_package(name: str, asked: str) -> Any:
    """Import an optional package, or say in one line how to get it."""
    try:
        return import_module(name)
    except ImportError as error:
        missing = error.name or name
        raise UsageError(f"{asked} needs the package {missing!r}: pip install {missing}") from error


class Bytes:
    """A byte is a token: takes anything."""

    vocab_size = 256
    ending = (0x0A,)

    def encode(self, text: bytes) -> Tokens:
        return np.frombuffer(text, np.uint8)


class CharScan:
    """Which characters a text has, found piece by piece."""

    def __init__(self) -> None:
        self._seen = np.zeros(_CODES, dtype=bool)

    def add(self, text: bytes) -> None:
        """Raises UnicodeDecodeError."""
        self._seen[_codes(text)] = True

    @property
    def chars(self) -> str:
        """Those seen so far, in the order of their code points."""
        return "".join(map(chr, np.flatnonzero(self._seen)))


class Chars:
    """A character is a token: its place among those that the text has, in the order of their code points."""

    def __init__(self, chars: str) -> None:
        self.chars, self.vocab_size = chars, len(chars)
        self.ending = (chars.index("\n"),) if "\n" in chars else ()
        self._places = np.full(_CODES, len(chars), dtype=np.uint32)
        self._places[_codes(chars.encode())] = np.arange(len(chars))

    def encode(self, text: bytes) -> Tokens:
        return self._places[_codes(text)]


class Tiktoken:
    """One of tiktoken's encodings. It fetches each once, and keeps it under `TIKTOKEN_CACHE_DIR`."""

    def __init__(self, name: str) -> None:
        asked = f"--tokenizer tiktoken:{name}"
        tiktoken = need_package("tiktoken", asked)
        if name not in (known := tiktoken.list_encoding_names()):
            raise UsageError(f"{asked}: {name!r} is unknown{nearest(name, known)}")
        try:
            self._encoding = tiktoken.get_encoding(name)
        except OSError as error:  # of the network, too
            raise UsageError(
                f"{asked} has to be fetched once, over the network or into TIKTOKEN_CACHE_DIR; that failed:"
                f" {type(error).__name__}"
            ) from error
        self.vocab_size: int = self._encoding.n_vocab
        has_end = _END in self._encoding.special_tokens_set
        end = self._encoding.encode(_END if has_end else "\n", allowed_special="all")
        self.ending: tuple[int, ...] = tuple(end)

    def encode(self, text: bytes) -> Tokens:
        tokens: Tokens = self._encoding.encode_to_numpy(text.decode(), disallowed_special=())
        return tokens


class HubTokenizer:
    """A tokenizer of the Hugging Face hub, or of a folder in the hub's form. Code that comes with it is never run."""

    def __init__(self, name: str) -> None:
        asked = f"--tokenizer hf:{name}"
        transformers = need_package("transformers", asked)
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        except Exception as error:  # whatever hub, cache and file formats have to say
            raise UsageError(
                f"{asked} cannot be loaded; a folder, what is in the cache, or the network is needed: {one_line(error)}"
            ) from error
        self._fast = getattr(self._tokenizer, "backend_tokenizer", None)
        if self._fast is not None:
            self._fast.no_truncation()
            self._fast.no_padding()
            self._fast.encode_special_tokens = True  # `</s>` in a text is text, as tiktoken has it
        self.vocab_size: int = max(self._tokenizer.get_vocab().values()) + 1
        end = self._tokenizer.eos_token_id
        self.ending: tuple[int, ...] = (end,) if end is not None else tuple(map(int, self.encode(b"\n")))

    def encode(self, text: bytes) -> Tokens:
        if self._fast is not None:  # itself: what is around it changes its settings, which threads must not
            return np.array(self._fast.encode(text.decode(), add_special_tokens=False).ids, dtype=np.uint32)
        found = self._tokenizer(text.decode(), add_special_tokens=False, split_special_tokens=True, verbose=False)
        return np.array(found["input_ids"], dtype=np.uint32)


def _codes(text: bytes) -> Tokens:
    """Code points of UTF-8 text."""
    if text.isascii():
        return np.frombuffer(text, np.uint8)
    return np.frombuffer(text.decode().encode("utf-32-le"), "<u4")
