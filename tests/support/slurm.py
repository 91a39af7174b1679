"""What a launched study says."""

from __future__ import annotations

import json
from typing import Any

from storage.reader import Reader
from storage.session import Session
from tests.support.program import Program


def attempts(url: str, name: str) -> list[Any]:
    session = Session(url)
    try:
        study = Reader(session).study(name)
        return session.run("read_attempts", {"study_id": study.study_id, "numbers": None})
    finally:
        session.close()


def status(program: Program, name: str) -> Any:
    ended = program("status", "--study", name, "--json")
    return json.loads(ended.stdout) if ended.returncode == 0 else {}
