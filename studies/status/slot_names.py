"""The names of slots in tables: as short as tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

Place = tuple[str | None, int | None, str]
"""A slot's host, the process number of its worker, and its name there."""


def slot_names(places: Iterable[Place], with_host: bool) -> dict[Place, str]:
    """A name for each slot: its own, after its host's if asked for; with the worker's process number where two workers
    of one host have a slot of that name.

    >>> slot_names([("vm", 17, "cpu0"), ("vm", 23, "cpu0"), ("vm", 23, "cpu1")], with_host=True).values()
    dict_values(['vm:17:cpu0', 'vm:23:cpu0', 'vm:cpu1'])
    """
    different = list(dict.fromkeys(places))
    shared = Counter((host, name) for host, _, name in different)
    return {
        (host, pid, name): ":".join(
            [*([str(host)] if with_host else []), *([str(pid)] if shared[host, name] > 1 else []), name]
        )
        for host, pid, name in different
    }
