"""What a dry run says of a tune."""

from __future__ import annotations

from samplers.searches.tune.forecast import first_settings, forecast
from tests.support.tuning import SPACE, Run, tune


def said(run: Run, unfinished: int = 0) -> str:
    return forecast(run.state, run.search.settings_in(run.state), run.past, unfinished)


def ended() -> Run:
    run = Run(tune(sampler="random", settings=20))
    run.go()
    return run


def test_more_settings_and_a_narrower_range_are_counted_and_earlier_ones_stay() -> None:
    run = ended()
    outside = sum(not 0 <= setting.params["x"] <= 10 for setting in run.past.settings)
    run.override(settings=26, space={**SPACE, "x": {"float": [0, 10]}})
    assert 1 < outside < 20
    assert said(run) == (
        f"6 more settings × 1 seed; {outside} of 20 earlier ones lie outside the space now: ranked as before, "
        "but the sampler does not learn from them"
    )


def test_a_race_is_in_the_seeds_and_open_trials_are_counted() -> None:
    run = Run(tune(sampler="random", settings=20, ahead=4, racing={"max_repeats": 5}))
    assert said(run) == "20 settings × 1 to 5 seeds"
    run.go(6)
    assert said(run, 4) == "4 trials of chosen settings are not finished; 14 more settings × 1 to 5 seeds"


def test_fewer_settings_than_are_chosen_add_none() -> None:
    run = ended()
    run.override(settings=12)
    assert said(run) == "no further setting: 20 are chosen"


def test_a_new_study_lists_the_settings_that_it_begins_with() -> None:
    settings = tune(settings=20, ahead=8)
    assert first_settings(settings.settings_in(settings.start())) == "the first 8 of 20 settings"
    few = tune(settings=3, ahead=8)
    assert first_settings(few.settings_in(few.start())) == "all 3 settings"
