"""The end of a trial's log, as printable lines."""

from __future__ import annotations

from pathlib import Path

from storage.home import trial_folder
from studies.status.memory import Seen
from studies.tables.terminal import one_line

MAX_BYTES = 256 << 10
MAX_LOG_LINES = 2_000


def log_lines(seen: Seen, number: int, home: Path) -> list[str]:
    """The last attempt's log if it ran on this host, else the database's last lines of one, else why there are none."""
    point = seen.points.get(number)
    if point is None:
        return [f"there is no trial {number} in {seen.study.name}"]
    file = trial_folder(home, seen.study.folder, seen.study.created_at, number).log(max(1, point.attempt))
    try:
        with file.open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(0, size - MAX_BYTES))
            text = log.read().decode(errors="replace")
    except OSError:
        kept = [each.tail for each in seen.attempts.get(number, ()) if each.tail]
        text = kept[-1] if kept else f"trial {number} has printed nothing, or ran on another host ({file})"
    # Of an overwritten line, such as a progress bar, the last state.
    lines = [one_line(line.rstrip("\r").rpartition("\r")[2].expandtabs()) for line in text.split("\n")]
    return lines[-MAX_LOG_LINES:] if any(lines) else ["the trial has printed nothing yet"]
