"""DID and DID URL syntax (W3C DID 1.1 §3), and the identifiers of did:webvh 1.0 (§3.3).

    did:webvh:QmScid…:example.com%3A8443:dids:gz / path ? query # fragment
        method  └ method-specific identifier ┘

Hardly more than one spelling is taken, so that one subject does not have two names: ASCII,
upper-case percent escapes, and none for a character that may stand as it is. Before a port
`%3a` may stand as well: letters in the grammar of did:webvh mean either case.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from did_service.core.did.location import WebLocation, parse_location, percent_decode
from did_service.core.errors import LimitError, MalformedError, UnsupportedError, quote
from did_service.core.limits import MAX_DID_CHARACTERS, MAX_DIDS_CACHED

_DID = re.compile(r"did:([a-z0-9]+):((?:[A-Za-z0-9._:-]|%[0-9A-F]{2}|%3a)+)")
_NEEDLESS_ESCAPE = re.compile(r"%(?:2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9A])")
_URL_TAIL = re.compile(
    r"(?P<path>(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})*)*)"
    r"(?:\?(?P<query>(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*))?"
    r"(?:#(?P<fragment>(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-F]{2})*))?"
)
_SCID = re.compile(r"Qm[1-9A-HJ-NP-Za-km-z]{44}")


class Did(NamedTuple):
    """A canonical DID: its method name and method-specific identifier."""

    method: str
    identifier: str

    def __str__(self) -> str:
        """Write the DID; the inverse of `parse_did`."""
        return f"did:{self.method}:{self.identifier}"


class DidUrl(NamedTuple):
    """A DID URL: path empty or from a slash on, query and fragment without their marks."""

    did: Did
    path: str = ""
    query: str | None = None
    fragment: str | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """The query's parameters, percent-decoded once.

        Raises:
            MalformedError: `did_url_invalid`: a parameter stands twice or has no value.
        """
        found: dict[str, str] = {}
        for part in self.query.split("&") if self.query else ():
            name, equals, value = part.partition("=")
            if not equals or not name or name in found:
                raise MalformedError("did_url_invalid", f"query parameter {quote(part)}")
            found[name] = percent_decode(value)
        return found

    def __str__(self) -> str:
        """Write the DID URL; the inverse of `parse_did_url`."""
        query = "" if self.query is None else f"?{self.query}"
        fragment = "" if self.fragment is None else f"#{self.fragment}"
        return f"{self.did}{self.path}{query}{fragment}"


class WebvhDid(NamedTuple):
    """A did:webvh identifier: who (the SCID, which never changes) and where."""

    scid: str
    location: WebLocation

    @property
    def host(self) -> str:
        """The host name, lower case."""
        return self.location.host

    @property
    def log_url(self) -> str:
        """Where `did.jsonl` is published."""
        return self.location.url("did.jsonl")

    @property
    def witness_url(self) -> str:
        """Where `did-witness.json` is published."""
        return self.location.url("did-witness.json")

    @property
    def base_url(self) -> str:
        """The folder that paths of its DID URLs name by default, with a slash at the end."""
        return self.location.base_url

    def __str__(self) -> str:
        """Write the DID; the inverse of `parse_webvh`."""
        return f"did:webvh:{self.scid}:{self.location}"


def parse_did(text: str) -> Did:
    """Parse a DID in its canonical spelling.

    Raises:
        LimitError: `did_too_long`, more than 2,048 characters.
        MalformedError: `did_invalid`, or `did_not_canonical` for a needless escape.
    """
    if len(text) > MAX_DID_CHARACTERS:
        raise LimitError("did_too_long", f"a DID of {len(text)} characters")
    match = _DID.fullmatch(text)
    if match is None or match[2].endswith(":"):
        raise MalformedError("did_invalid", f"not a DID: {quote(text)}")
    if _NEEDLESS_ESCAPE.search(match[2]):
        raise MalformedError("did_not_canonical", f"needless percent escape in {quote(text)}")
    return Did(match[1], match[2])


@lru_cache(maxsize=MAX_DIDS_CACHED)
def parse_did_url(text: str) -> DidUrl:
    """Parse a DID URL; a bare DID is one.

    Raises:
        LimitError: `did_too_long`.
        MalformedError: the DID's own code, or `did_url_invalid`.
    """
    if len(text) > MAX_DID_CHARACTERS:
        raise LimitError("did_too_long", f"a DID URL of {len(text)} characters")
    end = re.search(r"[/?#]", text)
    did = parse_did(text if end is None else text[: end.start()])
    tail = _URL_TAIL.fullmatch("" if end is None else text[end.start() :])
    if tail is None:
        raise MalformedError("did_url_invalid", f"not a DID URL: {quote(text)}")
    return DidUrl(did, tail["path"], tail["query"], tail["fragment"])


@lru_cache(maxsize=MAX_DIDS_CACHED)
def parse_webvh(text: str) -> WebvhDid:
    """Parse a did:webvh identifier (did:webvh 1.0 §3.3, §3.4); every entry of its log has it.

    Raises:
        UnsupportedError: `did_method_unknown`: a DID of another method.
        MalformedError: `did_invalid` or `did_not_canonical`; LimitError `did_too_long`.
    """
    did = parse_did(text)
    if did.method != "webvh":
        raise UnsupportedError("did_method_unknown", f"not a did:webvh: {quote(text)}")
    scid, _, place = did.identifier.partition(":")
    if _SCID.fullmatch(scid) is None:
        raise MalformedError("did_invalid", f"SCID of {quote(text)} is not a SHA-256 multihash")
    return WebvhDid(scid, parse_location(place))


@lru_cache(maxsize=1_024)
def did_id(did: str) -> str:
    """Return what names a subject for good: a did:webvh's SCID, else the whole DID.

    Asked of the same few DIDs by every rule and step, so the last answers are remembered.

    Raises:
        MalformedError: as `parse_did` and `parse_webvh`.
    """
    return parse_webvh(did).scid if parse_did(did).method == "webvh" else did
