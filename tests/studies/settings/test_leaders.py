"""Which setting leads, as a worker says it at the end of each of its trials."""

from __future__ import annotations

from storage.worker_records import LeadingSetting
from studies.settings.leaders import Leaders

ONE, TWO, THREE = {"lr": 0.1}, {"lr": 0.2}, {"lr": 0.3}


def test_a_setting_leads_once_it_has_all_of_its_seeds() -> None:
    leaders = Leaders("minimize", 2, first_seed=0)
    assert leaders.add(ONE, 0, 1.0) == ("", False) and leaders.text == ""
    assert leaders.add(ONE, 1, 2.0) == ("new best mean 1.5", True) and leaders.text == "best mean 1.5 (lr 0.1)"
    assert leaders.add(TWO, 0, 0.0) == ("best mean 1.5", False), "one lucky seed is no mean"
    assert leaders.add(TWO, 1, 4.0) == ("best mean 1.5", False)
    assert Leaders("maximize", 1, 0).add(ONE, 0, 1.0) == ("new best 1", True)


def test_a_lucky_setting_falls_as_it_gets_more_seeds_and_the_line_says_which_leads_now() -> None:
    leaders = Leaders("maximize", 1, first_seed=7)
    leaders.add(TWO, 7, 0.75)
    assert leaders.add(ONE, 7, 0.768) == ("new best 0.768", True)
    assert leaders.add(ONE, 8, 0.766) == ("best mean 0.767 of 2 seeds", False)
    assert leaders.add(ONE, 9, 0.6) == ("the best is now lr 0.2: 0.75", True)
    assert leaders.add(TWO, 8, 0.73) == ("best mean 0.74 of 2 seeds", False)
    assert leaders.text == "best mean 0.74 of 2 seeds (lr 0.2)"
    assert leaders.add(ONE, 10, 0.9)[0] == "new best mean 0.7585 of 4 seeds"


def test_a_later_seed_that_ends_before_an_earlier_one_waits_for_it() -> None:
    leaders = Leaders("maximize", 1, first_seed=0)
    leaders.add(ONE, 0, 0.5)
    assert leaders.add(ONE, 2, 0.9) == ("best 0.5", False)
    assert leaders.add(ONE, 1, 0.4) == ("best mean 0.6 of 3 seeds", False)
    assert leaders.add(TWO, 1, 9.0) == ("best mean 0.6 of 3 seeds", False), "its first seed ran elsewhere"


def test_what_other_workers_found_is_said_with_the_next_line() -> None:
    leaders = Leaders("minimize", 1, first_seed=0)
    leaders.read([LeadingSetting(ONE, {0: 1.0})])
    assert leaders.add(TWO, 0, 2.0) == ("best 1", False), "a worker that joins does not call the leader new"
    leaders.read([LeadingSetting(THREE, {0: 0.5}), LeadingSetting(ONE, {0: 1.0})])
    assert leaders.text == "best 0.5 (lr 0.3)"
    assert leaders.add(TWO, 1, 2.0) == ("the best is now lr 0.3: 0.5", True)
    assert leaders.add(TWO, 2, 2.0) == ("best 0.5", False)


def test_a_setting_that_other_workers_seeds_made_worse_leads_no_more() -> None:
    leaders = Leaders("maximize", 1, first_seed=0)
    leaders.add(ONE, 0, 0.9)
    leaders.read([LeadingSetting(TWO, {0: 0.7}), LeadingSetting(THREE, {0: 0.6})])
    assert leaders.text == "best 0.7 (lr 0.2)"
    leaders.read([])
    assert leaders.text == "best 0.7 (lr 0.2)"
