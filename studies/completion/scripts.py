"""The script that makes a shell complete our command line: click's own, for the program or for `python cli.py`."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import click
from click.shell_completion import get_completion_class

PROGRAM = "studyhall"
VARIABLE = "_STUDYHALL_COMPLETE"
"""By which a shell asks the program what can be typed next."""
SHELLS = ("bash", "zsh", "fish")

HOW = {
    "bash": '# In ~/.bashrc:  eval "$({command} completion bash)"\n',
    "zsh": '# In ~/.zshrc, after compinit:  eval "$({command} completion zsh)"\n',
    "fish": "# In ~/.config/fish/config.fish:  {command} completion fish | source\n",
}

# Completes `python cli.py …` of this checkout. Another script gets what it got before; where there is a completion for
# python already, it is left alone.
OF_PYTHON = """
_studyhall_python() {{
    [[ $COMP_CWORD -gt 1 && ${{COMP_WORDS[1]}} -ef {file} ]] || return 0
    COMP_WORDS=({program} "${{COMP_WORDS[@]:2}}")
    COMP_CWORD=$((COMP_CWORD - 1))
    _studyhall_completion
}}
complete -p python >/dev/null 2>&1 || complete -o default -o bashdefault -F _studyhall_python python python3
"""
AS_FUNCTION = {
    "bash": '\n{program}() {{ {command} "$@"; }}\n',
    "zsh": '\n{program}() {{ {command} "$@"; }}\n',
    "fish": "\nfunction {program}; {command} $argv; end;\n",
}


def script(shell: str, cli: click.Command, file: Path) -> str:
    """What the shell has to evaluate.

    Args:
        shell: One of SHELLS.
        cli: The command line.
        file: cli.py: where no program `studyhall` is installed, one is made of it.
    """
    made = get_completion_class(shell)
    assert made is not None
    text = made(cli, {}, PROGRAM, VARIABLE).source()
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(file))}"
    # Asked is this very code, whatever the words on the line would run.
    for asking in ("bash_complete $1)", f"zsh_complete {PROGRAM})", f"(commandline -t) {PROGRAM})"):
        text = text.replace(asking, asking.replace("$1" if "$1" in asking else PROGRAM, command))
    text = text.replace(f"    (( ! $+commands[{PROGRAM}] )) && return 1\n", "")
    if shutil.which(PROGRAM) is None:
        text += AS_FUNCTION[shell].format(program=PROGRAM, command=command)
    if shell == "bash":
        text += OF_PYTHON.format(file=shlex.quote(str(file)), program=PROGRAM)
    return HOW[shell].format(command=f"python {shlex.quote(str(file))}") + text
