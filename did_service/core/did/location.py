"""Web locations inside DIDs: the host, port and path of did:web and did:webvh.

    example.com%3A8443:dids:gz   ->   https://example.com:8443/dids/gz/<file>

did:webvh 1.0 §3.4 and the did:web method. A location has one spelling: lower-case A-labels, no
default port, upper-case percent escapes and only where needed. What a path segment hides is
decoded once and then judged, so that no server can be walked out of its folder.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NoReturn

from did_service.core.errors import MalformedError, quote
from did_service.core.limits import MAX_HOST_CHARACTERS

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a last label that URL parsers take for IPv4
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_ESCAPES = re.compile(r"(?:%[0-9A-F]{2})+")
HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class WebLocation:
    """Where a DID publishes its files. Segments keep their canonical percent escapes."""

    host: str
    port: int | None
    segments: tuple[str, ...]

    @property
    def base_url(self) -> str:
        """The folder of the DID's files, with a slash at the end."""
        port = "" if self.port is None else f":{self.port}"
        return f"https://{self.host}{port}/" + "".join(f"{part}/" for part in self.segments)

    def url(self, name: str) -> str:
        """Return the https URL of a file; without segments it lies in `.well-known`."""
        folder = "" if self.segments else ".well-known/"
        return f"{self.base_url}{folder}{name}"

    def __str__(self) -> str:
        """Write the location as it stands in a DID."""
        port = "" if self.port is None else f"%3A{self.port}"
        return ":".join((f"{self.host}{port}", *self.segments))


def parse_location(text: str) -> WebLocation:
    """Parse `host[%3Aport][:segment…]`.

    Raises:
        MalformedError: `did_invalid`, for another spelling of the same place as well.
    """
    authority, *segments = text.split(":")
    host, escaped_colon, port = authority.partition("%3A")
    _check_host(host)
    for segment in segments:
        _check_segment(segment)
    number = _port(port) if escaped_colon else None
    return WebLocation(host, number, tuple(segments))


def percent_decode(text: str) -> str:
    """Decode percent escapes once.

    Raises:
        MalformedError: `escape_invalid`: the escaped bytes are not UTF-8.
    """
    try:
        return _ESCAPES.sub(lambda run: bytes.fromhex(run[0].replace("%", "")).decode(), text)
    except UnicodeDecodeError as error:
        raise MalformedError("escape_invalid", f"not UTF-8: {quote(text)}") from error


def _check_host(host: str) -> None:
    labels = host.split(".")
    if len(host) > MAX_HOST_CHARACTERS or len(labels) < 2:
        _refuse(f"not a fully qualified host name: {quote(host)}")
    for label in labels:
        if _LABEL.fullmatch(label) is None:
            _refuse(f"not a host name in lower-case ASCII: {quote(host)}")
        if label[2:4] == "--":
            _check_a_label(label)
    if _NUMBER.fullmatch(labels[-1]) is not None:
        _refuse(f"an IP address is not a host name: {quote(host)}")


def _check_a_label(label: str) -> None:
    """Demand that an `xn--` label is what its Unicode form encodes to (RFC 5891 §5.4)."""
    try:
        shown = label.removeprefix("xn--").encode("ascii").decode("punycode")
        again = "xn--" + shown.encode("punycode").decode("ascii")
    except (UnicodeError, ValueError, OverflowError):
        _refuse(f"not an IDNA label: {quote(label)}")
    folded = unicodedata.normalize("NFC", shown).lower()
    letters = all(c == "-" or unicodedata.category(c)[0] in "LMN" for c in shown)
    if shown.isascii() or again != label or folded != shown or not letters:
        _refuse(f"not a canonical IDNA label: {quote(label)}")


def _check_segment(segment: str) -> None:
    shown = percent_decode(segment)
    if shown in {"", ".", ".."} or shown != shown.strip():
        _refuse(f"path segment {quote(segment)} is empty, a dot path or has edge white space")
    if any(c in "/\\%" or unicodedata.category(c) == "Cc" for c in shown):
        _refuse(f"path segment {quote(segment)} hides a separator, an escape or a control")


def _port(text: str) -> int:
    if _PORT.fullmatch(text) is None or int(text) > 65_535 or int(text) == HTTPS_PORT:
        _refuse(f"not a port other than {HTTPS_PORT}: {quote(text)}")
    return int(text)


def _refuse(why: str) -> NoReturn:
    raise MalformedError("did_invalid", why)
