"""How sure a growth's choices are, in words: the only place that words it.

`sure`, `loss_at_most`, `again` and `parted` stand in a round's record since version 0.4 (samplers/searches/growth/
certainty.py). Rounds before, and those of growths that began before, have a mark for ties alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

from samplers.searches.plan import WAS_PRUNED
from samplers.searches.plural import counted, listed
from samplers.searches.race.rivals import FAMILY_ERROR
from studies.history.purpose import candidate_name
from studies.tables.digits import shown
from studies.tables.table import Figure

INTERVAL = "half of a 95 % interval"
MAX_NAMES = 3
"""Candidates that a tie names."""
MAX_FORETOLD = 4
"""Times the seeds so far: how many more are foretold as a number."""
FIGURES = ("sure", "loss_at_most", "again")

Record = Mapping[str, Any]


def certainty_text(record: Record) -> str | None:
    """`the best of the 3 (sure 0.99)`, `tie of A and B (sure 0.82): a wrong choice would cost at most about 3 %`, with
    what is left open; where nothing was chosen, the largest gain. None where one seed says nothing."""
    won = chosen_of(record)
    if won is None:
        return _nothing_helps(record)
    said, out = _choice_text(record, won), left_out(record)
    if out is not None:
        rest = f"the choice is among the rest, {said}" if rivals_of(record) else "the choice had no rival"
        said = out if said is None else f"{out}: {rest}"
    return "; ".join(filter(None, (said, open_text(record, won)))) or None


def _choice_text(record: Record, won: Mapping[str, Any]) -> str | None:
    """The choice against its rivals; None where nothing says more than that it was chosen."""
    tied = sorted((each for each in record["candidates"] if each["tie"] and each is not won), key=_behind)
    if "rule" not in record:
        return f"tie of {_listed([won, *tied])}" if tied else None
    if record["sure"] is None:
        return None
    rivals = rivals_of(record)
    if not rivals:
        return _alone(record, won)
    sure = f"sure {sure_text(record['sure'])}"
    if record["parted"]:
        return f"the better of the 2 ({sure})" if len(rivals) == 1 else f"the best of the {len(rivals) + 1} ({sure})"
    return f"tie of {_listed([won, *tied])} ({sure}): a wrong choice would cost {_share(record['loss_at_most'])}"


def _alone(record: Record, won: Mapping[str, Any]) -> str:
    """A choice without a rival, in a round whose candidates were all measured."""
    if sum(each["gain"] is not None for each in record["candidates"]) == 1:
        return "the only candidate"
    return "the only gain at no added cost" if won["added_cost"] <= 0 else "the only gain"


def open_text(record: Record, won: Mapping[str, Any]) -> str | None:
    """To be the best is not to help: said where the interval of the gain reaches below zero."""
    half = won.get("gain_95")
    if "rule" not in record or half is None or won["gain"] - half > 0:
        return None
    return f"whether it helps at all is open ({shown(Figure(won['gain'], half))})"


def rivals_of(record: Record) -> list[Mapping[str, Any]]:
    """The candidates that the choice was compared with."""
    return [each for each in record["candidates"] if each.get("better") is not None and not each["chosen"]]


def is_pruned(candidate: Mapping[str, Any]) -> bool:
    """Whether a trial of the candidate was pruned, so that it was out of its round."""
    return candidate["gain"] is None and f" {WAS_PRUNED}:" in (candidate["reason"] or "")


def left_out(record: Record) -> str | None:
    """`2 of 3 candidates were pruned`; None where all were compared."""
    every = record["candidates"]
    pruned = sum(map(is_pruned, every))
    failed = sum(each["gain"] is None and not is_pruned(each) for each in every)
    if not pruned + failed:
        return None
    many = pruned or failed
    more = f", {failed} failed" if pruned and failed else ""
    verb = ("was " if many == 1 else "were ") + "pruned" if pruned else "failed"
    return f"{many} of {counted(len(every), 'candidate')} {verb}{more}"


def figures_of(record: Record) -> dict[str, float | None]:
    """`sure`, `loss_at_most` and `again` of a round, where its record has them. None where they would promise too much:
    without a rival, and where the pruner took candidates away before they could be compared."""
    known: dict[str, float | None] = {name: record[name] for name in FIGURES if name in record}
    if chosen_of(record) is None:
        return known
    pruned = any(map(is_pruned, record["candidates"]))
    alone = not rivals_of(record)
    return {name: None if pruned or (alone and name != "again") else value for name, value in known.items()}


def certainty_json(record: Record) -> dict[str, Any]:
    """The same for programs, with `parted`."""
    known = figures_of(record)
    return known if known == {name: record.get(name) for name in known} else {**known, "parted": None}


def sure_text(sure: float) -> str:
    """Never quite 1, and never rounded up."""
    return f"{min(99, math.floor(100 * sure)) / 100:.2f}"


def loss_text(loss: float) -> str:
    """As a share: `3 %`, `< 1 %`."""
    return f"{round(100 * loss)} %" if loss >= 0.01 else "< 1 %"


def _nothing_helps(record: Record) -> str | None:
    """How sure it is that no candidate helps. None where none was compared, or with one seed each."""
    every = record.get("candidates", ()) if "rule" in record else ()
    known = [each for each in every if each["gain"] is not None]
    out = left_out(record) if every else None
    if not known or error_of(most := max(known, key=lambda each: float(each["gain"])), "gain") is None:
        return out
    gain = f"the largest gain is {shown(Figure(most['gain'], error_of(most, 'gain')))}"
    if most["gain"] < 0:
        gain = f"the smallest loss is {shown(Figure(-most['gain'], error_of(most, 'gain')))}"
    doubt = ": more seeds may still find one that helps" if is_doubtful(record) else ""
    return "; ".join(filter(None, (out, f"{gain} ({candidate_name(most)}){doubt}")))


def is_doubtful(record: Record) -> bool:
    """Of a round that chose nothing: whether some candidate may help after all, as far as its seeds say."""
    known = [each for each in record.get("candidates", ()) if each["gain"] is not None]
    return any((half := error_of(each, "gain")) is None or each["gain"] + half > 0 for each in known)


def chosen_of(record: Record) -> Mapping[str, Any] | None:
    return next((each for each in record.get("candidates", ()) if each["chosen"]), None)


def _behind(row: Mapping[str, Any]) -> float:
    return -(row.get("better") or 0.0)


def _share(part: float) -> str:
    return f"at most about {loss_text(part)}" if part >= 0.01 else "less than 1 %"


def _listed(rows: Sequence[Mapping[str, Any]]) -> str:
    names = [candidate_name(each) for each in rows]
    if len(names) > MAX_NAMES + 1:
        names = [*names[:MAX_NAMES], f"{len(names) - MAX_NAMES} more"]
    return listed(names)


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
