"""Checks that all definitions share, with the same words for the same mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from storage.errors import UsageError, nearest


def check_whole(value: object, where: str, least: int, most: int) -> int:
    """The value, if it is a whole number from `least` to `most`; `where` names its key in the definition.

    Raises:
        UsageError: It is another value.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UsageError(f"{value!r} is not a whole number from {least} to {most:,}", where)
    return value


def check_keys(
    given: Mapping[str, object] | Iterable[str], allowed: Collection[str], where: str, hint: str = ""
) -> None:
    """Check that all keys of a block are allowed; `where` names the block and `hint` ends the message.

    Raises:
        UsageError: A key is not; the message names the nearest key that is.
    """
    for key in given:
        if key not in allowed:
            raise UsageError(f"unknown key {key!r}{nearest(str(key), allowed)}{hint}", where)
