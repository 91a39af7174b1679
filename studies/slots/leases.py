"""Leases: who may use which part of a device now, by locks that the kernel frees when their holder dies.

Each device has one file in a folder that every user of the host can use, and each byte of the file stands for a piece
of the device: 64 KiB of a GPU's memory, or a 4,096th of a CPU core. A lease is a lock on a range of the file: two
shares of a GPU are two ranges, and a half and a quarter of it exclude each other exactly where they overlap, whatever
`--per-gpu` their owners chose. No daemon, nothing to clear up: the range of a dead holder is free.

The locks belong to the open file (Linux's F_OFD_SETLK), so whoever inherits its descriptor holds it on: a trial's
processes keep the lease of a worker that was killed until the last of them is gone. The first bytes of a range say who
holds it, as a line of JSON; they mean nothing unless the range is locked.

Whoever waits for more of a device than is free takes its turn, a lock of its own behind all ranges: nobody begins a new
lease there until the one who waits has what it needs, so that small trials never keep a big one out.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import re
import socket
import stat
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.errors import StorageError

FOLDER = "STUDYHALL_LOCKS"
UNIT = 1 << 16  # bytes of a GPU's memory that one byte of its file stands for
CORE = 1 << 12  # bytes of the cores' file that stand for one core
CORES = "cores"
RECORD = 1 << 10  # bytes that tell who holds a range, at most
END = 1 << 40  # beyond every range
FLOCK = "hhqqi4x"  # struct flock: l_type, l_whence, l_start, l_len, l_pid


@dataclass(frozen=True)
class Span:
    """A range of a lock file: [start, end)."""

    start: int
    end: int


TURN = Span(END, END + 1)  # of whoever waits for a device


@dataclass(frozen=True)
class Held:
    """A range that somebody holds now, and who. Nothing is told of a holder that has not written yet."""

    span: Span
    who: Mapping[str, Any]


class Lease:
    """A hold on ranges of one file, until its descriptor is closed here and wherever it was passed on."""

    def __init__(self, fd: int, spans: Sequence[Span]) -> None:
        self.fd, self.spans = fd, tuple(spans)

    @property
    def cores(self) -> list[int]:
        """The CPU cores that ranges of the cores' file stand for."""
        return [span.start // CORE for span in self.spans]

    def tell(self, who: Mapping[str, Any]) -> None:
        """Write into the file who holds it, for `gpus`."""
        text = json.dumps(who).encode()[: RECORD - 1] + b"\n"
        with contextlib.suppress(OSError):  # a full disk hides the name, not the lock
            for span in self.spans:
                os.pwrite(self.fd, text, span.start)

    def widen(self) -> bool:
        """Take the rest of the device as well; False, and nothing changed, if somebody has a part of it."""
        return _lock(self.fd, Span(0, END))

    def narrow(self) -> None:
        """Let go of what `widen` took."""
        (own,) = self.spans
        for rest in (Span(0, own.start), Span(own.end, END)):
            if rest.start < rest.end:
                fcntl.fcntl(self.fd, fcntl.F_OFD_SETLK, _flock(fcntl.F_UNLCK, rest))

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


class Turn:
    """The turn of one device, until it is closed. It is never passed on to a trial."""

    def __init__(self, device: str, fd: int) -> None:
        self.device, self._fd = device, fd

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def take(device: str, span: Span, who: Mapping[str, Any], turn: Turn | None = None) -> Lease | None:
    """A lease of a range of a device, by its uuid; None if somebody holds a part of it, or has its turn and that is not
    the one given here.

    Raises:
        StorageError: The folder for locks cannot be used.
    """
    fd = _open(_file(folder(), device))
    closed = (turn is None or turn.device != device) and _is_locked(fd, TURN)
    if closed or not _lock(fd, span):
        os.close(fd)
        return None
    lease = Lease(fd, [span])
    lease.tell(who)
    return lease


def take_turn(device: str) -> Turn | None:
    """The turn of a device; None if somebody has it.

    Raises:
        StorageError: The folder for locks cannot be used.
    """
    fd = _open(_file(folder(), device))
    if not _lock(fd, TURN):
        os.close(fd)
        return None
    return Turn(device, fd)


def turn_is_taken(device: str) -> bool:
    """Whether somebody waits for more of a device, we ourselves too.

    Raises:
        StorageError: The folder for locks cannot be used.
    """
    fd = _open(_file(folder(), device))
    try:
        return _is_locked(fd, TURN)
    finally:
        os.close(fd)


def take_cores(count: int, allowed: Sequence[int], who: Mapping[str, Any]) -> Lease | None:
    """A lease of `count` of the allowed cores, the first that are free; None if there are not so many.

    Raises:
        StorageError: The folder for locks cannot be used.
    """
    fd = _open(_file(folder(), CORES))
    spans: list[Span] = []
    for core in allowed:
        span = Span(core * CORE, (core + 1) * CORE)
        if len(spans) < count and _lock(fd, span):
            spans.append(span)
    if len(spans) < count:
        os.close(fd)
        return None
    lease = Lease(fd, spans)
    lease.tell(who)
    return lease


def held(device: str) -> list[Held]:
    """Every range of a device's file that is locked now, in order, and by whom. Writes nothing.

    Raises:
        StorageError: The lock folder or the file cannot be read.
    """
    try:
        fd = os.open(_file(_place(), device), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{_file(_place(), device)}: cannot read who holds it: {error.strerror}") from error
    try:
        return sorted(_conflicts(fd, Span(0, END)), key=lambda each: each.span.start)
    finally:
        os.close(fd)


def gaps(device: str, whole: Span) -> list[Span]:
    """The ranges of a device that nobody holds now, in order.

    Raises:
        StorageError: The lock folder or the file cannot be read.
    """
    found, start = [], whole.start
    for each in held(device):
        if start < min(each.span.start, whole.end):
            found.append(Span(start, min(each.span.start, whole.end)))
        start = max(start, each.span.end)
    return [*found, Span(start, whole.end)] if start < whole.end else found


def held_cores() -> dict[int, Mapping[str, Any]]:
    """The CPU cores that are leased now, and by whom."""
    return {core: each.who for each in held(CORES) for core in range(each.span.start // CORE, each.span.end // CORE)}


def holder(study: str, trial: int | None = None) -> dict[str, Any]:
    """Who we are, as others on this host are told."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a user without an entry in the passwd file
        user = str(os.getuid())
    return {"user": user, "pid": os.getpid(), "host": socket.gethostname(), "study": study, "trial": trial}


def shown_holder(who: Mapping[str, Any]) -> str:
    """`alice, study lobo, trial 3, pid 4711`."""
    if not who:
        return "somebody"
    trial = "" if who.get("trial") is None else f", trial {who['trial']}"
    return f"{who.get('user')}, study {who.get('study')}{trial}, pid {who.get('pid')}"


# The folder


def folder() -> Path:
    """The folder of the lock files, made if it is not there: everybody may add to it, nobody may delete another's.

    Raises:
        StorageError: It cannot be made, or another user made it so that it cannot be shared.
    """
    path = _place()
    try:
        with contextlib.suppress(FileExistsError), _no_umask():
            path.mkdir(mode=0o1777)
        found = path.lstat()
    except OSError as error:
        raise StorageError(f"{path}: no folder for locks: {error.strerror}; name one by {FOLDER}") from error
    foreign = found.st_uid not in (0, os.getuid())
    if not stat.S_ISDIR(found.st_mode) or (foreign and not found.st_mode & stat.S_ISVTX):
        raise StorageError(f"{path}: a folder for locks has to be a folder that its users share (mode 1777)")
    return path


def _place() -> Path:
    """The same for every user of a host, whoever asks: `/run/lock` only where everybody may write there."""
    named = os.environ.get(FOLDER)
    if named:
        return Path(named)
    with contextlib.suppress(OSError):
        if Path("/run/lock").stat().st_mode & 0o1002 == 0o1002:
            return Path("/run/lock/studyhall")
    return Path("/tmp/studyhall-locks")


def _file(folder: Path, device: str) -> Path:
    return folder / re.sub(r"[^\w.-]", "_", device)


def _open(path: Path) -> int:
    """A lock file, made readable and writable for all if it is not there; never through a link."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        try:
            fd = os.open(path, flags)  # without O_CREAT: the kernel may refuse that for another user's file
        except FileNotFoundError:
            with contextlib.suppress(FileExistsError), _no_umask():
                os.close(os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666))
            fd = os.open(path, flags)
        found = os.fstat(fd)
    except OSError as error:
        raise StorageError(f"{path}: cannot lock: {error.strerror}; name another folder by {FOLDER}") from error
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(fd)
        raise StorageError(f"{path}: not a lock file; name another folder by {FOLDER}")
    return fd


@contextlib.contextmanager
def _no_umask() -> Iterator[None]:
    """What is made has its mode from its first moment: others may look at once."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


# The locks


def _lock(fd: int, span: Span) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK, span))
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_locked(fd: int, span: Span) -> bool:
    """Whether another open file than this one has locked a part of a range."""
    return any(True for _ in _conflicts(fd, span))


def _conflicts(fd: int, span: Span) -> Iterator[Held]:
    """The locks within a range. The kernel names any one of them: the rest lie before and behind it."""
    if span.start >= span.end:
        return
    kind, _, start, length, _ = struct.unpack(FLOCK, fcntl.fcntl(fd, fcntl.F_OFD_GETLK, _flock(fcntl.F_WRLCK, span)))
    if kind == fcntl.F_UNLCK:
        return
    found = Span(start, start + length if length else END)
    yield from _conflicts(fd, Span(span.start, found.start))
    yield Held(found, _record(fd, found.start))
    yield from _conflicts(fd, Span(found.end, span.end))


def _record(fd: int, start: int) -> Mapping[str, Any]:
    try:
        who = json.loads(os.pread(fd, RECORD, start).partition(b"\n")[0])
    except ValueError:
        return {}
    return who if isinstance(who, dict) else {}


def _flock(kind: int, span: Span) -> bytes:
    return struct.pack(FLOCK, kind, os.SEEK_SET, span.start, span.end - span.start, 0)
