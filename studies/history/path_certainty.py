"""How sure a growth's whole path is, in words: the lines below its table.

certainty.py words a round.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from samplers.searches.noise import mean, standard_error, t975
from samplers.searches.plural import listed
from studies.history.certainty import INTERVAL, Record, chosen_of, error_text, figures_of, is_pruned
from studies.tables.digits import number, shown
from studies.tables.table import Figure

MAX_ROUNDS = 8
"""Rounds that a line lists."""
ONE_SEED = (
    "one seed: the chosen step is the best in about six rounds of ten (benchmarks/race.py); "
    "`--set grow.repeats=2 --set grow.racing='{max_repeats: 16}'` buys seeds where a wrong choice would cost most"
)


def path_lines(records: Sequence[Record]) -> list[str]:
    """The lines below a path: whether other seeds would lead to the same one, what its errors are, and what its
    scores are worth. Records are those in force, overrides among them, in order."""
    chosen = [each for each in records if chosen_of(each) is not None]
    return [*_again(chosen), *_unchosen(records), *_errors(chosen), *_one_seed(chosen)]


def again(records: Sequence[Record]) -> float | None:
    """How likely other seeds would lead along the whole path; None where a round does not say."""
    known = [figures_of(each).get("again") for each in records if chosen_of(each) is not None]
    if not known or any(each is None for each in known):
        return None
    return float(round(math.prod(float(each) for each in known if each is not None), 3))


def _again(chosen: Sequence[Record]) -> Iterator[str]:
    every = [(each["round"], figures_of(each).get("again")) for each in chosen]
    known = [(likely, int(round_)) for round_, likely in every if likely is not None]
    if known:
        least = sorted(sorted(known)[:MAX_ROUNDS], key=lambda each: each[1])
        rounds = ", ".join(f"round {round_} {likely:.2f}" for likely, round_ in least)
        which = "the least sure " if len(least) < len(known) else ""
        whole = again(chosen)
        path = "" if whole is None or len(chosen) < 2 else f"; the same path: {whole:.2f}"
        yield f"how likely other seeds would choose the same: {which}{rounds}{path}"
    pruned = [str(each["round"]) for each in chosen if any(map(is_pruned, each["candidates"]))]
    if pruned:
        where = f"round{'s' * (len(pruned) > 1)} {listed(pruned)}"
        yield f"whether other seeds would choose the same in {where} is not known: candidates were pruned there"


def _errors(chosen: Sequence[Record]) -> Iterator[str]:
    meaning = error_text(chosen)
    if meaning == INTERVAL and any(figures_of(each).get("sure") is not None for each in chosen):
        sure = "sure: how likely the choice is the best of its round, not that it helps"
        yield f"± is {meaning}; {sure}; loss at most: what a wrong choice costs, as a share of the best efficiency"
    elif meaning is not None:
        yield f"± is {meaning}"


def _one_seed(chosen: Sequence[Record]) -> Iterator[str]:
    if any(len(each["seeds"]) == 1 for record in chosen for each in record["candidates"] if each["chosen"]):
        yield ONE_SEED


def unchosen(record: Record, after: Record | None) -> dict[str, Any] | None:
    """The score of a round's choice over seeds that had no part in choosing it: those that the next round bought for
    its baseline. None where there are none.

    Args:
        record: The round's.
        after: The next decision in force; None: there is none yet.
    """
    won = chosen_of(record)
    if won is None or after is None or not after.get("candidates") or after.get("baseline") is None:
        return None
    used = {each["seed"] for each in won["seeds"]}
    scores = [each["score"] for each in after["baseline"]["seeds"] if each["seed"] not in used]
    if not scores:
        return None
    error = standard_error(scores)
    half = None if error is None else t975(len(scores) - 1) * error
    return {"score": mean(scores), "seeds": len(scores), "score_95": half if half and math.isfinite(half) else None}


def _unchosen(records: Sequence[Record]) -> Iterator[str]:
    """The latest choice that has such seeds; without any, that the path's scores flatter it."""
    steps = [each for each in records if chosen_of(each) is not None]
    if not any("rule" in each and each["sure"] is not None for each in steps):
        return
    for record, after in reversed(list(pairwise(records))):
        found, won = unchosen(record, after), chosen_of(record)
        if found is not None and won is not None:
            many = f"{found['seeds']} seed{'s' * (found['seeds'] != 1)}"
            score = shown(Figure(found["score"], found["score_95"]))
            yield (
                f"the scores of the path were measured with the seeds that chose it; over {many} that did not, the "
                f"choice of round {record['round']} scores {score}, in place of {number(won['score'])}"
            )
            return
    yield "the scores of the path were measured with the seeds that chose it, which flatters them a little"
