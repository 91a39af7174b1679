"""Trials that another Optuna program enqueued become points of the study: what they fix, laid over its configuration.

`study.enqueue_trial({"n_head": 4, "seed": 7})` leaves a WAITING trial without a point. It runs as an extra point, which
no decision waits for. What cannot be laid over the configuration, or what the study has already, becomes FAIL with the
reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from samplers.searches.plan import Point, SearchState
from storage.errors import UsageError
from storage.ledger import Ledger, NewPoint
from storage.reader import Reader
from storage.records import EnqueuedTrial, FailureKind
from studies.definition.assignments import Path, assign, parse_assignment
from studies.engine.planner import Refusals

LARGEST_SEED = 2**63


@dataclass(frozen=True)
class Refusal:
    """Why it cannot be a point: its objective refuses it, or it cannot be laid over the configuration."""

    reason: str
    kind: FailureKind


def withdrawn(why: str) -> Refusal:
    """A refusal of ours."""
    return Refusal(f"withdrawn: enqueued: {why}", FailureKind.WITHDRAWN)


@dataclass(frozen=True)
class Enqueued:
    """One such trial, as a point, or why it cannot be one."""

    trial_id: int
    number: int
    point: Point
    shown: Sequence[tuple[str, float, str]] = ()
    """Parameters as Optuna keeps them: name, internal value, distribution."""
    refusal: Refusal | None = None


def adopt(
    ledger: Ledger, state: Callable[[], SearchState], search: str, refusals: Refusals, say: Callable[[str], None]
) -> int:
    """Make points of what was enqueued; how many can run now. Before the search has planned anything: none.

    Args:
        ledger: The study's.
        state: Tells the search's state after the last decision.
        search: Its name, which is that of its block.
        refusals: The objective's word on configurations.
        say: Where it is told what came of each.
    """
    reader = Reader(ledger.session)
    rows = reader.enqueued_trials(ledger.study_id)
    if not rows:
        return 0
    known = reader.distributions(ledger.study_id)
    if not known:
        return 0
    now = state()
    found = [_enqueued(row, now, search, known) for row in rows]
    sound = [each for each in found if each.refusal is None]
    verdicts = dict(zip(map(id, sound), _verdicts(sound, refusals), strict=True))
    adopted = 0
    with ledger.planning():
        for each in found:
            verdict = verdicts.get(id(each))
            judged = each if verdict is None else replace(each, refusal=verdict)
            point = judged.point
            taken = ledger.adopt_trial(
                each.trial_id,
                NewPoint(
                    point.hash,
                    point.config,
                    point.seed,
                    point.role,
                    judged.shown,
                    None if judged.refusal is None else judged.refusal.reason,
                    None if judged.refusal is None else judged.refusal.kind,
                ),
            )
            if taken is not None:
                adopted += taken.reason is None
                say(f"trial {each.number}, enqueued by another program: {taken.reason or 'taken up'}")
    return adopted


def _enqueued(row: EnqueuedTrial, state: SearchState, search: str, known: Mapping[str, str]) -> Enqueued:
    fixed = json.loads(row.fixed) if row.fixed else {}
    config: Mapping[str, Any] = state["config"]
    seed = fixed.get("seed", state[search].get("seed", 0))
    role: dict[str, Any] = {"role": "enqueued"}
    try:
        _check_finite(fixed)
        if search == "grid":
            role["setting"] = dict(fixed)
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < LARGEST_SEED:
            raise UsageError(f"the seed {seed!r} is not a whole number from 0")
        for name, value in fixed.items():
            if name != "seed":
                config = assign(config, _path(name), value, False, name)
        point = Point(config, seed, role=role)
        return Enqueued(row.trial_id, row.number, point, _shown(config, seed, fixed, known))
    except UsageError as error:
        return Enqueued(row.trial_id, row.number, Point(config, 0, role=role), refusal=withdrawn(error.what))


def _verdicts(sound: Sequence[Enqueued], refusals: Refusals) -> list[Refusal | None]:
    """Why each cannot run: its objective refuses it, or this host may not run the code that it names.

    All are asked about at once; one by one only where that fails, to find the one that it fails for.
    """
    try:
        answers = refusals([each.point.config for each in sound])
    except UsageError as error:
        if len(sound) == 1:
            return [withdrawn(str(error))]
        return [verdict for each in sound for verdict in _verdicts([each], refusals)]
    return [None if each is None else Refusal(f"invalid: {each}", FailureKind.REFUSED) for each in answers]


def _check_finite(fixed: Mapping[str, Any]) -> None:
    for name, value in fixed.items():
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            raise UsageError(f"{name}={value!r} is not a number that a configuration can hold") from None


def _shown(
    config: Mapping[str, Any], seed: int, fixed: Mapping[str, Any], known: Mapping[str, str]
) -> list[tuple[str, float, str]]:
    """What Optuna shows: the study's own parameters, as far as this point has them.

    Raises:
        UsageError: A fixed one lies outside what this study told Optuna.
    """
    from optuna.distributions import json_to_distribution

    shown = []
    for name, text in known.items():
        distribution = json_to_distribution(text)
        try:
            value = seed if name == "seed" else _at(config, _path(name))
            internal = float(distribution.to_internal_repr(value))
            holds = distribution._contains(internal)
        except (KeyError, IndexError, TypeError, ValueError):
            holds = False
        if holds:
            shown.append((name, internal, text))
        elif name in fixed:
            raise UsageError(f"{name}={fixed[name]!r} lies outside what this study told Optuna: {distribution}")
    return shown


def _path(name: str) -> Path:
    return parse_assignment(f"{name}=0")[0]


def _at(config: Any, path: Path) -> Any:
    for key in path:
        config = config[key]
    return config
