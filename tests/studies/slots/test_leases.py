"""Leases: real locks in a folder of the test's own, with holders that are real processes."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.errors import StorageError
from storage.home import CHECKOUT
from studies.slots.leases import (
    CORE,
    Lease,
    Span,
    folder,
    held,
    held_cores,
    holder_record,
    holder_text,
    take,
    take_cores,
)

GPU = "GPU-1f2e8a44"
HOLD = (
    "import sys, time\nfrom studies.slots.leases import *\n"
    "lease = take(sys.argv[1], Span(int(sys.argv[2]), int(sys.argv[3])), holder_record('theirs', 4))\n"
    "print('held' if lease else 'taken', flush=True)\n"
)


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STUDYHALL_LOCKS", str(tmp_path / "locks"))
    return tmp_path / "locks"


@pytest.fixture
def hold() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Another process that takes a range and keeps it; what it then does is Python."""
    started: list[subprocess.Popen[str]] = []

    def start(span: Span, then: str = "time.sleep(60)") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD + then, GPU, str(span.start), str(span.end)]
        process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def free_within_a_second() -> bool:
    end = time.monotonic() + 1
    while time.monotonic() < end:
        if not held(GPU):
            return True
        time.sleep(0.005)
    return False


def got(span: Span) -> bool:
    """Whether it could be had; it is let go at once."""
    lease = take(GPU, span, holder_record("ours"))
    if lease is not None:
        lease.close()
    return lease is not None


def test_a_range_is_held_once_and_its_neighbours_are_free() -> None:
    lease = take(GPU, Span(100, 200), holder_record("ours", 7))
    assert lease is not None
    assert not any(map(got, (Span(100, 200), Span(0, 101), Span(199, 300), Span(150, 160), Span(0, 1000))))
    assert got(Span(0, 100)) and got(Span(200, 300))
    assert take("GPU-other", Span(100, 200), {}) is not None
    lease.close()
    assert got(Span(0, 1000))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_whatever_is_asked_for_no_two_leases_overlap_and_all_are_told(asked: list[tuple[int, int]]) -> None:
    spans = [Span(first * 2000, (first + length) * 2000) for first, length in asked]
    leases: list[Lease] = []
    with contextlib.ExitStack() as stack:
        for number, span in enumerate(spans):
            lease = take(GPU, span, {"trial": number})
            overlaps = any(span.start < each.spans[0].end and each.spans[0].start < span.end for each in leases)
            assert (lease is None) == overlaps
            if lease is not None:
                leases.append(lease)
                stack.callback(lease.close)
        told = held(GPU)
        assert [each.span for each in told] == sorted((each.spans[0] for each in leases), key=lambda each: each.start)
        assert all(spans[each.holder["trial"]] == each.span for each in told)
    assert held(GPU) == []


@pytest.mark.parametrize(("one", "other"), list(itertools.permutations(range(1, 9), 2)))
def test_shares_of_different_numbers_exclude_each_other_where_they_overlap(one: int, other: int) -> None:
    whole = 840_000
    lease = take(GPU, Span(0, whole // one), {})
    assert lease is not None
    left = sum(got(Span(place * whole // other, (place + 1) * whole // other)) for place in range(other))
    assert left == other - math.ceil(other / one)
    lease.close()


def test_a_killed_holder_is_free_within_a_second(hold: Callable[..., subprocess.Popen[str]]) -> None:
    process = hold(Span(0, 5000))
    (found,) = held(GPU)
    assert found.span == Span(0, 5000) and found.holder["pid"] == process.pid and found.holder["study"] == "theirs"
    assert holder_text(found.holder).endswith(f"study theirs, trial 4, pid {process.pid}")
    assert not got(Span(4999, 6000))
    process.kill()
    assert free_within_a_second() and got(Span(0, 5000))


def test_a_stopped_holder_is_not_robbed(hold: Callable[..., subprocess.Popen[str]]) -> None:
    hold(Span(0, 5000)).send_signal(signal.SIGSTOP)
    assert not got(Span(0, 5000))


def test_who_inherited_it_holds_it_after_the_holder_was_killed(hold: Callable[..., subprocess.Popen[str]]) -> None:
    then = "import os\nif os.fork() == 0:\n    print(os.getpid(), flush=True)\ntime.sleep(60)"
    process = hold(Span(0, 5000), then)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    assert not got(Span(0, 5000))
    os.kill(child, signal.SIGKILL)
    assert free_within_a_second()


def test_what_a_dead_holder_wrote_is_not_believed(hold: Callable[..., subprocess.Popen[str]], locks: Path) -> None:
    hold(Span(0, 5000), "raise SystemExit").wait()
    assert held(GPU) == []
    with (locks / GPU).open("r+b") as file:
        file.write(b"\xff{[" * 100)
    lease = take(GPU, Span(2000, 9000), {"study": "mine"})
    assert lease is not None and [each.holder for each in held(GPU)] == [{"study": "mine"}]
    lease.close()


def test_cores_are_leased_each_to_one_and_all_or_none() -> None:
    first = take_cores(2, [5, 0, 1, 2], holder_record("ours", 1))
    assert first is not None and sorted(first.cores) == [0, 5]
    assert take_cores(3, [5, 0, 1, 2], {}) is None
    second = take_cores(2, [0, 1, 2, 5], holder_record("ours", 2))
    assert second is not None and second.cores == [1, 2]
    assert {core: who["trial"] for core, who in held_cores().items()} == {5: 1, 0: 1, 1: 2, 2: 2}
    assert second.spans[0] == Span(CORE, 2 * CORE)
    first.close()
    second.close()
    assert held_cores() == {}


# The folder


def test_looking_makes_nothing(locks: Path) -> None:
    assert held(GPU) == [] and held_cores() == {} and not locks.exists()


def test_the_folder_is_everybodys_and_nobody_may_delete_anothers_files(locks: Path) -> None:
    before = os.umask(0o077)
    try:
        assert got(Span(0, 10))
    finally:
        os.umask(before)
    assert stat.S_IMODE(locks.stat().st_mode) == 0o1777
    assert stat.S_IMODE((locks / GPU).stat().st_mode) == 0o666


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be two users")
def test_two_users_exclude_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Path(tempfile.mkdtemp(prefix="studyhall-locks-"))
    shared.chmod(0o755)
    monkeypatch.setenv("STUDYHALL_LOCKS", str(shared / "locks"))
    mine = take(GPU, Span(0, 5000), holder_record("ours"))
    assert mine is not None

    def as_another(span: Span) -> bool:
        pid = os.fork()
        if pid == 0:
            os.setuid(65534)
            os._exit(int(got(span)))
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1

    assert not as_another(Span(0, 5000)) and as_another(Span(5000, 6000))
    mine.close()
    assert as_another(Span(0, 5000))
    (shared / "locks" / GPU).unlink()
    assert as_another(Span(0, 5000)) and got(Span(0, 5000))  # now the file is the other's


def test_a_link_in_place_of_folder_or_file_is_refused(locks: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    locks.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="shared by its users"):
        take(GPU, Span(0, 10), {})
    locks.unlink()
    folder()
    (tmp_path / "precious").write_text("precious")
    (locks / GPU).symlink_to(tmp_path / "precious")
    with pytest.raises(StorageError, match="STUDYHALL_LOCKS"):
        take(GPU, Span(0, 10), {})
    (locks / GPU).unlink()
    (locks / GPU).hardlink_to(tmp_path / "precious")
    with pytest.raises(StorageError, match="not a lock file"):
        take(GPU, Span(0, 10), {})
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_folder_that_another_user_keeps_is_refused(locks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locks.mkdir(mode=0o755)
    if os.getuid() == 0:
        os.chown(locks, 65534, 65534)
    else:
        monkeypatch.setattr(os, "getuid", lambda: 65533)
    with pytest.raises(StorageError, match="mode 1777"):
        folder()


@pytest.mark.parametrize("place", ["missing/locks", "file"])
def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STUDYHALL_LOCKS", str(tmp_path / place))
    with pytest.raises(StorageError, match=place):
        folder()


def test_no_name_of_a_device_leaves_the_folder(locks: Path) -> None:
    lease = take("../../etc/x y", Span(0, 10), {})
    assert lease is not None and [each.name for each in locks.iterdir()] == [".._.._etc_x_y"]
    lease.close()
