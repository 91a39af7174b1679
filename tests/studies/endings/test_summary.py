"""What `run` prints below its result, for each way in which it may have ended."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from storage.records import EndKind
from studies.endings.summary import NO_FAILURES, Summary, commands
from studies.history.counts import Counts
from studies.history.state import Ending, Standing, StudyState
from studies.tables.log import Tone
from studies.trial.failures import FailureHints

BLOCKS: dict[str, dict[str, Any]] = {
    "grow": {},
    "grid": {"repeats": 3},
    "tune": {"settings": 20},
    "depth": {},
    "fit": {},
}


def study_of(
    search: str,
    kind: EndKind | None = EndKind.ANSWERED,
    max_trials: int | None = None,
    used_up: bool = False,
    **block: Any,
) -> Any:
    state = {search: {**BLOCKS[search], **block}, "step": 4, "used_up": used_up}
    return SimpleNamespace(name="own", search=search, outcome_kind=kind, max_trials=max_trials, state=state)


def named(
    study: Any, state: StudyState, failed: int = 0, interrupted: bool = False, hints: FailureHints = NO_FAILURES
) -> list[str]:
    found = commands(study, Standing(state), failed, interrupted, study.state, hints=hints)
    assert 1 <= len(found) <= 4 and all(command.startswith("python cli.py ") for command, _ in found)
    return [command.removeprefix("python cli.py ") for command, _ in found]


@pytest.mark.parametrize(
    ("study", "last"),
    [
        (study_of("grow", EndKind.STEPS), "run grow --study own --steps 8"),
        (study_of("grow", EndKind.STALLED), "best --study own"),
        (study_of("grid"), "run grid --study own --set grid.repeats=6"),
        (study_of("grid", racing={"max_repeats": 8}), "best --study own"),
        (study_of("tune"), "run tune --study own --set tune.settings=40"),
        (study_of("tune", used_up=True), "best --study own"),
        (study_of("depth"), "export --study own --as depth-json"),
        (study_of("fit"), "export --study own --as csv"),
    ],
)
def test_after_an_answer_come_its_report_its_audit_and_what_goes_beyond_it(study: Any, last: str) -> None:
    assert named(study, StudyState.DONE) == ["report --study own", "audit --study own", last]


def test_a_growth_that_found_nothing_is_offered_the_seeds_that_may_find_it() -> None:
    study = study_of("grow", EndKind.STALLED)
    found = commands(study, Standing(StudyState.DONE), 0, False, study.state, "--set grow.repeats=4")
    assert found[-1] == ("python cli.py run grow --study own --set grow.repeats=4", "more seeds: one may still help")


def test_after_failures_comes_why_and_how_they_run_again() -> None:
    why = ["show --study own --failures", "retry --study own --failed", "run grid --study own"]
    done = ["show --study own --failures", "retry --study own --failed", "report --study own"]
    assert named(study_of("grid"), StudyState.DONE, failed=2) == done
    assert named(study_of("grid"), StudyState.FAILED) == why


def test_a_failed_trial_s_log_is_named_and_a_metric_that_was_not_read_is_read_again() -> None:
    show, log = "show --study own --failures", "logs own 3"
    crashed = FailureHints(others=True, trial=3)
    assert named(study_of("grid"), StudyState.FAILED, 1, hints=crashed)[:3] == [show, log, "retry --study own --failed"]
    unread = FailureHints(unread=True, trial=3)
    assert named(study_of("grid"), StudyState.FAILED, 1, hints=unread) == [
        *(show, log, "retry --study own --reread", "run grid --study own")
    ]


def test_a_study_with_failures_whose_budget_is_used_up_is_offered_a_larger_one() -> None:
    last = named(study_of("grid", max_trials=2), StudyState.BUDGET_USED_UP, failed=1)[-1]
    assert last == "run grid --study own --max-trials 4"


def test_the_end_of_a_depth_search_counts_counts(tmp_path: Path) -> None:
    study = study_of("depth")
    summary = Summary(
        study, Ending("done"), Standing(StudyState.DONE), Counts(), 0, tmp_path / "x", "here", study.state
    )
    assert summary.lines(3, 5)[1][0] == "took 3 s for 5 counts; storage: here"


@pytest.mark.parametrize(
    ("study", "ending", "is_said"),
    [
        (study_of("grow", EndKind.STEPS), Ending("done: 3 steps are done: failed_first grows"), True),
        (study_of("grid"), Ending("done: 4 settings are done; 2 trials failed"), False),
        (study_of("grow", EndKind.FAILED), Ending("failed: the baseline cannot be measured", failed=True), False),
        (study_of("grow", EndKind.ALIKE), Ending("failed: 3 trials ended alike", failed=True), False),
    ],
)
def test_failures_are_counted_where_the_reason_does_not(
    study: Any, ending: Ending, is_said: bool, tmp_path: Path
) -> None:
    summary = Summary(study, ending, Standing(StudyState.DONE), Counts(), 2, tmp_path, "here", study.state)
    assert (("2 trials failed", Tone.FAILURE) in summary.lines(1, 2)) == is_said


def test_where_it_only_stopped_the_command_that_goes_on_comes_first() -> None:
    grid = study_of("grid", max_trials=8)
    assert named(grid, StudyState.RUNNING, interrupted=True)[0] == "run grid --study own"
    assert named(grid, StudyState.STOPPED)[0] == "run grid --study own"
    assert named(grid, StudyState.LATE)[0] == "run grid --study own --timeout DURATION"
    assert named(grid, StudyState.BUDGET_USED_UP)[0] == "run grid --study own --max-trials 16"


def summary_of(
    ending: Ending, counts: Counts, failed: int, folder: Path, kind: EndKind | None = EndKind.ANSWERED
) -> Summary:
    study = study_of("grid", kind)
    return Summary(study, ending, Standing(StudyState.DONE), counts, failed, folder, "here", study.state)


def test_the_end_says_how_long_it_took_and_where_things_are(tmp_path: Path) -> None:
    lines = summary_of(Ending("done: all"), Counts(complete=27), 0, tmp_path).lines(3.14, 27)
    assert lines[:3] == [
        ("own: done: all", Tone.PLAIN),
        (f"took 3.14 s for 27 trials; storage: here; logs: {tmp_path}", Tone.PLAIN),
        ("next:", Tone.PLAIN),
    ]
    followed = summary_of(Ending("done: all"), Counts(complete=27), 0, tmp_path / "elsewhere").lines(200, None)
    assert followed[1][0] == "took 3.33 min; storage: here"


def test_failures_and_an_interrupt_are_counted(tmp_path: Path) -> None:
    failed = summary_of(Ending("late: time is up", failed=True), Counts(failed=1), 1, tmp_path, kind=None)
    assert failed.lines(1, 1)[:2] == [("own: late: time is up", Tone.FAILURE), ("1 trial failed", Tone.FAILURE)]
    assert (failed.exit_code, failed.kind) == (1, "failed")
    stopped = summary_of(Ending("", interrupted=True), Counts(waiting=10, complete=6), 0, tmp_path)
    line = "own: interrupted: 6 of 16 planned trials are done; run the same command to go on"
    assert stopped.lines(1, 6)[0] == (line, Tone.PLAIN) and stopped.kind == "interrupted"
