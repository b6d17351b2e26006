"""What a service tells systemd: sd_notify(3), plain datagrams on the socket it names.

Without `$NOTIFY_SOCKET` nothing is sent. A manager that cannot be told is no reason to stop.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

SOCKET, PERIOD, PROCESS = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"


class ServiceManager:
    """The manager that started this process, if one did.

    Args:
        environment: Of the process.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        place = environment.get(SOCKET, "")
        self._place = f"\0{place[1:]}" if place.startswith("@") else place
        period = environment.get(PERIOD, "")
        ours = environment.get(PROCESS, str(os.getpid())) == str(os.getpid())
        is_told = period.isascii() and period.isdigit() and ours
        self.watch_seconds = int(period) / 2_000_000 if is_told and int(period) else None

    def ready(self) -> None:
        """Say that requests are answered."""
        self._tell("READY=1")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._tell("STOPPING=1")

    def reloading(self) -> None:
        """Say that settings are read again; `ready` follows."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def alive(self) -> None:
        """Say so every `watch_seconds`; without it the manager starts the service again."""
        if self.watch_seconds is not None:
            self._tell("WATCHDOG=1")

    def _tell(self, state: str) -> None:
        if not self._place.startswith(("/", "\0")):
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out, suppress(OSError):
            out.sendto(state.encode(), self._place)
