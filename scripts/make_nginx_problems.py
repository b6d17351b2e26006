"""Write deploy/nginx/did-service/problems.conf: nginx's own refusals as problem documents.

    python scripts/make_nginx_problems.py > deploy/nginx/did-service/problems.conf

The words are those that the services have. A test compares the committed file with what this
writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from did_service.core.encoding import jcs
from did_service.core.errors import (
    DidServiceError,
    LimitError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from did_service.web.problems import RETRY_AFTER_SECONDS, problem_of, status_of

_DETAIL = "refused by the proxy in front"
_AWAY = "the service behind the proxy does not answer"
# By the statuses of nginx: 494 is a header that is too large, 497 plain HTTP on a port of TLS.
_REFUSALS: Mapping[str, DidServiceError] = {
    "400 405 408 414 494 497": MalformedError("request_malformed", _DETAIL),
    "403 404": NotFoundError("path_unknown", _DETAIL),
    "413": LimitError("too_large", _DETAIL),
    "429": LimitError("too_many_requests", _DETAIL),
    "500 502 503 504": UnavailableError("peer_unreachable", _AWAY),
}
_INTRODUCTION = """\
# Included by each site: what nginx itself refuses, as problem documents (RFC 9457). What the
# services refuse passes as it is. scripts/make_nginx_problems.py writes this file.
"""


def main() -> None:
    """Write the file to stdout."""
    sys.stdout.buffer.write(text().encode())


def text() -> str:
    """Return the file."""
    return _INTRODUCTION + "".join(map(_directives, _REFUSALS))


def _directives(statuses: str) -> str:
    error = _REFUSALS[statuses]
    return "".join(f"{line}\n" for line in ("", *_lines(statuses, error)))


def _lines(statuses: str, error: DidServiceError) -> Iterator[str]:
    status = status_of(error)
    yield f"error_page {statuses} = @did_{error.code};"
    yield f"location @did_{error.code} {{"
    yield "    default_type application/problem+json;"
    yield "    add_header Cache-Control no-store always;"
    yield "    add_header Vary Accept-Language always;"
    yield "    add_header Content-Language $did_language always;"
    yield '    add_header Strict-Transport-Security "max-age=31536000" always;'
    yield "    add_header X-Content-Type-Options nosniff always;"
    if status in (429, 503):
        yield f"    add_header Retry-After {RETRY_AFTER_SECONDS} always;"
    yield "    if ($did_language = zh) {"
    yield f"        return {status} '{_document(error, 'zh')}';"
    yield "    }"
    yield f"    return {status} '{_document(error, 'en')}';"
    yield "}"


def _document(error: DidServiceError, language: str) -> str:
    """Return a problem document between single quotes, where nginx would fill in `$name`."""
    document = jcs.encode(problem_of(error, language)).decode()
    if "$" in document:
        raise ValueError(error.code)
    return document.replace("\\", "\\\\").replace("'", "\\'")


if __name__ == "__main__":
    main()
