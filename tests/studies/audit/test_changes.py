"""Whatever is changed by SQL, on finished and on running studies of every search, the certificate names."""

from __future__ import annotations

import re

import pytest

from storage.reader import Reader
from storage.session import Session
from studies.audit.audit import Certificate, audit
from tests.support.audited import FINISHED, RUNNING, SEARCHES, facts
from tests.support.sql_changes import (
    ACCEPTED,
    DECIDED,
    ENDED,
    FAILED,
    OPEN,
    POINTS_AND_ORIGIN,
    SqlChange,
)

STUDIES = [search + kind for kind in (FINISHED, RUNNING) for search in SEARCHES]
TABLE = [
    *((change, kind) for change in [*ACCEPTED, *POINTS_AND_ORIGIN] for kind in (FINISHED, RUNNING)),
    *((change, FINISHED) for change in [*FAILED, *DECIDED, *ENDED]),
    *((change, RUNNING) for change in OPEN),
]


def certificate(session: Session, name: str) -> Certificate:
    return audit(session, Reader(session).study(name))


def test_nothing_is_found_in_studies_that_nobody_changed(copy: Session) -> None:
    for name in STUDIES:
        found = certificate(copy, name)
        assert found.holds and found.seal is not None, (name, found.violations)
        assert len(found.unlocked) == (name.endswith(RUNNING) and RUNNING in name), name
    assert len(TABLE) > 150 and len({change.name for change, _ in TABLE}) >= 100


@pytest.mark.parametrize(("change", "kind"), TABLE, ids=[f"{change.name}{kind}" for change, kind in TABLE])
def test_a_change_by_sql_is_named(copy: Session, change: SqlChange, kind: str) -> None:
    for search in SEARCHES:
        name = search + kind
        known = facts(copy, name)
        if change.needs in known and known[change.needs] is None:
            continue
        before = certificate(copy, name).seal
        change.apply(copy, known)
        found = certificate(copy, name)
        assert not found.holds and found.seal is None and before is not None, (name, "nothing was found")
        assert any(re.search(change.words, line) for line in found.violations), (name, found.violations)
        assert found.document().notes[-1].startswith("audit failed: ")
