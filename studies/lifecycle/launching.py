"""`run --launch`: check everything, begin the study, submit its workers, keep that with it; follow it to its end."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from storage.errors import SessionLostError, StorageError, UsageError
from storage.home import study_folder
from storage.listening import url_elsewhere
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from storage.store import Store
from studies.history.counts import Counts
from studies.history.state import Ending, standing_of
from studies.launch.launcher import Launch, Launcher, Work, record_launch
from studies.launch.states import over
from studies.lifecycle.open import find_study
from studies.lifecycle.order import Order
from studies.lifecycle.run import begun

LOOK = 1.0  # seconds between looks at a study that is followed
LOOK_AT_JOBS = 5.0  # the same at the scheduler, while nobody works on it
LOCAL = ("localhost", "ip6-localhost", "::1")


def launch(store: Store, order: Order, launcher: Launcher, say: Callable[[str], None]) -> Launch:
    """Submit workers of a study, which is made if it is not there.

    Raises:
        UsageError: The order, or what the scheduler would be asked, is wrong; nothing was written or submitted.
    """
    assert order.elsewhere is not None
    launcher.check(order.elsewhere)
    check_reach(store, launcher)
    with begun(store, order, say):
        pass
    session = store.write()
    with closing(session):
        study = Reader(session).study(order.name)
        launched = launcher.submit(_work(store, order, study))
        record_launch(session, study.study_id, launched)
    say(f"{order.name}: {launched.shown()}; logs: {launched.logs}")
    return launched


def preview_launch(store: Store, order: Order, launcher: Launcher) -> str:
    """What would be submitted. Touches nothing."""
    assert order.elsewhere is not None
    launcher.check(order.elsewhere)
    check_reach(store, launcher)
    return launcher.shown(_work(store, order, find_study(store, order.name)))


def _work(store: Store, order: Order, study: StudyRow | None) -> Work:
    assert order.elsewhere is not None
    home = store.home.expanduser().resolve()
    now = datetime.now()
    # It joins what is there: it needs neither the file nor what was set.
    arguments = ["run", order.search, "--study", order.name, "--join", *order.elsewhere.options]
    return Work(
        study=order.name,
        arguments=[
            *arguments,
            *(["--same-code"] if order.same_code else []),
            *(["--trust-study"] if order.trust_study else []),
        ],
        storage="" if study is None else _url_elsewhere(store) or store.start(),
        home=home,
        folder=study_folder(home, order.name, now if study is None else study.created_at)
        / f"launch-{now:%Y%m%d-%H%M%S}-{socket.gethostname()}-{os.getpid()}",
        slots=order.elsewhere,
    )


def check_reach(store: Store, launcher: Launcher) -> None:
    """A storage on a socket or a loopback address serves one machine.

    Raises:
        UsageError: Workers may come to another one.
    """
    if not serves_one_machine(_url_elsewhere(store)):
        return
    here = socket.gethostname().split(".")[0]
    others = [host for host in launcher.hosts() if host.split(".")[0] != here]
    if others:
        what = "the embedded server" if store.embedded else "this storage"
        raise UsageError(
            f"--launch: {what} serves this machine alone, and workers may come to {others[0]}: `storage up --listen "
            "HOST` opens it to a network, or give any PostgreSQL by --storage"
        )


def _url_elsewhere(store: Store) -> str:
    """The URL that workers on other hosts are given; none of an embedded server that does not listen, nor of another
    database of one that does."""
    if not store.embedded:
        return store.url
    return (url_elsewhere(store.home) or "") if store.shown is None else ""


def serves_one_machine(url: str) -> bool:
    """Whether a URL names a socket or a loopback address; or is none, the embedded server's."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    hosts = asked.get("hostaddr") or asked.get("host") or [parts.hostname or ""]
    return all(
        not host or host.startswith(("/", "@", "127.")) or host in LOCAL for each in hosts for host in each.split(",")
    )


def follow(store: Store, name: str, launched: Launch, say: Callable[[str], None]) -> Ending:
    """Until the study has ended, or nobody is left to work on it: how."""
    said, next_look, gone = "", time.monotonic() + LOOK_AT_JOBS, False
    session = store.read()
    try:
        while True:
            try:
                (row,) = Reader(session).studies(name)
                workers = Reader(session).workers(row.study_id)
            except SessionLostError:
                session = _again(store)
                continue
            alive = sum(worker.alive for worker in workers)
            told = f"{row.waiting} waiting, {row.running} running, {row.complete} complete; {alive} workers"
            if told != said:
                said = told
                say(f"{name}: {told}")
            standing = standing_of(row, Counts.of(row).begun, row.running, bool(alive))
            ending = None if row.running else Ending.of(standing)
            if ending is not None:
                return ending
            if time.monotonic() >= next_look:
                before, gone = gone, not alive and over(launched)
                if before and gone:  # not in the moment between two jobs
                    return Ending(f"no job of this launch is left, and nobody works on it: see {launched.logs}", True)
                next_look = time.monotonic() + LOOK_AT_JOBS
            time.sleep(LOOK)
    finally:
        session.close()


def _again(store: Store) -> Session:
    """A session in place of one that was lost."""
    while True:
        time.sleep(LOOK)
        with suppress(StorageError, SessionLostError):
            return store.read()
