"""`studies` lists one's own definitions first, then those that ship, then what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from studies.lifecycle.catalogue import catalogue
from tests.support.growth_trace import write_definition


def test_own_definitions_come_first_and_broken_ones_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_definition(tmp_path).rename(tmp_path / "own.yaml")
    (tmp_path / "bad.yaml").write_text("search: grwo\n")
    monkeypatch.chdir(tmp_path)
    found = catalogue()
    own, shipped, broken = found.document().tables
    assert (own.title, shipped.title, broken.title) == ("in this folder", "that ship", "that cannot be read")
    assert "own" in [row[0] for row in own.rows] and "bad" in [row[0] for row in broken.rows]
    assert {row[0] for row in shipped.rows} >= {"lobo", "sweep"}
    assert [each["name"] for each in found.to_json()] == sorted(each["name"] for each in found.to_json())
