"""A worker's link to the database, which can be cut in either direction, made slow, or made lossy.

As root, each worker gets a network namespace of its own, whose packet filter drops packets silently. Without root, a
small proxy in this process carries its traffic and holds it up: a cut is then a silence, not a dead peer. Nothing
leaves this machine.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from benchmarks.janitor import Janitor

CHUNK_BYTES = 1 << 16


class Namespace:
    """A network namespace with one link, to an address of this machine that no other namespace uses."""

    kind = "network namespaces"

    def __init__(self, name: str, number: int, janitor: Janitor) -> None:
        self.name, self.link = name, f"{name}h"
        net = f"169.254.{os.getpid() % 200 + 20}"
        self.address, self.far = f"{net}.{4 * number + 1}", f"{net}.{4 * number + 2}"
        janitor.at_the_end("run", "ip", "netns", "del", name)
        janitor.at_the_end("run", "ip", "link", "del", self.link)
        _ip("netns", "add", name)
        _ip("link", "add", self.link, "type", "veth", "peer", "name", "link0", "netns", name)
        _ip("addr", "add", f"{self.address}/30", "dev", self.link)
        _ip("link", "set", self.link, "up")
        for command in (["addr", "add", f"{self.far}/30", "dev", "link0"], ["link", "set", "link0", "up"]):
            _ip("-n", name, *command)
        _ip("-n", name, "link", "set", "lo", "up")
        self._inside("iptables", "-S")

    @staticmethod
    def permitted(janitor: Janitor) -> bool:
        """Whether this machine permits namespaces with a packet filter."""
        if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "iptables", "tc"))):
            return False
        try:
            Namespace(f"sh{os.getpid()}t", 60, janitor)
        except subprocess.CalledProcessError:
            return False
        return True

    def command(self, command: Sequence[str]) -> list[str]:
        """The command that runs `command` with its traffic on this link."""
        return ["ip", "netns", "exec", self.name, *command]

    def cut(self, direction: str) -> None:
        """`out`: no packet reaches the server; `in`: none comes from it."""
        self._inside("iptables", "-A", "OUTPUT" if direction == "out" else "INPUT", "-p", "tcp", "-j", "DROP")

    def slow(self) -> None:
        self._inside(
            "tc", "qdisc", "replace", "dev", "link0", "root", "tbf", "rate", "60kbit", "burst", "3000", "latency", "2s"
        )

    def lossy(self) -> None:
        for chain in ("INPUT", "OUTPUT"):
            part = ["-m", "statistic", "--mode", "random", "--probability", "0.25"]
            self._inside("iptables", "-A", chain, "-p", "tcp", *part, "-j", "DROP")

    def mend(self) -> None:
        self._inside("iptables", "-F")
        with suppress(subprocess.CalledProcessError):
            self._inside("tc", "qdisc", "del", "dev", "link0", "root")

    def _inside(self, *command: str) -> None:
        subprocess.run(self.command(command), check=True, capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Proxy:
    """A port on loopback that forwards bytes to the server's port."""

    kind = "a proxy (network namespaces are not permitted here)"

    def __init__(self, port: int, dice: random.Random) -> None:
        self.port, self.dice = port, dice
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.own_port = int(self.listener.getsockname()[1])
        self.held: set[str] = set()
        self.pause = 0.0
        self.loss = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def command(self, command: Sequence[str]) -> list[str]:
        return list(command)

    def cut(self, direction: str) -> None:
        self.held.add(direction)

    def slow(self) -> None:
        self.pause = 0.05

    def lossy(self) -> None:
        self.loss = 0.02

    def mend(self) -> None:
        self.held.clear()
        self.pause = self.loss = 0.0

    def close(self) -> None:
        """Accept no more connections."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                near.close()
                continue
            threading.Thread(target=self._carry, args=(near, far), daemon=True).start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        back = threading.Thread(target=self._pump, args=(far, near, "in"), daemon=True)
        back.start()
        self._pump(near, far, "out")
        back.join()
        near.close()
        far.close()

    def _pump(self, source: socket.socket, target: socket.socket, direction: str) -> None:
        """Copy bytes until one side closes. A loss breaks the connection, as TCP does after too many lost packets."""
        with suppress(OSError):
            while (text := source.recv(CHUNK_BYTES)) and self.dice.random() >= self.loss:
                time.sleep(self.pause)
                while direction in self.held:
                    time.sleep(0.02)
                target.sendall(text)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


Link = Namespace | Proxy
