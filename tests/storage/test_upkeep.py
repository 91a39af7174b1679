"""What `storage status` and `storage url` print."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.store import Store
from storage.upkeep import server_status, url_lines


def test_an_embedded_server_that_is_not_up_is_described_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STUDYHALL_HOME", str(tmp_path / "home"))
    lines, _ = server_status()
    assert {"up: no", "process: none", "listens: for this host alone"} <= set(lines)
    assert not any("None" in line or "True" in line for line in lines)


def test_the_printed_url_can_be_pasted_and_says_where_the_password_comes_from(tmp_path: Path) -> None:
    url, line = url_lines(Store("postgresql+psycopg2://ada:secret@db.lab/studies", tmp_path))
    assert url == "postgresql+psycopg2://ada@db.lab/studies"
    assert "PGPASSWORD" in line and "secret" not in line
    assert url_lines(Store(url, tmp_path)) == [url]
