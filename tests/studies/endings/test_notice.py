"""`--notify`: which commands are refused, what the command knows, and that of several workers one runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.ledger import End
from storage.session import Session
from storage.studies import claim_notice, sign_out
from studies.endings.notice import Notice
from tests.support.planned import begin, new_points
from tests.support.program import GOOD, Program, growth_of, refused


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "is no command"),
        ("echo 'open", "No closing quotation"),
        ("nonsuch_program $STUDY", "there is no program 'nonsuch_program'"),
        ("if true; then", "if true; then"),
    ],
)
def test_a_command_that_cannot_be_run_is_refused_before_anything_begins(
    program: Program, command: str, words: str
) -> None:
    refused(program("run", "grow", "--study", "lobo", "--notify", command), "--notify: ", words)
    assert program("show", "--study", "lobo").returncode == 2


@pytest.mark.parametrize("command", ["echo $STUDY", "X=1 env", '[ "$ENDING" = done ] && true', "/bin/echo done"])
def test_whatever_the_shell_runs_is_taken(command: str) -> None:
    assert Notice.of(command) == Notice(command)
    assert Notice.of(None) is None


def test_the_command_has_the_facts_and_the_user_s_own_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OWN", "mine")
    file = tmp_path / "notice"
    notice = Notice(f'echo "$STUDY|$ENDING|$REASON|$BEST|$OWN" > {file}')
    assert notice.run({"STUDY": "s", "ENDING": "done", "REASON": "all; `rm` $(is) text", "BEST": "lr=1"}) is None
    assert file.read_text() == "s|done|all; `rm` $(is) text|lr=1|mine\n"


def test_a_failure_is_a_warning_and_a_command_that_does_not_end_is_killed() -> None:
    assert Notice("exit 3").run({}) == "--notify: 'exit 3' exited with 3"
    assert "took longer than 0.1 s and was killed" in str(Notice("sleep 60").run({}, seconds=0.1))


def test_of_workers_that_share_a_study_one_gives_notice_each_time_it_ends(url: str) -> None:
    ledger, first = begin(url)
    study, other = ledger.study_id, begin(url)[1]
    asks = [claim_notice(ledger.session, study, "done", each, alone=False) for each in (first, other, None)]
    assert asks == [True, False, False]
    later = begin(url)
    assert not claim_notice(ledger.session, study, "done", later[1], alone=False), "nothing has happened since"
    ledger.plan_points(new_points(1), 0)
    claim = later[0].claim_trial(later[1], "cpu0")
    assert claim is not None
    later[0].finish_trial(claim, "COMPLETE", End("completed"), [1.0], {"score": 1.0}, None)
    assert claim_notice(ledger.session, study, "done", later[1], alone=False)
    assert not claim_notice(ledger.session, study, "done", other, alone=False)


def test_an_interrupt_is_no_end_while_another_worker_goes_on(url: str) -> None:
    ledger, first = begin(url)
    other, second = begin(url)
    session = Session(url)
    sign_out(ledger.session, first)
    assert not claim_notice(session, ledger.study_id, "interrupted", first, alone=True)
    sign_out(other.session, second)
    assert claim_notice(session, ledger.study_id, "interrupted", second, alone=True)
    assert not claim_notice(session, ledger.study_id, "interrupted", first, alone=True)


def test_a_run_gives_notice_at_its_end_and_its_exit_code_stays(program: Program, tmp_path: Path) -> None:
    file = growth_of(tmp_path, f"def own(config):\n{GOOD}")
    notice = tmp_path / "notice"
    run = ["run", "grow", "--study", "own", "--file", file, "--workers", 1, "--quiet", "--notify"]
    ended = program(*run, f'echo "$STUDY $ENDING $BEST" >> {notice}; exit 7')
    assert ended.returncode == 0 and ended.stderr == "", "a warning is no failure"
    assert notice.read_text() == "own done a=2 b=1\n"
    again = program(*run, f"echo again >> {notice}")
    assert again.returncode == 0 and notice.read_text() == "own done a=2 b=1\n", "it had ended before"
