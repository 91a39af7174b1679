"""Tokenizers: our own for bytes and characters; tiktoken's and Hugging Face's where these are installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from objectives.datasets.quiet import quiet
from storage.errors import UsageError, nearest, one_line

TOKENIZER_FORMS = ("bytes", "char", "tiktoken:gpt2", "hf:NAME")
_CODE_POINTS = 0x110000  # of Unicode
_END_OF_TEXT = "<|endoftext|>"

Tokens = NDArray[np.unsignedinteger[Any]]


class Tokenizer(Protocol):
    """Turns a piece of text into tokens. Several threads may use it at once."""

    @property
    def vocab_size(self) -> int: ...

    @property
    def ending(self) -> tuple[int, ...]:
        """The tokens that end a document: an end-of-text token, or a newline where there is none."""
        ...

    def encode(self, text: bytes) -> Tokens:
        """Encode a text; raises UnicodeDecodeError if it must be UTF-8 and is not."""
        ...


def check_tokenizer(spec: str) -> str:
    """Check the form of a tokenizer's name; loads nothing."""
    kind, _, name = spec.partition(":")
    if spec in ("bytes", "char") or (kind in ("tiktoken", "hf") and name):
        return spec
    raise UsageError(f"--tokenizer: {spec!r} is unknown{nearest(spec, TOKENIZER_FORMS)}")


def load_tokenizer(spec: str) -> Tokenizer | CharScan:
    """The tokenizer; for `char`, the scan of the text that comes first.

    Raises:
        UsageError: The tokenizer is unknown, its package is missing, or it cannot be fetched.
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
    """Import an optional package; raises UsageError with the command that installs it."""
    try:
        return import_module(name)
    except ImportError as error:
        missing = error.name or name
        raise UsageError(f"{asked} needs the package {missing!r}: pip install {missing}") from error


class Bytes:
    """Each byte is a token; any file can be read."""

    vocab_size = 256
    ending = (0x0A,)

    def encode(self, text: bytes) -> Tokens:
        return np.frombuffer(text, np.uint8)


class CharScan:
    """Collects the characters of a text, piece by piece."""

    def __init__(self) -> None:
        self._seen = np.zeros(_CODE_POINTS, dtype=bool)

    def add(self, text: bytes) -> None:
        """Add the characters of a piece; raises UnicodeDecodeError."""
        self._seen[_codes(text)] = True

    @property
    def chars(self) -> str:
        """The characters found so far, in the order of their code points."""
        return "".join(map(chr, np.flatnonzero(self._seen)))


class Chars:
    """Each character is a token: its index among the text's characters, ordered by code point."""

    def __init__(self, chars: str) -> None:
        self.chars, self.vocab_size = chars, len(chars)
        self.ending = (chars.index("\n"),) if "\n" in chars else ()
        self._indexes = np.full(_CODE_POINTS, len(chars), dtype=np.uint32)
        self._indexes[_codes(chars.encode())] = np.arange(len(chars))

    def encode(self, text: bytes) -> Tokens:
        return self._indexes[_codes(text)]


class Tiktoken:
    """One of tiktoken's encodings, which tiktoken fetches once and keeps under `TIKTOKEN_CACHE_DIR`."""

    def __init__(self, name: str) -> None:
        asked = f"--tokenizer tiktoken:{name}"
        tiktoken = need_package("tiktoken", asked)
        if name not in (known := tiktoken.list_encoding_names()):
            raise UsageError(f"{asked}: {name!r} is unknown{nearest(name, known)}")
        try:
            self._encoding = tiktoken.get_encoding(name)
        except OSError as error:  # network errors included
            raise UsageError(
                f"{asked} must be fetched once, over the network or into TIKTOKEN_CACHE_DIR; that failed:"
                f" {type(error).__name__}"
            ) from error
        self.vocab_size: int = self._encoding.n_vocab
        has_end = _END_OF_TEXT in self._encoding.special_tokens_set
        end = self._encoding.encode(_END_OF_TEXT if has_end else "\n", allowed_special="all")
        self.ending: tuple[int, ...] = tuple(end)

    def encode(self, text: bytes) -> Tokens:
        tokens: Tokens = self._encoding.encode_to_numpy(text.decode(), disallowed_special=())
        return tokens


class HubTokenizer:
    """A tokenizer of the Hugging Face hub, or of a folder in the hub's format. Code that comes with it never runs."""

    def __init__(self, name: str) -> None:
        asked = f"--tokenizer hf:{name}"
        transformers = need_package("transformers", asked)
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(name, trust_remote_code=False)
        except Exception as error:  # the hub, its cache and its file formats raise many types
            raise UsageError(
                f"{asked} cannot be loaded from a folder, the cache or the network: {one_line(error)}"
            ) from error
        self._fast = getattr(self._tokenizer, "backend_tokenizer", None)
        if self._fast is not None:
            self._fast.no_truncation()
            self._fast.no_padding()
            self._fast.encode_special_tokens = True  # `</s>` in a text is plain text, as in tiktoken
        self.vocab_size: int = max(self._tokenizer.get_vocab().values()) + 1
        end = self._tokenizer.eos_token_id
        self.ending: tuple[int, ...] = (end,) if end is not None else tuple(map(int, self.encode(b"\n")))

    def encode(self, text: bytes) -> Tokens:
        if self._fast is not None:  # called directly: its wrapper changes settings, which is not safe in threads
            return np.array(self._fast.encode(text.decode(), add_special_tokens=False).ids, dtype=np.uint32)
        found = self._tokenizer(text.decode(), add_special_tokens=False, split_special_tokens=True, verbose=False)
        return np.array(found["input_ids"], dtype=np.uint32)


def _codes(text: bytes) -> Tokens:
    """The code points of a UTF-8 text."""
    if text.isascii():
        return np.frombuffer(text, np.uint8)
    return np.frombuffer(text.decode().encode("utf-32-le"), "<u4")
