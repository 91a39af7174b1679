"""The `racing:` block of a search: how many seeds a candidate may get, and when more of them are not worth it."""

from __future__ import annotations

from collections.abc import Mapping

from samplers.searches.plural import counted
from samplers.searches.race.purchases import DEFAULT_WITHIN, Allowance
from storage.checks import check_keys, check_whole
from storage.errors import UsageError

MAX_REPEATS = 10_000


def parse_racing(block: object, repeats: int, where: str) -> Allowance:
    """`{max_repeats: 16, within: 0.02}`; `within` may be left out. `repeats` is what every candidate gets anyway.

    Raises:
        UsageError: The block is another value, or a number is out of its range.
    """
    if not isinstance(block, Mapping) or "max_repeats" not in block:
        raise UsageError(f"{where}: {block!r} is not {{max_repeats: N, within: {DEFAULT_WITHIN}}}")
    check_keys(block, ("max_repeats", "within"), where)
    most = check_whole(block["max_repeats"], f"{where}.max_repeats", repeats, MAX_REPEATS)
    within = block.get("within", DEFAULT_WITHIN)
    if isinstance(within, bool) or not isinstance(within, int | float) or not 0 < within < 1:
        raise UsageError(f"{where}.within: {within!r} is not a number between 0 and 1, like {DEFAULT_WITHIN}")
    return Allowance(most, float(within))


def seeds_text(repeats: int, racing: Allowance | None) -> str:
    """How many seeds each has: `1 seed`, `2 to 16 seeds`."""
    return counted(repeats, "seed") if racing is None else f"{repeats} to {counted(racing.max_seeds, 'seed')}"
