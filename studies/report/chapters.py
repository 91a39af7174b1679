"""`report`: one page on some studies, with figures and fits; or both in the dashboard."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from importlib.util import find_spec
from itertools import chain
from itertools import count as counter
from typing import TYPE_CHECKING

from storage.errors import UsageError
from storage.reader import Reader
from storage.session import Session
from studies.definition.units import duration_text
from studies.figures.picture import Picture

if TYPE_CHECKING:
    from studies.report.facts import Facts
    from studies.report.page import Row, Section
    from studies.report.pictures import Fitted

MAX_CAUSES = 10
PACKAGES = ("matplotlib", "pandas", "plotly", "scipy")


@dataclass(frozen=True)
class Chapter:
    """One study: the dashboard's figures, further figures, and fits."""

    facts: Facts
    kept: Sequence[Picture]
    more: Sequence[Picture]
    fits: Sequence[Fitted]

    @property
    def extra(self) -> list[Picture]:
        """Figures that workers do not put into the dashboard."""
        return [*(each.picture for each in self.fits), *self.more]


@dataclass(frozen=True)
class Report:
    """Chapters and comparisons of some studies; the figures' keys are unique in it."""

    chapters: Sequence[Chapter]
    across: Sequence[Picture]

    @property
    def pictures(self) -> list[Picture]:
        return [*(picture for each in self.chapters for picture in (*each.kept, *each.extra)), *self.across]

    @property
    def names(self) -> list[str]:
        return [each.facts.study.name for each in self.chapters]

    def fits_json(self) -> str:
        """`fits.json`."""
        found = {"studies": self.names, "fits": [fit.to_json() for each in self.chapters for fit in each.fits]}
        return json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False) + "\n"

    def page(self) -> str:
        """`index.html`."""
        from studies.report.page import Section, page

        sections = [_section(each) for each in self.chapters]
        if self.across:
            sections.append(Section("Side by side", ["Comparisons of the studies."], self.across))
        first = self.chapters[0].facts.study
        words = [word for name in self.names for word in ("--study", name)]
        command = shlex.join(["python", "cli.py", "report", *words])
        line = f"As of {first.now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, by: {command} --out DIR"
        return page(f"Report: {', '.join(self.names)}", [line], sections)


def check_packages() -> None:
    """Raises:
    UsageError: A package that reports need is not installed.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(f"report: needs {', '.join(missing)}: pip install 'studyhall[report]'")


def make_report(session: Session, names: Sequence[str]) -> Report:
    """Read studies, fit laws, make figures.

    Raises:
        UsageError: A study is unknown or named twice, or a package is missing.
    """
    check_packages()
    from studies.report.facts import Facts
    from studies.report.pictures import across, fits_of, more_pictures

    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"report: --study {twice!r} is named twice")
    found = [Facts.read(session, Reader(session).study(name)) for name in names]
    taken: set[str] = set()

    def own(picture: Picture, before: str) -> Picture:
        """With a key that no other picture has."""
        wanted = f"{before}{picture.key}"
        key = next(key for key in chain([wanted], (f"{wanted}-{count}" for count in counter(2))) if key not in taken)
        taken.add(key)
        return replace(picture, key=key)

    chapters = []
    for number, facts in enumerate(found, 1):
        before = f"{number}-" if len(found) > 1 else ""
        fits = [replace(fit, picture=own(fit.picture, before)) for fit in fits_of(facts)]
        kept, more = [[own(each, before) for each in some] for some in (facts.pictures(), more_pictures(facts))]
        chapters.append(Chapter(facts, kept, more, fits))
    return Report(chapters, [own(each, "all-") for each in across(found)])


def _section(chapter: Chapter) -> Section:
    from studies.report.page import Section

    pictures, laws = [*chapter.kept, *chapter.extra], list(map(law_row, chapter.fits))
    return Section(chapter.facts.study.name, _summary(chapter.facts), pictures, laws)


def _summary(facts: Facts) -> list[str]:
    """A study in a few lines: question, state, failures."""
    from studies.figures.labels import shortened

    study = facts.study
    direction = "the larger the better" if study.direction == "maximize" else "the smaller the better"
    lines = [str(study.origin["question"])] if study.origin.get("question") else []
    cost = f"; cost: {study.cost}" if study.cost else ""
    lines.append(f"A {study.search} search. Score: {study.score}, {direction}{cost}.")
    counts = facts.counts.text.replace("  ", ", ") or "none yet"
    seconds = sum(row.seconds or 0.0 for row in facts.points)
    lines.append(f"{facts.standing.text}. Trials: {counts}; {duration_text(seconds)} of work.")
    lines += facts.certainty
    failed = [row for row in facts.points if row.state == "FAIL" and not row.retired]
    causes = Counter(shortened(row.reason or "no reason kept", 200) for row in failed)
    lines += [f"{count} trials failed: {cause}" for cause, count in causes.most_common(MAX_CAUSES)]
    if len(causes) > MAX_CAUSES:
        lines.append(f"… and {len(causes) - MAX_CAUSES} other causes of failure.")
    return lines


def law_row(fitted: Fitted) -> Row:
    """A fit in the page's table: the law's name and exponent. Its figure has the formula and the doubts."""
    from studies.report.page import Row

    verdict, chosen = fitted.verdict, fitted.verdict.chosen
    exponent, law = "", "too few points"
    if chosen is not None and verdict.is_law:
        estimate = chosen.estimates()["exponent"]
        low, high = ("open" if end is None else f"{end:.3g}" for end in (estimate.low, estimate.high))
        law, exponent = chosen.name, f"{estimate.value:.3g} ({low} … {high})"
    elif chosen is not None:
        law = "none: no better than a constant"
    return Row(fitted.picture.key, fitted.picture.title, law, exponent)
