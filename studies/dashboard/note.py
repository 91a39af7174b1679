"""A study's note in the dashboard: what it asks, where it stands, what was decided last and why, how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import yaml

from storage.records import StudyRow
from studies.dashboard.answer import CELL, answer, last_decision, paragraph
from studies.definition.definition import Definition
from studies.figures.labels import shortened
from studies.tables.markdown import escaped, fenced, markdown

LARGEST = 20_000
"""Characters of a definition that are shown."""
CHANGES = 20
OWN = "Below this line is room for notes of your own: they are kept."


@dataclass(frozen=True)
class Counts:
    """A study's trials by state."""

    waiting: int
    running: int
    complete: int
    pruned: int
    failed: int

    @property
    def finished(self) -> int:
        return self.complete + self.pruned + self.failed


def note(
    study: StudyRow, counts: Counts, decisions: Sequence[Any], shown: Mapping[str, Any], storage: str | None
) -> str:
    """The note of a study as it stands, in markdown.

    Args:
        study: Its row.
        counts: Its trials by state.
        decisions: Every decision, first to last.
        shown: What `show --json` says of it.
        storage: The URL of its storage without a password, where that is not the embedded server.
    """
    definition = Definition.from_json(study.origin)
    changes = [row.record["event"] for row in decisions if row.kind == "override"]
    parts = [
        f"# {escaped(shortened(study.name, CELL))}",
        f"**Asks:** {paragraph(definition.question)}" if definition.question else f"A {study.search} search.",
        f"**State:** {state(study, counts)}",
        f"Written {study.now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC. A worker renews it while it runs.",
        "## The answer so far",
        markdown(answer(shown, study)).rstrip(),
        "## Decided last",
        last_decision(decisions),
        "## To resume it",
        *resumption(study, counts, storage),
        "## Definition",
        fenced(_definition(definition), "yaml"),
        *(
            [
                "Changed since, first to last:",
                *(f"- {paragraph(each)}" for each in changes[-CHANGES:]),
            ]
            if changes
            else []
        ),
        "---",
        f"*{OWN}*",
    ]
    return "\n\n".join(parts) + "\n"


def state(study: StudyRow, counts: Counts) -> str:
    """Where a study is, on one line of markdown."""
    figures = (
        (counts.running, "run"),
        (counts.waiting, "wait"),
        (counts.complete, "are complete"),
        (counts.pruned, "were pruned"),
        (counts.failed, "failed"),
    )
    trials = ", ".join(f"{number:,} {what}" for number, what in figures if number) or "none is planned yet"
    if study.outcome is not None:
        said = f"{'failed' if study.failed else 'done'}: {paragraph(study.outcome)}"
    elif study.draining:
        said = "told to stop"
    elif study.late:
        said = "its time is up"
    elif budget_is_used_up(study, counts):
        said = f"its budget of {study.max_trials:,} trials is used up"
    else:
        said = "going on"
    return f"{said}. Trials: {trials}."


def budget_is_used_up(study: StudyRow, counts: Counts) -> bool:
    return study.max_trials is not None and not counts.running and counts.finished >= study.max_trials


def resumption(study: StudyRow, counts: Counts, storage: str | None) -> list[str]:
    """The command that goes on with a study, and what has to be said with it."""
    words = ["python", "cli.py", "run", study.search, "--study", study.name]
    if study.outcome is None and budget_is_used_up(study, counts) and study.max_trials is not None:
        words += ["--max-trials", str(2 * study.max_trials)]
    if storage is not None:
        words += ["--storage", storage]
    parts = [fenced(shlex.join(words), "sh")]
    if storage is not None and "@" in storage:
        parts.append("A password is never shown: where one is needed, `PGPASSWORD` gives it.")
    if study.outcome is not None and not study.failed:
        more = " `--steps N` raises its number of steps." if study.search == "grow" else ""
        parts.append(f"It has its answer: a run now ends at once.{more}")
    return parts


def _definition(definition: Definition) -> str:
    text: str = yaml.safe_dump(definition.to_json(), allow_unicode=True, sort_keys=False, width=110)
    if len(text) <= LARGEST:
        return text
    return f"{text[:LARGEST]}\n# … and {len(text) - LARGEST:,} characters more"
