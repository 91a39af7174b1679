"""Tune blocks that cannot be right: one line each, with its place and what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from samplers.searches.new_names import with_new_names
from samplers.searches.tune.tune import Tune
from storage.errors import UsageError
from tests.support.tuning import SPACE, tune

ONE, TWO = (("loss", "minimize"),), (("loss", "minimize"), ("size", "maximize"))
WRONG: list[tuple[Mapping[str, Any], str]] = [
    ({"sampler": "tpee"}, "tune.sampler: no sampler 'tpee'; did you mean 'tpe'?"),
    ({"sampler": "TPESampler"}, "no sampler 'TPESampler'"),
    ({"sampler": "hub:auto_sampler"}, "no sampler 'hub:auto_sampler'"),
    ({"sampler": 7}, "tune.sampler: 7 is not a name, or a mapping with one"),
    ({"sampler": {"multivariate": True}}, "is not a name, or a mapping with one"),
    ({"sampler": {"name": "tpe", "seed": 3}}, "'seed' cannot be given: the block's `seed` is that of every choice"),
    ({"sampler": {"name": "tpe", "constraints_func": "f"}}, "stand under `constraints` of the block"),
    ({"space": None}, "tune.space: is missing"),
    ({"space": {}}, "tune.space: {} names no axis"),
    ({"space": ["x"]}, "names no axis"),
    ({"space": {"x": {"float": [3, 1]}}}, "tune.space.x.float: the range is empty: 3 is above 1"),
    ({"space": {"x": {"range": [5, 4]}}}, "tune.space.x.range: the range is empty: 5 is above 4"),
    ({"space": {"x": {"log": [0, 1]}}}, "tune.space.x.log: 0 is not above zero"),
    ({"space": {"x": {"log": [1, 8, 4]}}}, r"is not log: \[low, high\], two numbers"),
    ({"space": {"x": {"range": [1, 2.5]}}}, "not all are whole; any number between is written {float: "),
    ({"space": {"x": {"float": [0, 1, 0]}}}, "a step of 0 never gets from 0 to 1"),
    ({"space": {"x": {"float": ["a", 1]}}}, r"is not float: \[low, high, step\], numbers"),
    ({"space": {"x": {"float": [0, 1e300]}}}, r"of at most 2\*\*63"),
    ({"space": {"x": {"float": [True, 2]}}}, r"is not float: \[low, high, step\]"),
    ({"space": {"x": []}}, "tune.space.x: the axis has no values"),
    ({"space": {"x": [1, 2, 1]}}, "tune.space.x: 1 is listed twice"),
    ({"space": {"x": 3}}, "tune.space.x: 3 is neither a list nor one of {log: "),
    ({"space": {"x": {"flaot": [0, 1]}}}, "unknown key 'flaot'; did you mean 'float'?"),
    ({"space": {"x": {"min": 0, "max": 8}}}, r"perhaps \{range: \[0, 8\]\}"),
    ({"space": {"x": {"type": "loguniform", "min": 1e-4, "max": 0.1}}}, r"perhaps \{log: \[0.0001, 0.1\]\}"),
    ({"space": {"x": {"range": [1, 4], "default": 9}}}, "tune.space.x.default: 9 is not on the axis"),
    ({"space": {"x": {"range": [1, 4], "defualt": 2}}}, "unknown key 'defualt'; did you mean 'default'?"),
    ({"space": {"seed": {"range": [1, 4]}}}, "seed: cannot be an axis or derived"),
    ({"settings": None}, "tune.settings: is missing; how many settings to choose"),
    ({"settings": 0}, "tune.settings: 0 is not a whole number from 1"),
    ({"settings": 2.5}, "tune.settings: 2.5 is not a whole number"),
    ({"ahead": 0}, "tune.ahead: 0 is not a whole number from 1"),
    ({"repeats": -1}, "tune.repeats: -1 is not a whole number from 1"),
    ({"seed": 2**31}, "tune.seed: 2147483648 is not a whole number"),
    ({"patience": 0}, "tune.patience: 0 is not a whole number from 1"),
    ({"terminator": "yes"}, "tune.terminator: 'yes' is not true, or {every: 10}"),
    ({"terminator": {"evry": 3}}, "unknown key 'evry'; did you mean 'every'?"),
    ({"setings": 20}, "unknown key 'setings'; did you mean 'settings'?"),
    ({"where": ["x + layers <= 8"]}, "there is no 'layers' among the axes, derived names and config"),
    ({"where": ["x +"]}, "'x \\+' is not an expression"),
    ({"when": {"rat": "n > 2"}}, "there is no axis 'rat'; did you mean 'rate'?"),
    ({"derive": {"x": "2 * n"}}, "x: is both an axis and derived"),
    ({"derive": {"a": "b + 1", "b": "a + 1"}}, "need each other in a circle: a → b → a"),
    ({"enqueue": {"x": 1}}, "is not a list of settings"),
    ({"enqueue": [{"x": 1.0}] * 21}, "21 settings, and `settings` allows 20"),
    ({"enqueue": [{"y": 1}]}, r"tune.enqueue\[0\]: there is no axis 'y'"),
    ({"enqueue": [{"n": 9}]}, r"tune.enqueue\[0\].n: 9 is not on the axis"),
    (
        {"enqueue": [{"x": 0.0, "rate": 0.01, "n": 1, "bias": True}], "where": ["x > 5"]},
        r"tune.enqueue\[0\]: `where: x > 5` does not allow it",
    ),
    ({"constraints": ["vram"]}, "'vram' is not one comparison by <, <=, > or >=, like vram <= 20000"),
    ({"constraints": ["vram == 2"]}, "is not one comparison"),
    ({"constraints": ["1 < vram < 2"]}, "is not one comparison"),
    ({"constraints": ["1 < 2"]}, "names no metric"),
    ({"constraints": [3]}, "3 is not a condition"),
    (
        {"constraints": ["vram <= 2"], "sampler": "cmaes"},
        "cmaes does not know constraints; tpe, gp, nsga",
    ),
]


@pytest.mark.parametrize(("block", "words"), WRONG)
def test_a_block_that_is_refused(block: Mapping[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        tune(**block)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("own.yaml: tune")


HERE: list[tuple[Mapping[str, Any], str]] = [
    ({"where": ["x > 100"]}, "tune.where: no setting of the space is allowed: 'x > 100' left out 10,000 of 10,000"),
    ({"where": ["x / (n - n) > 1"]}, "division by zero"),
    (
        {"enqueue": [{"x": 1.0}, {"x": 9.0}], "where": ["x * n <= 5"]},
        r"tune.enqueue\[1\]: no setting with these values is allowed: 'x \* n <= 5' left out 10,000 of",
    ),
    ({"sampler": {"name": "tpe", "multivarate": True}}, "tpe takes no 'multivarate'; did you mean 'multivariate'?"),
    ({"sampler": {"name": "tpe", "weights": "x"}}, "tpe takes no 'weights'"),
    ({"sampler": {"name": "tpe", "multivariate": "yes"}}, "tune.sampler.multivariate: 'yes' is not true or false"),
    ({"sampler": {"name": "tpe", "n_startup_trials": "many"}}, "'many' is not a whole number"),
    ({"sampler": {"name": "tpe", "n_ei_candidates": 0}}, "tpe cannot choose here: IndexError"),
    ({"sampler": {"name": "random", "n": 1}}, "random takes no 'n'"),
    ({"sampler": {"name": "nsgaii", "population_size": 1}}, "nsgaii refuses its arguments: ValueError"),
    (
        {"sampler": {"name": "nsgaii", "crossover": "sbxx"}},
        "'sbxx' is no crossover of Optuna; did you mean 'sbx'?",
    ),
    ({"sampler": {"name": "qmc", "qmc_type": "sobl"}}, "qmc refuses its arguments: ValueError"),
    ({"sampler": {"name": "cmaes", "popsize": 1}}, "cmaes cannot choose here: AssertionError"),
    ({"sampler": "no_such_module:Sampler"}, "'no_such_module:Sampler' cannot be imported: ModuleNotFoundError"),
    ({"sampler": "nowhere.py:Sampler"}, "cannot be imported: FileNotFoundError: there is no file nowhere.py"),
    ({"sampler": "optuna.samplers:RandmSampler"}, "no class 'RandmSampler'; did you mean 'RandomSampler'?"),
    ({"sampler": "collections:Counter"}, "collections:Counter is no sampler: its class has to derive from"),
    ({"sampler": "optuna.samplers:GridSampler"}, "GridSampler refuses its arguments: TypeError"),
    ({"sampler": "hub:auto_sampler:AutoSampler"}, "pip install optunahub|is not on this host: python -c"),
]


@pytest.mark.parametrize(("block", "words"), HERE)
def test_a_block_that_this_host_refuses(block: Mapping[str, Any], words: str) -> None:
    search = tune(**block)
    with pytest.raises(UsageError, match=words) as caught:
        search.check_here()
    assert "\n" not in str(caught.value) and str(caught.value).startswith("own.yaml: tune")


@pytest.mark.parametrize("name", ["tpe", "gp", "cmaes", "nsgaii", "nsgaiii", "qmc", "random"])
def test_each_sampler_passes_the_checks(name: str) -> None:
    tune(sampler=name).check_here()


@pytest.mark.parametrize(
    "block",
    [
        {"space": {"n": {"range": [0, 2]}}, "where": ["10 / n <= 50"]},
        {"space": {"n": {"range": [-5, 5]}}, "where": ["sqrt(n) < 3"]},
        {"space": {"x": {"float": [-5, 5]}}, "derive": {"root": "sqrt(x)"}},
    ],
)
def test_an_expression_without_a_value_for_some_settings_leaves_them_out(block: Mapping[str, Any]) -> None:
    tune(**block).check_here()


def test_a_number_that_is_enqueued_is_the_one_that_the_sampler_would_choose() -> None:
    space = {"x": {"float": [0, 1, 0.5]}, "n": {"range": [1, 4], "default": 2.0}}
    search = tune(space=space, enqueue=[{"x": 0, "n": 3.0}, {"x": 1}])
    settings = search.settings_in(search.start())
    assert repr(settings.enqueue) == "({'x': 0.0, 'n': 3}, {'x': 1.0})" and repr(settings.space.defaults) == "{'n': 2}"


def test_a_sampler_of_one_score_is_refused_for_several() -> None:
    words = "own.yaml: tune.sampler: cmaes takes one score, and there are 2; for several: tpe, gp, nsgaii, nsgaiii, qmc"
    with pytest.raises(UsageError, match=words):
        tune(TWO, sampler="cmaes")
    with pytest.raises(UsageError, match="CmaEsSampler cannot choose here: ValueError: If the study is being used for"):
        tune(TWO, sampler="optuna.samplers:CmaEsSampler").check_here()


def test_a_package_that_is_missing_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name, words in (
        ("cmaes", "cmaes needs cmaes: pip install cmaes"),
        ("gp", "gp needs scipy and torch: pip install scipy torch"),
        ("hub:auto_sampler:AutoSampler", "needs OptunaHub: pip install optunahub"),
    ):
        with pytest.raises(UsageError, match=words):
            tune(sampler=name, seed=77).check_here()  # no other test's: a class that was found is kept


OWN = '''
from optuna.samplers import RandomSampler

class First(RandomSampler):
    """Takes the lowest value of everything, and fails in the middle if asked to."""

    def __init__(self, fails_after=None):
        super().__init__(seed=0)
        self.fails_after = fails_after

    def sample_independent(self, study, trial, name, distribution):
        if self.fails_after is not None and trial.number >= self.fails_after:
            raise RuntimeError("out of ideas")
        return distribution.to_external_repr(getattr(distribution, "low", 0))
'''


def test_a_class_of_ones_own_chooses(tmp_path: Path) -> None:
    from tests.support.tuning import Run

    (tmp_path / "own.py").write_text(OWN)
    search = tune(sampler=f"{tmp_path}/own.py:First", settings=3)
    search.check_here()
    run = Run(search)
    run.go()
    assert run.chosen == [{"x": -5.0, "rate": 1e-4, "n": 1, "bias": True}] * 3
    assert [decision.record["same_as"] for decision in run.decisions[:3]] == [None, 0, 0] and len(run.results) == 1


def test_a_class_that_fails_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    with pytest.raises(UsageError, match="First cannot choose here: RuntimeError: out of ideas"):
        tune(sampler={"name": f"{tmp_path}/own.py:First", "fails_after": 5}).check_here()


def test_nothing_of_optuna_and_no_code_is_needed_to_read_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """`status` of a study works on a host that lacks the sampler's class."""
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    block = {"sampler": "nowhere.py:Sampler", "space": SPACE, "settings": 3}
    assert Tune.parse(block, {}, ONE, "own.yaml").start()["next"] == 0


def test_names_of_a_space_that_the_objective_takes_are_passed_to_it() -> None:
    block = {"space": {"lr": {"log": [1e-4, 0.1]}, "factor": {"range": [1, 4]}}, "derive": {"width": "8 * factor"}}
    made = with_new_names({**block, "where": ["lr < 1"]}, {"width": 8}, {"lr", "width"}, False, "own.yaml", "tune")
    assert made == {**block, "where": ["lr < 1"], "pass": ["lr"]}
    with pytest.raises(UsageError, match=r"own.yaml: tune.space: 'learning_rat' is not in the config; did you mean"):
        misspelt = {"space": {"learning_rat": {"log": [1e-4, 0.1]}}}
        with_new_names(misspelt, {"learning_rate": 0.1}, (), False, "own.yaml", "tune")
