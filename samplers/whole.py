"""The whole numbers of a search's block: checked here, in the same words for every search."""

from __future__ import annotations

from storage.errors import UsageError


def whole(value: object, where: str, least: int, most: int) -> int:
    """`value`, if it is a whole number in its range; `where` names its place in the definition.

    Raises:
        UsageError: It is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise UsageError(f"{where}: {value!r} is not a whole number from {least} to {most:,}")
    return value
