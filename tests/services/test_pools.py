"""Work of one kind never waits for another kind; who comes too many is told to come again."""

import asyncio
import threading

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from did_service.core.errors import UnavailableError
from did_service.web.app import create_app
from did_service.web.pools import Pool, Pools
from tests.support.refusals import refused


class Work:
    """Work that lasts until it is let go."""

    def __init__(self):
        self.begun, self.over = threading.Semaphore(0), threading.Event()

    def __call__(self):
        self.begun.release()
        self.over.wait(20)
        return "done"


async def started(pool, work, number, key=""):
    """So many works in a pool, after they are all at work or in line."""
    tasks = [asyncio.create_task(pool.run(work, key)) for _ in range(number)]
    await asyncio.sleep(0)
    return tasks


def test_a_full_pool_refuses_at_once_and_counts():
    async def scene():
        work, pool = Work(), Pool("test", threads=2, line=1)
        tasks = await started(pool, work, 3)
        with pytest.raises(UnavailableError) as caught:
            await pool.run(work)
        assert caught.value.code == "server_busy"
        assert caught.value.details["retry_after"] == 2
        work.over.set()
        assert await asyncio.gather(*tasks) == ["done"] * 3
        assert (pool.refused, pool.running, pool.waiting) == (1, 0, 0)
        assert await pool.run(lambda: "again") == "again"

    asyncio.run(scene())


def test_one_key_takes_its_share_and_no_more():
    async def scene():
        work, pool = Work(), Pool("test", threads=4, line=4, each=2)
        tasks = await started(pool, work, 2, key="gd")
        with refused("server_busy", UnavailableError):
            await pool.run(work, "gd")
        assert await pool.run(lambda: "in time", "hn") == "in time"
        work.over.set()
        await asyncio.gather(*tasks)
        assert await pool.run(lambda: "again", "gd") == "again"
        assert not pool._keys

    asyncio.run(scene())


def test_one_key_has_a_line_of_its_own():
    """Whoever repeats a log's checkpoints is ahead of it, and does not shut it out."""

    async def scene():
        work, pool = Work(), Pool("test", threads=4, line=8, each=2, each_line=3)
        tasks = await started(pool, work, 5, key="gd")
        with refused("server_busy", UnavailableError):
            await pool.run(work, "gd")
        assert await pool.run(lambda: "in time", "hn") == "in time"
        begun = [work.begun.acquire(timeout=20), work.begun.acquire(timeout=20)]
        assert (begun, work.begun.acquire(blocking=False)) == ([True, True], False)
        tasks[4].cancel()
        await asyncio.sleep(0)
        late = asyncio.create_task(pool.run(lambda: "after the others", "gd"))
        await asyncio.sleep(0)
        work.over.set()
        assert await asyncio.gather(*tasks[:4], late) == ["done"] * 4 + ["after the others"]
        assert not pool._keys
        assert not pool._turns

    asyncio.run(scene())


@pytest.mark.parametrize("each", [None, 1])
def test_a_place_is_free_when_its_thread_is_and_not_when_nobody_waits(each):
    async def scene():
        work, pool = Work(), Pool("test", threads=1, line=0, each=each)
        (task,) = await started(pool, work, 1)
        work.begun.acquire(timeout=20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pool.running == 1
        with refused("server_busy", UnavailableError):
            await pool.run(work)
        work.over.set()
        while pool.running:
            await asyncio.sleep(0.001)
        assert await pool.run(lambda: "again") == "again"

    asyncio.run(scene())


def test_a_loop_that_ends_before_its_threads_is_no_fault():
    work, pool = Work(), Pool("test", threads=1, line=0)

    async def leaves():
        (task,) = await started(pool, work, 1)
        work.begun.acquire(timeout=20)
        task.cancel()

    asyncio.run(leaves())
    work.over.set()
    pool._executor.shutdown()


def test_work_that_fails_gives_its_thread_back():
    async def scene():
        pool = Pool("test", threads=1, line=0)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await pool.run(lambda: 1 / 0)
        assert (pool.running, pool.waiting) == (0, 0)

    asyncio.run(scene())


def test_routes_of_a_full_pool_do_not_keep_the_others_waiting():
    work, pools = Work(), Pools()
    app = create_app("test", pools=pools)
    slow = APIRouter(route_class=pools.of("slow", threads=1, line=0).route_class())
    quick = APIRouter(prefix="/quick", route_class=pools.of("quick", 1, 0).route_class())
    slow.get("/slow/{number}")(lambda number: work())

    @quick.get("/{number}")
    def quickly(number: int) -> int:
        return number

    outer = APIRouter()
    outer.include_router(quick, prefix="/inner")
    for router in (slow, outer):
        app.include_router(router)
    with TestClient(app) as client:
        first = threading.Thread(target=client.get, args=("/slow/1",))
        first.start()
        work.begun.acquire(timeout=20)
        answer = client.get("/slow/2")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.json()["code"] == "server_busy"
        assert client.get("/inner/quick/7").json() == 7
        assert client.get("/health").json() == {"status": "ok"}
        metrics = client.get("/metrics").text
        assert 'didsvc_pool_running{pool="slow"} 1' in metrics
        assert 'didsvc_pool_refused_total{pool="slow"} 1' in metrics
        work.over.set()
        first.join(20)
