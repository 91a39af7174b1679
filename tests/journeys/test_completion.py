"""Completion in an interactive shell."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.support.growth_trace import write_definition
from tests.support.preloaded import CLI
from tests.support.program import Program
from tests.support.terminal import Terminal, needs_tmux


@needs_tmux
def test_the_tab_key_of_an_interactive_bash(program: Program, environment: dict[str, str], tmp_path: Path) -> None:
    assert program("run", "grow", "--study", "trace", "--file", write_definition(tmp_path, steps=1)).returncode == 0
    (tmp_path / "rc").write_text(f'PS1="ready> "\neval "$({sys.executable} {CLI} completion bash)"\n')
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    shell = Terminal(["bash", "--rcfile", str(tmp_path / "rc"), "-i"], {**environment, "PATH": path}, 120, 20)
    try:
        shell.shows("ready>")
        shell.keys(f"python {CLI} sho", "Tab")
        shell.shows("cli.py show")
        shell.keys("--study tr", "Tab")
        shell.shows("cli.py show --study trace")
        shell.keys("--mark", "Tab", "Enter")
        shell.shows("| round |", "mlp_size → 64")
    finally:
        shell.close()
