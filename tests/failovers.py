"""`make soak PART=failover`: who writes is lost again and again, under load; nothing else is.

A registry in two processes, among four other regions, on a primary of PostgreSQL with a
synchronous standby. Each round, ROUNDS of them, loses in turn

    primary     killed, and its standby promoted: the time begins with the promotion's end
    leader      the process that writes is killed
    stopped     … does not run any more, and its connections stay, as on a machine that hangs
    session     … the server ends the session that it leads by
    network     … and it are cut off from each other: nothing arrives, nothing is refused

while clients hand entries in. The time ends with the first that is accepted again.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.registry_processes import PATIENCE, Load, Region, region
from tests.support.standby import Pair, url_of

ROUNDS = int(os.environ.get("ROUNDS", "10"))
GOAL = 5.0  # seconds
_BETWEEN = 20  # receipts from one loss to the next
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
        self.leader, self.other = "one", "two"
        self.times: dict[str, list[float]] = {}

    def primary(self) -> None:
        self.pair.primary.kill()
        self.pair.fail_over()
        self._until_accepted("primary", self.leader, self.other)
        self.pair.restore()

    def killed(self) -> None:
        self.gd.kill(self.leader)
        self._until_accepted("leader", self.other)
        self._start(self.leader)
        self._swap()

    def stopped(self) -> None:
        child = self.gd.children[self.leader]
        child.send_signal(signal.SIGSTOP)
        self._until_accepted("stopped", self.other)
        child.send_signal(signal.SIGCONT)
        self._swap()

    def session(self) -> None:
        with self.pair.primary.ask("postgres") as driver:
            driver.execute(_LOCK)
        self._until_accepted("session", self.leader, self.other)

    def network(self) -> None:
        wire = self.wires[self.leader]
        wire.signal(signal.SIGSTOP)
        self._until_accepted("network", self.other)
        wire.signal(signal.SIGCONT)
        self._swap()

    def _swap(self) -> None:
        self.leader, self.other = self.other, self.leader

    def _start(self, name: str) -> None:
        reached = self.leader if name == self.other else self.other
        self.gd.start(name)
        self.gd.reach(reached)

    def _until_accepted(self, kind: str, *names: str) -> None:
        """Measure until one of these accepts; whoever does is the leader."""
        began, before = time.monotonic(), len(self.load.receipts)
        while len(self.load.receipts) == before:
            assert time.monotonic() - began < PATIENCE, kind
            for name in names:
                if self.gd.reached != name:
                    self.gd.reach(name)
                _pause(lambda: len(self.load.receipts) > before, 0.3)
        taken = time.monotonic() - began
        self.times.setdefault(kind, []).append(taken)
        if len(names) > 1 and self.gd.reached != self.leader:
            self._swap()
        print(f"{kind:8} {taken:5.2f} s, {len(self.load.receipts)} receipts", flush=True)


def _pause(condition: Callable[[], bool], seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not condition() and time.monotonic() < ends:
        time.sleep(0.01)


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[Pair, Region, dict[str, Wire]]]:
    pair = Pair()
    database = pair.create()
    wires = {name: Wire(pair) for name in ("one", "two")}
    try:
        with region(folder, pair.url(database)) as gd:
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
                        load.more(_BETWEEN)
                        lose()
                load.more(_BETWEEN)
            lost = gd.lost(load.receipts)
            heads = gd.head().size
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for kind, times in soak.times.items():
        ordered = sorted(times)
        middle, last = ordered[len(ordered) // 2], ordered[-1]
        print(f"{kind}: {len(times)} times, median {middle:.2f} s, longest {last:.2f} s")
    print(f"{len(load.receipts)} receipts, {heads} entries published, {len(lost)} lost")
    late = [each for times in soak.times.values() for each in times if each > GOAL]
    print(f"{len(late)} of {sum(map(len, soak.times.values()))} took more than {GOAL:.0f} s")
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
