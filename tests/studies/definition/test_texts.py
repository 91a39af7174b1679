"""A text where a boolean or a number is meant is refused, with what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.errors import UsageError
from studies.definition.definition import Definition

DEFINITION = """
search: grid
objective: gpt
score: {{metric: val_loss, direction: minimize}}
config: {{bias: false, lr: 0.1, name: adam, opt: {{lr: 1}}, clip: null, many: [1, 2]}}
grid: {{axes: {{{axes}}}}}
"""


def definition(folder: Path, axes: str) -> Definition:
    file = folder / "own.yaml"
    file.write_text(DEFINITION.format(axes=axes))
    return Definition.load(file)


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ("bias: [yes, no]", "grid.axes.bias: 'yes' is a text and replaces the config's false; write true"),
        ("bias: [true, off]", "'off' is a text and stands beside true; write false"),
        ("lr: [1_000, 2]", "'1_000' is a text and stands beside 2; write 1000"),
        ("lr: ['1,000']", "'1,000' is a text and replaces the config's 0.1; write 1000"),
        ("lr: ['0.1', 0.2]", "'0.1' is a text and stands beside 0.2; write 0.1"),
        ("lr: [None, 0.2]", "'None' is a text and stands beside 0.2; write null"),
        ("lr: [fast, 0.2]", "where texts are meant, all values have to be texts"),
        ("opt.lr: [slow]", "grid.axes.opt.lr: 'slow' is a text and replaces the config's 1"),
        ("name: [adam, 1]", "'adam' is a text and stands beside 1"),
    ],
)
def test_an_axis_with_a_text_among_booleans_or_numbers_is_refused(tmp_path: Path, axes: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        definition(tmp_path, axes)
    assert words in str(caught.value) and "own.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("axes", "values"),
    [
        ("bias: [True, False]", [True, False]),
        ("lr: [null, 0.2, 1]", [None, 0.2, 1]),
        ("name: [adam, sgd, yes]", ["adam", "sgd", "yes"]),
        ("name: [adam, null]", ["adam", None]),
        ("clip: [off]", ["off"]),
    ],
)
def test_texts_alone_booleans_and_numbers_are_taken(tmp_path: Path, axes: str, values: list[object]) -> None:
    [found] = definition(tmp_path, axes).settings["axes"].values()
    assert [(type(each), each) for each in found] == [(type(each), each) for each in values]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bias=no", "--set bias: 'no' is a text and replaces the config's false; write false"),
        ("opt.lr=1_0", "--set opt.lr: '1_0' is a text and replaces the config's 1; write 10"),
        ("many[1]=x", "--set many[1]: 'x' is a text and replaces the config's 2"),
        ("grid.axes.lr=[on, 1]", "'on' is a text and stands beside 1; write true"),
    ],
)
def test_a_set_value_too(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        definition(tmp_path, "lr: [1, 2]").with_settings([text])
    assert words in str(caught.value)


def test_a_stored_definition_of_before_is_opened_as_it_is(tmp_path: Path) -> None:
    stored = definition(tmp_path, "clip: [yes]").to_json()
    stored["grid"]["axes"] = {"bias": ["True", "False"]}
    assert Definition.from_json(stored).settings["axes"]["bias"] == ["True", "False"]
