"""HTTP as bytes on a Unix socket: nothing on this side repairs what is wrong with a request.

answer = exchange(socket, request("GET", b"/reg/heads/..", accept_language="zh"))
answer.status, answer.kind, answer.document
"""

import json
import socket
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 where the server hung up without a word."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def kind(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def document(self):
        return json.loads(self.body)


def request(method: str, target: bytes | str, body: bytes = b"", **headers) -> bytes:
    """A request; None takes a header away, `_` in a name stands for `-`."""
    fields = {
        "host": "gd.example",
        "content_length": str(len(body)),
        "connection": "close",
        **headers,
    }
    lines = [
        name.replace("_", "-").encode() + b": " + _bytes(value)
        for name, value in fields.items()
        if value is not None
    ]
    first = b"%s %s HTTP/1.1" % (method.encode(), _bytes(target))
    return b"\r\n".join([first, *lines, b"", body])


def exchange(path: Path, sent: bytes, *, hang_up: bool = False) -> Answer:
    """Send bytes and read one answer; with `hang_up` nothing more is announced to come."""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(PATIENCE_SECONDS)
        wire.connect(str(path))
        try:
            wire.sendall(sent)
            if hang_up:
                wire.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # a server need not read all of what it refuses
        return _read(wire, sent.partition(b" ")[0].decode("latin-1"))


def _read(wire: socket.socket, method: str) -> Answer:
    response = HTTPResponse(wire, method=method)
    try:
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, headers, response.read())
    except (HTTPException, OSError):
        return Answer(0, {}, b"")
    finally:
        response.close()


def _bytes(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode()
