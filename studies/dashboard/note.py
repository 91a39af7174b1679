"""A study's note in the dashboard: answer, question, state, results, last decision, and the command that goes on."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC

import yaml

from storage.records import DecisionRow, StudyRow
from studies.answers.causes import help_line
from studies.definition.definition import Definition
from studies.figures.labels import shortened
from studies.history.certainty import certainty_text, error_of
from studies.history.counts import Counts
from studies.history.decisions import event_text
from studies.history.purpose import candidate_name
from studies.history.state import Standing, StudyState, standing_of
from studies.tables.digits import number, shown
from studies.tables.markdown import escaped, fenced, markdown
from studies.tables.table import NOTES, Document, Figure, Table

MAX_ROWS = 15
"""Of a table."""
MAX_CELL = 60
"""Characters of a cell."""
MAX_PARAGRAPH = 500
"""Characters of a paragraph."""
MAX_DEFINITION = 20_000
"""Characters of a definition."""
MAX_CHANGES = 20
OWN = "Below this line is room for notes of your own: they are kept."


def note(
    study: StudyRow,
    counts: Counts,
    alive: bool,
    decisions: Sequence[DecisionRow],
    results: Document,
    storage: str | None,
    answer: str | None = None,
    causes: Sequence[str] = (),
) -> str:
    """The note of a study as it stands, in Markdown. Its first line is the answer, or why there is none.

    Args:
        study: Its row.
        counts: Its trials by state.
        alive: Whether a worker of the study is alive.
        decisions: Every decision, first to last.
        results: What `show` prints.
        storage: The URL of its storage without a password; None for the embedded server.
        answer: What it has found, in a sentence or two; None: nothing yet.
        causes: Why trials failed, a line each.
    """
    definition = Definition.from_json(study.origin)
    standing = standing_of(study, counts.begun, counts.running, alive)
    changes = [event_text(row.record) or "" for row in decisions if row.kind == "override"][-MAX_CHANGES:]
    parts = [
        *first_lines(study, standing, answer, causes),
        f"**Asks:** {paragraph(definition.question)}" if definition.question else f"A {study.search} search.",
        f"**State:** {paragraph(standing.text)}. Trials: {counts.text.replace('  ', ', ') or 'none is planned yet'}.",
        f"Written {study.now.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC. A worker renews it while it runs.",
        "## Results so far",
        results_text(results, last=study.search == "grow"),
        "## Decided last",
        last_decision(decisions),
        "## To resume it",
        *resumption(study, standing, storage),
        "## Definition",
        fenced(_definition(definition), "yaml"),
        *(["Changed since, first to last:"] if changes else []),
        *(f"- {paragraph(each)}" for each in changes),
        "---",
        f"*{OWN}*",
    ]
    return "\n\n".join(parts) + "\n"


def first_lines(study: StudyRow, standing: Standing, answer: str | None, causes: Sequence[str]) -> list[str]:
    """The answer over seeds; of a study that failed, its cause and the command that helps."""
    helps = help_line(study, standing) if standing.failed else None
    failed = [f"**It has failed:** {paragraph(standing.detail)}."] if standing.failed else []
    failed += [f"- {paragraph(cause)}" for cause in causes]
    if helps is not None:
        what, _, command = helps.partition(": ")
        failed += [f"{what[:1].upper()}{what[1:]}:", fenced(command, "sh")]
    if answer is None:
        return failed or ["**There is no result yet.**"]
    single = study.search in ("depth", "fit")
    seeds = "" if single else " *(Means over seeds: the dashboard's Best Trial is one trial, so one seed.)*"
    found = f"**{paragraph(answer)}**{seeds}"
    return [*failed, found] if standing.failed else [found, *failed]


def paragraph(text: str) -> str:
    """A text as Markdown, its middle left out where it is long."""
    return escaped(shortened(text, MAX_PARAGRAPH))


def results_text(results: Document, last: bool) -> str:
    """Results as Markdown: the first rows of each table, or the last ones; cells are short, but those of sentences."""
    tables, notes = [], [shortened(each, MAX_PARAGRAPH) for each in results.notes]
    for table in results.tables:
        kept = table.rows[-MAX_ROWS:] if last else table.rows[:MAX_ROWS]
        longest = [MAX_PARAGRAPH if each.name == NOTES else MAX_CELL for each in table.columns]
        short = [
            [shortened(cell, most) if isinstance(cell, str) else cell for cell, most in zip(row, longest, strict=True)]
            for row in kept
        ]
        if len(kept) < len(table.rows):
            notes.append(f"{len(table.rows) - len(kept):,} rows more: `show` prints all.")
        columns = [replace(each, name=shortened(each.name, MAX_CELL)) for each in table.columns]
        tables += [Table(columns, short, table.title)] if short else []
    return markdown(Document(tables, notes)).strip() or "No results yet."


def last_decision(decisions: Sequence[DecisionRow]) -> str:
    """The last decision and its reason, in Markdown."""
    if not decisions:
        return "Nothing yet."
    row = decisions[-1]
    record, when = row.record, f" ({row.decided_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"
    won = next((each for each in record.get("candidates", ()) if each["chosen"]), None)
    if won is None:
        why = record.get("told") or event_text(record) or f"{row.kind}: made from {len(row.trials)} trials"
        why = "; ".join(filter(None, (why, certainty_text(record))))
        return f"{paragraph(why[:1].upper() + why[1:])}{when}."
    gain = shown(Figure(won["gain"], error_of(won, "gain")))
    worth = f"a gain of {gain} for {number(won['added_cost'])} more cost"
    said = certainty_text(record)
    sure = f" {paragraph(said[:1].upper() + said[1:])}." if said else ""
    event = f" {paragraph(record['event'])}." if record["event"] else ""
    return f"Round {record['round']}{when}: {escaped(candidate_name(won))}, {worth}.{sure}{event}"


def resumption(study: StudyRow, standing: Standing, storage: str | None) -> list[str]:
    """The command that goes on with a study, and what to know about it."""
    words = ["python", "cli.py", "run", study.search, "--study", study.name]
    if standing.state is StudyState.BUDGET_USED_UP and study.max_trials is not None:
        words += ["--max-trials", str(2 * study.max_trials)]
    if storage is not None:
        words += ["--storage", storage]
    parts = [fenced(shlex.join(words), "sh")]
    if storage is not None and "@" in storage:
        parts.append("The password is never shown here; set `PGPASSWORD` if the storage needs one.")
    if standing.state is StudyState.DONE:
        more = " `--steps N` raises its number of steps." if study.search == "grow" else ""
        parts.append(f"It has its answer: a run now ends at once.{more}")
    return parts


def _definition(definition: Definition) -> str:
    text: str = yaml.safe_dump(definition.to_json(), allow_unicode=True, sort_keys=False, width=110)
    if len(text) <= MAX_DEFINITION:
        return text
    return f"{text[:MAX_DEFINITION]}\n# … and {len(text) - MAX_DEFINITION:,} characters more"
