"""Checks that all definitions share, with the same words for the same mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from storage.errors import UsageError, nearest

IN_OUR_WORDS = {
    "metric": "write `score: {metric: val_loss, direction: minimize}`",
    "goal": "write `direction: minimize` or `maximize`",
    "method": "write `search: grid`, or `search: tune` with `sampler: tpe` or `random` in `tune:`",
    "parameters": "write `axes:` in `grid:`, or `space:` in `tune:`",
    "program": "write `objective: {command: …, metrics: …}`",
    "command": "it belongs into `objective:`, with `metrics:`",
    "metrics": "it belongs into `objective:`, with `command:`",
    "early_terminate": "write `pruner: {name: hyperband}` at the top of the file",
    "run_cap": "write `settings:` in `tune:`, or run with --max-trials N",
    "n_trials": "write `settings:` in `tune:`, or run with --max-trials N",
}
"""What stands here for keys that other programs (W&B's sweeps, Optuna) have, and for ours in the wrong block."""


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
        UsageError: A key is not; the message names the nearest key that is, or what stands here for another program's.
    """
    for key in given:
        if key not in allowed:
            is_slip = get_close_matches(str(key), [str(each) for each in allowed], n=1, cutoff=0.85)
            known = None if is_slip else IN_OUR_WORDS.get(str(key))
            here = nearest(str(key), allowed) if known is None else f"; {known}"
            raise UsageError(f"unknown key {key!r}{here}{hint}", where)
