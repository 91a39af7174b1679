"""`init`: from a command to a starter definition. Nothing is written unless everything was found and checked."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from objectives.command.command import Command
from objectives.named_keys import module_file
from storage.errors import UsageError
from storage.files import replacing
from storage.home import CHECKOUT
from storage.names import MAX_STUDY_NAME_CHARACTERS, check_name
from studies.definition.definition import Definition
from studies.definition.searches import search_of
from studies.scripts.help_text import HELP_SECONDS
from studies.scripts.hints import hints
from studies.scripts.source import Source
from studies.starter import choices
from studies.starter.measured import measured
from studies.starter.page import Starter, fit_block, grid_block, grow_block, tune_block
from studies.starter.settings import settings_of
from studies.starter.space import space


@dataclass(frozen=True)
class WrittenStarter:
    """A starter that was written."""

    file: Path
    name: str
    lines: Sequence[str]
    """For people: what was found, what is to be edited, the next two commands."""


def write_starter(
    search: str, text: str, out: Path | None, force: bool, seconds: float = HELP_SECONDS
) -> WrittenStarter:
    """Write a starter for a command.

    Args:
        text: The command, as one types it.
        out: The file; None: NAME.yaml in the current folder, NAME being the script's.
        seconds: That the script's `--help` may take.

    Raises:
        UsageError: There is no such script, its flags cannot be read, or the file exists. Nothing was written.
    """
    here = Path.cwd()
    arguments = _arguments(text, here)
    script = _script(arguments, here)
    file = (here / (out or f"{_name(script)}.yaml")).absolute()
    name = check_name(file.stem, "--out" if out else "init")
    if not file.parent.is_dir():
        raise UsageError(f"--out: there is no folder {file.parent}")
    if file.exists() and not (force and file.is_file()):
        raise UsageError(f"init: {out or file.name} exists; --force replaces it, --out FILE writes another")
    source = Source.of(script)
    read = settings_of(arguments, source, here, seconds)
    sent, needed = read.sent, read.needed
    found = measured(search, hints(source), sent)
    commands = _next_commands(_program(), name, file, here)
    starter = Starter(
        search=search,
        origin=read.origin,
        command=read.command,
        cwd=os.path.relpath(here, file.parent),
        sent=sent,
        measured=found,
        block=_block(search, sent, script.name),
        next_commands=_next_commands("studyhall", name, file, here),
    )
    _write(starter, file)
    edits = [*found.edits, *(f"config: {each} has no default, and the script needs it" for each in sent.required)]
    lacking = needed[_words_after(arguments, script) :]
    if lacking:
        edits.append(f"objective.command: the script needs {' '.join(lacking)}")
    return WrittenStarter(
        file,
        name,
        [
            f"wrote {out or file.name}: {read.shown}",
            found.shown,
            *(f"edit {each}" for each in edits),
            "next:",
            *(f"  {each}" for each in commands),
        ],
    )


def _arguments(text: str, here: Path) -> list[str]:
    """The command's arguments.

    Raises:
        UsageError: It is no command, or its program is missing.
    """
    if "{" in text or "}" in text:
        raise UsageError(
            "init: --command: write it as you would type it, with a file of yours where it reads one"
            " (--config base.json); init adds the placeholders"
        )
    metrics = {"json": "{run_dir}/metrics.jsonl"}
    command = Command.parse({"command": text, "metrics": metrics}, here, (), "init: --command")
    fault = command.validate({})
    if fault is not None:
        raise UsageError(f"init: --{fault}")
    return list(command.arguments)


def _script(arguments: Sequence[str], here: Path) -> Path:
    """The Python file that a command runs: `train.py`, or of `-m package.train`.

    Raises:
        UsageError: There is none.
    """
    named = next((each for each in arguments if each.endswith(".py")), None)
    if named is None and "-m" in arguments[:-1]:
        module = arguments[arguments.index("-m") + 1]
        for each in (f"{module}.__main__", module):
            found = module_file(each, [here])
            if found is not None:
                return found[0]
        raise UsageError(f"init: --command: there is no module {module} in {here}")
    if named is None:
        raise UsageError(f"init: --command: no Python script in {' '.join(arguments)!r}; like `python train.py`")
    script = here / named
    if not script.is_file():
        raise UsageError(f"init: --command: there is no script {script}")
    return script


def _name(script: Path) -> str:
    stem = script.parent.name if script.stem in ("__main__", "__init__") else script.stem
    name = re.sub(r"[^\w.-]", "-", stem).lstrip(".-")[:MAX_STUDY_NAME_CHARACTERS]
    return name or "starter"


def _words_after(arguments: Sequence[str], script: Path) -> int:
    """How many arguments that are no flags follow the script."""
    names = [Path(each).name for each in arguments]
    after = arguments[names.index(script.name) + 1 :] if script.name in names else ()
    return sum(not each.startswith("-") for each in after)


def _block(search: str, sent: choices.Sent, script: str) -> list[str]:
    """The search's own block.

    Raises:
        UsageError: No flag suits the search.
    """
    if search == "grid":
        axes = choices.axes(sent.config)
        if axes:
            return grid_block(axes, sent.has_seed)
        raise UsageError(f"init grid: {script} has no flag with a default that an axis could vary")
    if search == "grow":
        first, others = choices.increments(sent.config)
        if first:
            return grow_block(first, others, sent.has_seed)
        raise UsageError(f"init grow: {script} has no flag with a whole number that a growth could raise")
    if search == "tune":
        first, others = space(sent.config)
        if first:
            return tune_block(first, others, sent.has_seed)
        raise UsageError(f"init tune: {script} has no flag with a default that an axis could vary")
    possible = choices.fitted(sent.config)
    if possible:
        return fit_block(possible)
    raise UsageError(f"init fit: {script} has no flag for a size, like --batch_size, that could be made to fit")


def _write(starter: Starter, file: Path) -> None:
    """Write it, if it is a definition."""
    try:
        with replacing(file) as aside:
            aside.write_text(starter.text(), encoding="utf-8")
            search_of(Definition.load(aside, starter.search), aside.name)
    except UsageError as error:
        raise UsageError(f"init: these flags make no definition: {error.what}") from error
    except OSError as error:
        raise UsageError(f"--out: {file}: {error.strerror}") from error


def _next_commands(program: str, name: str, file: Path, here: Path) -> list[str]:
    """The dry run, and the run."""
    found = file in (here / f"{name}.yaml", here / "studies" / f"{name}.yaml")
    shown = f"{program} run {name}" if found else f"{program} run {name} --file {os.path.relpath(file, here)}"
    return [f"{shown} --dry-run", shown]


def _program() -> str:
    """This program as it is typed here."""
    called = Path(sys.argv[0])
    return called.name if called.name == "studyhall" else f"python {CHECKOUT / 'cli.py'}"
