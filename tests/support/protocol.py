"""The engine's protocol as a model that can be searched whole: every order in which its steps can happen.

Two workers claim, run, finish, give back, recover and plan; a third process only recovers. The study has three points:
one in its first round, two in its second, with a decision after each. A worker's steps are what the server does
for our statements, cut where PostgreSQL lets another session in between: a statement takes its snapshot, then row locks
and advisory locks, then it commits; a transaction of several statements has a step for each. A session may be lost at
any step, as often as the model allows: the server rolls back and frees its locks. Its worker then comes back either
having forgotten everything (killed, or stopped its trial), or with the end of a trial still to be written (it was
paused, or an answer was lost on its way): studies/engine/worker.py's `_start_over` and `_settle`.

What keeps the protocol right is a set of safeguards, each of which can be left out (`without`): the search then
has to find a run that breaks an invariant. Times do not occur: a step may take for ever, which is what a pause is.
With one fault there are 47,026 states, with two 290,245: seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ROUNDS = (("A",), ("B", "C"))
"""The points that each decision needs."""
WORKERS = (0, 1)
RECOVERER = 2
NOBODY = -1

SAFEGUARDS = {
    "claim holds its lock": "claim_trial.sql takes the advisory lock in the statement that makes the trial RUNNING",
    "recover holds the lock": "lock_orphans.sql locks what it gives back until its transaction ends",
    "recover looks again": "recover_orphans.sql takes only what is still RUNNING in a later statement",
    "finish is fenced": "finish_trial.sql accepts only the attempt that holds the trial",
    "finish wants RUNNING": "finish_trial.sql ends only a trial that runs",
    "release is fenced": "release_trial.sql gives back only for the attempt that holds the trial",
    "somebody recovers": "studies/engine/worker.py looks for orphans when it has a free slot",
    "plan holds the study": "lock_study.sql: one planner at a time",
    "point is unique": "studyhall_points_once and the primary key of decisions",
    "decide from ends": "planner.finished_results: only trials that have ended",
}


class Trial(NamedTuple):
    """A row of trials with its point; `row` and `lock` are who holds its row lock and its advisory lock."""

    point: str
    state: str = "WAITING"
    attempt: int = 0
    accepted: int = 0
    """How many results were accepted."""
    value: int = 0
    """The one that counts: the number of the attempt that it came from, so that no two attempts have the same."""
    row: int = NOBODY
    lock: int = NOBODY


class Worker(NamedTuple):
    """A process: `at` is its place in the code, `has` what it knows there."""

    alive: bool = True
    """Whether its database session is."""
    at: str = "idle"
    has: Any = ()


class State(NamedTuple):
    """Everything there is: the database, and what the processes remember."""

    trials: tuple[Trial, ...] = ()
    decisions: tuple[tuple[tuple[str, int], ...], ...] = ()
    """What each was made from: point and value."""
    study: int = NOBODY
    """Who holds the lock on the study's row."""
    workers: tuple[Worker, ...] = (Worker(), Worker(), Worker())
    faults: int = 0
    """How many are left."""


Move = tuple[str, State]


class BrokenError(Exception):
    """A step that must never be possible."""


@dataclass(frozen=True)
class Found:
    """What a search came to."""

    states: int
    problem: str | None = None
    trace: tuple[str, ...] = field(default=(), repr=False)
    """The shortest run that leads there, a step a line."""


@dataclass(frozen=True)
class Protocol:
    """The steps that are possible in a state."""

    without: frozenset[str] = frozenset()

    def has(self, safeguard: str) -> bool:
        assert safeguard in SAFEGUARDS
        return safeguard not in self.without

    def moves(self, state: State) -> Iterator[Move]:
        """Every step that is possible now."""
        for who, worker in enumerate(state.workers):
            name = f"worker {who}" if who in WORKERS else "recoverer"
            if worker.alive:
                steps = getattr(self, f"_{worker.at}")(state, who, *worker.has)
                if state.faults:
                    yield f"{name}: SESSION LOST while {worker.at}{worker.has}", _lost(state, who)
            else:
                steps = self._come_back(state, who)
            for move, after in steps:
                yield f"{name}: {move}", after

    # Between two things to do

    def _idle(self, state: State, who: int) -> Iterator[Move]:
        if any(trial.state == "RUNNING" for trial in state.trials) and self.has("somebody recovers"):
            yield from self._look_for_orphans(state, who)
        if who == RECOVERER:
            return
        free = [n for n, trial in enumerate(state.trials) if trial.state == "WAITING" and trial.row == NOBODY]
        if free:
            yield from self._claim(state, who, free[0])
        if len(state.decisions) < len(ROUNDS) and self._round_is_over(state):
            if not self.has("plan holds the study"):
                yield "begins to plan", _at(state, who, "planning")
            elif state.study == NOBODY:
                yield "locks the study", _at(state._replace(study=who), who, "planning")

    def _come_back(self, state: State, who: int) -> Iterator[Move]:
        """A new session: with nothing, or with an end that it has still to write."""
        worker = state.workers[who]
        yield "comes back as a new worker", _at(state, who, "idle")
        if worker.at in ("running", "late", "finishing", "answered", "releasing"):
            yield "comes back with its result", _at(state, who, "late", *worker.has)

    # Claim

    def _claim(self, state: State, who: int, n: int) -> Iterator[Move]:
        trial = state.trials[n]
        if not self.has("claim holds its lock"):
            yield f"claims {trial.point}", _at(_put(state, n, trial._replace(row=who)), who, "claiming", n)
        elif trial.lock == NOBODY:
            held = trial._replace(row=who, lock=who)
            yield f"claims {trial.point} with its lock", _at(_put(state, n, held), who, "claiming", n)

    def _claiming(self, state: State, who: int, n: int) -> Iterator[Move]:
        trial = state.trials[n]._replace(state="RUNNING", attempt=state.trials[n].attempt + 1, row=NOBODY)
        place = "running" if self.has("claim holds its lock") else "unlocked"
        yield f"commits the claim of {trial.point}", _at(_put(state, n, trial), who, place, n, trial.attempt)

    def _unlocked(self, state: State, who: int, n: int, attempt: int) -> Iterator[Move]:
        """Only without the safeguard: the lock in a statement of its own."""
        trial = state.trials[n]
        if trial.lock == NOBODY:
            yield f"locks {trial.point}", _at(_put(state, n, trial._replace(lock=who)), who, "running", n, attempt)

    # An attempt's end

    def _running(self, state: State, who: int, n: int, attempt: int) -> Iterator[Move]:
        yield from self._finish(state, who, n, attempt)
        if state.faults:  # giving back costs an attempt, like a fault: so there are finitely many
            yield from self._release(state._replace(faults=state.faults - 1), who, n, attempt)

    def _late(self, state: State, who: int, n: int, attempt: int) -> Iterator[Move]:
        """In a later session than the claim's: what there is to write may be an end or a giving back."""
        yield from self._finish(state, who, n, attempt)
        yield from self._release(state, who, n, attempt)

    def _finish(self, state: State, who: int, n: int, attempt: int) -> Iterator[Move]:
        trial = state.trials[n]
        if trial.row != NOBODY:
            return  # it waits for the row
        ours = trial.attempt == attempt or not self.has("finish is fenced")
        if ours and (trial.state == "RUNNING" or not self.has("finish wants RUNNING")):
            held = trial._replace(row=who, lock=NOBODY if trial.lock == who else trial.lock)
            yield (
                f"finishes {trial.point}.{attempt}, unlocks it",
                _at(_put(state, n, held), who, "finishing", n, attempt),
            )
        else:
            yield f"is refused with {trial.point}.{attempt}", _at(state, who, "idle")

    def _finishing(self, state: State, who: int, n: int, attempt: int) -> Iterator[Move]:
        trial = state.trials[n]
        ended = trial._replace(state="COMPLETE", accepted=trial.accepted + 1, value=attempt, row=NOBODY)
        yield f"commits the end of {trial.point}.{attempt}", _at(_put(state, n, ended), who, "answered", n, attempt)

    def _answered(self, state: State, who: int, n: int, attempt: int) -> Iterator[Move]:
        """Between the commit and the answer: a loss here is an effect that its worker does not know of."""
        yield "reads the answer", _at(state, who, "idle")

    def _release(self, state: State, who: int, n: int, attempt: int) -> Iterator[Move]:
        trial = state.trials[n]
        if trial.row != NOBODY:
            return
        ours = trial.attempt == attempt or not self.has("release is fenced")
        if ours and trial.state == "RUNNING":
            held = trial._replace(row=who, lock=NOBODY if trial.lock == who else trial.lock)
            yield f"gives {trial.point}.{attempt} back", _at(_put(state, n, held), who, "releasing", n, attempt)
        else:
            yield f"cannot give {trial.point}.{attempt} back", _at(state, who, "idle")

    def _releasing(self, state: State, who: int, n: int, attempt: int) -> Iterator[Move]:
        trial = state.trials[n]._replace(state="WAITING", row=NOBODY)
        yield f"commits giving {trial.point} back", _at(_put(state, n, trial), who, "idle")

    # Recover

    def _look_for_orphans(self, state: State, who: int) -> Iterator[Move]:
        seen = tuple(n for n, trial in enumerate(state.trials) if trial.state == "RUNNING")
        yield "takes a snapshot to look for orphans", _at(state, who, "looking", seen)

    def _looking(self, state: State, who: int, seen: tuple[int, ...]) -> Iterator[Move]:
        loose = tuple(n for n in seen if state.trials[n].lock == NOBODY)
        if not loose:
            yield "finds no orphan", _at(state, who, "idle")
            return
        if self.has("recover holds the lock"):
            for n in loose:
                state = _put(state, n, state.trials[n]._replace(lock=who))
        yield f"finds orphans {loose}", _at(state, who, "recovering", loose, ())

    def _recovering(self, state: State, who: int, loose: tuple[int, ...], done: tuple[int, ...]) -> Iterator[Move]:
        if not loose:
            yield "commits the recovery", _at(_recovered(state, done), who, "unlocking")
            return
        n, *rest = loose
        trial = state.trials[n]
        if trial.row not in (NOBODY, who):
            return
        if trial.state == "RUNNING" or not self.has("recover looks again"):
            held = _put(state, n, trial._replace(row=who))
            yield f"recovers {trial.point}", _at(held, who, "recovering", tuple(rest), (*done, n))
        else:
            yield f"sees that {trial.point} has ended", _at(state, who, "recovering", tuple(rest), done)

    def _unlocking(self, state: State, who: int) -> Iterator[Move]:
        """A transaction's advisory locks are freed after its commit has become visible."""
        trials = tuple(trial._replace(lock=NOBODY) if trial.lock == who else trial for trial in state.trials)
        yield "frees the orphans' locks", _at(state._replace(trials=trials), who, "idle")

    # Plan

    def _round_is_over(self, state: State) -> bool:
        needed = ROUNDS[len(state.decisions)]
        ended = ("COMPLETE",) if self.has("decide from ends") else ("COMPLETE", "RUNNING")
        planned = [trial for trial in state.trials if trial.point in needed]
        return not planned or all(trial.state in ended for trial in planned)

    def _planning(self, state: State, who: int) -> Iterator[Move]:
        """Read what is known; write the decision, and the points that the next one needs."""
        made: tuple[Any, ...] = ()
        number = len(state.decisions)
        known = {trial.point for trial in state.trials}
        if number < len(ROUNDS) and set(ROUNDS[number]) <= known:
            if not self._round_is_over(state):
                yield "has nothing to decide", _at(state._replace(study=NOBODY), who, "idle")
                return
            value = {trial.point: trial.value or trial.attempt for trial in state.trials}
            made = ((number, tuple((point, value[point]) for point in ROUNDS[number])),)
            number += 1
        points = tuple(p for p in ROUNDS[number] if p not in known) if number < len(ROUNDS) else ()
        yield f"decides {made} and inserts {points}", _at(state, who, "planned", made, points)

    def _planned(self, state: State, who: int, made: tuple[Any, ...], points: tuple[str, ...]) -> Iterator[Move]:
        known = {trial.point for trial in state.trials}
        clash = [point for point in points if point in known] + [n for n, _ in made if n < len(state.decisions)]
        if clash and self.has("point is unique"):
            raise BrokenError(f"a planner is refused by the database: {clash[0]} exists")
        decisions = state.decisions + tuple(record for _, record in made)
        trials = state.trials + tuple(Trial(point) for point in points)
        study = NOBODY if state.study == who else state.study
        yield "commits the plan", _at(State(trials, decisions, study, state.workers, state.faults), who, "idle")


def _at(state: State, who: int, place: str, *has: Any) -> State:
    workers = list(state.workers)
    workers[who] = Worker(True, place, has)
    return state._replace(workers=tuple(workers))


def _put(state: State, n: int, trial: Trial) -> State:
    return state._replace(trials=(*state.trials[:n], trial, *state.trials[n + 1 :]))


def _recovered(state: State, orphans: tuple[int, ...]) -> State:
    for n in orphans:
        state = _put(state, n, state.trials[n]._replace(state="WAITING", row=NOBODY))
    return state


def _lost(state: State, who: int) -> State:
    """What the server does when a session ends: what was not committed is gone, what was locked is free."""
    trials = tuple(
        trial._replace(row=NOBODY if trial.row == who else trial.row, lock=NOBODY if trial.lock == who else trial.lock)
        for trial in state.trials
    )
    workers = list(state.workers)
    workers[who] = workers[who]._replace(alive=False)
    study = NOBODY if state.study == who else state.study
    return State(trials, state.decisions, study, tuple(workers), state.faults - 1)


# What has to hold


def problem(state: State) -> str | None:
    """Which invariant a state breaks."""
    points = [trial.point for trial in state.trials]
    if len(set(points)) < len(points):
        return "a point exists twice"
    live = [worker.has for worker in state.workers if worker.alive and worker.at in ("running", "unlocked")]
    if len({n for n, _ in live}) < len(live):
        return "two living workers run one trial"
    for n, attempt in live:
        if (state.trials[n].state, state.trials[n].attempt) != ("RUNNING", attempt):
            return "a living worker's trial was taken from it"
    if any(trial.accepted > 1 for trial in state.trials):
        return "two results of one trial were accepted"
    if any((trial.state == "COMPLETE") != (trial.accepted == 1) for trial in state.trials):
        return "a trial has ended without a result, or has a result and goes on"
    if len(state.decisions) > len(ROUNDS):
        return "a decision was made twice"
    accepted = {trial.point: trial.value for trial in state.trials if trial.accepted}
    for number, record in enumerate(state.decisions):
        if record != tuple((point, accepted.get(point)) for point in ROUNDS[number]):
            return "a decision was made from something else than accepted results"
    return None


def changed(before: State, after: State) -> str | None:
    """Which invariant a step breaks."""
    for old, new in zip(before.trials, after.trials, strict=False):
        if old.state == "COMPLETE" and old[:5] != new[:5]:
            return "a finished trial was changed"
    return "a decision was changed" if after.decisions[: len(before.decisions)] != before.decisions else None


def finished(state: State) -> bool:
    """The end that every run has to be able to come to: all decided, all accepted, nothing held."""
    free = all(trial.lock == trial.row == NOBODY and trial.state == "COMPLETE" for trial in state.trials)
    return len(state.decisions) == len(ROUNDS) and free and state.study == NOBODY


def search(protocol: Protocol, faults: int) -> Found:
    """Every state that can be reached, breadth first, so that the first problem comes with its shortest run.

    Ending: in a state from which no run without further faults comes to the end, a worker waits for ever. Since
    faults are finite and every other step is taken at some time, all others end.
    """
    start = State(faults=faults)
    came: dict[State, tuple[State, str] | None] = {start: None}
    before: dict[State, list[State]] = {}
    queue = deque([start])
    ends = []
    while queue:
        state = queue.popleft()
        if finished(state):
            ends.append(state)
        try:
            for move, after in protocol.moves(state):
                if after.faults == state.faults:
                    before.setdefault(after, []).append(state)
                if after not in came:
                    came[after] = (state, move)
                    wrong = problem(after) or changed(state, after)
                    if wrong is not None:
                        return Found(len(came), wrong, _trace(came, after))
                    queue.append(after)
                elif (wrong := changed(state, after)) is not None:
                    return Found(len(came), wrong, (*_trace(came, state), move))
        except BrokenError as broken:
            return Found(len(came), str(broken), _trace(came, state))
    hopeful = set(ends)
    queue = deque(ends)
    while queue:
        for earlier in before.get(queue.popleft(), ()):
            if earlier not in hopeful:
                hopeful.add(earlier)
                queue.append(earlier)
    for state in came:
        if state not in hopeful:
            return Found(len(came), "a run cannot come to its end", _trace(came, state))
    return Found(len(came))


def _trace(came: dict[State, tuple[State, str] | None], state: State) -> tuple[str, ...]:
    steps: list[str] = []
    while (step := came[state]) is not None:
        state = step[0]
        steps.append(step[1])
    return tuple(reversed(steps))
