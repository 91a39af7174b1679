"""`report`: what studies teach, as one page with its figures and fits; or into the dashboard."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from importlib.util import find_spec
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

PACKAGES = ("matplotlib", "pandas", "plotly", "scipy")


@dataclass(frozen=True)
class Chapter:
    """One study: the dashboard's figures, what a report has beyond them, and its fits."""

    facts: Facts
    kept: Sequence[Picture]
    more: Sequence[Picture]
    fits: Sequence[Fitted]

    @property
    def extra(self) -> list[Picture]:
        """What the dashboard does not have by itself."""
        return [*(each.picture for each in self.fits), *self.more]


@dataclass(frozen=True)
class Report:
    """Everything that is said of some studies; keys of figures are unique in it."""

    chapters: Sequence[Chapter]
    across: Sequence[Picture]

    @property
    def pictures(self) -> list[Picture]:
        return [*(picture for each in self.chapters for picture in (*each.kept, *each.extra)), *self.across]

    @property
    def title(self) -> str:
        return ", ".join(each.facts.name for each in self.chapters)

    def fits_json(self) -> str:
        """`fits.json`."""
        found = [fit.to_json() for each in self.chapters for fit in each.fits]
        studies = [each.facts.name for each in self.chapters]
        return json.dumps({"studies": studies, "fits": found}, indent=1, allow_nan=False, ensure_ascii=False) + "\n"

    def page(self) -> str:
        """`index.html`."""
        from studies.report.page import Section, page

        sections = [_section(each) for each in self.chapters]
        if self.across:
            sections.append(Section("Side by side", ["What the studies say of each other."], self.across))
        first = self.chapters[0].facts.study
        words = [word for each in self.chapters for word in ("--study", each.facts.name)]
        command = shlex.join(["python", "cli.py", "report", *words])
        line = f"As of {first.now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, by: {command} --out DIR"
        return page(f"Report: {self.title}", [line], sections)


def need_packages() -> None:
    """Raises:
    UsageError: One of the packages that reports are made with is not installed.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(f"report: needs {', '.join(missing)}: pip install 'studyhall[report]'")


def make_report(session: Session, names: Sequence[str]) -> Report:
    """Read studies and draw what they say.

    Raises:
        UsageError: There is no such study, one is named twice, or a package is missing.
    """
    need_packages()
    from studies.report.facts import Facts
    from studies.report.pictures import across, fits_of, more_pictures

    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"report: --study {twice!r} is named twice")
    found = [Facts.read(session, Reader(session).study(name)) for name in names]
    taken: set[str] = set()
    chapters = []
    for number, facts in enumerate(found, 1):
        keys = _Keys(taken, f"{number}-" if len(found) > 1 else "")
        fits = [replace(fit, picture=keys.own(fit.picture)) for fit in fits_of(facts)]
        kept, more = [list(map(keys.own, each)) for each in (facts.pictures(), more_pictures(facts))]
        chapters.append(Chapter(facts, kept, more, fits))
    return Report(chapters, list(map(_Keys(taken, "all-").own, across(found))))


@dataclass(frozen=True)
class _Keys:
    """Gives pictures keys that no other one has."""

    taken: set[str]
    before: str

    def own(self, picture: Picture) -> Picture:
        wanted = f"{self.before}{picture.key}"
        key, count = wanted, 1
        while key in self.taken:
            count += 1
            key = f"{wanted}-{count}"
        self.taken.add(key)
        return replace(picture, key=key)


def _section(chapter: Chapter) -> Section:
    from studies.report.page import Section

    return Section(
        chapter.facts.name,
        list(_told(chapter.facts)),
        [*chapter.kept, *chapter.extra],
        list(map(law_row, chapter.fits)),
    )


def _told(facts: Facts) -> Sequence[str]:
    """A study in a few lines: what it asks, where it stands, what failed."""
    study = facts.study
    direction = "the larger the better" if facts.maximizes else "the smaller the better"
    lines = [str(study.origin["question"])] if study.origin.get("question") else []
    cost = f"; cost: {facts.cost}" if facts.cost else ""
    lines.append(f"A {study.search} search. Score: {facts.score}, {direction}{cost}.")
    counts = facts.counts.text.replace("  ", ", ") or "none yet"
    seconds = sum(row.seconds or 0.0 for row in facts.points)
    lines.append(f"{facts.standing.text}. Trials: {counts}; {duration_text(seconds)} of work.")
    causes = _causes(facts)
    lines += [f"{count} trials failed: {cause}" for cause, count in list(causes.items())[:10]]
    if len(causes) > 10:
        lines.append(f"… and {len(causes) - 10} other causes of failure.")
    return lines


def _causes(facts: Facts) -> Mapping[str, int]:
    from studies.figures.labels import shortened

    made: dict[str, int] = {}
    for row in facts.points:
        if row.state == "FAIL" and not row.retired:
            cause = shortened(row.reason or "no reason kept", 200)
            made[cause] = made.get(cause, 0) + 1
    return dict(sorted(made.items(), key=lambda each: -each[1]))


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
