"""`tag`: words of the user's own on a study."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from studies.dashboard.tags import has_tags, parsed_tag
from tests.support.growth_trace import write_definition
from tests.support.program import Program, answer, refused


@pytest.mark.parametrize(
    "word", ["paper", "paper=", "=2", "two words=1", "k\x1b=1", "k=\x1b", f"{'k' * 61}=1", "k=" + "v" * 501]
)
def test_what_is_no_tag_is_refused(word: str) -> None:
    with pytest.raises(Exception, match="tag: "):
        parsed_tag(word)


def test_a_study_is_found_by_keys_and_by_values() -> None:
    tags = {"paper": "2", "eq": "a=b"}
    assert parsed_tag("eq=a=b") == ("eq", "a=b")
    assert has_tags(tags, []) and has_tags(tags, ["paper", "eq=a=b"]) and has_tags(tags, ["paper=2"])
    assert not has_tags(tags, ["paper=3"]) and not has_tags(tags, ["paper", "owner"])


def test_tags_are_shown_filter_the_list_and_leave_the_seal_alone(program: Program, tmp_path: Path, url: str) -> None:
    file = write_definition(tmp_path, steps=1)
    for name in ("one", "two"):
        assert program("run", "grow", "--study", name, "--file", file).returncode == 0
    seal = answer(program, "audit", "one")["seal"]
    assert program("tag", "one").stdout == "one has no tags\n"
    assert program("tag", "one", "paper=2", "owner=ada b").stdout == "one: owner=ada b, paper=2\n"
    assert program("tag", "--study", "one", "paper=3").stdout == "one: owner=ada b, paper=3\n"
    assert optuna.load_study(study_name="one", storage=url).user_attrs["tag:paper"] == "3"
    assert "tags: owner=ada b, paper=3" in program("status", "one").stdout
    assert [each["study"] for each in answer(program, "status", "--tag", "paper=3")] == ["one"]
    assert "two" not in (listed := program("status", "--tag", "owner").stdout) and "owner=ada b, paper=3" in listed
    assert program("status", "--tag", "nothing").stdout == "no study has the tags nothing\n"
    refused(program("tag", "one", "papr", "--remove"), "no tag 'papr'", "did you mean 'paper'")
    assert program("tag", "one", "paper", "--remove").stdout == "one: owner=ada b\n"
    assert answer(program, "audit", "one", "--seal", seal)["seal"] == seal
    assert program("copy", "one", "three").returncode == 0
    assert program("tag", "three").stdout == "three: owner=ada b\n"
