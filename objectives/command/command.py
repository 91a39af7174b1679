"""An objective that is a command: any training script, started with a list of arguments and followed while it runs.

    objective:
      command: python train.py --n_layer {n_layer} --seed {seed} --out_dir {run_dir}
      metrics: {json: "{run_dir}/metrics.jsonl"}

This module checks and stores the command; objectives/command/run.py runs it. No shell is involved: the text is split
once, as a shell would split it, and then the placeholders are filled in.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from objectives.command.flags import Spelling
from objectives.command.measures import MEASURES
from objectives.command.metrics import Metrics, check_mapping, check_text
from objectives.command.placeholders import FLAGS, as_text, fill, leaves, names_in
from objectives.command.switches import deaf_switch
from storage.errors import UsageError, nearest

COMMAND_PREFIX = "command:"
COMMAND_KEYS = ("command", "cwd", "env", "flags", "lists", "metrics", "words")
TRIAL_PLACEHOLDERS = (
    *("seed", "run_dir", "checkpoint_dir", "trial", "attempt"),
    *("device", "threads", "config_json", "python"),
)
"""Placeholders that every trial has, beside {flags} and the keys of its config."""
SHELL_OPERATORS = ("|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1", "&>")
MAX_COMMAND_CHARACTERS = 60_000  # it is passed as one argument, and every system allows that many
UNQUOTED = re.compile(r"[\w@%+=:,./{}-]+", re.ASCII)
"""A word of a command that needs no quotes in a definition, where braces are placeholders."""
INTERPRETER = re.compile(r"python(3(\.\d+)?)?|bash|sh|zsh|Rscript|julia|node|perl|ruby")
SCRIPT_SUFFIXES = (".py", ".sh", ".R", ".jl", ".js", ".mjs", ".pl", ".rb")
PYTHON_NAME = re.compile(r"python(3(\.\d+)?)?")
DEVICES_VARIABLE = "CUDA_VISIBLE_DEVICES"
SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE)


@dataclass(frozen=True)
class Command:
    """A checked command from a definition."""

    arguments: Sequence[str]
    """A template for each argument."""
    metrics: Metrics
    folder: Path
    """The definition's folder; relative paths start there."""
    cwd: str
    env: Mapping[str, str]
    spelling: Spelling
    needs: Sequence[str]
    """The metrics that the study needs."""

    @staticmethod
    def parse(document: Mapping[str, Any], folder: Path, needs: Sequence[str], where: str) -> Command:
        """Check a definition's `objective:` mapping, without a look at files or programs.

        Raises:
            UsageError: The mapping is not a command; the message says what is wrong and where.
        """
        check_mapping(document, COMMAND_KEYS, where)
        for key in ("command", "metrics"):
            if key not in document:
                raise UsageError(f"{where}: {key}: is missing")
        env = document.get("env", {})
        if not isinstance(env, Mapping):
            raise UsageError(f"{where}: env: {env!r} is not a mapping of names to values")
        command = Command(
            arguments=_split(document["command"], f"{where}: command"),
            metrics=Metrics.parse(document["metrics"], f"{where}: metrics"),
            folder=folder,
            cwd=check_text(document.get("cwd", "."), f"{where}: cwd"),
            env={name: _environment(name, value, f"{where}: env") for name, value in env.items()},
            spelling=Spelling.parse(document, where),
            needs=tuple(needs),
        )
        command._check_templates(where)
        if len(command.text) > MAX_COMMAND_CHARACTERS:
            raise UsageError(f"{where}: longer than {MAX_COMMAND_CHARACTERS:,} characters; put it into a script")
        return command

    @staticmethod
    def from_text(text: str) -> Command:
        """The command that gave this `text`.

        Raises:
            UsageError: The text holds no command.
        """
        try:
            document = json.loads(text.removeprefix(COMMAND_PREFIX))
            folder, needs = Path(document.pop("folder")), document.pop("needs")
        except (ValueError, KeyError, AttributeError, TypeError):
            raise UsageError("objective: a command is a mapping: {command: …, metrics: …}") from None
        return Command.parse(document, folder, needs, "objective")

    @property
    def text(self) -> str:
        """The command as one text, as a definition and a study store it."""
        document = {
            "command": list(self.arguments),
            "cwd": self.cwd,
            "env": dict(self.env),
            **self.spelling.to_json(),
            "metrics": self.metrics.to_json(),
            "needs": list(self.needs),
            "folder": str(self.folder),
        }
        return COMMAND_PREFIX + json.dumps(document, ensure_ascii=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics that its patterns name, and what is measured and needed; empty where a file names them."""
        measured = [name for name in self.needs if name in MEASURES]
        return (*self.metrics.patterns, *measured) if self.metrics.patterns else ()

    def shown(self) -> str:
        """The command as its definition has it, for messages: braces need no quotes there."""
        return " ".join(each if UNQUOTED.fullmatch(each) else shlex.quote(each) for each in self.arguments)

    def same(self, other: Command) -> bool:
        """Whether the two are equal but for the folders of their definitions, and for how metrics are read: a
        corrected pattern reads the same trainings."""
        return replace(self, folder=other.folder, metrics=other.metrics).text == other.text

    def reading_as(self, other: Command) -> Command:
        """With the `metrics:` of another one."""
        return replace(self, metrics=other.metrics)

    @property
    def reads_file(self) -> bool:
        """Whether it is given its configuration as a file of JSON, and not as flags."""
        return FLAGS not in self.arguments and "config_json" in _named_in(self.arguments)

    @property
    def sends_seed(self) -> bool:
        """Whether an argument of its own holds the seed, so that {flags} leaves it out."""
        return "seed" in _named_in(self.arguments)

    @property
    def needs_config_file(self) -> bool:
        """Whether an argument or a variable names the file of {config_json}."""
        return "config_json" in _named_in((*self.arguments, *self.env.values()))

    def check_here(self) -> None:
        """Check that the folder to run in exists on this host, and the script in it.

        Raises:
            UsageError: There is no such folder, or no such script.
        """
        if not names_in(self.cwd, "cwd") and not (self.folder / self.cwd).is_dir():
            raise UsageError(f"objective: cwd: there is no folder {self.folder / self.cwd}")
        named = self._named_script()
        if named is not None and not names_in(self.cwd, "cwd") and not (self.folder / self.cwd / named).is_file():
            raise UsageError(f"objective: command: there is no script {self.folder / self.cwd / named}")

    def validate(self, config: Mapping[str, Any]) -> str | None:
        """Why the command cannot run with this config (a placeholder without a value, a missing program), or None."""
        keys = set(places(config))
        for text in self._templates:
            for name in names_in(text, "command"):
                if name not in keys and name not in TRIAL_PLACEHOLDERS and name != FLAGS[1:-1]:
                    hint = nearest(name, sorted((*keys, *TRIAL_PLACEHOLDERS, "flags")))
                    return f"command: {{{name}}} is neither a key of the config nor of the trial{hint}"
                if name in keys and name in TRIAL_PLACEHOLDERS and name != "seed":
                    return f"command: {{{name}}} is the trial's, and a key of the config; rename the key"
        if FLAGS in self.arguments:
            try:
                self.spelling.flags(config)
            except UsageError as error:
                return f"command: {error}"
        twice = [name for name, count in Counter(name for name, _ in leaves(config)).items() if count > 1]
        if twice:
            return f"command: {twice[0]!r} is written twice, as a key of its own and inside {twice[0].split('.')[0]!r}"
        return self._missing_program()

    def unheard(self, varied: Mapping[str, Sequence[Any]], config: Mapping[str, Any] | None = None) -> str | None:
        """Why trials that differ would be the same trial to the command, or why it takes a fixed `false` for true.
        None: neither.

        Args:
            varied: The values of each leaf of the configuration that differ between trials, the seed among them.
            config: The configuration of one trial, of which the other leaves are fixed.
        """
        named = _named_in(self._templates[:-1])
        if "config_json" in named:
            return None
        hears_flags = FLAGS[1:-1] in named
        unnamed = [name for name in varied if not _is_named(name, named)]
        if unnamed and not hears_flags:
            return f"the command has no argument for {', '.join(unnamed)}, which vary; add {{{unnamed[0]}}}"
        for name in unnamed:
            if any(self.spelling.is_left_out(each) for each in varied[name]):
                return (
                    f"{name}: null has no word in `flags: {self.spelling.mode}`, so the command would take its own"
                    " value; say its word, like `words: {null: none}`, or take null off the axis"
                )
            if any(isinstance(each, bool) for each in varied[name]):
                fault = deaf_switch(self.script(), name, self.spelling)
                if fault is not None:
                    return fault
        for name, value in leaves(config or {}) if hears_flags else ():
            if value is False and name not in varied and not _is_named(name, named):
                fault = deaf_switch(self.script(), name, self.spelling, is_fixed=True)
                if fault is not None:
                    return fault
        return None

    def _named_script(self) -> str | None:
        """What an interpreter is given to run: `train.py` of `python -u train.py`; None: another kind of command."""
        program, *others = self.arguments
        if program != "{python}" and not INTERPRETER.fullmatch(Path(program).name):
            return None
        first = next((index for index, each in enumerate(others) if not each.startswith("-")), None)
        if first is None or {"-m", "-c", "-e"} & {*others[:first]} or names_in(others[first], "command"):
            return None
        return others[first] if Path(others[first]).suffix in SCRIPT_SUFFIXES else None

    def script(self) -> Path | None:
        """The Python file that the command runs, if its arguments name one."""
        cwd = self.folder / self.cwd
        files = (cwd / each for each in self.arguments[:4] if each.endswith(".py"))
        return next((file for file in files if file.is_file()), None)

    def sent_flags(self, config: Mapping[str, Any]) -> list[str]:
        """The flags that {flags} sends of a configuration and its seed, `--lr`; none where flags have no hyphens."""
        if FLAGS not in self.arguments or self.spelling.mode == "hydra":
            return []
        own = {} if self.sends_seed else {"seed": 0}
        words = self.spelling.flags({**config, **own})
        return list(dict.fromkeys(each.partition("=")[0] for each in words if each.startswith("--")))

    def named(self) -> set[str] | None:
        """The keys of the config that its placeholders name; None: it is sent all of them."""
        named = _named_in(self._templates)
        return None if named & {FLAGS[1:-1], "config_json"} else named - {*TRIAL_PLACEHOLDERS}

    def other_python(self) -> str | None:
        """`python` of the command is another interpreter than this one: said once, since it may have other packages."""
        program = self.arguments[0]
        if not PYTHON_NAME.fullmatch(program) or self._missing_program() is not None:
            return None
        found = Path(shutil.which(program, path=self.env.get("PATH")) or program)
        ours = Path(sys.executable)
        if (found.parent.resolve(), found.resolve()) == (ours.parent.resolve(), ours.resolve()):
            return None
        return f"the command's {program} is {found}; this worker's is {ours}: write {{python}} where that one is meant"

    def _missing_program(self) -> str | None:
        program = self.arguments[0]
        if names_in(program, "command") or names_in(self.cwd, "cwd"):
            return None
        if os.sep in program:
            file = self.folder / self.cwd / program
            return None if os.access(file, os.X_OK) and file.is_file() else f"command: {file} is not a program"
        path = self.env.get("PATH")
        if path is not None and names_in(path, "env"):
            return None
        program = fill(program, {})
        return None if shutil.which(program, path=path) else f"command: no program {program!r} is on the PATH"

    @property
    def _templates(self) -> list[str]:
        return [*self.arguments, self.cwd, *self.env.values(), self.metrics.path]

    def _check_templates(self, where: str) -> None:
        for text in self._templates:
            names = names_in(text, where)
            if FLAGS[1:-1] in names and text != FLAGS:
                raise UsageError(f"{where}: {FLAGS} is many arguments and has to be one of its own, not {text!r}")
        if FLAGS in (self.cwd, self.metrics.path, *self.env.values()):
            raise UsageError(f"{where}: {FLAGS} belongs into the command alone")
        path = self.metrics.path
        relative = not Path(path).is_absolute()
        if path and not names_in(path, where) and not (relative and names_in(self.cwd, where)):
            raise UsageError(
                f"{where}: metrics: {path!r} would be one file for all trials; put {{run_dir}} or {{trial}} into it"
            )


def places(config: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """What every placeholder of a configuration's keys stands for: `model`, and `model.depth` inside it."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        found[f"{above}{key}"] = value
        if isinstance(value, Mapping):
            found |= places(value, f"{above}{key}.")
    return found


def _above(name: str) -> list[str]:
    """The mappings that a dotted name lies in."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _named_in(texts: Iterable[str]) -> set[str]:
    """The placeholders of these; an escaped {{seed}} is none."""
    return {name for text in texts for name in names_in(text, "command")}


def _is_named(name: str, named: Collection[str]) -> bool:
    """Whether a placeholder sends a leaf of the configuration, or a mapping that holds it."""
    return any(each in named for each in (name, *_above(name)))


def _split(command: Any, where: str) -> tuple[str, ...]:
    if isinstance(command, str):
        try:
            arguments: Sequence[Any] = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"{where}: {str(error)[:1].lower()}{str(error)[1:]} in {command!r}") from error
        for each in arguments:
            if each in SHELL_OPERATORS:
                raise UsageError(
                    f"{where}: no shell runs the command, so {each!r} would be an argument; put it into a script"
                )
    else:
        arguments = command if isinstance(command, list) else ()
    texts = tuple(as_text(each) for each in arguments if isinstance(each, str | int | float))
    if not texts or len(texts) != len(arguments) or not texts[0]:
        hint = "; put a text that begins with a brace in quotes" if isinstance(command, Mapping) else ""
        raise UsageError(f"{where}: {command!r} is not a command: a text, or a list of arguments{hint}")
    if any("\0" in each for each in texts):
        raise UsageError(f"{where}: an argument cannot hold a NUL")
    return texts


def _environment(name: str, value: Any, where: str) -> str:
    if not name or "=" in name or "\0" in name:
        raise UsageError(f"{where}: {name!r} is not a variable's name")
    if name == DEVICES_VARIABLE:
        raise UsageError(f"{where}: {DEVICES_VARIABLE} is set by the slot's device; choose devices with --gpus")
    if SECRET_NAME.search(name):
        raise UsageError(f"{where}: {name} would be kept with the study; export it instead: a command inherits it")
    if not isinstance(value, str | int | float) or "\0" in as_text(value):
        raise UsageError(f"{where}: {name}: {value!r} is not a text")
    return as_text(value)
