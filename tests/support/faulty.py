"""Workers that come to harm before or after the N-th thing they ask of the server: `python -m tests.support.faulty`.

A line of JSON on stdin is a run of a study, and is answered by one on stdout. Each run is forked from this process,
which has imported everything and keeps one warm server, so that a run takes a tenth of a second. What is counted is
what the driver sends: every statement and every commit. So there is no seam for this in the program itself.

    killed before / after     SIGKILL before it is sent, or once it has taken effect and before anybody knows
    lost before / after       the same to the session: the server ends it; after: the answer does not come
    robbed before             lost, and another worker has recovered and claimed its trial before it is back
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna.distributions  # noqa: F401  before the fork: the planner imports it when it is needed
import psycopg2
import psycopg2.extensions
from psycopg2.extras import NamedTupleCursor

import studies.engine.worker
import studies.lifecycle.open
import studies.lifecycle.run
from objectives.process.warm import WarmServer
from storage.errors import StudyhallError
from storage.ledger import Claim, Ledger
from storage.locks import WORKER_LOCKS
from storage.records import Budget
from storage.session import Session
from storage.store import Store
from storage.url import libpq_url
from studies.definition.code_version import versions
from studies.definition.definition import Definition
from studies.lifecycle.order import Order
from studies.slots.options import slots_of

KINDS = ("killed before", "killed after", "lost before", "lost after", "robbed before")
CONNECT = psycopg2.connect
VERSIONS = json.dumps({"studyhall": "robber"})
STAYS = 18
"""Things that a worker asks before a robber leaves: it has come back by then, and has tried to write its result."""


@dataclass
class Robber:
    """Another worker, which recovers and claims while the first one is away, and later dies in its turn."""

    ledger: Ledger
    claim: Claim | None
    robbed: bool = False
    """Whether the trial was taken from it although it was alive."""

    @staticmethod
    def of(url: str, name: str) -> Robber | None:
        """None before there is a study."""
        counting, psycopg2.connect = psycopg2.connect, CONNECT
        try:
            session = Session(url)
        finally:
            psycopg2.connect = counting
        row = session.one("read_study", {"name": name})
        if row is None:
            session.close()
            return None
        ledger = Ledger(session, row.study_id)
        worker = {
            "study_id": row.study_id,
            "host": "robber",
            "pid": 1,
            "account": "",
            "slots": [],
            "versions": VERSIONS,
        }
        worker_id = session.one("start_worker", {**worker, "space": WORKER_LOCKS}).worker_id
        ledger.recover_orphans()
        return Robber(ledger, ledger.claim_trial(worker_id, "robber"))

    def leave(self) -> None:
        """Die, after a look whether what it claimed is still its own."""
        if self.claim is not None:
            ours = (
                "SELECT trial_id FROM trials JOIN studyhall_points USING (trial_id) "
                "WHERE trial_id = %s AND attempt = %s AND state = 'RUNNING'"
            )
            self.robbed = not self.ledger.session.execute(ours, [self.claim.trial_id, self.claim.attempt])
        self.ledger.session.close()


@dataclass
class Harm:
    """What befalls a worker, and how many things it has asked of the server so far."""

    kind: str
    at: int
    url: str
    study: str
    counted: int = 0
    robber: Robber | None = None

    def around(self, connection: Any, ask: Callable[[], Any]) -> Any:
        """Ask it of the server, with the harm that is due."""
        self.counted += 1
        due = self.kind if self.counted == self.at else ""
        if due == "killed before":
            os.kill(os.getpid(), signal.SIGKILL)
        elif due in ("lost before", "robbed before"):
            self._end(connection)
        if due == "robbed before":
            self.robber = Robber.of(self.url, self.study)
        if self.robber is not None and self.counted == self.at + STAYS:
            self.robber.leave()
        answer = ask()
        if due == "killed after":
            os.kill(os.getpid(), signal.SIGKILL)
        elif due == "lost after":
            self._end(connection)
            connection.close()
            raise psycopg2.OperationalError("server closed the connection unexpectedly")
        return answer

    def _end(self, connection: Any) -> None:
        other = CONNECT(libpq_url(self.url))
        other.autocommit = True
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [connection.info.backend_pid])
        other.close()

    def connect(self, *given: Any, **named: Any) -> Any:
        """`psycopg2.connect`, with statements and commits counted."""
        harm = self

        class Cursor(NamedTupleCursor):
            def execute(self, *what: Any) -> Any:
                return harm.around(self.connection, lambda: super(Cursor, self).execute(*what))

        class Connection(psycopg2.extensions.connection):
            def commit(self) -> None:
                harm.around(self, super().commit)

        return CONNECT(*given, **{**named, "connection_factory": Connection, "cursor_factory": Cursor})


class KeptServer(WarmServer):
    """A warm server that outlives its users: it belongs to the process that all runs are forked from."""

    def boot(self) -> None:
        self._channel = self._boot()
        self._process = None

    def close(self) -> None:
        """Not ours to end."""


def run(order: dict[str, Any], warm: KeptServer) -> tuple[int, dict[str, Any]]:
    """One run: its exit code, and what there is to tell of it."""
    harm = Harm(order["kind"], order["at"], order["url"], order["study"])
    psycopg2.connect = harm.connect
    studies.lifecycle.open.OpenedStudy.server = lambda *_: nullcontext(warm)  # type: ignore[assignment]
    slots = slots_of("none", None, None, order["slots"], 1)
    store = Store(order["url"], Path(order["home"]))
    file = Path(order["file"])
    asked = Order("grow", order["study"], Definition.load(file), str(file), (), Budget(), slots)
    try:
        ending = studies.lifecycle.run.run(store, asked, lambda line, tone=None: None)
        code, output = int(ending.failed), ending.reason
    except StudyhallError as error:
        code, output = 1, str(error)
    claim = harm.robber.claim if harm.robber is not None else None
    robber = {"claimed": claim is not None, "robbed": harm.robber is not None and harm.robber.robbed}
    return code, {"output": output, "counted": harm.counted, **robber}


def main() -> None:
    studies.engine.worker.IDLE_SECONDS = 0.05
    warm: KeptServer | None = None
    for text in sys.stdin:
        order = json.loads(text)
        if warm is None:
            warm = KeptServer(order["objective"])
            warm.boot()
            versions()  # it asks git, and remembers
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                code, output = run(order, warm)
                os.write(writing, json.dumps(output).encode())
            finally:
                os._exit(code)
        os.close(writing)
        status = os.waitpid(pid, 0)[1]
        with os.fdopen(reading) as pipe:
            answer = json.loads(pipe.read() or "{}")
        code = os.waitstatus_to_exitcode(status)
        sys.stdout.write(json.dumps({"code": code, **answer}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
