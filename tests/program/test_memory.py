"""What a process that lasts does about its memory: the C library says what it holds."""

import platform
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from did_service.program.memory import give_back_memory

_BEGIN = """
import ctypes, sys, threading
from did_service.program.memory import give_back_memory

c = ctypes.CDLL(None)
c.malloc.restype = c.fopen.restype = ctypes.c_void_p
c.free.argtypes = [ctypes.c_void_p]
if sys.argv[1] == "lasting":
    assert give_back_memory()
"""
_FORTY_THREADS_HOLD_MEMORY_AT_ONCE = """
all_hold = threading.Barrier(40)

def hold():
    c.malloc(10_000)
    all_hold.wait()

threads = [threading.Thread(target=hold) for _ in range(40)]
[each.start() for each in threads]
[each.join() for each in threads]
"""
_LARGE_BLOCKS_COME_AND_GO = """
for mebibytes in range(1, 9):
    c.free(c.malloc(mebibytes << 20))
kept = c.malloc(4 << 20)
"""
_END = """
c.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
c.malloc_info(0, c.fopen(b"/dev/stdout", b"w"))
c.fflush(None)
"""
pytestmark = pytest.mark.clock
gnu = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")


def told(how, happens):
    program = _BEGIN + happens + _END
    ran = subprocess.run(
        [sys.executable, "-c", program, how], check=True, capture_output=True, text=True
    )
    return ElementTree.fromstring(ran.stdout)


@gnu
def test_forty_threads_share_two_heaps():
    heaps = {
        how: len(told(how, _FORTY_THREADS_HOLD_MEMORY_AT_ONCE).findall("heap"))
        for how in ("lasting", "as the library would")
    }
    assert heaps["lasting"] == 2 < heaps["as the library would"]


@gnu
def test_a_large_block_is_a_mapping_of_its_own_after_larger_ones_went():
    mapped = {
        how: int(told(how, _LARGE_BLOCKS_COME_AND_GO).find("total[@type='mmap']").get("size"))
        for how in ("lasting", "as the library would")
    }
    assert mapped["as the library would"] < 4 << 20 < mapped["lasting"]


def test_another_library_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr("did_service.program.memory.CDLL", lambda _: object())
    assert not give_back_memory()
