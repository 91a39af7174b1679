"""An objective that is a command: any training script, started with an argument list and read while it runs.

    objective:
      command: python train.py --n_layer {n_layer} --seed {seed} --out_dir {run_dir}
      metrics: {json: "{run_dir}/metrics.jsonl"}

Here it is checked and kept; objectives/command/run.py runs it. There is no shell: the text is split once, like a shell
would, and filled in afterwards.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectives.command.placeholders import FLAGS, MODES, as_text, fill, flags_of, leaves, names_in
from storage.checks import known_keys
from storage.errors import UsageError, nearest

PREFIX = "command:"
KEYS = ("command", "cwd", "env", "flags", "metrics")
SOURCES = ("json", "csv", "stdout")
TRIAL = ("seed", "run_dir", "checkpoint_dir", "trial", "attempt", "device", "threads", "config_json")
"""Placeholders that every trial has, beside {flags} and the keys of its config."""
SHELL = ("|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1", "&>")
LONGEST = 60_000  # characters: it travels as an argument, and no system allows less
SLOTS = "CUDA_VISIBLE_DEVICES"
SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD)$", re.IGNORECASE)


@dataclass(frozen=True)
class Metrics:
    """Where a command's metrics are read from."""

    source: str
    """One of SOURCES."""
    path: str = ""
    """Of the file, with placeholders, relative to the command's folder."""
    patterns: Mapping[str, str] | None = None
    """Of stdout: a regular expression by metric."""
    step: str | None = None
    """The key or column that holds the step; of stdout, a pattern."""

    @staticmethod
    def parse(document: Any, where: str) -> Metrics:
        """Raises: UsageError: It is no way to read metrics."""
        _only(document, (*SOURCES, "step"), where)
        sources = [key for key in SOURCES if key in document]
        if len(sources) != 1:
            raise UsageError(f"{where}: name one source: json: FILE, csv: FILE or stdout: {{METRIC: PATTERN}}")
        step = document.get("step")
        if step is not None:
            step = _text(step, f"{where}: step")
        if sources == ["stdout"]:
            patterns = document["stdout"]
            if not isinstance(patterns, Mapping) or not patterns:
                raise UsageError(f"{where}: stdout: {patterns!r} is not a mapping of metrics to patterns")
            for name, pattern in patterns.items():
                _check_pattern(pattern, f"{where}: stdout: {name}")
            if step is not None:
                _check_pattern(step, f"{where}: step")
            return Metrics("stdout", patterns=dict(patterns), step=step)
        return Metrics(sources[0], _text(document[sources[0]], f"{where}: {sources[0]}"), step=step)

    def to_json(self) -> dict[str, Any]:
        told = {self.source: self.path if self.patterns is None else dict(self.patterns)}
        return told if self.step is None else {**told, "step": self.step}


@dataclass(frozen=True)
class Command:
    """A checked command, as a definition gives it."""

    arguments: Sequence[str]
    """Templates, one an argument."""
    metrics: Metrics
    folder: Path
    """Of the definition: what is relative is relative to it."""
    cwd: str
    env: Mapping[str, str]
    flags: str
    needs: Sequence[str]
    """The metrics that the study needs."""

    @staticmethod
    def parse(document: Mapping[str, Any], folder: Path, needs: Sequence[str], where: str) -> Command:
        """A definition's `objective:` mapping. Looks at nothing but the mapping itself.

        Raises:
            UsageError: It is not a command, with what is wrong and where.
        """
        _only(document, KEYS, where)
        for key in ("command", "metrics"):
            if key not in document:
                raise UsageError(f"{where}: {key}: is missing")
        mode = document.get("flags", MODES[0])
        if mode not in MODES:
            raise UsageError(f"{where}: flags: {mode!r}{nearest(str(mode), MODES)}")
        env = document.get("env", {})
        if not isinstance(env, Mapping):
            raise UsageError(f"{where}: env: {env!r} is not a mapping of names to values")
        command = Command(
            arguments=_split(document["command"], f"{where}: command"),
            metrics=Metrics.parse(document["metrics"], f"{where}: metrics"),
            folder=folder,
            cwd=_text(document.get("cwd", "."), f"{where}: cwd"),
            env={name: _environment(name, value, f"{where}: env") for name, value in env.items()},
            flags=mode,
            needs=tuple(needs),
        )
        command._check_templates(where)
        if len(command.text) > LONGEST:
            raise UsageError(f"{where}: longer than {LONGEST:,} characters; put it into a script")
        return command

    @staticmethod
    def from_text(text: str) -> Command:
        """What `text` gave.

        Raises:
            UsageError: It is something else.
        """
        try:
            document = json.loads(text.removeprefix(PREFIX))
            folder, needs = Path(document.pop("folder")), document.pop("needs")
        except (ValueError, KeyError, AttributeError, TypeError):
            raise UsageError("objective: a command is a mapping: {command: …, metrics: …}") from None
        return Command.parse(document, folder, needs, "objective")

    @property
    def text(self) -> str:
        """The command as one text: how a definition and a study keep it."""
        document = {
            "command": list(self.arguments),
            "cwd": self.cwd,
            "env": dict(self.env),
            "flags": self.flags,
            "metrics": self.metrics.to_json(),
            "needs": list(self.needs),
            "folder": str(self.folder),
        }
        return PREFIX + json.dumps(document, ensure_ascii=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics that it gives, if it says."""
        return tuple(self.metrics.patterns or ())

    def shown(self) -> str:
        """For messages: the command as one would type it."""
        return shlex.join(self.arguments)

    def same(self, other: Command) -> bool:
        """Whether they differ in where their definitions lie, at most."""
        return self.text.rpartition('"folder": ')[0] == other.text.rpartition('"folder": ')[0]

    def check_here(self) -> None:
        """Raises: UsageError: The folder that it runs in is not on this host."""
        if not names_in(self.cwd, "cwd") and not (self.folder / self.cwd).is_dir():
            raise UsageError(f"objective: cwd: there is no folder {self.folder / self.cwd}")

    def validate(self, config: Mapping[str, Any]) -> str | None:
        """Why it cannot run with this configuration: a placeholder without a value, a program that is not there."""
        keys = {name for name, _ in leaves(config)} | set(config)
        for text in self._templates:
            for name in names_in(text, "command"):
                if name not in keys and name not in TRIAL and name != FLAGS[1:-1]:
                    hint = nearest(name, sorted((*keys, *TRIAL, "flags")))
                    return f"command: {{{name}}} is neither a key of the config nor of the trial{hint}"
                if name in keys and name in TRIAL and name != "seed":
                    return f"command: {{{name}}} is the trial's, and a key of the config; rename the key"
        if FLAGS in self.arguments:
            try:
                flags_of(config, self.flags)
            except UsageError as error:
                return f"command: {error}"
        return self._no_program()

    def unheard(self, varied: Iterable[str]) -> list[str]:
        """Those of these names that the command is never told: whatever their value, it does the same."""
        told = {name for text in self._templates[:-1] for name in names_in(text, "command")}
        if told & {FLAGS[1:-1], "config_json"}:
            return []
        return [name for name in varied if name not in told]

    def _no_program(self) -> str | None:
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
                raise UsageError(f"{where}: {FLAGS} is many arguments, and has to be one of its own, not {text!r}")
        if FLAGS in (self.cwd, self.metrics.path, *self.env.values()):
            raise UsageError(f"{where}: {FLAGS} belongs into the command alone")
        path = self.metrics.path
        relative = not Path(path).is_absolute()
        if path and not names_in(path, where) and not (relative and names_in(self.cwd, where)):
            raise UsageError(
                f"{where}: metrics: {path!r} would be one file for all trials; put {{run_dir}} or {{trial}} into it"
            )


def _split(command: Any, where: str) -> tuple[str, ...]:
    if isinstance(command, str):
        try:
            arguments: Sequence[Any] = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"{where}: {str(error)[:1].lower()}{str(error)[1:]} in {command!r}") from error
        for each in arguments:
            if each in SHELL:
                raise UsageError(f"{where}: no shell runs it, so {each!r} would be an argument; put it into a script")
    else:
        arguments = command if isinstance(command, list) else ()
    texts = tuple(as_text(each) for each in arguments if isinstance(each, str | int | float))
    if not texts or len(texts) != len(arguments) or not texts[0]:
        raise UsageError(f"{where}: {command!r} is not a command: a text, or a list of arguments")
    if any("\0" in each for each in texts):
        raise UsageError(f"{where}: an argument cannot hold a NUL")
    return texts


def _environment(name: str, value: Any, where: str) -> str:
    if not name or "=" in name or "\0" in name:
        raise UsageError(f"{where}: {name!r} is not a variable's name")
    if name == SLOTS:
        raise UsageError(f"{where}: {SLOTS} is the slot's to say")
    if SECRET.search(name):
        raise UsageError(
            f"{where}: {name} would be kept with the study; export it, a command inherits what is exported"
        )
    if not isinstance(value, str | int | float) or "\0" in as_text(value):
        raise UsageError(f"{where}: {name}: {value!r} is not a text")
    return as_text(value)


def _check_pattern(pattern: Any, where: str) -> None:
    try:
        groups = re.compile(_text(pattern, where)).groups
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"{where}: {pattern!r} is not a regular expression: {error}") from error
    if not groups:
        raise UsageError(f"{where}: {pattern!r} has no group: put ( ) around the number")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise UsageError(f"{where}: {value!r} is not a text")
    return value


def _only(document: Any, allowed: Sequence[str], where: str) -> None:
    if not isinstance(document, Mapping):
        raise UsageError(f"{where}: {document!r} is not a mapping")
    known_keys(document, allowed, where)
