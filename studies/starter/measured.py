"""Where a starter reads its metrics, and which of them is the score: the best guess that the script's text allows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from objectives.command.metrics import STDOUT
from studies.definition.yaml_text import flow, noted, scalar
from studies.scripts.hints import HELD_OUT, Hints, Printed, Written, cost_of, direction_of, score_of
from studies.starter.choices import Sent

RESULTS_NAME = re.compile("metric|result|log|history|eval|score|loss")
PLACEHOLDER = r"{name}\s*([-+0-9.]+)"
NOTHING_FOUND = "init found no metrics: write where yours are"


@dataclass(frozen=True)
class Measured:
    """The `metrics:` and `score:` of a definition."""

    file: str
    """The file that they are in, or `stdout` for JSON among printed lines; empty: printed lines."""
    kind: str
    """`json` or `csv`, of a file."""
    printed: Sequence[Printed]
    step: str | None
    score: str
    direction: str
    cost: str | None
    where: str
    """FILE:LINE of the script that shows them; empty where they are a guess."""
    edits: Sequence[str]
    """What the user has to write."""

    @property
    def shown(self) -> str:
        """A line for people."""
        if not self.where:
            return "metrics: not found"
        place = "the lines that it prints" if self.file in ("", STDOUT) else self.file
        return f"metrics: {self.score} ({self.direction}), from {place} ({self.where}); a guess from the script's text"

    def lines(self) -> list[str]:
        """Lines of the definition."""
        note = f"a guess, from {self.where}" if self.where else f"EDIT: {NOTHING_FOUND}"
        if self.file:
            lines = [noted(f"  metrics: {{{self.kind}: {scalar(self.file)}}}", note)]
        else:
            lines = [noted("  metrics:", note), "    stdout:"]
            for each in self.printed:
                pattern = {"pattern": each.pattern, "unit": each.unit} if each.unit else each.pattern
                lines.append(f"      {scalar(each.name)}: {flow(pattern)}")
            lines += [f"    step: {scalar(self.step)}"] if self.step else []
        return [*lines, f"score: {{metric: {scalar(self.score)}, direction: {self.direction}}}"]

    def cost_lines(self) -> list[str]:
        if self.cost is None:
            return []
        is_guess = any(each.startswith("cost:") for each in self.edits)
        return [noted(f"cost: {scalar(self.cost)}", "EDIT: init saw no count of parameters" if is_guess else "")]


def measured(search: str, hints: Hints, sent: Sent) -> Measured:
    """The guess: a file that the script writes where a flag says, else the lines that it prints."""
    file = _file(hints, sent)
    in_file, in_lines = score_of(hints.keys), score_of([each.name for each in hints.printed])
    if file is not None and in_file is not None and (HELD_OUT.search(in_file) or not HELD_OUT.search(in_lines or "")):
        path, written = file
        return _measured(search, path, written.kind, (), None, in_file, hints.keys, written.where)
    if hints.json_printed and in_file is not None:
        return _measured(search, STDOUT, "json", (), None, in_file, hints.keys, hints.json_printed)
    if in_lines is not None or hints.printed:
        score = in_lines or hints.printed[0].name
        where = next(each.where for each in hints.printed if each.name == score)
        names = [each.name for each in hints.printed]
        return _measured(search, "", "", hints.printed, hints.step, score, names, where)
    if file is not None:
        path, written = file
        edits = [f"score: {written.where} writes {written.name}, but which metrics init cannot see: name yours"]
        found = _measured(search, path, written.kind, (), None, "val_loss", ["val_loss", "params"], written.where)
        return replace(found, edits=[*edits, *found.edits])
    guess = [Printed("val_loss", PLACEHOLDER.format(name="val_loss"), "", "")]
    return _measured(search, "", "", guess, None, "val_loss", ["val_loss"], "")


def _measured(
    search: str,
    file: str,
    kind: str,
    printed: Sequence[Printed],
    step: str | None,
    score: str,
    names: Sequence[str],
    where: str,
) -> Measured:
    edits = [] if where else [f"objective.metrics and score: {NOTHING_FOUND}"]
    cost = cost_of(names) if search == "grow" else None
    if search == "grow" and cost is None:
        cost = "params"
        edits = [
            *edits,
            "cost: a growth needs one, and init saw no count of parameters: print one, or name another metric",
        ]
        if not file:
            printed = [*printed, Printed(cost, PLACEHOLDER.format(name=cost), "", "")]
    return Measured(file, kind, printed, step, score, direction_of(score), cost, where, edits)


def _file(hints: Hints, sent: Sent) -> tuple[str, Written] | None:
    """The path of the file of results, if a flag says where it goes."""
    if sent.file:
        kind = "json" if ".json" in sent.file else "csv"
        where = next((each.where for each in hints.written if sent.file.endswith(each.name)), "its flag")
        return sent.file, Written(sent.file.rpartition("/")[2], kind, where)
    likely = sorted(hints.written, key=lambda each: RESULTS_NAME.search(each.name.lower()) is None)
    return (f"{sent.folder}/{likely[0].name}", likely[0]) if sent.folder and likely else None
