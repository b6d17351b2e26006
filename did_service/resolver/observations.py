"""What the logs have seen of a did:web: an observation, and no anchor.

A did:web has no history, so the document that was just fetched is all there is to answer. What
an office saw before is told beside it: equal or not, neither makes the document genuine.
"""

from __future__ import annotations

from collections.abc import Iterable

from did_service.core.anchor.bodies.didweb import parse_didweb_body
from did_service.core.anchor.region import year_of
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.replica.store import ReplicaStore


def observation(did: str, document: bytes, logs: Iterable[ReplicaStore]) -> JsonObject:
    """Return metadata about the newest observation of a did:web in some logs.

    Args:
        did: A did:web.
        document: As fetched.
        logs: Any; their data logs are asked.

    Returns:
        `anchored` false, and `observed`: log, index, by, at, and whether the digest is that of
        the document; without it where nobody has logged one.
    """
    newest = [
        (parse_didweb_body(placed.entry.body), log.origin, placed)
        for log in logs
        if year_of(log.origin) is not None
        for placed in (log.newest("didweb", did),)
        if placed is not None
    ]
    if not newest:
        return {"anchored": False}
    seen, origin, placed = max(newest, key=lambda each: (each[0].at, each[1]))
    observed: JsonObject = {
        "log": origin,
        "index": placed.index,
        "by": seen.observer,
        "at": timestamps.encode(timestamps.from_posix(seen.at)),
        "same": placed.entry.digest == sha256(document),
    }
    return {"anchored": False, "observed": observed}
