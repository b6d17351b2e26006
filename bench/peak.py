"""The peak of a process's memory, as the kernel keeps it for the program alone.

    python bench/peak.py REPORT MODULE [ARGUMENT …]     run a module, then write the peak in KiB

What `wait` reports also counts the memory of the process that started it.
"""

import atexit
import os
import runpy
import sys
from pathlib import Path
from typing import NoReturn

_STATUS = Path("/proc/self/status")


def is_known() -> bool:
    """Say whether this system tells."""
    return _STATUS.exists()


def peak_kib() -> int:
    """Return the largest resident size of this process so far, in KiB."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def main(report: str, module: str, *arguments: str) -> None:
    """Run a module as the main program, which may also end itself at once."""
    leave = os._exit

    def write_and_leave(code: int) -> NoReturn:
        write()
        leave(code)

    def write() -> None:
        Path(report).write_text(str(peak_kib()))

    atexit.register(write)
    os._exit = write_and_leave
    sys.path[0] = str(Path.cwd())
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
