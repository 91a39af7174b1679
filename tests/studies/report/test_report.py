"""`report`: laws that were put into a study come out of it, noise stays noise, and nothing that a study can hold breaks
it or misleads."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna_dashboard import get_note, save_note
from optuna_dashboard._custom_plot_data import get_plotly_graph_objects

from storage.errors import UsageError
from storage.optuna_storage import StudyStorage
from storage.session import Session
from studies.comparison.matching import Outcome, differences
from studies.dashboard.renewal import renew
from studies.drawing.drawn_by_matplotlib import drawn
from studies.figures.paired import paired, summary
from studies.figures.pareto import Scored, front
from studies.figures.series import Run, mean_of, series, smoothed_line
from studies.laws.laws import judge
from studies.report import chapters as report
from studies.report.chapters import make_report
from studies.report.report import run_report
from studies.results.growth_path import longest, stretches
from tests.support import made_studies
from tests.support.growth_trace import BASELINE, INCREMENTS, landscape
from tests.support.growths import growth as search
from tests.support.growths import run
from tests.support.laws import NAMES, WIDTHS, broken, law, long_series, noise, nothing
from tests.support.reports import two, written

__all__ = ["two"]  # fixtures


def fits(session: Session, name: str) -> dict[str, Any]:
    """As `fits.json` has them, by figure."""
    return {each["figure"]: each for each in json.loads(make_report(session, [name]).fits_json())["fits"]}


def holds(parameter: Mapping[str, float | None], true: float) -> bool:
    low, high = parameter["low"], parameter["high"]
    return (low is None or low <= true) and (high is None or true <= high)


# Laws and noise


def test_a_law_that_a_study_was_made_with_comes_out_with_its_exponent(session: Session) -> None:
    made_studies.grid(session.url, "law", WIDTHS, law, seeds=3)
    found = fits(session, "law")["law-loss-params"]
    assert found["is_law"] and found["chosen"] == "saturating power law"
    chosen = next(each for each in found["laws"] if each["law"] == found["chosen"])
    assert holds(chosen["parameters"]["exponent"], -0.4) and holds(chosen["parameters"]["a"], 1.5)
    assert holds(chosen["parameters"]["b"], 0.5 * (chosen["x0"] / 1e5) ** -0.4)
    width = chosen["parameters"]["exponent"]["high"] - chosen["parameters"]["exponent"]["low"]
    assert width < 0.3, "the interval says something"
    assert found["range"] == [640.0, 10.0 * 8192**1.5]
    assert {each["law"] for each in found["laws"]} == {"constant", "power law", "saturating power law"}


def test_noise_is_told_to_be_nothing(session: Session) -> None:
    made_studies.grid(session.url, "noise", WIDTHS, noise, seeds=3)
    found = fits(session, "noise")["law-loss-params"]
    assert not found["is_law"] and found["chosen"] == "constant" and found["chance"] > 0.05 and not found["drawn"]
    made = make_report(session, ["noise"])
    assert "No law, no better than a constant: loss against params." in made.page()
    assert "law-loss-params" not in {picture.key for picture in made.pictures}, "noise is not drawn"


def test_a_growths_path_shows_its_law_and_its_proportions(session: Session) -> None:
    def objective(config: Mapping[str, Any]) -> dict[str, float]:
        params = 50.0 * config["n_embd"] * config["mlp_size"]
        jitter = np.random.default_rng([config["seed"], config["n_embd"], config["mlp_size"]]).normal(0, 1e-4)
        # the wider the model, the wider its MLP has to be
        gap = 0.003 * abs(math.log2(config["mlp_size"] / (config["n_embd"] ** 1.2)))
        loss = 1.5 + 0.5 * (params / 1e5) ** -0.4 + gap + jitter
        return {"params": params, "val_loss": loss, "score": math.exp(-loss)}

    block = {"increments": {"n_embd": 32, "mlp_size": 32}, "repeats": 2, "steps": 16}
    made_studies.growth(session.url, "path", block, {"n_embd": 32, "mlp_size": 32}, objective)
    found = fits(session, "path")
    loss = found["law-val-loss-params"]
    assert loss["is_law"] and loss["chosen"] == "saturating power law"
    exponent = next(each for each in loss["laws"] if each["law"] == loss["chosen"])["parameters"]["exponent"]
    assert exponent["value"] == pytest.approx(-0.4, abs=0.1)
    assert "ratio-mlp-size-n-embd" in found and any("looks too good" in each for each in loss["warnings"])


def test_a_path_up_through_noise_is_no_law() -> None:
    paths = alarms = fooled = 0
    for study in range(100):

        def objective(config: Mapping[str, Any], study: int = study) -> dict[str, float]:
            generator = np.random.default_rng([study, *(config[name] for name in INCREMENTS)])
            return {"params": landscape(config)["params"], "score": generator.normal(1.0, 0.01)}

        made, _, _ = run(search({"increments": INCREMENTS, "multiples": 2, "steps": 12}), objective)
        rows = [SimpleNamespace(kind=each.kind, record=each.record, state=each.state) for each in made]
        stretch = longest(stretches(BASELINE, rows))
        costs, scores = [[getattr(place, name) for place in stretch.places] for name in ("cost", "score")]
        if len(costs) < 5:
            continue
        assert scores == sorted(scores), "chosen for its score, it rises"
        tried = ([place.cost for place in stretch.tried], [place.score for place in stretch.tried])
        paths += 1
        alarms += judge(costs, scores, evidence=tried).is_law
        fooled += judge(costs, scores).is_law
    assert paths > 5 and fooled > 1, "or this says nothing"
    assert not alarms


# What is drawn


def test_a_run_is_never_drawn_beyond_its_own_end() -> None:
    short, long = Run("a", [1, 2, 3], [1.0, 2.0, 3.0]), Run("a", [1, 2, 3, 4, 5], [3.0, 4.0, 5.0, 6.0, 7.0])
    mean = mean_of([short, long])
    assert mean.x == [1, 2, 3] and mean.middle == [2.0, 3.0, 4.0] and mean.runs == 2
    drawn = series([short, long], "key", "title", "step", "loss")
    faint = [mark for mark in drawn.marks if getattr(mark, "faint", False)]
    assert sorted(max(mark.x) for mark in faint) == [3, 5]  # type: ignore[union-attr]
    assert mean_of([short, Run("a", [7, 8], [1.0, 1.0])]).x == (), "runs without a step in common have no mean"


def test_runs_whose_steps_differ_are_compared_between_their_reports() -> None:
    mean = mean_of([Run("a", [0, 10], [0.0, 10.0]), Run("a", [0, 5, 12], [2.0, 7.0, 14.0])])
    assert mean.x == [0, 5, 10] and mean.middle == [1.0, 6.0, 11.0]


def test_what_is_smoothed_is_said_to_be_and_stands_before_what_was_measured() -> None:
    values = [float(step % 7) for step in range(100)]
    drawn = series([Run("a", list(range(100)), values)], "key", "title", "step", "loss")
    assert "smoothed" in drawn.caption
    raw, smooth = drawn.marks
    assert raw.faint and list(raw.y) == values and np.std(smooth.y) < np.std(values) / 2  # type: ignore[union-attr]
    falling = [100.0 - 2 * step for step in range(50)]
    assert smoothed_line(falling) == pytest.approx(falling), "what falls is not pulled back"
    assert smoothed_line([3.0]) == [3.0]
    few = series([Run("a", list(range(10)), values[:10])], "key", "title", "step", "loss")
    assert "smoothed" not in few.caption and len(few.marks) == 1


def test_gaps_in_a_series_are_left_out_not_drawn_as_numbers() -> None:
    mean = mean_of([Run("a", [1.0, 3.0], [1.0, 3.0])])
    drawn = series([Run("a", [1, 2, 3], [1.0, math.nan, 3.0])], "key", "title", "step", "loss").marks[0]
    assert list(drawn.x) == mean.x and list(drawn.y) == mean.middle  # type: ignore[union-attr]


def scored(cost: float, score: float) -> Scored:
    return Scored("s", "t", cost, score)


def test_the_front_is_what_nobody_beats() -> None:
    trials = [scored(1, 0.5), scored(2, 0.7), scored(2, 0.6), scored(3, 0.7), scored(4, 0.9), scored(5, math.nan)]
    assert [(each.cost, each.score) for each in front(trials, maximize=True)] == [(1, 0.5), (2, 0.7), (4, 0.9)]
    assert [(each.cost, each.score) for each in front(trials, maximize=False)] == [(1, 0.5)]
    assert front([], maximize=True) == []


def test_studies_are_compared_by_pairs_of_the_same_setting_and_seed() -> None:
    one = [Outcome({"n": n, "family": "a"}, seed, n + 0.1 * seed) for n in (1, 2, 3) for seed in (1, 2)]
    other = [Outcome({"n": n, "family": "b"}, seed, n + 0.1 * seed + 0.5) for n in (2, 3, 4) for seed in (1, 2, 3)]
    found = differences(one, other)
    assert [(each.setting, each.seeds) for each in found] == [({"n": 2}, 2), ({"n": 3}, 2)]
    assert all(each.mean == pytest.approx(0.5) for each in found)
    assert "): significant" in summary(found, "one", "other", 2)
    apart = differences(one, [Outcome({"n": 9}, 1, 1.0)])
    assert apart == [] and "no setting and seed in common" in summary(apart, "one", "other", 0)


def test_differences_that_no_float_holds_are_drawn_without_a_mean_over_settings() -> None:
    one, other = (
        [Outcome({"sign": sign, "family": family}, 1, sign * score) for sign in (-1, 0, 1)]
        for family, score in (("a", 1e308), ("b", -1.6e308))
    )
    picture = paired(differences(one, other), "paired", "one", "other", "loss")
    assert "3 settings" in picture.caption and "there is no mean over settings" in picture.caption
    assert drawn(picture)


# Whatever a study holds


@pytest.mark.parametrize(
    ("settings", "objective", "says"),
    [
        ([], law, "There is nothing to draw yet"),
        (WIDTHS[:1], law, "Too few points for a law"),
        (WIDTHS, broken, "10 trials failed: error: yyy"),
        (WIDTHS, nothing, "10 complete"),
        ([{"width": 16, name: name} for name in NAMES], law, "语言 модель"),
    ],
    ids=["empty", "one trial", "only failures", "no numbers", "names"],
)
def test_whatever_a_study_holds_a_report_is_written(
    session: Session, tmp_path: Path, settings: Any, objective: Any, says: str
) -> None:
    made_studies.grid(session.url, "odd", settings, objective, series=long_series)
    folder = written(session, tmp_path / "out", "odd")
    page = (folder / "index.html").read_text()
    assert says in page and "NaN" not in page.partition('<script type="application/gzip"')[0]
    assert not any(each["is_law"] for each in fits(session, "odd").values())
    drawn = set(re.findall(r'<div id="([^"]+)"', page))
    assert {f"{key}.{form}" for key in drawn for form in ("png", "svg")} == {
        file.name for file in (folder / "figures").iterdir()
    }


def test_names_are_texts_not_markup(session: Session) -> None:
    made_studies.grid(session.url, NAMES[1], [{"width": 16, NAMES[1]: NAMES[1]}], law)
    page = make_report(session, [NAMES[1]]).page()
    assert "</script><b>" not in page and "&lt;/script&gt;" in page


def test_several_studies_stand_beside_each_other(two: Session) -> None:
    made = make_report(two, ["one", "two"])
    across = {picture.key: picture for picture in made.across}
    assert (
        "Mean difference 0.25" in across["all-paired-1"].caption and "): significant" in across["all-paired-1"].caption
    )
    assert "all-front-params" in across
    keys = [picture.key for picture in made.pictures]
    assert len(keys) == len(set(keys)) and any(key.startswith("1-") for key in keys)


def test_a_folder_that_is_no_report_is_left_alone(two: Session, tmp_path: Path) -> None:
    precious = tmp_path / "home"
    (precious / "figures").mkdir(parents=True)
    (precious / "thesis.tex").write_text("ten years")
    with pytest.raises(UsageError, match=r"'figures'|'thesis.tex'"):
        written(two, precious, "one")
    assert {file.name for file in tmp_path.rglob("*")} == {"home", "figures", "thesis.tex"}
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(UsageError, match="is not a folder"):
        written(two, file, "one")
    with pytest.raises(UsageError, match="--out"):
        written(two, file / "below", "one")
    assert file.read_text() == "x"


def test_a_report_takes_the_place_of_an_older_one_and_nothing_is_left_beside_it(two: Session, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    written(two, tmp_path / "out", "one", "two")
    first = {file.name for file in (tmp_path / "out" / "figures").iterdir()}
    written(two, tmp_path / "out", "two")
    assert {file.name for file in (tmp_path / "out" / "figures").iterdir()} != first
    assert [file.name for file in tmp_path.iterdir()] == ["out"]
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        written(two, tmp_path / "out", "one")
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_the_dashboard_has_the_figures_and_the_fits_and_keeps_what_others_wrote(two: Session) -> None:
    study = optuna.load_study(study_name="one", storage=StudyStorage(two.url))
    renew(two, "one", None)
    save_note(study, f"{get_note(study)}\nmy own thought\n")
    before = set(figures_in(study))
    run_report(two, ["one"], None, to_dashboard=True)
    note, after = get_note(study), figures_in(study)
    assert before < set(after) and "report-law-loss-params" in after
    assert json.loads(after["report-law-loss-params"])["data"]
    assert "my own thought" in note and "saturating power law" in note
    run_report(two, ["one"], None, to_dashboard=True)
    assert get_note(study).count("Fits of the last report") == 1 and "my own thought" in get_note(study)
    made_studies.grid(two.url, "one", [{"width": 99}], law, fixed={"kind": "a"})
    renew(two, "one", None)
    assert "saturating power law" in get_note(study) and set(after) <= set(figures_in(study))


def figures_in(study: optuna.Study) -> dict[str, str]:
    """Figures as the dashboard reads them."""
    figures: dict[str, str] = get_plotly_graph_objects(study._storage.get_study_system_attrs(study._study_id))
    return figures


# The command


def test_a_package_that_is_missing_is_named_with_what_installs_it(
    session: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(report, "PACKAGES", ("scipy", "no_such_package"))
    with pytest.raises(UsageError, match=r"needs no_such_package: pip install -e '.\[report\]'"):
        run_report(session, ["any"], tmp_path / "out", to_dashboard=False)
