"""`run --launch`: check everything, start the study, submit and record its workers; follow it to its end."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime

from samplers.searches.plural import counted
from storage.errors import SessionLostError, StorageError, UsageError
from storage.home import study_folder
from storage.listening import url_elsewhere
from storage.reader import Reader
from storage.records import StudyRow
from storage.session import Session
from storage.store import Store
from storage.url import hosts_of
from studies.history.counts import Counts
from studies.history.state import Ending, standing_of
from studies.launch.launcher import Launch, Launcher, Work, record_launch
from studies.launch.states import over
from studies.lifecycle.open import find_study
from studies.lifecycle.order import Order
from studies.lifecycle.run import study_started

POLL_SECONDS = 1.0
"""Between two reads of a followed study."""
JOBS_POLL_SECONDS = 5.0
"""Between two reads of its jobs, while no worker runs it."""
LOCAL = ("localhost", "ip6-localhost", "::1")


def launch(store: Store, order: Order, launcher: Launcher, log: Callable[[str], None]) -> Launch:
    """Submit workers of a study, which is made if it does not exist.

    Raises:
        UsageError: The order or an option of the scheduler is wrong; nothing was written or submitted.
    """
    check_launch(store, order, launcher)
    with study_started(store, order, log):
        pass
    with closing(store.write()) as session:
        study = Reader(session).study(order.name)
        launched = launcher.submit(_work(store, order, study))
        record_launch(session, study.study_id, launched)
    log(f"{order.name}: {launched.text}; logs: {launched.logs}")
    return launched


def preview_launch(store: Store, order: Order, launcher: Launcher) -> str:
    """The submission, for people. Changes nothing."""
    check_launch(store, order, launcher)
    return launcher.preview_text(_work(store, order, find_study(store, order.name)))


def _work(store: Store, order: Order, study: StudyRow | None) -> Work:
    assert order.elsewhere is not None
    home = store.home.expanduser().resolve()
    now = datetime.now()
    # The workers join the study: they need neither the file nor `--set`.
    arguments = ["run", *filter(None, [order.search]), "--study", order.name, "--join", *order.elsewhere.options]
    arguments += ["--same-code"] * order.same_code + ["--trust-study"] * order.trust_study
    url = "" if study is None else _url_elsewhere(store) or store.start()
    folder = (
        study_folder(home, order.name, now) if study is None else study_folder(home, study.folder, study.created_at)
    )
    folder /= f"launch-{now:%Y%m%d-%H%M%S}-{socket.gethostname()}-{os.getpid()}"
    return Work(order.name, arguments, url, home, folder, order.elsewhere)


def check_launch(store: Store, order: Order, launcher: Launcher) -> None:
    """Whether the scheduler would accept the workers, and each could reach the storage.

    Raises:
        UsageError: It would not, or the storage serves this machine alone and workers may run on another.
    """
    assert order.elsewhere is not None
    launcher.check(order.elsewhere)
    if not serves_one_machine(_url_elsewhere(store)):
        return
    here = socket.gethostname().split(".")[0]
    others = [host for host in launcher.hosts() if host.split(".")[0] != here]
    if others:
        what = "the embedded server" if store.embedded else "this storage"
        raise UsageError(
            f"--launch: {what} serves this machine alone, and workers may run on {others[0]}: `storage up --listen "
            "HOST` opens it to a network, or give any PostgreSQL by --storage"
        )


def _url_elsewhere(store: Store) -> str:
    """The URL for workers on other hosts; "" if the embedded server does not listen, and for another database on it."""
    if not store.embedded:
        return store.url
    return (url_elsewhere(store.home) or "") if store.shown is None else ""


def serves_one_machine(url: str) -> bool:
    """Whether a URL names a socket or a loopback address; the embedded server has none."""
    hosts = hosts_of(url) if url else [""]
    return all(not host or host.startswith(("/", "@", "127.")) or host in LOCAL for host in hosts)


def follow(store: Store, name: str, launched: Launch, log: Callable[[str], None]) -> Ending:
    """Print a study's progress until it ends, or until neither a worker nor a job of it is left.

    Raises:
        UsageError: The study was deleted or renamed meanwhile.
    """
    printed, next_look, gone = "", time.monotonic() + JOBS_POLL_SECONDS, False
    session = store.read()
    try:
        while True:
            try:
                row = Reader(session).counted_study(name)
                workers = Reader(session).workers(row.study_id)
            except SessionLostError:
                session = _again(store)
                continue
            alive = sum(worker.alive for worker in workers)
            counts = f"{row.waiting} waiting, {row.running} running, {row.complete} complete"
            line = f"{name}: {counts}; {counted(alive, 'worker')}"
            if line != printed:
                printed = line
                log(line)
            ending = Ending.of(standing_of(row, Counts.of(row).begun, row.running, bool(alive)))
            if ending is not None and not row.running:
                return ending
            if time.monotonic() >= next_look:
                before, gone = gone, not alive and over(launched)
                if before and gone:  # twice: there is a moment between two jobs
                    return Ending(f"no job of this launch is left, and no worker runs it: see {launched.logs}", True)
                next_look = time.monotonic() + JOBS_POLL_SECONDS
            time.sleep(POLL_SECONDS)
    finally:
        session.close()


def _again(store: Store) -> Session:
    """A new session after one was lost."""
    while True:
        time.sleep(POLL_SECONDS)
        with suppress(StorageError, SessionLostError):
            return store.read()
