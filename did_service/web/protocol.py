"""uvicorn's HTTP/1.1, with an answer of ours to bytes that are not HTTP, and an end to waiting.

A request line with a space too many, two lengths that differ, a header of 100 KB: such bytes
reach no application, so the frame of `web.app` cannot answer them. They get a problem document
like everything else, in English, as no header was understood, and the connection ends.

A connection on which no whole request arrives in time ends as well. uvicorn would keep it for
ever, and somebody who opens enough of them and sends little would keep everybody else out.

So does one whose answer is not read: what is left of it stays in memory, and neither asyncio
nor uvicorn would ever stop to wait. A slow reader is waited for as long as it reads.

There are only so many connections at once (`connections`). One more than that ends the one that
has said or read nothing for longest; where every one is being answered, it is refused.

A server that ends answers what is under way to it: on a connection that has just been made it
waits a moment for the first request. uvicorn would hang up, and a reload would drop requests.
What this rests on inside uvicorn: docs/adr/0039.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.h11_impl import H11Protocol

from did_service.core.errors import DidServiceError, MalformedError, UnavailableError
from did_service.core.limits import REQUEST_SECONDS
from did_service.web.answers import problem_response
from did_service.web.connections import most_connections

LAST_MOMENT_SECONDS = 0.5  # for the first request of a connection at the end of its server
_LEAST_READ_BYTES = 65_536  # of an answer, in REQUEST_SECONDS: a line of 20 kbit/s


class Protocol(H11Protocol):
    """One connection.

    Attributes:
        idle_since: The loop's time since which a request is waited for.
    """

    _arrival: TimerHandle | None = None
    idle_since = 0.0
    _is_ending = False  # as its server does
    _unread = 0  # bytes of answers that the peer has not taken, when that was last looked at

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Wait for a request, so long; make room for it first."""
        is_full = len(self.connections) >= most_connections() and not self._end_an_idle_one()
        super().connection_made(transport)
        if is_full:
            self.transport.write(_BUSY)
            self.transport.close()
        else:
            self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        if self._arrival is not None:
            self._arrival.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """End once what is being answered has been; a first request has a moment to come."""
        if self.transport.is_closing():
            return
        has_asked = hasattr(self.cycle, "more_body")  # there is no cycle before the first
        if not has_asked and not self._is_ending:
            self._is_ending = True
            self.loop.call_later(LAST_MOMENT_SECONDS, self.shutdown)
        else:
            super().shutdown()

    def on_response_complete(self) -> None:
        """Wait for the next request as long as for the first."""
        super().on_response_complete()
        if self._is_ending:
            self.shutdown()
        else:
            self._await_request()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words
        """Refuse what was sent, unless an answer is half way out, and hang up."""
        answering = getattr(self.cycle, "response_started", False)
        if not answering or self.cycle.response_complete:
            self.transport.write(_REFUSAL)
        self.transport.close()

    def resume_writing(self) -> None:
        """Go on: the peer reads."""
        self._unread = 0
        super().resume_writing()

    def is_idle(self) -> bool:
        """Say whether no request is here that waits for us: for its peer, or not whole."""
        if self.transport.get_write_buffer_size():
            return True
        coming = getattr(self.cycle, "more_body", True)  # there is no cycle before the first
        closing = self.transport.is_closing()
        return not closing and (coming or self.cycle.response_complete)

    def _end_an_idle_one(self) -> bool:
        """End the one that has waited longest for its request; say whether there is one."""
        ours = [one for one in self.connections if isinstance(one, Protocol)]
        idle = [one for one in ours if one.is_idle()]
        if not idle:
            return False
        min(idle, key=lambda one: one.idle_since).transport.abort()
        return True

    def _await_request(self) -> None:
        self.idle_since = self.loop.time()
        self._unread = self.transport.get_write_buffer_size()
        if self._arrival is None:  # one timer a connection: another for each request costs more
            self._arrival = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def _look_again(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        self._arrival = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def _give_up(self) -> None:
        """Hang up, unless the request has come and is being answered, and the answer read."""
        left_to_wait = self.idle_since + REQUEST_SECONDS - self.loop.time()
        if left_to_wait > 0:  # something was answered since the timer was set
            self._arrival = self.loop.call_later(left_to_wait, self._give_up)
            return
        left = self.transport.get_write_buffer_size()
        if 0 < self._unread < left + _LEAST_READ_BYTES and left:
            self.transport.abort()
        elif left or not self.is_idle():
            self._look_again()
        else:
            self.transport.close()


def _refusal(status: bytes, error: DidServiceError) -> bytes:
    response = problem_response(error)
    headers = [*response.raw_headers, (b"connection", b"close")]
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"HTTP/1.1 %s\r\n%s\r\n%s" % (status, lines, response.body)


_REFUSAL = _refusal(
    b"400 Bad Request", MalformedError("request_malformed", "not an HTTP/1.1 request")
)
_BUSY = _refusal(
    b"503 Service Unavailable",
    UnavailableError("server_busy", "every connection is being answered"),
)
