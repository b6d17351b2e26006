"""`make soak PART=failover`: who writes is lost again and again, under load; nothing else is.

A registry in two processes, among four other regions, on a primary of PostgreSQL with a
synchronous standby. Each round, ROUNDS of them, loses in turn

    primary     killed, and its standby promoted: the time begins with the promotion's end
    leader      the process that writes is killed
    stopped     … does not run any more, and its connections stay, as on a machine that hangs
    session     … the server ends the session that it leads by
    network     … and it are cut off from each other: nothing arrives, nothing is refused

while clients hand entries in. Two times are told: until another term has begun, which has a
goal, and until an entry is accepted in it. The witnesses may be reading from the process that
was lost, and have to give up first.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from did_service.core.errors import DidServiceError
from tests.support.postgres import Server
from tests.support.registry_processes import PATIENCE, Load, Region, region
from tests.support.standby import Pair, url_of

ROUNDS = int(os.environ.get("ROUNDS", "10"))
GOAL = 5.0  # seconds
_BETWEEN = 20  # receipts from one loss to the next
_BOTH_ALIVE = ("primary", "session")
_LOCK = """
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
AND a.application_name = 'did-service registry' AND a.state = 'idle'
"""


class Wire:
    """A way of its own from one process to both servers, which can be cut."""

    def __init__(self, pair: Pair) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="didsvc-wire-"))
        self.children, hosts = [], []
        for number, server in enumerate((pair.primary, pair.standby)):
            place = self.folder / str(number)
            place.mkdir()
            hosts.append(place)
            words = [__file__, place / ".s.PGSQL.5432", server.folder / ".s.PGSQL.5432"]
            child = subprocess.Popen([sys.executable, *words])
            self.children.append(child)
        self.hosts = tuple(hosts)

    def signal(self, number: int) -> None:
        for each in self.children:
            each.send_signal(number)

    def close(self) -> None:
        for each in self.children:
            each.kill()
            each.wait()
        shutil.rmtree(self.folder)


class Soak:
    """One region, two processes, and what they are put through."""

    def __init__(self, pair: Pair, gd: Region, wires: dict[str, Wire], load: Load) -> None:
        self.pair, self.gd, self.wires, self.load = pair, gd, wires, load
        self.database = gd.database
        self.leader, self.other = "one", "two"
        self.times: dict[str, list[tuple[float, float]]] = {}

    def primary(self) -> None:
        self.pair.primary.kill()
        term = self._term(self.pair.standby)
        self.pair.fail_over()
        self._until_accepted("primary", term)
        self.pair.restore()

    def killed(self) -> None:
        term = self._term()
        self.gd.kill(self.leader)
        self._until_accepted("leader", term)
        self.gd.start(self.leader)

    def stopped(self) -> None:
        term, child = self._term(), self.gd.children[self.leader]
        child.send_signal(signal.SIGSTOP)
        try:
            self._until_accepted("stopped", term)
        finally:
            child.send_signal(signal.SIGCONT)

    def session(self) -> None:
        term = self._term()
        with self.pair.primary.ask("postgres") as driver:
            driver.execute(_LOCK)
        self._until_accepted("session", term)

    def network(self) -> None:
        term, wire = self._term(), self.wires[self.leader]
        wire.signal(signal.SIGSTOP)
        try:
            self._until_accepted("network", term)
        finally:
            wire.signal(signal.SIGCONT)

    def work(self, count: int) -> None:
        """Wait until so many more entries were accepted, by whoever leads."""
        wanted, ends = len(self.load.receipts) + count, time.monotonic() + PATIENCE
        while len(self.load.receipts) < wanted:
            assert time.monotonic() < ends
            self.find()  # one that has run again may have thought for a moment that it leads
            time.sleep(2)

    def find(self) -> None:
        """Have the clients reach whoever leads."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            for name in sorted(self.gd.children):
                self.gd.reach(name)
                if self.gd.leads():
                    self.leader, self.other = name, {"one": "two", "two": "one"}[name]
                    return
            time.sleep(0.1)
        raise AssertionError("nobody leads")

    def _term(self, server: Server | None = None) -> int:
        with (server or self.pair.primary).ask(self.database) as driver:
            found = driver.execute("SELECT term FROM registry.storage_leader").fetchone()
        return int(found[0])

    def _until_accepted(self, kind: str, term: int) -> None:
        """Measure until somebody leads anew and has accepted an entry."""
        began = time.monotonic()
        self.gd.reach(self.other)
        while self._term() == term:
            assert time.monotonic() - began < PATIENCE, kind
            time.sleep(0.02)
        leads = time.monotonic() - began
        # By a request of its own: those of the clients may hang at the one that was lost.
        names = [self.other, *([self.leader] if kind in _BOTH_ALIVE else [])]
        while True:
            assert time.monotonic() - began < PATIENCE, kind
            with suppress(DidServiceError):
                self.load.receipts.append(self.gd.submit())
                break
            names.append(names.pop(0))
            if self.gd.reached != names[0]:
                self.gd.reach(names[0])
        taken = time.monotonic() - began
        self.times.setdefault(kind, []).append((leads, taken))
        count = len(self.load.receipts)
        print(f"{kind:8} {leads:5.2f} s, {taken:5.2f} s, {count} receipts", flush=True)


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[Pair, Region, dict[str, Wire]]]:
    pair = Pair()
    database = pair.create()
    wires = {name: Wire(pair) for name in ("one", "two")}
    try:
        with region(folder, pair.url(database)) as gd:
            gd.database = database
            for name, wire in wires.items():
                gd.start(name, url_of(wire.hosts, database, "read-write"))
            gd.reach("one")
            gd.begin()
            yield pair, gd, wires
    finally:
        for wire in wires.values():
            wire.close()
        pair.dispose()


def main() -> int:
    """Run the rounds; say what was accepted, what was lost, and how long it took."""
    folder = Path(tempfile.mkdtemp(prefix="didsvc-failover-"))
    try:
        with _opened(folder) as (pair, gd, wires):
            with Load(gd) as load:
                soak = Soak(pair, gd, wires, load)
                for _ in range(ROUNDS):
                    for lose in (
                        soak.primary, soak.killed, soak.stopped, soak.session, soak.network
                    ):  # fmt: skip
                        soak.work(_BETWEEN)
                        lose()
                soak.work(_BETWEEN)
            lost = gd.lost(load.receipts)
            heads = gd.head().size
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for kind, times in soak.times.items():
        leads, taken = (sorted(each) for each in zip(*times, strict=True))
        told = f"leads within {leads[-1]:.2f} s, has accepted within {taken[-1]:.2f} s"
        print(f"{kind}: {len(times)} times, {told}")
    print(f"{len(load.receipts)} receipts, {heads} entries published, {len(lost)} lost")
    every = [each for times in soak.times.values() for each, _ in times]
    late = [each for each in every if each > GOAL]
    print(f"{len(late)} of {len(every)} led after more than {GOAL:.0f} s")
    return int(bool(lost or late))


def _forward(here: str, there: str) -> None:
    """Be a wire: a process of its own, so that a signal can cut it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_unix_connection(there)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))

    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def run() -> None:
        async with await asyncio.start_unix_server(serve, here) as server:
            await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _forward(*sys.argv[1:])
    else:
        sys.exit(main())
