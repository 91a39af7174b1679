"""What every definition's blocks are checked for, in the same words for all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from storage.errors import UsageError, nearest


def whole(value: object, where: str, least: int, most: int) -> int:
    """`value`, if it is a whole number in its range; `where` names its place in the definition.

    Raises:
        UsageError: It is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UsageError(f"{where}: {value!r} is not a whole number from {least} to {most:,}")
    return value


def known_keys(
    given: Mapping[str, object] | Iterable[str], allowed: Collection[str], where: str, hint: str = ""
) -> None:
    """Whether all keys of a block are known; `where` names the block and `hint` ends the message.

    Raises:
        UsageError: One is not; the message names the nearest that is.
    """
    for key in given:
        if key not in allowed:
            raise UsageError(f"{where}: unknown key {key!r}{nearest(str(key), allowed)}{hint}")
