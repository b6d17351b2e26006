"""Threads by kind of work, so that no work waits for another kind (docs/adr/0055).

    pools = Pools()
    files = pools.of("files", threads=8)

    router = APIRouter(route_class=files.route_class())

Every router names the pool of its routes: one that is no coroutine works in a thread of it. A
pool has so many threads and so many places in line; who comes when the line is full is told at
once to come again (503 `server_busy`). One key, as the log that a checkpoint is of, may have
threads and a line of its own inside a pool: who fills it keeps nobody else waiting. A place is
free once its thread is, whether or not somebody still waits for the answer (docs/adr/0076).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, ParamSpec, TypeVar

from fastapi.routing import APIRoute

from did_service.core.errors import UnavailableError
from did_service.web.metrics import Metric, counter_by, gauge_by

RETRY_SECONDS = 2
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class Pool:
    """So many threads for one kind of work.

    Args:
        name: Of the kind, for `/metrics`.
        threads: How many work at once.
        line: How many more may wait for one of them.
        each: How many of one key work at once; None: as many as there is room.
        each_line: How many more of one key may wait.

    Attributes:
        refused: How many have been turned away.
    """

    def __init__(
        self, name: str, *, threads: int, line: int, each: int | None = None, each_line: int = 0
    ) -> None:
        self.name = name
        self.refused = 0
        self._threads = threads
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + line
        self._each = each
        self._of_key = None if each is None else each + each_line
        self._keys: Counter[str] = Counter()
        self._turns: dict[str, asyncio.Semaphore] = {}

    @property
    def running(self) -> int:
        """How many work at present."""
        return min(self._keys.total(), self._threads)

    @property
    def waiting(self) -> int:
        """How many wait at present."""
        return max(0, self._keys.total() - self.running)

    async def run(self, work: Callable[[], _Result], key: str = "") -> _Result:
        """Do work in a thread of this pool.

        Args:
            work: What blocks.
            key: Whose it is.

        Raises:
            UnavailableError: `server_busy`.
        """
        self._admit(key)
        try:
            if self._each is not None:
                await self._turns.setdefault(key, asyncio.Semaphore(self._each)).acquire()
            working = self._executor.submit(work)
        except BaseException:
            self._leave(key)
            raise
        loop = asyncio.get_running_loop()
        # A cancelled request does not stop its thread, so its place is not free before that.
        working.add_done_callback(lambda _: _soon(loop, self._done, key))
        return await asyncio.wrap_future(working)

    def work(self, function: Callable[_Given, _Result]) -> Callable[_Given, Awaitable[_Result]]:
        """Decorate what blocks, so that it works in this pool."""

        @wraps(function)
        async def pooled(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            return await self.run(lambda: function(*args, **kwargs))

        return pooled

    def route_class(self) -> type[APIRoute]:
        """Return the class of routes that work in this pool, unless they are coroutines."""
        pool = self

        class PooledRoute(APIRoute):
            """A route of one pool."""

            def __init__(
                self,
                path: str,
                endpoint: Callable[..., Any],
                **options: Any,  # noqa: ANN401 - FastAPI's own, handed on
            ) -> None:
                waits = iscoroutinefunction(endpoint)
                super().__init__(path, endpoint if waits else pool.work(endpoint), **options)

        return PooledRoute

    def _admit(self, key: str) -> None:
        is_full = self._keys.total() >= self._most
        if is_full or (self._of_key is not None and self._keys[key] >= self._of_key):
            self.refused += 1
            what = f"there is no free thread for {self.name}"
            raise UnavailableError("server_busy", what, retry_after=RETRY_SECONDS)
        self._keys[key] += 1

    def _done(self, key: str) -> None:
        if key in self._turns:
            self._turns[key].release()
        self._leave(key)

    def _leave(self, key: str) -> None:
        self._keys[key] -= 1
        if not self._keys[key]:
            del self._keys[key]  # strangers name keys: none is remembered
            self._turns.pop(key, None)


class Pools:
    """The pools of one server, each made where it is first asked for."""

    def __init__(self) -> None:
        self._pools: dict[str, Pool] = {}

    def of(
        self,
        name: str,
        threads: int,
        line: int,
        each: int | None = None,
        each_line: int = 0,
    ) -> Pool:
        """Return the pool of a kind of work; who asks first says how large it is."""
        if name not in self._pools:
            self._pools[name] = Pool(
                name, threads=threads, line=line, each=each, each_line=each_line
            )
        return self._pools[name]

    def metrics(self) -> Iterator[Metric]:
        """Return how busy each pool is."""
        pools = self._pools.values()
        running = {pool.name: pool.running for pool in pools}
        waiting = {pool.name: pool.waiting for pool in pools}
        refused = {pool.name: pool.refused for pool in pools}
        yield gauge_by("pool_running", "Threads at work, by kind of work.", "pool", running)
        yield gauge_by("pool_waiting", "Requests that wait for a thread.", "pool", waiting)
        yield counter_by("pool_refused_total", "Requests turned away.", "pool", refused)


def _soon(loop: asyncio.AbstractEventLoop, what: Callable[[str], None], key: str) -> None:
    """Say it in the loop's thread, unless the loop has ended and nobody counts any more."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(what, key)
