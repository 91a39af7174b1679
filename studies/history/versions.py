"""Versions of the user's code among results: what a table says of a row that was made by more than one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from storage.records import TrialRow


def versions_of(rows: Iterable[TrialRow]) -> list[str | None]:
    """The versions that results ran, in the order of the trials; None: not recorded. A failure is no result."""
    return list(dict.fromkeys(row.code for row in rows if row.state in ("COMPLETE", "PRUNED")))


def versions_mark(versions: Sequence[str | None]) -> str | None:
    """What a table says of results of these versions; None if they are of one."""
    if len(versions) < 2:
        return None
    return "code partly not recorded" if None in versions else f"{len(versions)} versions of the code"


def decision_versions(trials: Sequence[int], rows: Mapping[int, TrialRow]) -> list[str | None]:
    """The versions behind a decision, by the ids of the trials that it was made from."""
    return versions_of(rows[each] for each in trials if each in rows)


def numbers_text(numbers: Sequence[int]) -> str:
    """`0–11, 14` of sorted trial numbers."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in spans)
