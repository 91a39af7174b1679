"""What a shell offers next, asked through real bash: verbs, options, study names, trials; quiet where nothing is."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.home import CHECKOUT
from tests.support.growth_trace import write_definition
from tests.support.preloaded import CLI
from tests.support.program import Program, growth_of

Offers = Callable[..., list[str]]


@pytest.fixture
def offers(program: Program, environment: dict[str, str]) -> Offers:
    """What bash offers after these words, by the script that `completion bash` prints."""
    script = program("completion", "bash").stdout

    def ask(*words: str, **more: str) -> list[str]:
        line = " ".join(map(shlex.quote, words))
        call = f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _studyhall_completion {words[0]}"
        if words[0] != "studyhall":
            call = call.replace("_studyhall_completion", "_studyhall_python")
        told = subprocess.run(
            ["bash", "-c", f'{script}\n{call}\nprintf "%s\\n" "${{COMPREPLY[@]}}"'],
            env={**environment, "PATH": f"/usr/bin:/bin:{Path(sys.executable).parent}", **more},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert told.returncode == 0 and not told.stderr, told.stderr
        return told.stdout.split()

    return ask


def test_verbs_options_searches_and_shells(offers: Offers) -> None:
    assert {"run", "status", "show", "storage", "completion"} <= set(offers("studyhall", ""))
    assert offers("studyhall", "sta") == ["status"] and offers("studyhall", "run", "g") == ["grow", "grid"]
    assert offers("studyhall", "show", "--l") == ["--log", "--latex"]
    assert {"up", "down", "url"} <= set(offers("studyhall", "storage", ""))
    assert offers("studyhall", "completion", "") == ["bash", "zsh", "fish"]
    assert set(offers("studyhall", "run", "grow", "--gpus", "")) >= {"auto", "all", "none"}
    assert offers("studyhall", "run", "grow", "--study", "lo") == ["lobo"]
    assert "ablate" in offers("studyhall", "run", "grid", "--study", "")
    assert "ablate" not in offers("studyhall", "run", "grow", "--study", "")


def test_studies_trials_formats_and_costs_of_the_storage(offers: Offers, program: Program, tmp_path: Path) -> None:
    body = "def own(config):\n    assert config['b'] < 2\n    return {'score': config['a'], 'params': 1}\n"
    assert (
        program("run", "grow", "--study", "隠れ層", "--file", growth_of(tmp_path, body, "attempts: 1\n")).returncode
        == 1
    )
    for number in (1, 2):
        file = write_definition(tmp_path, steps=2)
        assert program("run", "grow", "--study", f"trace-{number}", "--file", file).returncode == 0
    assert offers("studyhall", "show", "--study", "") == ["隠れ層", "trace-1", "trace-2"]
    assert offers("studyhall", "status", "--study", "tra") == ["trace-1", "trace-2"]
    assert offers("studyhall", "rename", "tra") == offers("studyhall", "copy", "tra") == ["trace-1", "trace-2"]
    assert offers("studyhall", "show", "--study", "trace-1", "--trial", "1") == ["1", "10", "11", "12", "13", "14"]
    assert offers("studyhall", "retry", "--study", "trace-1", "--trial", "") == []
    assert offers("studyhall", "retry", "--study", "隠れ層", "--trial", "") == ["2"]
    assert offers("studyhall", "export", "--study", "trace-1", "--as", "") == ["csv", "json", "results-yaml"]
    assert "parquet" in offers("studyhall", "export", "--as", "")
    assert offers("studyhall", "show", "--study", "trace-1", "--trial", "';--") == []
    assert offers("python", CLI, "show", "--study", "trace-") == ["trace-1", "trace-2"]


def test_a_definition_that_is_not_utf_8_hides_no_other(
    offers: Offers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "latin.yaml").write_bytes("# größer\nsearch: grid\n".encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    assert {"latin", "ablate"} <= set(offers("studyhall", "run", "grid", "--study", ""))


def test_where_no_storage_is_nothing_is_started_made_or_said(offers: Offers, tmp_path: Path) -> None:
    nowhere = {"STUDYHALL_STORAGE": "", "STUDYHALL_HOME": str(tmp_path / "nothing")}
    assert offers("studyhall", "show", "--study", "", **nowhere) == []
    assert not (tmp_path / "nothing").exists()
    for url in ("postgresql://me:secret@127.0.0.1:1/none", "mysql://what", "postgresql://[", "postgresql://x:y:z@@/"):
        assert offers("studyhall", "show", "--study", "", STUDYHALL_STORAGE=url) == []
        assert offers("studyhall", "show", "--trial", "", STUDYHALL_STORAGE=url) == []


def test_another_script_of_python_is_left_to_bash(offers: Offers, tmp_path: Path) -> None:
    other = tmp_path / "cli.py"
    other.write_text("")
    assert offers("python", str(other), "sta") == [] and offers("python", CLI[:-2]) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_runs_this_checkout_where_no_program_is_installed(
    program: Program, environment: dict[str, str], shell: str
) -> None:
    environment["PATH"] = "/usr/bin:/bin"
    script = program("completion", shell).stdout
    assert script.startswith("#") and f"completion {shell}" in script.splitlines()[0]
    assert script.count(f"{sys.executable} {CLI}") == 2, "asking it, and being it"
    assert "%(" not in script and f"{shell}_complete" in script


def test_completing_imports_nothing_heavy(environment: dict[str, str]) -> None:
    ask = {"COMP_WORDS": "studyhall show --study ", "COMP_CWORD": "3", "_STUDYHALL_COMPLETE": "bash_complete"}
    code = "import sys, atexit, cli; atexit.register(lambda: print('|' + ' '.join(sys.modules))); cli.main()"
    told = subprocess.run(
        [sys.executable, "-c", code], env={**environment, **ask}, cwd=CHECKOUT, capture_output=True, text=True
    )
    modules = set(told.stdout.rpartition("|")[2].split())
    assert "studies.completion.offers" in modules and not modules & {
        "torch",
        "optuna",
        "numpy",
        "rich",
        "textual",
        "yaml",
    }
