"""The seal names what a study holds: it stays where that stays, and nothing else has it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.backup import backup, restore
from storage.ledger import End, Ledger
from storage.moving import move
from storage.reader import Reader
from storage.records import Budget
from storage.session import Session
from storage.studies import NewWorker, set_budget, sign_in
from studies.audit.audit import audit
from studies.audit.seal import Seal
from tests.support.audited import SEARCHES, facts
from tests.support.program import refused, with_storage
from tests.support.stock import stock

EVERY = [*SEARCHES, *(f"{search}-open" for search in SEARCHES)]
BIT = "(1 + 2.3e-16::float8)"
OF = "trial_id IN (SELECT trial_id FROM trials WHERE study_id = %(study)s AND state = 'COMPLETE')"
BITS = {
    "studyhall_metrics": f"UPDATE studyhall_metrics SET value = value * {BIT} WHERE {OF}",
    "trial_values": f"UPDATE trial_values SET value = value * {BIT} WHERE {OF}",
    "trial_intermediate_values": "UPDATE trial_intermediate_values SET intermediate_value = "
    f"intermediate_value * {BIT} WHERE {OF}",
    "studyhall_reports": f"UPDATE studyhall_reports SET figures[1] = figures[1] * {BIT} WHERE {OF}",
    "studyhall_decisions": "UPDATE studyhall_decisions SET record = record::jsonb || '{\"z\": 0.1}' "
    "WHERE study_id = %(study)s AND number = 0",
}
"""One bit of a metric in each table that has metrics."""
BY_THE_SEAL_ALONE = {
    "trial_intermediate_values": BITS["trial_intermediate_values"],
    "studyhall_reports": BITS["studyhall_reports"],
    "what a trial reported, gone": f"DELETE FROM studyhall_reports WHERE {OF}",
    "how many results an upgrade found": "UPDATE studyhall_studies SET upgraded = 3 WHERE study_id = %(study)s",
}
"""What the certificate cannot see and the seal can: docs/certificate.md names it."""


def seal(session: Session, name: str) -> Seal:
    text = audit(session, Reader(session).study(name)).seal
    assert text is not None, name
    return Seal.parse(text)


def passes(session: Session, name: str, given: Seal) -> bool:
    return audit(session, Reader(session).study(name)).checked_against(given).passed


@pytest.mark.parametrize("table", BITS)
def test_one_bit_of_a_metric_is_found_in_every_table(copy: Session, table: str) -> None:
    taken = seal(copy, "grow")
    assert passes(copy, "grow", taken)
    copy.execute(BITS[table], facts(copy, "grow"))
    assert not passes(copy, "grow", taken)


@pytest.mark.parametrize("change", BY_THE_SEAL_ALONE)
def test_what_the_certificate_cannot_see_the_seal_does(copy: Session, change: str) -> None:
    taken = seal(copy, "grow")
    copy.execute(BY_THE_SEAL_ALONE[change], facts(copy, "grow"))
    assert audit(copy, Reader(copy).study("grow")).holds, "docs/certificate.md says that only the seal shows it"
    assert not passes(copy, "grow", taken)


def test_a_seal_stays_when_a_study_is_moved_renamed_backed_up_and_restored(
    copy: Session, copy_url: str, url: str, empty_url: str, tmp_path: Path
) -> None:
    taken = {name: seal(copy, name) for name in EVERY}
    backup(copy_url, tmp_path / "all.backup")
    restore(empty_url, tmp_path / "all.backup")
    moved = Session(url)
    move(copy, moved, (), lambda _: None)
    restored = Session(empty_url)
    restored.execute("UPDATE studies SET study_name = 'renamed ' || study_name")
    for name in EVERY:
        assert seal(moved, name) == taken[name]
        assert passes(restored, f"renamed {name}", taken[name])
    moved.close()
    restored.close()


def test_a_database_that_is_set_to_shorten_floats_loses_no_bit_of_them(copy: Session, copy_url: str) -> None:
    taken = seal(copy, "fit")
    name = copy.execute("SELECT current_database() AS name")[0].name
    copy.execute(f"ALTER DATABASE {name} SET extra_float_digits = 0")
    session = Session(copy_url)
    assert seal(session, "fit") == taken
    session.close()


def test_the_seal_of_a_running_study_is_of_what_was_accepted(copy: Session) -> None:
    name = "grid-open"
    study = Reader(copy).study(name)
    taken = seal(copy, name)
    set_budget(copy, study.study_id, Budget(max_trials=1000))
    ledger = Ledger(copy, study.study_id)
    worker = sign_in(copy, study.study_id, NewWorker("here", 2, "me", ["cpu1"], {"studyhall": "test"}))
    claim = ledger.claim_trial(worker, "cpu1")
    assert claim is not None and passes(copy, name, taken), "what runs is not part of it"
    assert claim.number not in audit(copy, study).unlocked
    ledger.finish_trial(claim, "COMPLETE", End("completed"), [0.1], {"score": 0.1, "other": float("nan")}, None)
    certificate = audit(copy, study).checked_against(taken)
    assert certificate.holds and not certificate.passed
    assert certificate.document().notes[-1] == (
        "seal does not match: it was taken of 2 results and 1 decisions, and here are 3 and 1"
    )


def test_a_trial_of_another_optuna_program_is_named_and_is_part_of_the_seal(copy: Session, copy_url: str) -> None:
    taken = seal(copy, "grid")
    study = stock(copy_url, "grid")
    study.enqueue_trial({"a": 3, "seed": 9})
    study.tell(study.ask({}), 1.0)
    study.optimize(lambda trial: 0.5, n_trials=1)
    certificate = audit(copy, Reader(copy).study("grid"))
    assert certificate.holds and list(certificate.others) == [8, 9], certificate.violations
    assert "trials of other Optuna programs: trials 8, 9" in certificate.document().notes
    assert not passes(copy, "grid", taken)


def test_the_command_prints_a_seal_last_and_checks_one(
    environment: dict[str, str], copy: Session, copy_url: str
) -> None:
    said = with_storage(environment, copy_url, "audit", "--study", "depth")
    last = said.stdout.splitlines()[-1]
    assert said.returncode == 0 and last == f"seal: {seal(copy, 'depth').text}"
    text = last.removeprefix("seal: ")
    for given in (text, last):
        same = with_storage(environment, copy_url, "audit", "--study", "depth", "--seal", given)
        assert same.returncode == 0 and same.stdout.splitlines()[-1] == "seal matches"
    other = with_storage(environment, copy_url, "audit", "--study", "fit", "--seal", text)
    assert other.returncode == 1 and "seal does not match: it is of study 'depth'" in other.stdout.splitlines()[-1]
    refused(with_storage(environment, copy_url, "audit", "--study", "fit", "--seal", text[:-1]), "--seal", "is no seal")
    copy.execute("UPDATE studyhall_metrics SET value = value + 1 WHERE trial_id = %(done)s", facts(copy, "depth"))
    changed = with_storage(environment, copy_url, "audit", "--study", "depth", "--seal", text, "--json")
    document = json.loads(changed.stdout)
    assert changed.returncode == 1 and not document["holds"] and document["seal_matches"] is False
