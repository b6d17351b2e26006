"""uvicorn's HTTP/1.1, with an answer of ours to bytes that are not HTTP, and an end to waiting.

A request line with a space too many, two lengths that differ, a header of 100 KB: such bytes
reach no application, so the frame of `web.app` cannot answer them. They get a problem document
like everything else, in English, as no header was understood, and the connection ends.

A connection on which no whole request arrives in time ends as well. uvicorn would keep it for
ever, and somebody who opens enough of them and sends little would keep everybody else out.
What this rests on inside uvicorn: docs/adr/0039.
"""

from __future__ import annotations

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.h11_impl import H11Protocol

from did_service.core.errors import MalformedError
from did_service.core.limits import REQUEST_SECONDS
from did_service.web.problems import problem_response


class Protocol(H11Protocol):
    """One connection."""

    _arrival: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Wait for a request, so long."""
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        if self._arrival is not None:
            self._arrival.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request as long as for the first."""
        super().on_response_complete()
        self._await_request()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words
        """Refuse what was sent, unless an answer is half way out, and hang up."""
        answering = getattr(self.cycle, "response_started", False)
        if not answering or self.cycle.response_complete:
            self.transport.write(_REFUSAL)
        self.transport.close()

    def _await_request(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
        self._arrival = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def _give_up(self) -> None:
        """Hang up, unless the request has come and is being answered."""
        coming = getattr(self.cycle, "more_body", True)  # there is no cycle before the first
        if coming or self.cycle.response_complete:
            self.transport.close()


def _refusal() -> bytes:
    response = problem_response(MalformedError("request_malformed", "not an HTTP/1.1 request"))
    headers = [*response.raw_headers, (b"connection", b"close")]
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"HTTP/1.1 400 Bad Request\r\n%s\r\n%s" % (lines, response.body)


_REFUSAL = _refusal()
