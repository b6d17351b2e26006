"""What the system says of a process that serves: its heaps and the files it may open."""

import re
import resource
from contextlib import contextmanager
from pathlib import Path

from did_service.web.connections import MAX_CONNECTIONS, RESERVED_FILES

_HEAP = 64 << 20  # beside the first, a heap of GNU's C library begins at a multiple of it


@contextmanager
def few_files():
    """Child processes begin with as few files as a login shell gives, and may take more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1_024, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def has_few_heaps(pid):
    """Whether its threads share heaps: as the library would, they would have some sixteen.

    Two are allowed, one of which goes on in others; other mappings begin there by chance.
    """
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    begins = [
        int(line.partition("-")[0], 16) for line in maps if " rw-p 00000000 00:00 0 " in line
    ]
    return len([each for each in begins if each % _HEAP == 0]) <= 3


def has_files_enough(pid):
    """Whether it may open a file for each connection, or as many as the system lets it."""
    limits = Path(f"/proc/{pid}/limits").read_text()
    soft, hard = re.search(r"Max open files +(\d+|unlimited) +(\d+|unlimited)", limits).groups()
    return soft in ("unlimited", hard) or int(soft) >= MAX_CONNECTIONS + RESERVED_FILES


def children_of(pid):
    """The processes that one has started, and theirs."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *children_of(int(child))]
    return found


def command_of(pid):
    """The words that a process was started with."""
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
