"""Group `issuer`: one process of an agency, and two of them on one PostgreSQL database.

Once is what becomes of one application: handed in, accepted, approved, picked up and
acknowledged, by five requests over a Unix socket; challenges and signatures are made before.
`.two` is the rate of two processes beside that of one, on a machine whose cores they share with
the engine and with this process; `.two-processor` what an issuance takes of both together,
beside what it takes of one alone. The engine's own time is in neither.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from bench.harness import Operation, Row, Samples, Session, V
from bench.served import get, post
from did_service.client.issuer import IssuerClient
from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import JsonObject, as_text
from tests.issuers import agency
from tests.support.offices import TOKENS, URL, Office

NAME = "issuer.issue"
_ONE, _TWO = "one-process", "two-processes"
_CONNECTIONS = 8
_PATH, _JSON = "/agencies/a", "application/json"
_NEVER = 86_400.0  # no tick comes while it is measured


@dataclass(slots=True)
class Issuers:
    """So many processes of one agency, and what an issuance took of all of them together."""

    office: Office
    sockets: Sequence[Path]
    children: Sequence[Popen[bytes]]
    processor: list[float] = field(default_factory=list)

    def issue(self, count: int) -> float:
        """Issue so many credentials; making the applications is not counted."""
        bodies = self._applications(count)
        begun, clock = self._processor(), time.perf_counter()
        asyncio.run(_issue(self.sockets, bodies))
        seconds = time.perf_counter() - clock
        self.processor.append((self._processor() - begun) / count)
        return seconds

    def _applications(self, count: int) -> list[bytes]:
        route = UnixRoute(str(self.sockets[0]))
        with Transport(Routes({"gz.gd.example": route})) as transport:
            citizen, make = IssuerClient(transport, URL), self.office.application
            return [jcs.encode(make(challenge=citizen.challenge())) for _ in range(count)]

    def _processor(self) -> float:
        # As bench.served: the clock of another process, exact to the nanosecond.
        return sum(time.clock_gettime(~child.pid << 3 | 2) for child in self.children)


def run(session: Session) -> None:
    """Measure the group."""
    count = max(_CONNECTIONS, session.effort.requests // 4)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        kinds = {
            name: stack.enter_context(_started(folder / name, number))
            for name, number in ((_ONE, 1), (_TWO, 2))
        }
        samples = session.measure(
            [
                Operation(name, lambda n, each=each: each.issue(n * count), count)
                for name, each in kinds.items()
            ]
        )
    _report(session, samples, kinds)


def _report(session: Session, samples: Samples, kinds: dict[str, Issuers]) -> None:
    rounds = samples.rounds  # those before them were to warm up
    taken = {name: each.processor[-rounds:] for name, each in kinds.items()}
    spent = Samples({**taken, V: samples.seconds[V]})
    session.add(
        Row(f"{NAME}.one", 1 / samples.median(_ONE), "entries/s", None, None, None, rounds)
    )
    rate, ratio = 1 / samples.median(_TWO), samples.ratio(_ONE, _TWO)
    session.add(Row(f"{NAME}.two", rate, "entries/s", ratio, _ONE, 1.3, rounds))
    session.compare(f"{NAME}.one-processor", spent, _ONE, V)
    session.compare(f"{NAME}.two-processor", spent, _TWO, _ONE, 1.15)


@contextmanager
def _started(folder: Path, number: int) -> Iterator[Issuers]:
    """Start so many processes of an agency on a database of their own."""
    folder.mkdir()
    with agency(folder, _NEVER) as (office, processes):
        names = [f"issuer-{each}" for each in range(number)]
        processes.start(*names)
        sockets = [processes.socket(name) for name in names]
        yield Issuers(office, sockets, [processes.children[name] for name in names])


async def _issue(sockets: Sequence[Path], bodies: list[bytes]) -> None:
    """Lead applications to their end over some connections to each process in turn."""
    waiting = list(bodies)

    async def work(socket: Path) -> None:
        connection = await _Connection.open(socket)
        while waiting:
            await _lead(connection, waiting.pop())
        connection.close()

    await asyncio.gather(*(work(sockets[n % len(sockets)]) for n in range(_CONNECTIONS)))


async def _lead(connection: _Connection, body: bytes) -> None:
    applied = await connection.ask(post(f"{_PATH}/applications", body, _JSON))
    name = as_text(applied["id"], "id")
    for verb, officer in (("accept", "li"), ("approve", "zhao")):
        login = f"{_JSON}\r\nauthorization: Bearer {TOKENS[officer]}"
        path = f"{_PATH}/office/applications/{name}/{verb}"
        await connection.ask(post(path, b"{}", login))
    pickup = f"{_PATH}/pickup/{as_text(applied['pickup'], 'pickup').rpartition('/')[2]}"
    await connection.ask(get(pickup))
    await connection.ask(get(pickup).replace(b"GET", b"DELETE", 1))


@dataclass(frozen=True, slots=True)
class _Connection:
    """A connection that stays open; of an answer only what the next request needs is read."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, socket: Path) -> _Connection:
        return cls(*await asyncio.open_unix_connection(socket))

    async def ask(self, request: bytes) -> JsonObject:
        self.writer.write(request.replace(b"gd.example", b"gz.gd.example", 1))
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = head.partition("content-length:")[2].partition("\r\n")[0]
        body = await self.reader.readexactly(int(length or 0))
        assert head.startswith("http/1.1 2"), body[:500]
        return strict_json.load_object(body) if body else {}

    def close(self) -> None:
        self.writer.close()
