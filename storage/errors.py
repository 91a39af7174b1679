"""Studyhall's errors. Each prints one line; only cli.py turns them into exit codes."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from storage.program import program_name


class StudyhallError(Exception):
    """The work failed."""

    exit_code = 1

    def __init__(self, what: str | None = None, where: str = "") -> None:
        """`what` is wrong, and `where`: an option, a key, a file. The line is `where: what`."""
        self.what, self.where = what or self.__doc__ or "", where
        super().__init__(f"{where}: {self.what}" if where else self.what)


class UsageError(StudyhallError):
    """The command or the definition is wrong. Nothing was written."""

    exit_code = 2


class StorageError(StudyhallError):
    """The storage cannot be used. The message never holds a password."""

    exit_code = 2


class EmptyStorageError(UsageError):
    """no study in this storage yet"""

    def __init__(self, where: str = "") -> None:
        super().__init__(f"{self.__doc__}; `{program_name()} run grow --study lobo` begins one", where)


class NotPermittedError(StorageError):
    """The role of this session may not do that."""


class UnreachableError(StorageError):
    """The storage does not answer."""

    exit_code = 3


class RefusedError(UnreachableError):
    """No server listens there."""


class RestartingError(UnreachableError):
    """The storage answers that it starts or stops: it will be there again."""


class SessionLostError(StudyhallError):
    """The database session ended, and with it every lock that it held."""


def one_line(error: BaseException, most: int = 300) -> str:
    """An error as part of a line: `RuntimeError: its text`, cut at `most` characters; Studyhall's own are not cut."""
    text = " ".join(str(error).split())
    return text if isinstance(error, StudyhallError) else f"{type(error).__name__}: {text}"[:most].removesuffix(": ")


def nearest(word: str, allowed: Iterable[str], listed: str = "allowed: ") -> str:
    """The end of a message about an unknown word: `; did you mean 'n_layer'?`, or the list of allowed words after
    `listed`."""
    known = [str(each) for each in allowed]
    return close(word, known) or (f"; {listed}{', '.join(known)}" if known else "")


def close(word: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'n_layer'?`; empty if no allowed word is close."""
    found = get_close_matches(str(word), [*allowed], n=1)
    return f"; did you mean {found[0]!r}?" if found else ""
