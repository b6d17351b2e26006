"""Every operation of running servers, as they describe themselves, and all that they keep.

place = World(fed, folder, {"gd.example": socket, …})
for call in place.calls("POST"):
    answer = place.ask(call, body=b"{")
place.state()                        # every row and every file, to be compared
"""

import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from did_service.replica.mirrors import folder_of
from tests.support.live import LiveFederation
from tests.support.offices import TOKENS
from tests.support.raw_http import Answer, exchange, request

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FROB")
PARAMETER = re.compile(r"\{\w+\}")
LOGINS = {
    "/office/applications": "li",
    "/office/credentials": "qian",
    "/office/indices": "qian",
}
# What the document leaves open and a running server has: of the mirrors one stands for all.
_PARTS = {
    "{log}": ("reg", "ev/2026"),
    "{mirror}": (folder_of("zj.example/reg"),),
    "{agency}": ("a",),
}


@dataclass(frozen=True)
class Call:
    """One operation of a server."""

    host: str
    method: str
    path: str

    @property
    def login(self) -> str | None:
        """The bearer token of an officer who may do this."""
        name = next((name for part, name in LOGINS.items() if part in self.path), None)
        return None if name is None else f"Bearer {TOKENS[name]}"

    def target(self, value: bytes = b"x", at: int = 0) -> bytes:
        """The path with `value` as its parameter number `at` and something harmless else."""
        parts = PARAMETER.split(self.path)
        between = [b"x"] * (len(parts) - 1)
        if between:
            between[at] = value
        found = parts[0].encode()
        for given_, part in zip(between, parts[1:], strict=True):
            found += given_ + part.encode()
        return found


class World:
    """See the module's docstring; `sockets` by host."""

    def __init__(self, fed: LiveFederation, folder: Path, sockets: Mapping[str, Path]) -> None:
        self.fed, self.folder, self.sockets = fed, folder, sockets

    def ask(
        self, call: Call, target: bytes | None = None, body: bytes = b"", **headers
    ) -> Answer:
        """One request by an officer, if the call asks for one."""
        headers = {"host": call.host, "authorization": call.login, **headers}
        sent = request(call.method, target or call.target(), body, **headers)
        return exchange(self.sockets[call.host], sent)

    def calls(self, *methods: str) -> list[Call]:
        """Every operation that the servers describe; of the mirrors one for all."""
        found = []
        for host in self.sockets:
            document = self.ask(Call(host, "GET", "/openapi.json")).document
            found += [
                Call(host, method.upper(), path)
                for generic, operations in document["paths"].items()
                for path in _concrete(generic)
                for method in operations
            ]
        return [call for call in found if call.method in (methods or METHODS)]

    def state(self) -> dict[str, object]:
        """What is on disk: every row, every file."""
        found: dict[str, object] = {}
        for path in sorted(self.folder.rglob("*")):
            if path.suffix == ".sqlite":
                found[str(path)] = _rows(path)
            elif path.is_file() and ".sqlite" not in path.name:
                found[str(path)] = path.stat().st_size
        return found


def _concrete(path: str) -> list[str]:
    part = next((part for part in _PARTS if part in path), None)
    return [path] if part is None else [path.replace(part, each) for each in _PARTS[part]]


def _rows(path: Path) -> dict[str, bytes]:
    connection = sqlite3.connect(path)
    tables = [
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
    ]
    rows = {
        name: sha256(repr(connection.execute(f'SELECT * FROM "{name}"').fetchall()).encode())
        for name in tables
        if "challenge" not in name  # anybody may ask for one
        if name != "issuer_login"  # wrong ones are counted, which is no word of theirs
    }
    connection.close()
    return {name: digest.digest() for name, digest in rows.items()}
