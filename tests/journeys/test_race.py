"""A growth that races under kills: the decisions and seeds of an undisturbed one, whatever the number of workers."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from storage.reader import Reader
from storage.session import Session
from studies.audit.audit import audit
from tests.support.growth_trace import write_definition
from tests.support.killing import run_and_kill
from tests.support.program import call

NOISY = """

def noisy(config):
    import random

    found = landscape(config)
    found["score"] += random.Random(repr(sorted(config.items()))).gauss(0, 0.004)
    return found
"""
RACING = "  repeats: 2\n  racing: {max_repeats: 9}\n"
STEPS, KILLS = 3, 6


def definition(folder: Path) -> Path:
    file = write_definition(folder, STEPS, seconds=0.03, more=RACING)
    with (folder / "landscape.py").open("a") as objective:
        objective.write(NOISY)
    file.write_text(file.read_text().replace("landscape.py:landscape", "landscape.py:noisy"))
    return file


def decided(session: Session, name: str) -> list[Any]:
    """Each round's record, without the numbers that its trials have in the study."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: plain(each) for key, each in value.items() if key not in ("trial", "trials")}
        return [plain(each) for each in value] if isinstance(value, list) else value

    reader = Reader(session)
    return [plain(row.record) for row in reader.decisions(reader.study(name).study_id)]


@pytest.mark.parametrize("workers", [1, 3, 8] if os.environ.get("EVERY_CASE") else [3])
def test_killed_at_any_wait_a_race_decides_as_it_would_have(
    environment: dict[str, str], url: str, tmp_path: Path, workers: int
) -> None:
    file = definition(tmp_path)
    assert call(environment, "run", "grow", "alone", "--file", file, "--workers", 1).returncode == 0
    session = Session(url)
    alone = decided(session, "alone")
    trials = Reader(session).extent(Reader(session).study("alone").study_id).trials
    after = [(each + 1) * trials // (KILLS + 2) for each in range(KILLS)]
    order = ("grow", "killed", "--file", file)
    killed = run_and_kill(environment, url, order, workers, after, lambda reader, study: reader.ends(study).accepted)
    assert killed == KILLS
    assert decided(session, "killed") == alone
    bought = {len(row["seeds"]) for record in alone for row in record["candidates"]}
    assert min(bought) == 2 and max(bought) > 2, json.dumps(alone)
    study = Reader(session).study("killed")
    certificate = audit(session, study)
    assert certificate.holds, certificate.violations
    session.close()
