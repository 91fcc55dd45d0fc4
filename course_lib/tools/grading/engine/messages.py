"""Messages between the processes of the engine: JSON with its length before it."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

LENGTH = struct.Struct("!Q")
LARGEST = 64 << 20  # bytes


class BadMessage(Exception):
    """What came in is no message: too long, or no JSON."""


def send(connection: socket.socket, message: Any) -> None:
    """Send one message."""
    data = json.dumps(message).encode("utf-8", "surrogatepass")
    connection.sendall(LENGTH.pack(len(data)) + data)


def receive(connection: socket.socket, largest: int = LARGEST) -> Any:
    """Receive one message; None when the other side has closed.

    Raises:
        BadMessage: see there.
        OSError: the connection broke, or its time was over.
    """
    head = _exactly(connection, LENGTH.size)
    if not head:
        return None
    (length,) = LENGTH.unpack(head)
    if length > largest:
        raise BadMessage(f"a message of {length:,} bytes")
    data = _exactly(connection, length)
    try:
        return json.loads(data.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise BadMessage("a message that is no JSON") from error


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = connection.recv(min(count - len(data), 1 << 20))
        if not part:
            if data:
                raise ConnectionError("the other side ended within a message")
            return b""
        data += part
    return bytes(data)
