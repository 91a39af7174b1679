"""A worker that begins while its database restarts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage import patience
from storage.errors import RefusedError, RestartingError, SessionLostError, StorageError, UnreachableError
from storage.patience import patiently


def failing(*errors: Exception) -> Callable[[], str]:
    """An action that fails with each of these, and then succeeds."""
    left = list(errors)

    def action() -> str:
        if left:
            raise left.pop(0)
        return "there"

    return action


def test_a_restart_is_waited_for_and_said_once() -> None:
    said: list[str] = []
    stopping = "the database system is shutting down"
    errors = [RestartingError(stopping), RestartingError(stopping), RefusedError("refused"), SessionLostError("gone")]
    assert patiently(failing(*errors), said.append) == "there"
    assert len(said) == 3 and stopping in said[0] and "refused" in said[1]


def test_one_that_does_not_come_back_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "ABSENCE_SECONDS", 0.2)
    with pytest.raises(RefusedError):
        patiently(failing(*[RefusedError("refused")] * 100), lambda line: None)


@pytest.mark.parametrize("error", [StorageError("no password"), UnreachableError("no such host")])
def test_what_will_not_pass_is_not_waited_for(error: Exception) -> None:
    with pytest.raises(type(error)):
        patiently(failing(error), lambda line: None)


def test_a_server_that_starts_or_is_not_there_is_told_apart() -> None:
    assert (StorageError.exit_code, UnreachableError.exit_code, RestartingError.exit_code) == (2, 3, 3)
