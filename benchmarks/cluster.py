"""A PostgreSQL of a benchmark's own for faults: on a small file system, with few connections, over TCP."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psycopg2

from benchmarks.janitor import Janitor
from storage.postgres import account, binaries_for, environment
from storage.server import STATE

MAX_CONNECTIONS = 60
DISK_SIZE = "700m"
"""Of the data's file system, where one can be mounted."""


def free_port(address: str) -> int:
    """A port without a listener."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A server that listens on the given addresses, which only this machine reaches."""

    def __init__(self, folder: Path, addresses: Sequence[str], janitor: Janitor) -> None:
        self.folder, self.addresses = folder, addresses
        self.port = free_port(addresses[0])
        self.data, self.log = folder / "disk" / "pgdata", folder / "postgres.log"
        self.who = account(self.data)
        self.bins = binaries_for(self.who, STATE)
        self.fillers: list[Path] = []
        disk = folder / "disk"
        disk.mkdir()
        self.own_disk = self._mount(disk, janitor)
        self.who.own(disk)
        self.log.touch()
        self.who.own(self.log)
        self._call("initdb", "-U", "studyhall", "-A", "trust", "-E", "UTF8", "--locale=C", "-D", str(self.data))
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(
                f"listen_addresses = '{','.join(addresses)}'\nport = {self.port}\nmax_connections = {MAX_CONNECTIONS}\n"
                f"unix_socket_directories = '{self.data}'\nmax_wal_size = 64MB\nmin_wal_size = 32MB\n"
                "max_parallel_workers_per_gather = 0\nlog_line_prefix = '%m [%p] '\n"
            )
        janitor.at_the_end(
            "run", *self._as_user(str(self.bins / "pg_ctl"), "-D", str(self.data), "-m", "immediate", "stop")
        )
        self.up()
        with suppress(psycopg2.errors.DuplicateDatabase):
            self.execute("CREATE DATABASE studyhall", database="postgres")

    def url(self, address: str) -> str:
        return f"postgresql+psycopg2://studyhall@{address}:{self.port}/studyhall"

    def execute(self, statement: str, database: str = "studyhall") -> list[tuple[object, ...]]:
        """Run a statement over the socket in the data folder, which no fault touches."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def connect(self, database: str = "studyhall") -> psycopg2.extensions.connection:
        connection = psycopg2.connect(host=str(self.data), port=self.port, user="studyhall", dbname=database)
        connection.autocommit = True
        return connection

    def up(self, patience: float = 60) -> None:
        """Start the server until it answers: processes of the last one may be in the way for a while."""
        deadline = time.monotonic() + patience
        while not self.answers():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the server does not start again, see {self.log}")
            self._call("pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "20", "start", check=False)

    def answers(self) -> bool:
        try:
            self.execute("SELECT 1", database="postgres")
        except psycopg2.Error as error:
            return "too many" in str(error) or "reserved" in str(error)
        return True

    def kill(self) -> None:
        """Kill the postmaster by -9: its other processes end by themselves."""
        with suppress(OSError, ValueError, IndexError):
            os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def restart(self, mode: str) -> None:
        self._call(
            "pg_ctl", "-D", str(self.data), "-l", str(self.log), "-m", mode, "-w", "-t", "20", "restart", check=False
        )

    def fill(self) -> None:
        """Fill the file system."""
        filler = self.folder / "disk" / f"filler-{len(self.fillers)}"
        self.fillers.append(filler)
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with suppress(OSError):
                    while file.write(b"\0" * size) == size:
                        pass

    def make_room(self) -> None:
        for filler in self.fillers:
            filler.unlink(missing_ok=True)
        self.fillers.clear()

    def _mount(self, disk: Path, janitor: Janitor) -> bool:
        """Mount a small file system for the data; False: this user may not."""
        janitor.at_the_end("run", "umount", "-l", str(disk))
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_SIZE},mode=755", "studyhall-chaos", str(disk)]
        return os.geteuid() == 0 and subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _as_user(self, *command: str) -> list[str]:
        if self.who.uid is None:
            return list(command)
        return ["setpriv", f"--reuid={self.who.uid}", f"--regid={self.who.gid}", "--clear-groups", *command]

    def _call(self, program: str, *arguments: str, check: bool = True) -> None:
        with self.log.open("ab") as log:
            subprocess.run(
                [str(self.bins / program), *arguments],
                env=environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                check=check,
                **self.who.process_options(),
            )
