"""The request of a counter: an OpenID4VP 1.0 request object (§5), carried without a network.

    {"response_type":"vp_token","response_mode":"x-didsvc-offline",
     "client_id":"window-3","aud":"https://self-issued.me/v2",
     "nonce":"n4W…","state":"8sK…","iat":1790000000,"exp":1790086400,
     "dcql_query":{…} | "scope":"ITEM"}

The file holds the payload of the object, not signed: once a counter has a key, the same
members are signed as they stand (RFC 9101 §4). So who asks is a claim. A name with one of the
prefixes of §5.9.3 promises a proof of it, and is refused where none is given; a name without is
that of a counter known by other means. `client_id` is whom the answer is made for, letter for
letter.

Parameters that we do not know are passed over, as §5 demands, but for those that would send the
answer elsewhere or bind it to more than is understood.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from dataclasses import dataclass
from datetime import datetime, timedelta

from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import Fields, JsonObject
from did_service.core.errors import MalformedError, PolicyError, UnsupportedError, quote
from did_service.core.limits import (
    MAX_ASKED_CHARACTERS,
    MAX_BEGINNING_AHEAD_SECONDS,
    MAX_REQUEST_BYTES,
    NONCE_LIFETIME_SECONDS,
)

RESPONSE_TYPE = "vp_token"
RESPONSE_MODE = "x-didsvc-offline"  # private: the answer is a file, or a picture of one
AUDIENCE = "https://self-issued.me/v2"  # any wallet: static discovery (§5.8)
CREDENTIAL_TYPE = "https://www.w3.org/2018/credentials#VerifiableCredential"
ANY_CREDENTIAL: JsonObject = {
    "credentials": [
        {
            "id": "q",
            "format": "ldp_vc",
            "meta": {"type_values": [[CREDENTIAL_TYPE]]},
        }
    ]
}
"""The DCQL query (§6) that a credential of any type answers: the holder chooses."""

_ONCE = re.compile(r"[A-Za-z0-9._~-]{22,128}")  # 128 bits or more, in the alphabet of §5.2
_STATE = re.compile(r"[A-Za-z0-9._~-]{1,128}")
# A token of RFC 6749 §3.3: an item, and perhaps 20 hex digits of its content's SHA-256.
_SCOPE = re.compile(r"([!-\"$-\[\]-~]{1,200})(?:#[0-9a-f]{20})?")
_PROVEN_PREFIXES = (
    "decentralized_identifier",
    "openid_federation",
    "origin",
    "redirect_uri",
    "verifier_attestation",
    "x509_hash",
    "x509_san_dns",
)
_NOT_HERE = ("redirect_uri", "request", "request_uri", "response_uri", "transaction_data")


@dataclass(frozen=True, slots=True)
class RequestObject:
    """One question of one counter.

    Attributes:
        client_id: The counter by its own name: the audience of the answer.
        nonce: Answered once; 22 to 128 characters.
        issued: When it was asked, to the second.
        expires: Until when it may be answered, at most a day later.
        state: Comes back beside the answer; None where the counter wants none.
        scope: The service item that it is for; None where any document will do.
    """

    client_id: str
    nonce: str
    issued: datetime
    expires: datetime
    state: str | None = None
    scope: str | None = None

    @property
    def item(self) -> str | None:
        """The service item's identifier, without the digest of its content."""
        return None if self.scope is None else self.scope.partition("#")[0]

    def payload(self) -> JsonObject:
        """Return the members, in the order in which they are written and will be signed."""
        return {
            "response_type": RESPONSE_TYPE,
            "response_mode": RESPONSE_MODE,
            "client_id": self.client_id,
            "aud": AUDIENCE,
            "nonce": self.nonce,
            **({} if self.state is None else {"state": self.state}),
            "iat": timestamps.to_posix(self.issued),
            "exp": timestamps.to_posix(self.expires),
            **({"dcql_query": ANY_CREDENTIAL} if self.scope is None else {"scope": self.scope}),
        }

    def encode(self) -> bytes:
        """Write the request file; what does not show on a screen is escaped."""
        return f"{strict_json.dumps_printable(self.payload())}\n".encode()

    def check_current(self, now: datetime) -> None:
        """Check that it may be answered now, by a clock that may be five minutes off.

        Raises:
            PolicyError: `request_expired` or `request_ahead`.
        """
        if now >= self.expires:
            raise PolicyError("request_expired", f"at {timestamps.encode(self.expires)}")
        if now + timedelta(seconds=MAX_BEGINNING_AHEAD_SECONDS) < self.issued:
            raise PolicyError("request_ahead", f"made at {timestamps.encode(self.issued)}")


def parse_request_object(data: bytes) -> RequestObject:
    """Read a request file. It proves nothing: not who asks, nor that the item is theirs to ask.

    Raises:
        LimitError: `too_large`, `too_deep`.
        UnsupportedError: `request_unsupported`: signed, for another way of answering, or with
            a query that this release cannot answer.
        MalformedError: anything else that is no request, with the member's own code.
    """
    text = data.removeprefix(BOM_UTF8)
    if re.fullmatch(rb"\s*[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){2}\s*", text):
        raise UnsupportedError("request_unsupported", "a signed request (JWT)")
    fields = Fields(strict_json.load_object(text, max_bytes=MAX_REQUEST_BYTES), "request")
    fields.constant("response_type", RESPONSE_TYPE)
    if fields.value("response_mode") != RESPONSE_MODE:
        raise UnsupportedError("request_unsupported", "not to be answered by a file")
    for name in _NOT_HERE:
        if fields.has(name):
            raise UnsupportedError("request_unsupported", f"a request with {name}")
    fields.constant("aud", AUDIENCE)
    issued, expires = (_time(fields, name) for name in ("iat", "exp"))
    if not timedelta() < expires - issued <= timedelta(seconds=NONCE_LIFETIME_SECONDS):
        raise MalformedError("member_invalid", "request.exp must be within a day after iat")
    state = _matching(fields, "state", _STATE) if fields.has("state") else None
    client_id, nonce = _client_id(fields), _matching(fields, "nonce", _ONCE)
    return RequestObject(client_id, nonce, issued, expires, state, _scope(fields))


def check_client_id(text: str) -> None:
    """Check that a counter may be called so in a request that is not signed.

    Raises:
        MalformedError: `member_invalid`: empty, too long, with characters that do not show, or
            with a prefix that promises a proof.
    """
    if not 1 <= len(text) <= MAX_ASKED_CHARACTERS or not text.isprintable():
        raise MalformedError(
            "member_invalid",
            f"a counter's name has 1 to {MAX_ASKED_CHARACTERS} plain characters: {quote(text)}",
        )
    prefix, colon, _ = text.partition(":")
    if colon and prefix in _PROVEN_PREFIXES:
        raise MalformedError(
            "member_invalid", f"only a signed request may come from {quote(text)}"
        )


def check_scope(text: str) -> None:
    """Check that a service item can be asked for.

    Raises:
        MalformedError: `member_invalid`.
    """
    if _SCOPE.fullmatch(text) is None:
        raise MalformedError("member_invalid", f"not the name of an item: {quote(text)}")


def _client_id(fields: Fields) -> str:
    text = fields.text("client_id", max_chars=MAX_ASKED_CHARACTERS)
    check_client_id(text)
    return text


def _scope(fields: Fields) -> str | None:
    """Read what is asked for: an item, or any document."""
    if fields.has("scope") == fields.has("dcql_query"):
        raise MalformedError("member_invalid", "a request has one of dcql_query and scope")
    if fields.has("scope"):
        text = fields.text("scope")
        check_scope(text)
        return text
    if fields.object("dcql_query") != ANY_CREDENTIAL:
        raise UnsupportedError("request_unsupported", "a query for certain documents or claims")
    return None


def _matching(fields: Fields, name: str, form: re.Pattern[str]) -> str:
    text = fields.text(name)
    if form.fullmatch(text) is None:
        raise MalformedError("member_invalid", f"{fields.path(name)} is not of its alphabet")
    return text


def _time(fields: Fields, name: str) -> datetime:
    return timestamps.from_posix(fields.integer(name, most=timestamps.MAX_POSIX_SECONDS))
