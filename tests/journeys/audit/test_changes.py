"""Whatever is changed by SQL, on finished and on running studies of every search, the certificate names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

import pytest

from storage.reader import Reader
from storage.session import Session
from studies.audit.audit import Certificate, audit, certificate_of
from studies.audit.evidence import evidence_held
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


class UndoneError(Exception):
    """Ends a transaction whose changes nobody else is to see."""


@pytest.fixture(scope="module")
def session(shared_copy_url: str) -> Iterator[Session]:
    """A session on studies of every search; each test undoes what it changed."""
    session = Session(shared_copy_url)
    yield session
    session.close()


@pytest.fixture(scope="module")
def unchanged(session: Session) -> Mapping[str, Certificate]:
    """The certificates of the studies as they were made."""
    return {name: audit(session, Reader(session).study(name)) for name in STUDIES}


def test_nothing_is_found_in_studies_that_nobody_changed(unchanged: Mapping[str, Certificate]) -> None:
    for name, found in unchanged.items():
        assert found.holds and found.seal is not None, (name, found.violations)
        assert len(found.unlocked) == (name.endswith(RUNNING) and RUNNING in name), name
    assert len(TABLE) > 150 and len({change.name for change, _ in TABLE}) >= 100


@pytest.mark.parametrize(("change", "kind"), TABLE, ids=[f"{change.name}{kind}" for change, kind in TABLE])
def test_a_change_by_sql_is_named(
    session: Session, unchanged: Mapping[str, Certificate], change: SqlChange, kind: str
) -> None:
    for search in SEARCHES:
        name = search + kind
        known = facts(session, name)
        if change.needs in known and known[change.needs] is None:
            continue
        with suppress(UndoneError), session.transaction():
            change.apply(session, known)
            found = certificate_of(evidence_held(session, name))
            raise UndoneError
        before = unchanged[name].seal
        assert not found.holds and found.seal is None and before is not None, (name, "nothing was found")
        assert any(re.search(change.words, line) for line in found.violations), (name, found.violations)
        assert found.document().notes[-1].startswith("audit failed: ")
