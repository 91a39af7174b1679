"""What a worker knows of its progress, and how it words the end of a trial."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from objectives.outcome import Kind, Outcome
from studies.engine.policy import Requirements, again_text
from studies.engine.progress import Progress
from studies.engine.running import Running
from studies.history.purpose import trial_name
from studies.settings.leaders import Leaders
from studies.tables.log import Tone

NEEDS = Requirements(["loss"], None, attempts=2)


def test_the_first_trial_of_a_slot_is_no_measure_once_later_ones_are_known() -> None:
    progress = Progress()
    progress.ended("cpu0", 9.0)
    assert progress.mean is None
    progress.ended("cpu1", 9.0)
    assert progress.mean == 9.0, "nothing better is known yet"
    progress.ended("cpu0", 1.0)
    progress.ended("cpu1", None)
    progress.ended("cpu1", 3.0)
    assert progress.mean == 2.0 and progress.here == 5


def test_a_round_counts_its_own_trials() -> None:
    progress = Progress()
    progress.planned(0, 4, "round 0")
    progress.ended("cpu0", 1.0)
    assert (progress.done, progress.total) == (1, 4)
    progress.planned(0, 2, "round 0")
    assert (progress.done, progress.total) == (2, 4), "another worker has ended one"
    progress.planned(1, 7, "round 1")
    assert (progress.unit, progress.done, progress.total) == ("round 1", 0, 7)


@pytest.mark.parametrize(
    ("outcome", "earlier", "text"),
    [
        (Outcome(Kind.ERROR, message="oops"), [], "failed: oops; trying again (attempt 2 of 2)"),
        (Outcome(Kind.KILLED, message="SIGKILL"), ["lost"], "failed: killed: SIGKILL; trying again (attempt 2 of 2)"),
        (Outcome(Kind.OUT_OF_MEMORY), [], "failed: out of memory; trying again, alone on its device"),
        (Outcome(Kind.GIVEN_BACK), [], "was stopped; it will be run again"),
        (Outcome(Kind.LOST), [], "was lost: its process is gone; it will be run again"),
    ],
)
def test_a_retry_says_why_and_which_attempt_comes(outcome: Outcome, earlier: list[str], text: str) -> None:
    assert again_text(outcome, earlier, NEEDS) == text


def test_a_trial_s_name_says_what_it_is_for() -> None:
    role = {"role": "candidate", "step": 1, "param": "n_embd", "value": 64}
    assert trial_name(9, role, 1) == "trial 9 (round 1, n_embd → 64, seed 1)"
    assert trial_name(3, {"role": "cell", "setting": {"lr": 0.1}}, 7) == "trial 3 (lr 0.1, seed 7)"


def line_of(
    outcome: Outcome, step: Any, leaders: Leaders | None = None, pruned: str | None = None, lr: float = 0.1
) -> tuple[str, Tone]:
    claim = SimpleNamespace(number=3, role={"setting": {"lr": lr}}, seed=7)
    last = SimpleNamespace(step=8) if pruned else None
    running = SimpleNamespace(claim=claim, name="trial 3", last=last, pruned=pruned)
    return Running._ended(running, outcome, step, NEEDS, leaders)  # type: ignore[arg-type]


def test_the_line_of_a_trial_has_its_score_its_duration_and_the_best_so_far() -> None:
    done, step = Outcome(Kind.COMPLETED, {"loss": 0.5}, seconds=2.04), SimpleNamespace(values=[0.5], reason=None)
    assert line_of(done, step) == ("trial 3: loss 0.5, 2.0 s", Tone.PLAIN)
    leaders = Leaders("minimize", 1, 7)
    assert line_of(done, step, leaders) == ("trial 3: loss 0.5, 2.0 s; new best 0.5", Tone.BEST)
    worse = Outcome(Kind.COMPLETED, {"loss": 0.75}, seconds=7200.0)
    assert line_of(worse, step, leaders, lr=0.2) == ("trial 3: loss 0.75, 2 h; best 0.5", Tone.PLAIN)


def test_a_pruned_trial_says_where_and_by_whom_and_a_failed_one_why() -> None:
    ended = SimpleNamespace(values=[], reason="error: oops")
    pruned = Outcome(Kind.PRUNED, message="by the median pruner", seconds=1.0)
    by = "by the median pruner"
    assert line_of(pruned, ended, pruned=by) == ("trial 3 pruned at step 8 by the median pruner, 1.0 s", Tone.PLAIN)
    own = Outcome(Kind.PRUNED, message="stopped early at step 4")
    assert line_of(own, ended)[0] == "trial 3 pruned: stopped early at step 4, 0.0 s"
    assert line_of(Outcome(Kind.ERROR), ended) == ("trial 3 failed: oops, 0.0 s", Tone.FAILURE)
