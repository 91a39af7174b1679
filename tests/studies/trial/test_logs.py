"""`logs`: what an attempt printed, whole, its end, or as it grows until the attempt ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.errors import UsageError
from storage.home import trial_folder
from storage.reader import Reader
from storage.session import Session
from studies.trial.logs import followed_log, last_lines, trial_of
from tests.support.program import Program, growth_of, refused

TALKING = (
    "def own(config):\n"
    "    print('first of', config['a'], config['b'])\n"
    "    print('\\x1b[31mlast')\n"
    "    if config['a'] == 2 and not os.path.exists(__file__ + '.tried'):\n"
    "        open(__file__ + '.tried', 'w').close()\n"
    "        raise ValueError('once')\n"
    "    return {'score': config['a'], 'params': config['b']}\n"
)


def test_a_study_and_a_trial_are_named_in_either_way() -> None:
    for words, name in ((["lobo"], None), ([], "lobo"), (["lobo", "3"], "lobo"), (["lobo", "three"], None)):
        with pytest.raises(UsageError, match=r"python cli\.py logs NAME N"):
            trial_of(words, name)


def test_a_tail_of_more_lines_than_there_are_is_all_of_them() -> None:
    assert last_lines("a\nb\n", 9) == "a\nb\n" and last_lines("", 2) == ""


def test_a_log_is_printed_whole_or_its_end_or_of_an_earlier_attempt(
    program: Program, tmp_path: Path, url: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, TALKING)).returncode == 0
    assert program("logs", "own", 0).stdout == "first of 1 1\n\\x1b[31mlast\n"
    assert program("logs", 0, "--study", "own", "--tail", 1).stdout == "\\x1b[31mlast\n"
    assert program("logs", "own", 0, "--follow").stdout == "first of 1 1\n\\x1b[31mlast\n", "it has ended"
    first = program("logs", "own", 1, "--attempt", 1).stdout
    assert first.startswith("first of 2 1\n") and first.rstrip().endswith("ValueError: once")
    assert "ValueError" not in program("logs", "own", 1).stdout
    refused(program("logs", "own", 1, "--attempt", 3), "trial 1 has 2 attempts, not 3")
    refused(program("logs", "own", 99), "has no trial 99")
    refused(program("logs", "own"), "logs NAME N")


def test_a_log_is_followed_as_it_grows_until_its_attempt_has_ended(
    session: Session, tmp_path: Path, program: Program, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """The attempt is made to run again in the data; what is printed meanwhile comes in parts."""
    monkeypatch.setenv("STUDYHALL_HOME", environment["STUDYHALL_HOME"])
    assert program("run", "grow", "--study", "own", "--file", growth_of(tmp_path, TALKING)).returncode == 0
    study = Reader(session).study("own")
    log = trial_folder(Path(environment["STUDYHALL_HOME"]), study.folder, study.created_at, 0).log(1)
    log.write_bytes(b"one\ntwo\n")
    ended = "UPDATE studyhall_attempts SET outcome = {} WHERE trial_id = (SELECT min(trial_id) FROM studyhall_attempts)"
    session.execute(ended.format("NULL"))
    polls = 0

    def printed(_: float) -> None:
        nonlocal polls
        polls += 1
        with log.open("ab") as file:
            file.write("drü".encode()[:3] if polls == 1 else "drü\n".encode()[3:])
        if polls == 2:
            session.execute(ended.format("'completed'"))

    parts = list(followed_log(session, study, 0, None, 1, pause=printed))
    assert "".join(parts) == "two\ndrü\n" and polls == 2
