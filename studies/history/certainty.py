"""How sure a growth's choices are, in words: the only place that words it.

`sure`, `loss_at_most`, `again` and `parted` stand in a round's record since version 0.4 (samplers/searches/growth/
certainty.py). Rounds before, and those of growths that began before, have a mark for ties alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import Any

from samplers.searches.noise import mean, standard_error, t975
from samplers.searches.race.rivals import FAMILY_ERROR
from studies.history.purpose import candidate_name
from studies.tables.digits import number, shown
from studies.tables.table import Figure

INTERVAL = "half of a 95 % interval"
MAX_NAMES = 3
"""Candidates that a tie names."""
MAX_ROUNDS = 8
"""Rounds that a line lists."""
MAX_FORETOLD = 4
"""Times the seeds so far: how many more are foretold as a number."""
ONE_SEED = (
    "one seed: the chosen step is the best in about six rounds of ten (benchmarks/race.py); "
    "`--set grow.repeats=2 --set grow.racing='{max_repeats: 16}'` buys seeds where a wrong choice would cost most"
)

Record = Mapping[str, Any]


def certainty_text(record: Record) -> str | None:
    """`parted (sure 0.99)`, or `tie of A and B (sure 0.82): a wrong choice would cost at most about 3 %`; where nothing
    was chosen, the largest gain. None where one seed says nothing."""
    won = chosen_of(record)
    if won is None:
        return _largest_gain(record)
    rivals = sorted((each for each in record["candidates"] if each["tie"] and each is not won), key=_behind)
    if "rule" not in record:
        return f"tie of {_listed([won, *rivals])}" if rivals else None
    if record["sure"] is None:
        return None
    sure = f"sure {min(99, math.floor(100 * record['sure'])) / 100:.2f}"
    if record["parted"]:
        return f"parted ({sure})"
    return f"tie of {_listed([won, *rivals])} ({sure}): a wrong choice would cost {_share(record['loss_at_most'])}"


def _largest_gain(record: Record) -> str | None:
    """How sure it is that no candidate helps. None where none was compared, or with one seed each."""
    known = [each for each in record.get("candidates", ()) if each["gain"] is not None] if "rule" in record else []
    if not known:
        return None
    most = max(known, key=lambda each: float(each["gain"]))
    error = error_of(most, "gain")
    if error is None:
        return None
    doubt = ": more seeds may still find one that helps" if most["gain"] + error > 0 else ""
    return f"the largest gain is {shown(Figure(most['gain'], error))} ({candidate_name(most)}){doubt}"


def chosen_of(record: Record) -> Mapping[str, Any] | None:
    return next((each for each in record.get("candidates", ()) if each["chosen"]), None)


def _behind(row: Mapping[str, Any]) -> float:
    return -(row.get("better") or 0.0)


def _share(part: float) -> str:
    return f"at most about {round(100 * part)} %" if part >= 0.01 else "less than 1 %"


def _listed(rows: Sequence[Mapping[str, Any]]) -> str:
    names = [candidate_name(each) for each in rows]
    if len(names) > MAX_NAMES + 1:
        names = [*names[:MAX_NAMES], f"{len(names) - MAX_NAMES} more"]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def seeds_text(record: Record) -> str | None:
    """How many seeds would part a tie. A number foretold from a few seeds is a coin toss, so it is a lower bound, and
    beyond four times the seeds so far there is none."""
    won = chosen_of(record)
    if won is None or record.get("sure") is None or record["parted"]:
        return None
    rivals = [each for each in record["candidates"] if each["better"] is not None]
    nearest = max(rivals, key=lambda each: float(each["better"]))
    seeds = max(len(won["seeds"]), len(nearest["seeds"]))
    name = candidate_name(nearest)
    needed = NormalDist().inv_cdf(1 - FAMILY_ERROR / len(rivals))
    now = NormalDist().inv_cdf(1 - min(max(nearest["better"], 1e-12), 0.5))
    if now <= 0 or (needed / now) ** 2 > MAX_FORETOLD:
        return f"parting {name} from the chosen step would take no reasonable number of seeds"
    most = max(seeds + 1, math.ceil(seeds * (needed / now) ** 2))
    return f"parting {name} from the chosen step would take about {most} seeds or more"


def path_lines(records: Sequence[Record]) -> list[str]:
    """The lines below a path: whether other seeds would lead to the same one, what its errors are, and what its
    scores are worth. Records are those in force, overrides among them, in order."""
    chosen = [each for each in records if chosen_of(each) is not None]
    return [*_again(chosen), *_unchosen(records), *_errors(chosen), *_one_seed(chosen)]


def again(records: Sequence[Record]) -> float | None:
    """How likely other seeds would lead along the whole path; None where a round does not say."""
    known = [each.get("again") for each in records if chosen_of(each) is not None]
    if not known or any(each is None for each in known):
        return None
    return float(round(math.prod(float(each) for each in known if each is not None), 3))


def _again(chosen: Sequence[Record]) -> Iterator[str]:
    known = [each for each in chosen if each.get("again") is not None]
    if not known:
        return
    least = sorted(known, key=lambda each: float(each["again"]))[:MAX_ROUNDS]
    least.sort(key=lambda each: int(each["round"]))
    rounds = ", ".join(f"round {each['round']} {each['again']:.2f}" for each in least)
    which = "the least sure " if len(least) < len(known) else ""
    whole = again(chosen)
    path = "" if whole is None or len(chosen) < 2 else f"; the same path: {whole:.2f}"
    yield f"how likely other seeds would choose the same: {which}{rounds}{path}"


def _errors(chosen: Sequence[Record]) -> Iterator[str]:
    meaning = error_text(chosen)
    if meaning == INTERVAL:
        sure = "sure is how likely the choice is the best, and a wrong one costs a share of the best efficiency"
        yield f"± is {meaning}; {sure}"
    elif meaning is not None:
        yield f"± is {meaning}"


def error_text(records: Sequence[Record]) -> str | None:
    """What the errors of these rounds are; None where they have none."""
    known = [each for each in records if any(row.get("gain_error") is not None for row in each["candidates"])]
    match sorted({"rule" in each for each in known}):
        case []:
            return None
        case [True]:
            return INTERVAL
        case [False]:
            return "one standard error"
        case _:
            return f"{INTERVAL}, and one standard error in the rounds of before version 0.4"


def error_of(row: Mapping[str, Any], name: str) -> float | None:
    """The error of a candidate's `gain` or `efficiency`: half of the 95 % interval where its record has one."""
    half: float | None = row.get(f"{name}_95", row.get(f"{name}_error"))
    return half


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
