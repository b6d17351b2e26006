"""Challenges without memory: what is given out is known again by its MAC, until it is used.

    challenge = base64url( 12 random bytes ‖ expiry, 6 bytes ‖ first 16 bytes of HMAC-SHA256 )

Anybody may ask for one, as often as they like, and nothing is kept for it. The first
application that answers one keeps it as used until it would have expired (`IssuerStore`). All
processes of an agency have one key, and their machines' clocks may differ a little: what one
gives out the others know, and what has been used is kept until each of them calls it expired.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from did_service.core.encoding import b64, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import ConflictError, MalformedError
from did_service.core.limits import CHALLENGE_SECONDS, MAX_CLOCK_AHEAD_SECONDS
from did_service.issuer.agency import Agency
from did_service.issuer.records import UsedChallenge
from did_service.issuer.store import IssuerStore
from did_service.program.clock import ClockAndRandom

_KEY_BYTES = 32
_NONCE_BYTES = 12
_TIME_BYTES = 6
_MAC_BYTES = 16
_BYTES = _NONCE_BYTES + _TIME_BYTES + _MAC_BYTES
MAX_CHALLENGE_CHARACTERS = 64


class Challenges:
    """The challenges of one agency; their key lies in its database."""

    def __init__(self, agency: Agency, store: IssuerStore, edge: ClockAndRandom) -> None:
        self._edge = edge
        self._purpose = b"didsvc-challenge/1\n" + agency.url.encode() + b"\n"
        self._key = store.challenge_key(lambda: edge.rng(_KEY_BYTES))

    def give(self) -> JsonObject:
        """Give out a challenge that one application may answer within ten minutes."""
        expires = self._edge.posix() + CHALLENGE_SECONDS
        said = self._edge.rng(_NONCE_BYTES) + expires.to_bytes(_TIME_BYTES)
        return {
            "challenge": b64.encode_url(said + self._mac(said)),
            "expires": timestamps.encode(timestamps.from_posix(expires)),
        }

    def answered(self, challenge: str) -> UsedChallenge:
        """Return what is kept of a challenge of ours that is good now.

        Raises:
            ConflictError: `challenge_unknown`: never given out, or expired. Nor is one good
                that ends much later than one given out now: a clock was wrong then, or is now.
        """
        unknown = ConflictError("challenge_unknown", "never given out here, or expired")
        try:
            data = b64.decode_url(challenge, size=_BYTES)
        except MalformedError:
            raise unknown from None
        said, mac = data[:-_MAC_BYTES], data[-_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(said)):
            raise unknown
        expires, now = int.from_bytes(said[_NONCE_BYTES:]), self._edge.posix()
        if not now < expires <= now + CHALLENGE_SECONDS + MAX_CLOCK_AHEAD_SECONDS:
            raise unknown
        return UsedChallenge(challenge, expires, now - MAX_CLOCK_AHEAD_SECONDS)

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self._key, self._purpose + said, sha256)[:_MAC_BYTES]
