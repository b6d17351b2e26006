"""Web locations inside DIDs: the host, port and path of did:web and did:webvh.

    example.com%3A8443:dids:gz   ->   https://example.com:8443/dids/gz/<file>

did:webvh 1.0 §3.4 and the did:web method. Hosts are lower-case A-labels, percent escapes stand
only where they are needed. Of the two spellings that the grammar of did:webvh leaves for one
place, `%3a` for `%3A` and port 443 for none, the federation's own DIDs use one: `is_canonical`.
What a path segment hides is decoded once and then judged, so that no server can be walked out
of its folder.
"""

import re
import unicodedata
from typing import NamedTuple, NoReturn

from did_service.core.errors import MalformedError, quote
from did_service.core.limits import MAX_HOST_CHARACTERS

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a last label that URL parsers take for IPv4
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_ESCAPES = re.compile(r"(?:%[0-9A-F]{2})+")
HTTPS_PORT = 443


class WebLocation(NamedTuple):
    """Where a DID publishes its files. Segments keep their canonical percent escapes.

    `colon` is the escape that stands before the port, in the case in which it came.
    """

    host: str
    port: int | None
    segments: tuple[str, ...]
    colon: str = "%3A"

    @property
    def is_canonical(self) -> bool:
        """Whether this is the one spelling of the place that our own DIDs use."""
        return self.colon == "%3A" and self.port != HTTPS_PORT

    @property
    def base_url(self) -> str:
        """The folder of the DID's files, with a slash at the end."""
        port = "" if self.port in (None, HTTPS_PORT) else f":{self.port}"
        return f"https://{self.host}{port}/" + "".join(f"{part}/" for part in self.segments)

    def url(self, name: str) -> str:
        """Return the https URL of a file; without segments it lies in `.well-known`."""
        folder = "" if self.segments else ".well-known/"
        return f"{self.base_url}{folder}{name}"

    def __str__(self) -> str:
        """Write the location as it stands in a DID."""
        port = "" if self.port is None else f"{self.colon}{self.port}"
        return ":".join((f"{self.host}{port}", *self.segments))


def parse_location(text: str) -> WebLocation:
    """Parse `host[%3Aport][:segment…]`.

    Raises:
        MalformedError: `did_invalid`, for most other spellings of the same place as well.
    """
    authority, *segments = text.split(":")
    colon = "%3a" if "%3a" in authority else "%3A"
    host, has_port, port = authority.partition(colon)
    _check_host(host)
    for segment in segments:
        _check_segment(segment)
    if not has_port:
        return WebLocation(host, None, tuple(segments))
    return WebLocation(host, _port(port), tuple(segments), colon)


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
    if _PORT.fullmatch(text) is None or int(text) > 65_535:
        _refuse(f"not a port: {quote(text)}")
    return int(text)


def _refuse(why: str) -> NoReturn:
    raise MalformedError("did_invalid", why)
