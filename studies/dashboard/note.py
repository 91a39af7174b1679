"""A study's note in the dashboard: what it asks, where it stands, what was decided last and why, how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import yaml

from storage.records import DecisionRow, StudyRow
from studies.dashboard.answer import CELL, answer, last_decision, paragraph
from studies.definition.definition import Definition
from studies.figures.labels import shortened
from studies.history.counts import Counts
from studies.history.state import Standing, StudyState, standing_of
from studies.tables.markdown import escaped, fenced, markdown

LARGEST = 20_000
"""Characters of a definition that are shown."""
CHANGES = 20
OWN = "Below this line is room for notes of your own: they are kept."


def note(
    study: StudyRow,
    counts: Counts,
    alive: bool,
    decisions: Sequence[DecisionRow],
    shown: Mapping[str, Any],
    storage: str | None,
) -> str:
    """The note of a study as it stands, in markdown.

    Args:
        study: Its row.
        counts: Its trials by state.
        alive: Whether a worker of it lives.
        decisions: Every decision, first to last.
        shown: What `show --json` says of it.
        storage: The URL of its storage without a password, where that is not the embedded server.
    """
    definition = Definition.from_json(study.origin)
    standing = standing_of(study, counts.begun, counts.running, alive)
    trials = ", ".join(f"{number:,} {name}" for name, number in counts.to_json().items() if number)
    changes = [row.record["event"] for row in decisions if row.kind == "override"]
    parts = [
        f"# {escaped(shortened(study.name, CELL))}",
        f"**Asks:** {paragraph(definition.question)}" if definition.question else f"A {study.search} search.",
        f"**State:** {paragraph(standing.text)}. Trials: {trials or 'none is planned yet'}.",
        f"Written {study.now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC. A worker renews it while it runs.",
        "## The answer so far",
        markdown(answer(shown, study)).rstrip(),
        "## Decided last",
        last_decision(decisions),
        "## To resume it",
        *resumption(study, standing, storage),
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


def resumption(study: StudyRow, standing: Standing, storage: str | None) -> list[str]:
    """The command that goes on with a study, and what has to be said with it."""
    words = ["python", "cli.py", "run", study.search, "--study", study.name]
    if standing.state is StudyState.BUDGET_USED_UP and study.max_trials is not None:
        words += ["--max-trials", str(2 * study.max_trials)]
    if storage is not None:
        words += ["--storage", storage]
    parts = [fenced(shlex.join(words), "sh")]
    if storage is not None and "@" in storage:
        parts.append("A password is never shown: where one is needed, `PGPASSWORD` gives it.")
    if standing.state is StudyState.DONE:
        more = " `--steps N` raises its number of steps." if study.search == "grow" else ""
        parts.append(f"It has its answer: a run now ends at once.{more}")
    return parts


def _definition(definition: Definition) -> str:
    text: str = yaml.safe_dump(definition.to_json(), allow_unicode=True, sort_keys=False, width=110)
    if len(text) <= LARGEST:
        return text
    return f"{text[:LARGEST]}\n# … and {len(text) - LARGEST:,} characters more"
