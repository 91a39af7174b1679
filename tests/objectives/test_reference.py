"""What serves as an objective, and what is refused when it is loaded: one line, before any trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from objectives.outcome import Kind, Outcome
from objectives.process.warm import WarmServer
from objectives.reference import Reference
from storage.errors import UsageError
from tests.support.attempts import assignment, outcome, until

MODULE = """
import functools

def plain(config): return config["x"]
def with_trial(config, trial): return trial.seed
def with_default_trial(config, trial=None): return trial.seed
def with_own_default(config, verbose=False): return 0.0 if verbose else config["x"]
def anything(*args): return args[1].seed
def with_more(config, trial, rate): return rate * trial.seed
bound = functools.partial(with_more, rate=2)
bound_plain = functools.partial(with_own_default, verbose=False)

class Model:
    def __init__(self, factor): self.factor = factor
    def __call__(self, config): return self.factor * config["x"]

class WithTrial(Model):
    def __call__(self, config, trial): return trial.seed

class Below(WithTrial): pass

class Async:
    async def __call__(self, config): return 1.0

model, trial_model, below, waits = Model(3), WithTrial(1), Below(1), Async()
counted = len

async def asynchronous(config): return 1.0
def yields(config): yield 1.0
def keywords(**config): return config["x"]
def named(*, x): return x
def nothing(): return 1.0
def three(config, trial, more): return 1.0
def keyword_trial(config, *, trial): return 1.0
later = functools.partial(asynchronous)
number = 3
"""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plain", 1.5),
        ("with_trial", 1337),
        ("with_default_trial", 1337),
        ("with_own_default", 1.5),
        ("anything", 1337),
        ("bound", 2674),
        ("bound_plain", 1.5),
        ("model", 4.5),
        ("trial_model", 1337),
        ("below", 1337),
        ("counted", 2),
    ],
)
def test_what_can_be_called_with_a_config_is_an_objective(tmp_path: Path, name: str, value: float) -> None:
    (tmp_path / "own.py").write_text(MODULE)
    warm = WarmServer(f"{tmp_path}/own.py:{name}")
    ended = outcome(warm.start(assignment(tmp_path, {"x": 1.5})))
    warm.close()
    assert (ended.kind, ended.metrics) == (Kind.COMPLETED, {"value": value}), ended


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("asynchronous", "is async"),
        ("later", "is async"),
        ("waits", "is async"),
        ("yields", "yields"),
        ("Model", "is a class"),
        ("keywords", r"takes \(\*\*config\); an objective takes \(config\) or \(config, trial\)"),
        ("named", r"takes \(\*, x\)"),
        ("nothing", r"takes \(\)"),
        ("three", r"takes \(config, trial, more\)"),
        ("keyword_trial", r"takes \(config, \*, trial\)"),
        ("number", "no function 'number'"),
    ],
)
def test_what_cannot_is_one_line(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "own.py").write_text(MODULE)
    warm = WarmServer(f"{tmp_path}/own.py:{name}")
    with pytest.raises(UsageError, match=words) as caught:
        warm.describe({})
    warm.close()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a\\0", "a\\ud800", "a" * 201])
def test_a_name_that_cannot_be_kept_is_left_out_and_the_trial_goes_on(tmp_path: Path, name: str) -> None:
    body = f'    trial.report(1, **{{"{name}": 1.0, "b": 2.0}})\n    return {{"{name}": 1.0, "b": 3.0}}\n'
    (tmp_path / "own.py").write_text(f"def own(config, trial):\n{body}")
    warm = WarmServer(f"{tmp_path}/own.py:own")
    report, ended = until(warm.start(assignment(tmp_path)), Outcome)
    warm.close()
    assert report.metrics == {"b": 2.0} and (ended.kind, ended.metrics) == (Kind.COMPLETED, {"b": 3.0})
    assert "cannot be the name of a metric: left out" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("stem", ["objectives", "signal", "storage"])
def test_a_users_file_may_be_called_like_one_of_ours(tmp_path: Path, stem: str) -> None:
    (tmp_path / f"{stem}.py").write_text("def own(config, trial):\n    trial.report(1, a=2)\n    return 1.0\n")
    warm = WarmServer(Reference.parse(f"{stem}.py:own", tmp_path).text)
    assert warm.inspect([{}])[0].refusal is None
    assert outcome(warm.start(assignment(tmp_path))).kind is Kind.COMPLETED
    warm.close()
