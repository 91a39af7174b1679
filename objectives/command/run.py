"""Runs a command in its trial's process: passes its output on, reports its metrics, and classifies its end.

The command is a child in the trial's session, so whatever ends the trial ends the command. SIGTERM is passed on to the
command's process group.
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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from objectives.command.command import Command, places
from objectives.command.follow import MAX_PRINTED_BYTES, MAX_ROW_BYTES, File, Lines
from objectives.command.measures import MEASURES, Measures
from objectives.command.placeholders import FLAGS, arguments_of, fill, gathered
from objectives.command.printed_json import PrintedJson
from objectives.command.readers import Json, Patterns, Reader, Row, Table
from objectives.context import TrialContext
from objectives.outcome import UNREAD, AttemptError, Kind
from storage.errors import nearest
from storage.home import CHECKOUT

POLL_SECONDS = 0.2  # between looks at the metrics file, at the process and at whether to stop
EARLY_STOP_SECONDS = 30.0  # from SIGTERM to SIGKILL for a trial that is stopped early
TAIL_BYTES = 1 << 14  # of the output's end, searched for the reason of a failure
MAX_MESSAGE_CHARACTERS = 300  # of a line of output in a message
NOT_MEASURED = {
    "vram": "NVML shows no memory of its processes on a GPU, so there is no 'vram'",
    "iter": "it reported no step, so there is no 'iter'",
    "peak_memory": "it ended before its memory was looked at, so there is no 'peak_memory'",
}
USAGE_ERROR = re.compile(
    r"error: (unrecognized arguments|the following arguments are required|argument .*: )|Error: No such option",
    re.ASCII,
)
"""The last line of argparse and click, before anything ran: another attempt would end alike."""
OUT_OF_MEMORY_PATTERN = re.compile(r"out of memory|^\S*MemoryError\b", re.IGNORECASE | re.MULTILINE)


def run_command(command: Command, config: Mapping[str, Any], trial: TrialContext) -> dict[str, float]:
    """Run the command to its end and return the last value of each metric.

    Raises:
        AttemptError: The command failed or was stopped, or a metric that the study needs is missing.
    """
    return Run(command, config, trial).result()


class Run:
    """A command that runs."""

    def __init__(self, command: Command, config: Mapping[str, Any], trial: TrialContext) -> None:
        self.command, self.config, self.trial = command, config, trial
        values, spelling = _values(config, trial), command.spelling
        whole = {**config, "seed": trial.seed}
        if command.sends_seed:
            del whole["seed"]
        self.arguments: list[str] = []
        for each in command.arguments:
            self.arguments += spelling.flags(whole) if each == FLAGS else arguments_of(each, values, spelling.text)
        self.cwd = command.folder / fill(command.cwd, values)
        told = {name: fill(value, values, spelling.text) for name, value in command.env.items()}
        self.env = {**_environment(), **told}
        self.path = self.cwd / fill(command.metrics.path, values)
        self.file = File(self.path) if command.metrics.path else None
        self.reader = _reader(command)
        self.printed = Lines(MAX_PRINTED_BYTES if command.metrics.patterns else MAX_ROW_BYTES)
        self.tail = b""
        self.last: dict[str, float] = {}
        self.refused: dict[str, str] = {}
        self.noted: set[str] = set()
        self.at: tuple[int, dict[str, float]] | None = None
        self.rows = 0
        self.process: subprocess.Popen[bytes] | None = None
        self.measures: Measures | None = None
        self.asked_to_end = False
        self.kill_at: float | None = None

    def result(self) -> dict[str, float]:
        """Start the command, follow it, and judge its end."""
        self._write_config()
        if self.file is not None:
            self._put_aside()
        signal.signal(signal.SIGTERM, self._on_term)
        try:
            # Its own process group: one signal ends a launcher and the processes that it launched.
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
        wanted = [name for name in MEASURES if name in self.command.needs]
        self.measures = Measures(self.process.pid, wanted)
        if self.asked_to_end:  # SIGTERM came while the command was starting
            self._signal()
        self._follow(self.process)
        return self._judge(self.process.returncode)

    def _write_config(self) -> None:
        """Write the file of {config_json}, if the command uses it."""
        if self.command.needs_config_file:
            whole = {**gathered(self.config), "seed": self.trial.seed}
            _config_file(self.trial).write_text(json.dumps(whole, indent=1))

    def _put_aside(self) -> None:
        """Rename an earlier attempt's metrics file: it is no result of this attempt."""
        old = self.path.with_name(f"{self.path.name}.before-attempt-{self.trial.attempt}")
        try:
            self.path.rename(old)
        except FileNotFoundError:
            return
        except OSError as error:
            raise AttemptError(Kind.ERROR, f"{self.path}: cannot be put aside: {error.strerror}") from error

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None and self.measures is not None
        output = process.stdout.fileno()
        os.set_blocking(output, False)
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while True:
                if selector.get_map():
                    ready = selector.select(POLL_SECONDS)
                else:  # it closed its output, as a process that ends does
                    ready = []
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(POLL_SECONDS)
                self.measures.look()
                ended = process.poll() is not None
                if (ready or ended) and not self._pump(output) and selector.get_map():
                    selector.unregister(output)
                self._read_file()
                if ended:
                    break
                self._end_early()
        process.stdout.close()
        self._rest()

    def _pump(self, output: int) -> bool:
        """Pass the output on; False when every process that could print has closed it."""
        while True:
            try:
                text = os.read(output, 1 << 16)
            except BlockingIOError:
                return True
            if not text:
                return False
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
            self.tail = (self.tail + text)[-TAIL_BYTES:]
            if self.file is None:
                for line in self.printed.feed(text):
                    self._take(self.reader.rows(line))

    def _read_file(self) -> None:
        if self.file is None:
            return
        rewritten, lines = self.file.read()
        if rewritten:
            self.reader, self.last, self.refused, self.at, self.rows = _reader(self.command), {}, {}, None, 0
        for line in lines:
            self._take(self.reader.rows(line))
        self._take(self.reader.peek(self.file.lines.unfinished))
        if self.reader.trouble:
            self._note(f"{self.path}: {self.reader.trouble}")

    def _rest(self) -> None:
        """Take the last line, which need not have an end."""
        for line in (self.printed if self.file is None else self.file.lines).rest():
            self._take(self.reader.rows(line))
        self._take(self.reader.finish())

    def _take(self, rows: Sequence[Row]) -> None:
        """Keep and report the metrics of these rows. Text that is no number makes a metric's earlier value void."""
        for row in rows:
            for name, why in row.refused.items():
                self.refused[name] = why
                self.last.pop(name, None)
                if name in self.command.needs or self.file is None:
                    self._note(f"{name}: {why}", name)
            for name, value in row.metrics.items():
                self.refused.pop(name, None)
                self.last[name] = value
            if row.metrics or not row.refused:
                self.rows += 1
                self._report(row)

    def _report(self, row: Row) -> None:
        """Report a row's metrics at its step, with those of earlier rows of that step: a report replaces."""
        step = self.rows if row.step is None else row.step
        earlier = self.at[1] if self.at is not None and self.at[0] == step else {}
        metrics = {**earlier, **{name: value for name, value in row.metrics.items() if name not in ("step", "self")}}
        self.at = (step, metrics)
        if metrics:
            self.trial.report(step, **metrics)

    def _note(self, text: str, subject: str = "") -> None:
        """Print a line into the trial's log, once for each subject."""
        if subject not in self.noted:
            self.noted.add(subject)
            sys.stdout.buffer.write(f"[studyhall] {text}\n".encode(errors="replace"))
            sys.stdout.buffer.flush()

    def _on_term(self, *_: object) -> None:
        self.asked_to_end = True
        self._signal()

    def _signal(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def _end_early(self) -> None:
        """Send SIGTERM when `should_stop` is true, and SIGKILL when the time for a checkpoint is over."""
        if self.kill_at is None and self.trial.should_stop():
            self.kill_at = time.monotonic() + EARLY_STOP_SECONDS
            self._signal()
        elif self.kill_at is not None and time.monotonic() > self.kill_at:
            self._signal(signal.SIGKILL)

    def _judge(self, code: int) -> dict[str, float]:
        # A script that exits with 0 on SIGTERM has written the metrics of an unfinished training: that is no result.
        if self.asked_to_end:
            raise AttemptError(Kind.KILLED, "SIGTERM")
        if self.kill_at is not None:
            raise AttemptError(Kind.PRUNED, "stopped early" + (f" at step {self.at[0]}" if self.at else ""))
        if code != 0:
            raise self._failure(code)
        if self.measures is not None:
            self.last = {**self.measures.result(None if self.at is None else self.at[0]), **self.last}
        if any(name not in self.last for name in self.command.needs) or not self.last:
            self._check_memory()  # some scripts catch the error, print it and exit with 0
        for name in self.command.needs:
            if name in self.refused:
                raise AttemptError(Kind.INVALID, f"{UNREAD} {name}: {self.refused[name]}")
            if name not in self.last:
                raise AttemptError(Kind.INVALID, f"{UNREAD} {self._missing(name)}")
        if not self.last:
            raise AttemptError(Kind.INVALID, f"{UNREAD} {self._missing('any number')}")
        return self.last

    def _check_memory(self) -> None:
        """Raises:
        AttemptError: The output's end says that memory ran out.
        """
        for line in reversed(re.split(r"[\r\n]", self.tail.decode(errors="replace"))):
            if OUT_OF_MEMORY_PATTERN.search(line.strip()):
                raise AttemptError(Kind.OUT_OF_MEMORY, line.strip()[:MAX_MESSAGE_CHARACTERS])

    def _failure(self, code: int) -> AttemptError:
        text = self.tail.decode(errors="replace")
        lines = [line.strip() for line in re.split(r"[\r\n]", text) if line.strip()]
        last = f": {lines[-1][:MAX_MESSAGE_CHARACTERS]}" if lines else ""
        self._check_memory()
        if code < 0:
            number = -code
            name = signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"
            return AttemptError(Kind.KILLED, f"{name}{last}")
        is_usage = code == 2 and self.at is None and lines and USAGE_ERROR.search(lines[-1])
        return AttemptError(Kind.INVALID if is_usage else Kind.ERROR, f"exited with code {code}{last}")

    def _missing(self, name: str) -> str:
        if name in MEASURES and name not in (self.command.metrics.patterns or ()):
            return NOT_MEASURED.get(name, f"it has no {name!r}")
        found = f"it has {', '.join(list(self.last)[:20])}{nearest(name, self.last)}" if self.last else "it has none"
        if self.command.metrics.patterns is not None:
            pattern = self.command.metrics.patterns.get(name)
            return f"no line of its output matches '{pattern}' for {name!r}" if pattern else f"no {name!r} was printed"
        if self.file is None:
            return f"no line of its output is a JSON object with {name!r}; {found}"
        if not self.path.exists():
            return f"there is no file {self.path} with {name!r}"
        trouble = f"; {self.reader.trouble}" if self.reader.trouble else ""
        return f"{self.path} has no {name!r}; {found}{trouble}"


def _values(config: Mapping[str, Any], trial: TrialContext) -> dict[str, Any]:
    """The value of each placeholder."""
    return {
        **places(config),
        "seed": trial.seed,
        "run_dir": str(trial.run_dir),
        "checkpoint_dir": str(trial.checkpoint_dir),
        "trial": trial.number,
        "attempt": trial.attempt,
        "device": trial.device,
        "threads": trial.threads,
        "config_json": str(_config_file(trial)),
        "python": sys.executable,
    }


def _config_file(trial: TrialContext) -> Path:
    return trial.run_dir / "studyhall_config.json"


def _reader(command: Command) -> Reader:
    metrics = command.metrics
    if metrics.patterns is not None:
        return Patterns(metrics.patterns, metrics.step, metrics.units)
    if metrics.source == "csv":
        return Table(metrics.step, metrics.columns)
    return Json(metrics.step) if metrics.path else PrintedJson(metrics.step)


def _environment() -> dict[str, str]:
    """This process's variables, without this checkout on PYTHONPATH, and with Python's output unbuffered."""
    env = {"PYTHONUNBUFFERED": "1", **os.environ}
    path = [each for each in env.pop("PYTHONPATH", "").split(os.pathsep) if each and Path(each) != CHECKOUT]
    return {**env, "PYTHONPATH": os.pathsep.join(path)} if path else env
