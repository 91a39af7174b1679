"""The keys that an objective names: read from its source, never run."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from objectives.difficulty import _OWN_KEYS
from objectives.gpt.config import IGNORED_KEYS, GptConfig
from objectives.named_keys import NamedKeys, named_keys
from storage.home import CHECKOUT


@pytest.mark.parametrize(
    ("body", "keys", "closed"),
    [
        ("return config['a'] + config.get('b', 1)", "ab", True),
        ("return config['a']['x'] if 'b' in config else 0", "ab", True),
        ("return train(config, 1)", "c", True),
        ("return train(other=1, config=config)", "c", True),
        ("return config['a'] + helper(**config)", "a", False),
        ("name = 'b'\n    return config['a'] + config[name]", "a", False),
        ("return sum(config.values())", "", False),
        ("return Model(config).fit()", "", False),
        ("return eval('a', {}, config)", "", False),
        ("return config['a'] + locals()['config']['b']", "a", False),
        ("return 1.0", "", True),
    ],
)
def test_of_a_users_function(tmp_path: Path, body: str, keys: str, closed: bool) -> None:
    (tmp_path / "own.py").write_text(
        f"raise SystemExit('it was run')\ndef train(config, other):\n    return config['c']\n"
        f"def own(config, trial=None):\n    {body}\n"
    )
    assert named_keys(f"{tmp_path / 'own.py'}:own") == NamedKeys(frozenset(keys), closed)


@pytest.mark.parametrize(
    "text", ["def own(config:", "from other import own", "own = make()", "@wrapped\ndef own(config): 1"]
)
def test_of_what_cannot_be_read_nothing_is_known(tmp_path: Path, text: str) -> None:
    (tmp_path / "own.py").write_text(text)
    assert named_keys(f"{tmp_path / 'own.py'}:own") == NamedKeys()
    assert named_keys(f"{tmp_path / 'gone.py'}:own") == named_keys("no.such.module:own") == NamedKeys()


def test_validate_and_cost_name_keys_too(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "def cost(config):\n    return {'memory': config['size']}\ndef own(config):\n    return config['a']\n"
    )
    assert named_keys(f"{tmp_path / 'own.py'}:own") == NamedKeys(frozenset({"a", "size"}), closed=True)


def test_of_a_command_its_placeholders(tmp_path: Path) -> None:
    def keys(command: str) -> NamedKeys:
        document = {"command": command, "metrics": {"stdout": {"loss": "(.)"}}, "needs": [], "folder": str(tmp_path)}
        return named_keys(f"command:{json.dumps(document)}")

    assert keys("train {lr} --seed {seed} {opt.name}") == NamedKeys(frozenset({"lr", "opt.name"}), closed=True)
    assert keys("train {lr} {flags}") == keys("train {config_json}") == NamedKeys()


def test_of_the_objectives_that_ship_without_importing_torch() -> None:
    fields = {each.name for each in dataclasses.fields(GptConfig)}
    assert named_keys("gpt") == NamedKeys(frozenset(fields), closed=True, ignored=IGNORED_KEYS)
    assert fields < named_keys("parameters").keys and not named_keys("parameters").closed
    assert {*_OWN_KEYS} < named_keys("difficulty").keys
    check = "import sys; from objectives.named_keys import named_keys as n; n('gpt'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=CHECKOUT)
