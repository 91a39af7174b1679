"""A watch in a pipe whose storage does not answer."""

from __future__ import annotations

from studies.status.changes import follow
from studies.status.polling import Moment


class Looks:
    """What a poll sees, look by look."""

    def __init__(self, *moments: Moment) -> None:
        self.moments = iter(moments)

    def look(self, name: str | None) -> Moment:
        return next(self.moments)


def test_a_storage_that_does_not_answer_at_first_is_no_empty_one() -> None:
    lost, said = Moment(trouble="the storage does not answer, trying again"), list[str]()
    assert not lost.over and Moment().over
    follow(Looks(lost, lost, Moment()), None, said.append)  # type: ignore[arg-type]
    assert said[0] == lost.trouble and len(said) == 2 and said[1].endswith("the storage answers again")
