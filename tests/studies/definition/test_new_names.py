"""Names that the config lacks: what a file and `--set` may say, against the objective's own keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from storage.errors import UsageError
from studies.definition.definition import Definition
from tests.support.definitions import load

GPT = "search: grid\nobjective: gpt\nscore: {metric: val_loss, direction: minimize}\n"
OWN = GPT.replace("gpt", "own.py:own")
BLOCK = "grid: {axes: {n_head: [1]}}\nconfig: {n_head: 1, eval_interval: 5, opt: {lr: 0.1}}\n"
SOURCE = {
    "closed": "def own(config):\n    return config['n_head'] + config['eval_iters'] + config['opt']['lr']\n",
    "open": "def own(config):\n    return train(**config)\n",
}


def definition(folder: Path, text: str, source: str = "open") -> Definition:
    (folder / "own.py").write_text(SOURCE[source])
    return load(folder, text)


@pytest.mark.parametrize(
    ("text", "source", "setting"),
    [
        (GPT, "open", "eval_iters=20"),
        (OWN, "closed", "eval_iters=20"),
        (OWN, "closed", "opt.decay=0.1"),
        (OWN, "open", "eval_iters=20"),
        (OWN, "open", "n_kv_head=20"),
        (OWN, "open", "opt.momentum=0.9"),
        (OWN, "open", "data.path=a"),
    ],
)
def test_a_key_that_the_objective_may_know_needs_no_plus(tmp_path: Path, text: str, source: str, setting: str) -> None:
    made = definition(tmp_path, text + BLOCK, source).with_settings([setting])
    name, _, value = setting.partition("=")
    at = made.config
    for part in name.split("."):
        at = at[part]
    assert str(at) == value and made.config["opt"]["lr"] == 0.1


@pytest.mark.parametrize(
    ("text", "source", "setting", "words"),
    [
        (GPT, "open", "n_haed=2", "there is no key 'n_haed'; .*did you mean 'n_head'.*a new key: \\+n_haed=2"),
        (GPT, "open", "eval_itres=2", "did you mean 'eval_iters'"),
        (GPT, "open", "epochs=2", "the objective reads no such key"),
        (OWN, "closed", "epochs=2", "the objective reads no such key; allowed: "),
        (OWN, "open", "n_haed=2", "did you mean 'n_head'"),
        (OWN, "open", "opt.rl=2", None),
        (OWN, "open", "eval_intervall=2", "did you mean 'eval_interval'"),
        (
            OWN,
            "open",
            "grid.axes.n_heads=[2]",
            "--set: grid.axes: 'n_heads' is not in the config; did you mean 'n_head'",
        ),
    ],
)
def test_a_misspelt_one_is_refused(tmp_path: Path, text: str, source: str, setting: str, words: str | None) -> None:
    made = definition(tmp_path, text + BLOCK, source)
    if words is None:  # two letters are not enough to tell
        made.with_settings([setting])
        return
    with pytest.raises(UsageError, match=words):
        made.with_settings([setting])
    if "grid" not in setting:
        assert made.with_settings([f"+{setting}"]).config[setting.partition("=")[0]] == 2


def test_an_axis_that_only_expressions_use_is_passed_where_the_objective_names_it(tmp_path: Path) -> None:
    block = "grid: {axes: {n_head: [1], factor: [2], eval_iters: [3]}, where: n_head * factor < eval_iters}\n"
    made = definition(tmp_path, OWN + block, "closed")
    assert made.settings["pass"] == ["n_head", "eval_iters"] and made.config == {}
    assert Definition.from_json(made.to_json()).settings == made.settings
    assert "pass" not in definition(tmp_path, OWN + block).settings
    with pytest.raises(
        UsageError, match=r"own.yaml: grid.axes: 'n_haed' is not in the config; .*did you mean 'n_head'"
    ):
        definition(tmp_path, OWN + "grid: {axes: {n_haed: [1]}}\n", "closed")


def test_a_fits_axis_needs_no_twin_either(tmp_path: Path) -> None:
    fit = OWN.replace("grid", "fit")
    assert definition(tmp_path, fit + "fit: {axis: opt.size, low: 1}\nconfig: {opt: {lr: 1}}\n").search == "fit"
    with pytest.raises(UsageError, match=r"own.yaml: fit.axis: 'n_haed' is not in the config; did you mean 'n_head'"):
        definition(tmp_path, fit + "fit: {axis: n_haed, low: 1}\nconfig: {n_head: 1}\n")


def test_a_study_that_passed_no_helper_goes_on_so_while_its_block_stays_the_same(tmp_path: Path) -> None:
    text = (
        OWN
        + "grid: {axes: {eval_iters: [1, 2]}, derive: {n_head: 2 * eval_iters}}\nconfig: {n_head: 1, opt: {lr: 1}}\n"
    )
    made = definition(tmp_path, text, "closed")
    assert made.settings["pass"] == ["eval_iters"]
    stored = replace(made, settings={key: value for key, value in made.settings.items() if key != "pass"})
    assert made.with_helpers_of(stored) == stored
    assert made.with_helpers_of(made) == made
    edited = definition(tmp_path, text.replace("[1, 2]", "[1, 2, 3]"), "closed")
    assert edited.with_helpers_of(stored) == edited
