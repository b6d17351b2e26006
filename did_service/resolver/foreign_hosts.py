"""Asking hosts that strangers name: one deadline for all of a DID, and no second wait in a row.

A host that has just kept a thread waiting is not asked again for a while: whoever runs one that
hangs would else keep every thread of the kind for nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from threading import Lock
from urllib.parse import urlsplit

from did_service.client.transport import Transport
from did_service.core.errors import UnavailableError, quote
from did_service.core.limits import (
    FAILED_HOST_SECONDS,
    HTTP_TIMEOUT_SECONDS,
    MAX_FAILED_HOSTS,
)

_WAITED = ("peer_timeout", "peer_unreachable")


class ForeignHosts:
    """Fetches from hosts outside of the federation.

    Args:
        transport: Fetches.
        clock: Returns the present instant, aware UTC.
    """

    def __init__(self, transport: Transport, clock: Callable[[], datetime]) -> None:
        self._transport = transport
        self._clock = clock
        self._failed: OrderedDict[str, tuple[datetime, str]] = OrderedDict()
        self._lock = Lock()

    def at_once(self) -> AbstractContextManager[None]:
        """Give all that is fetched in a `with` the time of one request together."""
        return self._transport.within(HTTP_TIMEOUT_SECONDS)

    def get(self, url: str, max_bytes: int) -> bytes:
        """Fetch a file.

        Raises:
            DidServiceError: as `Transport.get`; a host that has just failed fails again.
        """
        host = urlsplit(url).netloc
        self._check(host)
        try:
            return self._transport.get(url, max_bytes=max_bytes).body
        except UnavailableError as error:
            if error.code in _WAITED:
                self._remember(host, error.code)
            raise

    def _check(self, host: str) -> None:
        with self._lock:
            at, code = self._failed.get(host, (None, ""))
        if at is not None and timedelta(0) <= self._clock() - at < _FOR:
            raise UnavailableError(code, f"{quote(host)} did not answer a moment ago")

    def _remember(self, host: str, code: str) -> None:
        with self._lock:
            self._failed[host] = (self._clock(), code)
            self._failed.move_to_end(host)
            while len(self._failed) > MAX_FAILED_HOSTS:
                self._failed.popitem(last=False)


_FOR = timedelta(seconds=FAILED_HOST_SECONDS)
