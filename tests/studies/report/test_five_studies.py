"""A report of a study of each search, of the sizes that a team's own have: twelve steps of growth, 72 settings of three
seeds, 200 settings of a tune."""

from __future__ import annotations

import re

import pytest

from studies.report.chapters import report_of
from studies.report.pictures import MAX_MAIN
from tests.support import five_studies

MAX_PAGE_BYTES = 3_000_000
MADE = {
    "grow": five_studies.grow,
    "grid": five_studies.grid,
    "tune": five_studies.tune,
    "front": five_studies.front,
    "depth": five_studies.depth,
    "fit": five_studies.fit,
}
EXPECTED = {
    "grow": ["growth-path", "growth-round", "growth-parts", "law-next-token-probability-params", "series-step"],
    "grid": [
        "grid-settings",
        "grid-axis-learning-rate",
        "grid-axis-width",
        "grid-axis-depth",
        "grid-heat",
        "series-step",
    ],
    "tune": [
        "tune-history",
        "tune-importance",
        "tune-slice-learning-rate",
        "tune-slice-optimizer",
        "tune-slice-warmup",
        "tune-parallel",
    ],
    "front": ["tune-front", "tune-importance-0", "tune-parallel"],
    "depth": ["depth-answer"],
    "fit": ["fit-score", "fit-memory"],
}
ANSWERS = {
    "grow": "12 steps took next_token_probability from 0.02066 to 0.08783",
    "grid": "width 512, depth 8, with val_loss 1.884 ± 0.011 (95 %, 3 seeds). 1 other may be as good",
    "tune": "It was measured with one seed",
    "front": "11 of 200 settings are on the front of val_loss and milliseconds. Setting 105 gives up least of each",
    "depth": "Nearest to 20M: 9 layers of width 256 (-0.13%); to 50M: 47 layers of width 256",
    "fit": "The largest batch_size that fits is",
}


@pytest.mark.parametrize("name", MADE)
def test_the_answer_and_the_table_come_first_then_a_few_figures_that_say_what_to_see(name: str) -> None:
    made = report_of([MADE[name]()])
    (chapter,) = made.chapters
    assert [each.key for each in chapter.main] == EXPECTED[name] and len(chapter.main) <= MAX_MAIN
    keys = [each.key for each in chapter.pictures]
    assert len(set(keys)) == len(keys), "none twice"
    assert all(each.marks and each.caption and each.title for each in chapter.pictures)
    page = made.page()
    places = [page.find(text) for text in ('class="answer"', "<table", "<figure", "<details")]
    assert -1 not in places and places == sorted(places)
    found = re.search(r'class="answer">(.*?)</p>', page)
    assert found is not None and ANSWERS[name] in found[1]
    assert len(page.encode()) < MAX_PAGE_BYTES


def test_a_growth_of_three_steps_has_no_figure_of_a_handful_of_points() -> None:
    (chapter,) = report_of([five_studies.grow(steps=3)]).chapters
    assert [each.key for each in chapter.main] == ["growth-path", "growth-round", "growth-parts", "series-step"]
    assert len(chapter.more) <= 3
