"""The answer of a study as it stands, in one or two sentences: means over seeds, with their intervals.

Optuna's own "best trial" is the luckiest single seed. This is what the report and the note begin with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from samplers.searches.depth.fixed_size import count_in
from samplers.searches.nested import flattened
from samplers.searches.plural import counted, listed
from storage.records import StudyRow
from studies.figures.scales import number_text
from studies.history.certainty import chosen_of, open_text
from studies.history.purpose import candidate_name, setting_name
from studies.history.raises import changes_text
from studies.results.verdicts import Verdict
from studies.tables.digits import printed
from studies.tables.table import Figure

MAX_TARGETS = 3
"""Of a depth search, that are answered in words."""
MAX_OPEN = 3
"""Steps of a growth in doubt that are named."""
MAX_GROWN = 5
"""Parameters of a growth that are named."""

Json = Mapping[str, Any]


def answer(study: StudyRow, shown: Json) -> str | None:
    """From `show --json`; None while there is no result."""
    match study.search:
        case "grow":
            return _of_growth(study, shown)
        case "grid":
            return _of_grid(study, shown)
        case "tune":
            return _of_front(study, shown) if "front" in shown else _of_tune(study, shown)
        case "depth":
            return _of_depth(study, shown)
        case _:
            return _of_fit(study, shown)


def _of_growth(study: StudyRow, shown: Json) -> str | None:
    rounds = [
        each for each in shown["rounds"] if each["baseline"] is not None and each["baseline"]["score"] is not None
    ]
    if not rounds:
        return None
    chosen = [row for each in rounds for row in each["candidates"] if row["chosen"]]
    first, cost = rounds[0]["baseline"], study.cost
    if not chosen:
        score = _score([seed["score"] for seed in first["seeds"]], first["score"])
        ended = shown["stop_reason"]
        none = "No step is chosen yet" if ended is None else f"No step was chosen: {ended}"
        return f"{none}. The start has {study.score} {score} at {cost} {number_text(first['cost'])}."
    last = chosen[-1]
    steps, scores = counted(len(chosen), "step"), f"{_short(first['score'])} to {_short(last['score'])}"
    took = f"{steps}{changes_text(rounds, shown['overrides'])} took {study.score} from {scores}{_seeds(last)}"
    spent = f"{cost} from {number_text(first['cost'])} to {number_text(last['cost'])}"
    grown = _grown(study.origin["config"], shown["config"], chosen)
    return f"{took}, and {spent}: {grown}. The last step was {candidate_name(last)}.{_open_steps(rounds)}"


def _open_steps(rounds: Sequence[Json]) -> str:
    """The steps of which nothing says that they help."""
    found = [(each, won) for each in rounds if (won := chosen_of(each)) is not None and open_text(each, won)]
    if not found:
        return ""
    names = [f"{candidate_name(won)} (round {each['round']})" for each, won in found[-MAX_OPEN:]]
    more = f"{len(found) - MAX_OPEN} more, " if len(found) > MAX_OPEN else ""
    if len(found) == 1:
        return f" {_sentence(open_text(*found[0]) or '').replace('it helps', f'{names[0]} helps')}"
    return f" Whether these steps help at all is open: {more}{', '.join(names)}."


def _grown(start: Json, now: Json, chosen: Sequence[Json]) -> str:
    """The parameters that grew, those with most steps first."""
    names = [str(each["param"]) for each in chosen]
    order = sorted(dict.fromkeys(names), key=lambda name: -names.count(name))
    start, now = {**flattened(start), **start}, {**flattened(now), **now}
    changes = [
        f"{name} {start[name]} → {now[name]}"
        if name in start and name in now
        else f"{name} by {counted(names.count(name), 'step')}"
        for name in order[:MAX_GROWN]
    ]
    more = len(order) - MAX_GROWN
    return ", ".join([*changes, *([f"{more} more"] if more > 0 else [])])


def _of_grid(study: StudyRow, shown: Json) -> str | None:
    results = shown["results"]
    if not results:
        return None
    rows, coming = [row for row in results if row["ranked"]] or results, shown["unfinished"]
    best, count = rows[0], len(rows)
    name, score, sure = setting_name(best["setting"]), f"{study.score} {_mean(best)}", _sure_of_grid(rows, coming)
    if count == 1:
        known = "a result" if len(results) == 1 else "all of its seeds"
        return f"The only setting with {known}, {name}, has {score}.{sure}"
    return f"The best of {count} settings{' so far' if coming else ''} is {name}, with {score}.{sure}"


def _sure_of_grid(rows: Sequence[Json], coming: int) -> str:
    """Whether the seeds of a grid's best setting, the first of the rows, set it apart; `coming` settings have yet to
    end."""
    if not rows[0]["ranked"]:
        return f" No setting has all of its seeds{' yet' if coming else ''}." if len(rows) > 1 else ""
    if coming:
        their = "its" if coming == 1 else "their"
        return f" {counted(coming, 'setting')} without all of {their} seeds may still become the best."
    if len(rows) == 1:
        return ""
    compared = sum(row["p_best"] is not None for row in rows[1:])
    if not compared:
        return " With one seed each, nothing says how much of that is chance."
    alone, tied = len(rows) - 1 - compared, sum(bool(row["best_tie"]) for row in rows)
    rest = f"; {counted(alone, 'setting')} with one seed {_is_or_are(alone)} not compared" if alone else ""
    if tied:
        return f" {counted(tied - 1, 'other')} may be as good: the seeds do not set them apart{rest}."
    whom = "all that have several" if alone else "the other" if compared == 1 else "all others"
    return f" The seeds set it apart from {whom}{rest}."


def _of_tune(study: StudyRow, shown: Json) -> str | None:
    best = next((row for row in shown["results"] if row["number"] == shown["best"]), None)
    if best is None:
        return None
    count = sum(row["mean"] is not None for row in shown["results"])
    name = f"setting {best['number']}: {setting_name(best['setting'])}"
    return f"The best of {count} settings is {name}, with {study.score} {_mean(best)}.{_sure_of_tune(shown, best)}"


def _sure_of_tune(shown: Json, best: Json) -> str:
    """Whether the seeds of a tune's best setting set it apart."""
    if best["n"] == 1:
        return " It was measured with one seed: run it again with others before you rely on it."
    tied = sum(row["verdict"] == Verdict.TIE.value for row in shown["results"])
    if tied:
        return f" {counted(tied, 'other')} may be as good: the seeds do not set them apart."
    apart = any(row["verdict"] == Verdict.WORSE.value for row in shown["results"])
    return " The seeds set it apart from the others that have several." if apart else ""


def _of_front(study: StudyRow, shown: Json) -> str | None:
    front = [row for row in shown["results"] if row["number"] in shown["front"]]
    if not front:
        return None
    names = " and ".join(score.metric for score in study.scores)
    whole = (
        f"{len(front)} of {counted(len(shown['results']), 'setting')} {_is_or_are(len(front))} on the front of {names}"
    )
    best = next((row for row in front if row["number"] == shown["best"]), None)
    if best is None:
        return f"{whole}. The front has no bend: none of them gives up least of each, so the choice is yours."
    values = ", ".join(f"{score.metric} {_short(best['by_score'][score.metric]['mean'])}" for score in study.scores)
    return f"{whole}. Setting {best['number']} gives up least of each: {setting_name(best['setting'])}, with {values}."


def _of_depth(study: StudyRow, shown: Json) -> str | None:
    rows = shown["results"]
    if not rows:
        return None
    near, missed, uncounted = list[str](), list[str](), list[str]()
    targets = list(dict.fromkeys(row["target"] for row in rows))
    for target in targets[:MAX_TARGETS]:
        counts = [(row, count) for row in rows if row["target"] == target and (count := count_in(row)) is not None]
        own = [(abs(count - target), count, row) for row, count in counts if row["reached"]]
        if not own:
            (missed if counts else uncounted).append(number_text(target))
            continue
        _, count, best = min(own, key=lambda each: each[0])
        off = (count - target) / target
        layers = counted(best["layers"], "layer")
        near.append(f"{number_text(target)}: {layers} of width {best['width']:,} ({off:+.2%})")
    more, reached = max(0, len(targets) - MAX_TARGETS), sum(bool(row["reached"]) for row in rows)
    so_far = " so far" if study.outcome is None else ""
    sentences = [
        *([f"Nearest to {'; to '.join(near)}."] if near else []),
        *([f"{listed(missed)} {_is_or_are(len(missed))} out of reach{so_far}."] if missed else []),
        *([f"{listed(uncounted)} could not be counted{so_far}."] if uncounted else []),
        *([f"There {_is_or_are(more)} {counted(more, 'more target')}."] if more else []),
        f"{reached} of {counted(len(rows), 'size')} {'was' if 1 in (reached, len(rows)) else 'were'} reached.",
    ]
    return " ".join(sentences)


def _of_fit(study: StudyRow, shown: Json) -> str | None:
    if not shown["probes"]:
        return None
    axis, largest, ended, best = (shown[name] for name in ("axis", "largest", "ended", "best"))
    score = "" if best is None else f": {_short(best['score'])}"
    if ended is None:
        if largest is None:
            return f"No {axis} is known to fit yet."
        fails = shown["smallest_failing"]
        limit = "" if fails is None else f"; {fails:,} does not"
        found = f"The largest {axis} found to fit so far is {largest:,}{limit}."
        return found + ("" if best is None else f" {study.score} is best at {best['value']:,} so far{score}.")
    if shown["failed"] is None:
        return _sentence(f"{ended}{score}")  # the end of an answer names the value with the best score
    found = "" if largest is None else f" The largest {axis} found to fit is {largest:,}."
    best_text = "" if best is None else f" {study.score} is best at {best['value']:,}{score}."
    return f"The search ended at {ended.removesuffix('.')}.{found}{best_text}"


def _is_or_are(count: int) -> str:
    return "is" if count == 1 else "are"


def _mean(row: Json) -> str:
    """`1.532 ± 0.012 (95 %, 3 seeds)`."""
    half = None if row["interval"] is None else row["interval"][1] - row["mean"]
    return f"{printed(Figure(row['mean'], half))} ({'95 %, ' if half is not None else ''}{counted(row['n'], 'seed')})"


def _score(seeds: Sequence[float], mean: float) -> str:
    return f"{_short(mean)} ({counted(len(seeds), 'seed')})"


def _seeds(row: Json) -> str:
    return f" ({counted(len(row['seeds']), 'seed')})"


def _short(value: float) -> str:
    return str(printed(Figure(value)))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
