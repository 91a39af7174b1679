"""`report`: one page on some studies: the answers, their tables, a few figures, and more behind them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from importlib.util import find_spec
from itertools import chain
from itertools import count as counter
from typing import TYPE_CHECKING

from storage.errors import UsageError
from storage.program import program_name
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from studies.definition.units import Units, duration_text
from studies.figures.picture import Picture
from studies.history.certainty import certainty_text
from studies.history.decisions import event_texts, in_force
from studies.results.growth_tables import candidates_table
from studies.tables.choice import EVERYTHING
from studies.tables.table import Document

if TYPE_CHECKING:
    from studies.report.facts import Facts
    from studies.report.laws import Fitted
    from studies.report.page import Row, Section

PACKAGES = ("matplotlib", "pandas", "plotly", "scipy")

SEARCHES = {
    "grow": "Growth, step by step",
    "depth": "Search for the depth of a size",
    "grid": "Grid search",
    "fit": "Search for the largest value that fits",
    "tune": "Hyperparameter search",
}
"""What a study was, for readers who do not know Studyhall."""


@dataclass(frozen=True)
class Chapter:
    """One study: a few figures, those behind them, and fits."""

    facts: Facts
    main: Sequence[Picture]
    more: Sequence[Picture]
    fits: Sequence[Fitted]
    kept: Collection[str]
    """Keys of the figures that workers keep in the dashboard."""

    @property
    def pictures(self) -> list[Picture]:
        return [*self.main, *self.more]

    @property
    def own(self) -> list[Picture]:
        """Figures that workers do not put into the dashboard."""
        return [each for each in self.pictures if each.key not in self.kept]


@dataclass(frozen=True)
class Report:
    """Chapters and comparisons of some studies; the figures' keys are unique in it."""

    chapters: Sequence[Chapter]
    across: Sequence[Picture]

    @property
    def pictures(self) -> list[Picture]:
        return [*(picture for each in self.chapters for picture in each.pictures), *self.across]

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
            sections.append(Section("Side by side", main=self.across))
        first = self.chapters[0].facts.study
        words = [word for name in self.names for word in ("--study", name)]
        command = f"{program_name()} " + shlex.join(["report", *words])
        line = f"As of {first.now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, by: {command} --out DIR"
        return page(f"Report: {', '.join(self.names)}", [line], sections)


def check_packages() -> None:
    """Raises:
    UsageError: A package that reports need is not installed.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(f"report: needs {', '.join(missing)}: pip install -e '.[report]'")


def make_report(session: Session, names: Sequence[str], begun: Callable[[], None] = lambda: None) -> Report:
    """Read studies, fit laws, make figures. `begun` is called once the names are known to be studies.

    Raises:
        UsageError: A study is unknown or named twice, or a package is missing.
    """
    check_packages()
    from studies.report.facts import Facts

    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"report: --study {twice!r} is named twice")
    found = [Reader(session).study(name) for name in names]
    begun()
    return report_of([Facts.read(session, each) for each in found])


def report_of(found: Sequence[Facts]) -> Report:
    """From studies that were read."""
    from studies.figures.study import with_units
    from studies.report.laws import fits_of
    from studies.report.pictures import across, chosen_pictures

    taken: set[str] = set()

    def own(picture: Picture, before: str, study: StudyRow) -> Picture:
        """With units, and a key that no other picture has."""
        wanted = f"{before}{picture.key}"
        key = next(key for key in chain([wanted], (f"{wanted}-{count}" for count in counter(2))) if key not in taken)
        taken.add(key)
        return replace(with_units(picture, study), key=key)

    chapters = []
    for number, facts in enumerate(found, 1):
        before = f"{number}-" if len(found) > 1 else ""
        fits = [replace(fit, picture=own(fit.picture, before, facts.study)) for fit in fits_of(facts)]
        named = {id(fit.picture) for fit in fits}
        main, more = (
            [each if id(each) in named else own(each, before, facts.study) for each in some]
            for some in chosen_pictures(facts, fits)
        )
        chapters.append(Chapter(facts, main, more, fits, {f"{before}{each.key}" for each in facts.pictures()}))
    return Report(chapters, [own(each, "all-", found[0].study) for each in across(found)])


def _section(chapter: Chapter) -> Section:
    """The answer, the results, the figures; then the fits that are laws, and in a sentence those that are none."""
    from studies.answers.answer import answer
    from studies.report.page import Section
    from studies.tables.html import html, notes_html

    facts = chapter.facts
    study, document = facts.study, facts.results.document()
    grows = study.search == "grow"
    sentences = ("notes", "again") if grows else ()  # they make a round three lines high; `sure` says the same
    laws = [law_row(fit) for fit in chapter.fits if fit.verdict.is_law]
    return Section(
        study.name,
        question=str(study.origin.get("question") or ""),
        answer=answer(study, facts.shown) or "There is no result yet.",
        lines=_state(facts),
        results=html(document, f"results-{study.study_id}", last=grows, without=sentences),
        main=chapter.main,
        more=chapter.more,
        laws=laws,
        no_laws=no_laws_text(chapter.fits),
        notes=_candidates(facts) + notes_html(replace(document, notes=[*_events(facts), *document.notes]))
        if document.tables
        else "",
    )


def _events(facts: Facts) -> list[str]:
    """What happened in a growth's rounds, and how sure each choice is."""
    if facts.study.search != "grow":
        return []
    path = in_force(facts.decisions)
    events = event_texts(path, facts.study.origin)
    return [
        f"round {row.record['round']}: {text}"
        for row, event in zip(path, events, strict=True)
        if (text := "; ".join(filter(None, (event, certainty_text(row.record)))))
    ]


def _candidates(facts: Facts) -> str:
    """Every candidate of a growth's rounds, as HTML: those too that were pruned or failed."""
    from studies.tables.html import html

    if facts.study.search != "grow" or not facts.shown["rounds"]:
        return ""
    table = candidates_table(facts.decisions, Units.of(facts.study), EVERYTHING)
    document = Document([replace(table, title="Every candidate of every round")])
    return html(document, f"candidates-{facts.study.study_id}", last=True)


def _state(facts: Facts) -> list[str]:
    """Where a study stands: search, state, trials, failures."""
    from studies.answers.causes import cause_lines, help_line

    study = facts.study
    scores = [
        f"{each.metric}, the {'larger' if each.direction == 'maximize' else 'smaller'} the better"
        for each in study.scores
    ]
    scores = [study.score] if study.search == "depth" else scores
    cost = f"; cost: {study.cost}" if study.cost else ""
    counts = facts.counts.text.replace("  ", ", ") or "none yet"
    seconds = sum(row.seconds or 0.0 for row in facts.points)
    state = facts.standing.text
    lines = [
        f"{SEARCHES[study.search]}. Score{'s' * (len(scores) > 1)}: {'; '.join(scores)}{cost}."
        f" {state[:1].upper()}{state[1:]}."
        f" Trials: {counts}; {duration_text(seconds)} of work, the sum over all trials."
    ]
    helps = help_line(study, facts.standing) if facts.standing.failed else None
    return [
        *lines,
        *cause_lines(facts.points, study.search),
        *([] if helps is None else [f"{helps[:1].upper()}{helps[1:]}"]),
    ]


def no_laws_text(fits: Sequence[Fitted]) -> str:
    """The fits that found no law, in two sentences at most; empty without any."""
    without = [fit for fit in fits if not fit.verdict.is_law]
    few = [fit.picture.title for fit in without if fit.verdict.chosen is None]
    flat = [fit.picture.title for fit in without if fit.verdict.chosen is not None]
    sentences = [f"No law, no better than a constant: {', '.join(flat)}."] if flat else []
    sentences += [f"Too few points for a law: {', '.join(few)}."] if few else []
    return " ".join(sentences)


def law_row(fitted: Fitted) -> Row:
    """A law in the page's table: its name and exponent. Its figure has the formula and the doubts."""
    from studies.report.page import Row

    chosen = fitted.verdict.chosen
    assert chosen is not None
    estimate = chosen.estimates()["exponent"]
    low, high = ("open" if end is None else f"{end:.3g}" for end in (estimate.low, estimate.high))
    return Row(fitted.picture.key, fitted.picture.title, chosen.name, f"{estimate.value:.3g} ({low} … {high})")
