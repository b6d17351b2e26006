"""Starting a registry process, and talking to it over its socket without a client library.

The load has to be cheaper than what it loads: requests are made beforehand, connections stay
open, and of an answer only status and length are read.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.fixtures import CHECKOUT
from bench.registry_process import POLICY, SOCKET
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.encoding import jcs


class RegistryProcess:
    """A running registry; `started` makes one."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._peak_kib = 0
        self.socket = folder / SOCKET

    @classmethod
    @contextmanager
    def started(cls, folder: Path, policy: Policy, *flags: str) -> Iterator[RegistryProcess]:
        """Start a registry and yield it when it answers; it stops afterwards, or with us."""
        folder.mkdir(exist_ok=True)
        (folder / POLICY).write_bytes(jcs.encode(policy.members))
        command = [sys.executable, "-m", "bench.registry_process", str(folder), *flags]
        with subprocess.Popen(
            command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            served = cls(folder, process)
            assert served._line() == "ready"
            yield served
            served.stop()

    def store(self, origin: str, entries: Iterable[bytes]) -> None:
        """Hand over entries that were judged before."""
        assert self._process.stdin is not None
        for data in entries:
            self._process.stdin.write(b"%s %s\n" % (origin.encode(), data))

    def publish(self) -> None:
        """Have everything published."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"publish\n")
        self._process.stdin.flush()
        assert self._line() == "published"

    def stop(self) -> int:
        """Stop it and return the peak of its memory in KiB."""
        assert self._process.stdin is not None
        if not self._process.stdin.closed:
            self._process.stdin.close()
            self._peak_kib = int(self._line())
        return self._peak_kib

    def processor_seconds(self) -> float:
        """Return the processor time that it has used so far, its judges included."""
        return processor_seconds(self._process.pid)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().strip()


@dataclass(frozen=True, slots=True)
class Load:
    """What became of a number of requests: seconds for all, and of each, sorted."""

    seconds: float
    latencies: tuple[float, ...]

    def percentile(self, share: float) -> float:
        """Return the latency that this share of requests stayed below."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def processor_seconds(process: int) -> float:
    """Return the processor time of a process and its children, in all threads (Linux)."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    children = [int(each) for task in tasks for each in _read(task / "children").split()]
    # The number of a process's clock, as clock_getcpuclockid(3) makes it: exact to the
    # nanosecond, where /proc counts ticks of 10 ms.
    return sum(time.clock_gettime(~each << 3 | 2) for each in (process, *children))


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except FileNotFoundError:  # a thread that has just ended
        return ""


def post(path: str, body: bytes, kind: str, wait: int = 0) -> bytes:
    """Write a request, one that waits so many seconds for the quorum if it says so."""
    head = f"POST {path} HTTP/1.1\r\nhost: gd.example\r\ncontent-type: {kind}\r\n"
    head += f"prefer: wait={wait}\r\n" if wait else ""
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def get(path: str) -> bytes:
    """Write a request without a body."""
    return f"GET {path} HTTP/1.1\r\nhost: gd.example\r\n\r\n".encode()


def send(socket: Path, requests: Sequence[bytes], connections: int) -> Load:
    """Send requests over so many connections; each must be answered with 2xx."""
    return asyncio.run(_send(socket, list(requests), connections))


async def _send(socket: Path, waiting: list[bytes], connections: int) -> Load:
    opened = [await asyncio.open_unix_connection(socket) for _ in range(connections)]
    latencies: list[float] = []

    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while waiting:
            begun = time.perf_counter()
            writer.write(waiting.pop())
            await _answer(reader)
            latencies.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(work(*each) for each in opened))
    seconds = time.perf_counter() - begun
    for _, writer in opened:
        writer.close()
    return Load(seconds, tuple(sorted(latencies)))


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = head.partition("content-length:")[2].partition("\r\n")[0]
    body = await reader.readexactly(int(length))
    assert head.startswith("http/1.1 2"), body[:500]
    assert b'"status":4' not in body, body[:500]
    return body
