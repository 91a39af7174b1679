"""Leases: which process may use which part of a device, by locks that the kernel frees when their holder dies.

Each device has one file in a folder that every user of the host can use. Each byte of the file stands for a piece of
the device: 64 KiB of a GPU's memory, or a 4,096th of a CPU core. A lease is a lock on a range of the file: two
shares of a GPU are two ranges, and a half and a quarter of it exclude each other exactly where they overlap, whatever
`--per-gpu` their owners chose. There is no daemon and nothing to clear up: the range of a dead holder is free.

The locks belong to the open file (Linux's F_OFD_SETLK), so a process that inherits its descriptor holds them on: a
trial's processes keep the lease of a killed worker until the last of them ends. The first bytes of a range name its
holder, as a line of JSON; they mean nothing unless the range is locked.

A worker that needs more of a device than is free takes the device's turn, a lock behind all ranges: no other worker
begins a new lease there until that worker has its share, so that small trials never keep a big one out.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import socket
import stat
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.errors import StorageError
from storage.home import user_name

FOLDER_VARIABLE = "STUDYHALL_LOCKS"
UNIT = 1 << 16  # bytes of a GPU's memory that one byte of its file stands for
CORE = 1 << 12  # bytes of the cores' file that stand for one core
CORES = "cores"
RECORD_BYTES = 1 << 10  # the most that a holder's record takes
END = 1 << 40  # beyond every range
FLOCK = "hhqqi4x"  # struct flock: l_type, l_whence, l_start, l_len, l_pid


@dataclass(frozen=True)
class Span:
    """A range of a lock file: [start, end)."""

    start: int
    end: int


TURN = Span(END, END + 1)  # locked by the process that waits for a device


@dataclass(frozen=True)
class Held:
    """A range that is locked now, and its holder: empty until the holder has written its record."""

    span: Span
    holder: Mapping[str, Any]


class Lease:
    """A lock on ranges of a device's file, until every process that has its descriptor has closed it."""

    def __init__(self, device: str, fd: int, spans: Sequence[Span]) -> None:
        self.device, self.fd, self.spans = device, fd, tuple(spans)

    @property
    def cores(self) -> list[int]:
        """The CPU cores that ranges of the cores' file stand for."""
        return [span.start // CORE for span in self.spans]

    def write_holder(self, holder: Mapping[str, Any]) -> None:
        """Write the holder into the file, for `gpus`."""
        text = json.dumps(holder).encode()[: RECORD_BYTES - 1] + b"\n"
        with contextlib.suppress(OSError):  # a full disk hides the name, not the lock
            for span in self.spans:
                os.pwrite(self.fd, text, span.start)

    def widen(self) -> bool:
        """Take the rest of the device too; False, and nothing changed, if another process holds a part of it."""
        return _lock(self.fd, Span(0, END))

    def narrow(self) -> None:
        """Release what `widen` took."""
        (own,) = self.spans
        for rest in (Span(0, own.start), Span(own.end, END)):
            if rest.start < rest.end:
                fcntl.fcntl(self.fd, fcntl.F_OFD_SETLK, _flock(fcntl.F_UNLCK, rest))

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


def take(device: str, span: Span, holder: Mapping[str, Any], turn: Lease | None = None) -> Lease | None:
    """A lease of a range of a device, by its uuid; None if another process holds a part of it, or its turn. `turn`: our
    own.

    Raises:
        StorageError: The folder for locks cannot be used.
    """
    fd = _open(_file(folder(), device))
    closed = (turn is None or turn.device != device) and _is_locked(fd, TURN)
    if closed or not _lock(fd, span):
        os.close(fd)
        return None
    lease = Lease(device, fd, [span])
    lease.write_holder(holder)
    return lease


def take_turn(device: str) -> Lease | None:
    """The turn of a device, which is never passed on to a trial; None if another process has it.

    Raises:
        StorageError: The folder for locks cannot be used.
    """
    fd = _open(_file(folder(), device))
    if not _lock(fd, TURN):
        os.close(fd)
        return None
    return Lease(device, fd, [TURN])


def turn_is_taken(device: str) -> bool:
    """Whether a process waits for more of a device, this one included.

    Raises:
        StorageError: The folder for locks cannot be used.
    """
    fd = _open(_file(folder(), device))
    try:
        return _is_locked(fd, TURN)
    finally:
        os.close(fd)


def take_cores(count: int, allowed: Sequence[int], holder: Mapping[str, Any]) -> Lease | None:
    """A lease of the first `count` free ones of the allowed cores; None if fewer are free.

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
    lease = Lease(CORES, fd, spans)
    lease.write_holder(holder)
    return lease


def held(device: str) -> list[Held]:
    """Every range of a device's file that is locked now, in order, with its holder. Writes nothing.

    Raises:
        StorageError: The lock folder or the file cannot be read.
    """
    try:
        fd = os.open(_file(_folder_path(), device), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{_file(_folder_path(), device)}: cannot read its holders: {error.strerror}") from error
    try:
        return sorted(_conflicts(fd, Span(0, END)), key=lambda each: each.span.start)
    finally:
        os.close(fd)


def gaps(device: str, whole: Span) -> list[Span]:
    """The free ranges of a device, in order.

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
    """The CPU cores that are leased now, with their holders."""
    return {core: each.holder for each in held(CORES) for core in range(each.span.start // CORE, each.span.end // CORE)}


def holder_record(study: str, trial: int | None = None) -> dict[str, Any]:
    """This process as the holder of a lease, for other users of this host."""
    return {"user": user_name(), "pid": os.getpid(), "host": socket.gethostname(), "study": study, "trial": trial}


def holder_text(holder: Mapping[str, Any]) -> str:
    """`alice, study lobo, trial 3, pid 4711`."""
    if not holder:
        return "an unknown process"
    trial = "" if holder.get("trial") is None else f", trial {holder['trial']}"
    return f"{holder.get('user')}, study {holder.get('study')}{trial}, pid {holder.get('pid')}"


# The folder


def folder() -> Path:
    """The folder of the lock files, made if it is missing: every user may add files, none may delete another's.

    Raises:
        StorageError: It cannot be made, or another user made it so that it cannot be shared.
    """
    path = _folder_path()
    try:
        with contextlib.suppress(FileExistsError), _no_umask():
            path.mkdir(mode=0o1777)
        found = path.lstat()
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be the folder for locks: {error.strerror}; name another by {FOLDER_VARIABLE}"
        ) from error
    foreign = found.st_uid not in (0, os.getuid())
    if not stat.S_ISDIR(found.st_mode) or (foreign and not found.st_mode & stat.S_ISVTX):
        raise StorageError(f"{path}: a folder for locks must be shared by its users (mode 1777)")
    return path


def _folder_path() -> Path:
    """The same for every user of a host: `/run/lock` only where every user may write."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named)
    with contextlib.suppress(OSError):
        if Path("/run/lock").stat().st_mode & 0o1002 == 0o1002:
            return Path("/run/lock/studyhall")
    return Path("/tmp/studyhall-locks")


def _file(folder: Path, device: str) -> Path:
    return folder / re.sub(r"[^\w.-]", "_", device)


def _open(path: Path) -> int:
    """A lock file, made readable and writable for all if it is missing; never through a link."""
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
        raise StorageError(
            f"{path}: cannot lock: {error.strerror}; name another folder by {FOLDER_VARIABLE}"
        ) from error
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(fd)
        raise StorageError(f"{path}: not a lock file; name another folder by {FOLDER_VARIABLE}")
    return fd


@contextlib.contextmanager
def _no_umask() -> Iterator[None]:
    """A file made here has its mode from the first moment: another process may open it at once."""
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
        record = json.loads(os.pread(fd, RECORD_BYTES, start).partition(b"\n")[0])
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _flock(kind: int, span: Span) -> bytes:
    return struct.pack(FLOCK, kind, os.SEEK_SET, span.start, span.end - span.start, 0)
