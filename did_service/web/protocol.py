"""HTTP/1.1 as uvicorn speaks it, but for the answer to what is no HTTP.

A request line with a space too many, two lengths that differ, a header of 100 KB: such bytes
reach no application, so the frame of `web.app` cannot answer them. They get a problem document
like everything else, in English, as no header was understood, and the connection ends.
"""

from __future__ import annotations

from uvicorn.protocols.http.h11_impl import H11Protocol

from did_service.core.errors import MalformedError
from did_service.web.problems import problem_response


class Protocol(H11Protocol):
    """One connection."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words
        """Refuse what was sent, unless an answer is half way out, and hang up."""
        answering = getattr(self.cycle, "response_started", False)
        if not answering or self.cycle.response_complete:
            self.transport.write(_REFUSAL)
        self.transport.close()


def _refusal() -> bytes:
    response = problem_response(MalformedError("request_malformed", "not an HTTP/1.1 request"))
    headers = [*response.raw_headers, (b"connection", b"close")]
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return b"HTTP/1.1 400 Bad Request\r\n%s\r\n%s" % (lines, response.body)


_REFUSAL = _refusal()
