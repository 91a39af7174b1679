"""The messages on the sockets between a worker, its warm server and its trials: JSON, as lines or as framed messages.

Floats are written as Python writes them, so they arrive exactly, NaN and infinities too.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

HEADER = struct.Struct("!Q")
MAX_DESCRIPTORS = 4  # of one message


def send(channel: socket.socket, message: Any, fds: Sequence[int] = ()) -> None:
    """Send one framed message, with the descriptors beside its first bytes."""
    body = json.dumps(message).encode()
    header = HEADER.pack(len(body))
    if fds:
        socket.send_fds(channel, [header], list(fds))
    else:
        channel.sendall(header)
    channel.sendall(body)


def receive(channel: socket.socket) -> tuple[Any, list[int]]:
    """Receive the next framed message and its descriptors.

    Raises:
        EOFError: The other side has closed.
    """
    head, fds, _, _ = socket.recv_fds(channel, HEADER.size, MAX_DESCRIPTORS)
    while len(head) < HEADER.size:
        head += _more(channel, HEADER.size - len(head)) if head else _gone()
    (size,) = HEADER.unpack(head)
    body = bytearray()
    while len(body) < size:
        body += _more(channel, min(1 << 16, size - len(body)))
    return json.loads(body), list(fds)


def _more(channel: socket.socket, size: int) -> bytes:
    return channel.recv(size) or _gone()


def _gone() -> bytes:
    raise EOFError("the other side has closed")


def line(message: Any) -> bytes:
    """One message as a line of its own, even where a kill has cut the line before it."""
    return b"\n" + json.dumps(message).encode() + b"\n"


def messages(buffer: bytearray) -> list[Any]:
    """Take every whole line out of `buffer`. A line that is no JSON was cut by a kill and is dropped."""
    whole, newline, rest = bytes(buffer).rpartition(b"\n")
    if not newline:
        return []
    buffer[:] = rest
    found = []
    for each in whole.split(b"\n"):
        try:
            message = json.loads(each)
        except ValueError:
            continue
        if isinstance(message, dict):
            found.append(message)
    return found
