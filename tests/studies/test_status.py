"""`status` of many studies: how many statements it takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from storage.session import Session
from studies.status.status import read_overview, read_status
from tests.support.program import GOOD, Program, growth_of


class Counted(Session):
    """A session that counts its statements."""

    count = 0

    def execute(self, *given: object) -> list[object]:  # type: ignore[override]
        self.count += 1
        return super().execute(*given)  # type: ignore[arg-type]


def test_the_json_of_all_studies_takes_as_many_statements_as_that_of_one(
    program: Program, tmp_path: Path, url: str
) -> None:
    file = growth_of(tmp_path, f"def own(config):\n{GOOD}")
    counts = []
    for name in ("one", "two", "three"):
        assert program("run", "grow", "--study", name, "--file", file).returncode == 0
        session = Counted(url)
        before = session.count
        found = json.loads(json.dumps(read_overview(session, None).to_json()))
        counts.append(session.count - before)
        assert found[-1] == json.loads(json.dumps(read_status(session, name).to_json()))
        assert [each["study"] for each in found] == ["one", "two", "three"][: len(found)]
        assert found[-1]["counts"]["complete"] == 3 and found[-1]["rounds"] == 1
        session.close()
    assert counts == [counts[0]] * 3 and counts[0] <= 8


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_empty_storage_has_no_studies(program: Program, form: list[str]) -> None:
    assert program("status", *form).returncode == 0
