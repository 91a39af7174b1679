"""One run of a command, in its trial's process: its output passed on, its metrics reported, its end told apart.

It is a child in the trial's session, so whatever ends the trial ends it. SIGTERM is passed on to its process group.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from objectives.command.command import Command
from objectives.command.follow import LONGEST_LINE, File, JsonLines, Lines, Patterns, Reader, Row, Table
from objectives.command.placeholders import FLAGS, arguments_of, fill, flags_of, leaves
from objectives.context import TrialContext
from objectives.outcome import AttemptError, Kind
from storage.errors import nearest
from storage.home import CHECKOUT

LOOK = 0.2  # seconds between looks at the metrics file, the process and whether to stop
GRACE = 30.0  # seconds from SIGTERM to SIGKILL for a trial that is stopped early
TAIL = 1 << 14  # bytes of the output's end that are searched for why it failed
MEMORY = re.compile(r"out of memory|^\S*MemoryError\b", re.IGNORECASE | re.MULTILINE)


def run_command(command: Command, config: Mapping[str, Any], trial: TrialContext) -> dict[str, float]:
    """Run it to its end: the last value of each metric.

    Raises:
        AttemptError: It ended in any other way than well, or left out what the study needs.
    """
    return Run(command, config, trial).result()


class Run:
    """A command at work."""

    def __init__(self, command: Command, config: Mapping[str, Any], trial: TrialContext) -> None:
        self.command, self.trial = command, trial
        values = _values(command, config, trial)
        whole = {**config, "seed": trial.seed}
        if any("{seed}" in each for each in command.arguments):
            del whole["seed"]
        self.arguments: list[str] = []
        for each in command.arguments:
            self.arguments += flags_of(whole, command.flags) if each == FLAGS else arguments_of(each, values)
        self.cwd = command.folder / fill(command.cwd, values)
        self.env = {**_environment(), **{name: fill(value, values) for name, value in command.env.items()}}
        self.path = self.cwd / fill(command.metrics.path, values)
        self.file = File(self.path) if command.metrics.path else None
        self.reader = _reader(command)
        self.printed = Lines(LONGEST_LINE)
        self.tail = b""
        self.last: dict[str, float] = {}
        self.at: tuple[int, dict[str, float]] | None = None
        self.rows = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.asked_to_end = False
        self.kill_at: float | None = None

    def result(self) -> dict[str, float]:
        """Start it, follow it, and judge its end."""
        if self.file is not None:
            self._put_aside()
        signal.signal(signal.SIGTERM, self._on_term)
        try:
            # A process group of its own: a launcher and what it launched are told to end together.
            self.process = subprocess.Popen(
                self.arguments,
                cwd=self.cwd,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        except (OSError, ValueError) as error:
            what = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) and error.filename else error
            raise AttemptError(Kind.ERROR, f"the command cannot be started: {what}") from error
        if self.asked_to_end:  # SIGTERM came while it was being started
            self._tell_to_end()
        self._follow(self.process)
        return self._judge(self.process.returncode)

    def _put_aside(self) -> None:
        """What an earlier attempt wrote is no result of this one."""
        old = self.path.with_name(f"{self.path.name}.before-attempt-{self.trial.attempt}")
        try:
            self.path.rename(old)
        except FileNotFoundError:
            return
        except OSError as error:
            raise AttemptError(Kind.ERROR, f"{self.path}: cannot be put aside: {error.strerror}") from error

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        output = process.stdout.fileno()
        os.set_blocking(output, False)
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while True:
                if selector.get_map():
                    ready = selector.select(LOOK)
                else:  # it closed its output, which is what its end looks like
                    ready = []
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(LOOK)
                ended = process.poll() is not None
                if (ready or ended) and not self._pump(output) and selector.get_map():
                    selector.unregister(output)
                self._read_file()
                if ended:
                    break
                self._end_early()
        self._rest()

    def _pump(self, output: int) -> bool:
        """Pass on what it printed; False when nobody can print any more."""
        while True:
            try:
                text = os.read(output, 1 << 16)
            except BlockingIOError:
                return True
            if not text:
                return False
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
            self.tail = (self.tail + text)[-TAIL:]
            if self.file is None:
                for line in self.printed.feed(text):
                    self._take(line)

    def _read_file(self) -> None:
        if self.file is None:
            return
        anew, lines = self.file.read()
        if anew:
            self.reader, self.last, self.at, self.rows = _reader(self.command), {}, None, 0
        for line in lines:
            self._take(line)

    def _rest(self) -> None:
        """The last line, which need not have an end."""
        for line in (self.printed if self.file is None else self.file.lines).rest():
            self._take(line)

    def _take(self, line: str) -> None:
        """Report a line's metrics at its step, with those of earlier lines of that step: a report replaces."""
        row = self.reader.row(line)
        if row is None:
            return
        self.rows += 1
        self.last.update(row.metrics)
        self._report(row)

    def _report(self, row: Row) -> None:
        step = self.rows if row.step is None else row.step
        earlier = self.at[1] if self.at is not None and self.at[0] == step else {}
        told = {**earlier, **{name: value for name, value in row.metrics.items() if name not in ("step", "self")}}
        self.at = (step, told)
        if told:
            self.trial.report(step, **told)

    def _on_term(self, *_: object) -> None:
        self.asked_to_end = True
        self._tell_to_end()

    def _tell_to_end(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def _end_early(self) -> None:
        """What a function would do when `should_stop` is true: SIGTERM, and some time for a checkpoint."""
        if self.kill_at is None and self.trial.should_stop():
            self.kill_at = time.monotonic() + GRACE
            self._tell_to_end()
        elif self.kill_at is not None and time.monotonic() > self.kill_at:
            self._tell_to_end(signal.SIGKILL)

    def _judge(self, code: int) -> dict[str, float]:
        # A script that ends well on SIGTERM has written the metrics of a part of its training: no result.
        if self.asked_to_end:
            raise AttemptError(Kind.KILLED, "SIGTERM")
        if self.kill_at is not None:
            raise AttemptError(Kind.PRUNED, "stopped early" + (f" at step {self.at[0]}" if self.at else ""))
        if code != 0:
            raise self._failure(code)
        for name in self.command.needs:
            if name not in self.last:
                raise AttemptError(Kind.INVALID, f"exited with 0, but {self._missing(name)}")
        if not self.last:
            raise AttemptError(Kind.INVALID, f"exited with 0, but {self._missing('any number')}")
        return self.last

    def _failure(self, code: int) -> AttemptError:
        text = self.tail.decode(errors="replace")
        lines = [line.strip() for line in re.split(r"[\r\n]", text) if line.strip()]
        last = f": {lines[-1][:300]}" if lines else ""
        if MEMORY.search(text):
            told = next(line for line in reversed(lines) if MEMORY.search(line))
            return AttemptError(Kind.OUT_OF_MEMORY, told[:300])
        if code < 0:
            number = -code
            name = signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"
            return AttemptError(Kind.KILLED, f"{name}{last}")
        return AttemptError(Kind.ERROR, f"exited with code {code}{last}")

    def _missing(self, name: str) -> str:
        found = f"it has {', '.join(list(self.last)[:20])}{nearest(name, self.last)}" if self.last else "it has none"
        if self.command.metrics.patterns is not None:
            pattern = self.command.metrics.patterns.get(name)
            return f"no line of its output matches {pattern!r} for {name!r}" if pattern else f"no {name!r} was printed"
        if not self.path.exists():
            return f"there is no file {self.path} with {name!r}"
        return f"{self.path} has no {name!r}; {found}"


def _values(command: Command, config: Mapping[str, Any], trial: TrialContext) -> dict[str, Any]:
    """What every placeholder stands for. The configuration is written to a file if somebody asks for it."""
    values: dict[str, Any] = {
        **config,
        **dict(leaves(config)),
        "seed": trial.seed,
        "run_dir": str(trial.run_dir),
        "checkpoint_dir": str(trial.checkpoint_dir),
        "trial": trial.number,
        "attempt": trial.attempt,
        "device": trial.device,
        "threads": trial.threads,
        "config_json": str(trial.run_dir / "studyhall_config.json"),
    }
    if any("{config_json}" in each for each in (*command.arguments, *command.env.values())):
        Path(values["config_json"]).write_text(json.dumps({**config, "seed": trial.seed}, indent=1))
    return values


def _reader(command: Command) -> Reader:
    metrics = command.metrics
    if metrics.patterns is not None:
        return Patterns(metrics.patterns, metrics.step)
    return JsonLines(metrics.step) if metrics.source == "json" else Table(metrics.step)


def _environment() -> dict[str, str]:
    """Ours, without our own modules in its way, and with Python's prints coming as they are made."""
    env = {"PYTHONUNBUFFERED": "1", **os.environ}
    path = [each for each in env.pop("PYTHONPATH", "").split(os.pathsep) if each and Path(each) != CHECKOUT]
    return {**env, "PYTHONPATH": os.pathsep.join(path)} if path else env
