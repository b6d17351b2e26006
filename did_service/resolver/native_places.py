"""Which DID a `did.jsonl` URL of this region leads to.

Anybody may begin a DID at a host of the region, under any path, also under one that another DID
has: their SCIDs differ, and so do the DIDs. The URL stays with the one that was there first, or
a stranger could keep everybody who reads did:webvh natively from the DID of an office. It is
free again once that one has been deactivated or has moved away.
"""

from __future__ import annotations

from did_service.core.anchor.bodies.did import LEAVE
from did_service.core.did.syntax import WebvhDid
from did_service.core.encoding.strict_json import JsonObject


class NativePlaces:
    """The places, learnt from entries in the order of the log."""

    def __init__(self) -> None:
        self._holders: dict[str, str] = {}
        self._free: set[str] = set()

    def note(self, did: WebvhDid, body: JsonObject) -> None:
        """Take note of a `did` entry, which its log has judged, about a DID."""
        url = did.log_url
        if url in self._free or self._holders.setdefault(url, did.scid) == did.scid:
            self._holders[url] = did.scid
            self._free.discard(url)
            if _ends(body):
                self._free.add(url)

    def holder(self, url: str) -> str | None:
        """Return the SCID of the DID at a URL, None where there never was one."""
        return self._holders.get(url)


def _ends(body: JsonObject) -> bool:
    """Say whether an entry deactivates its DID here, or takes it elsewhere."""
    entry = body.get("entry")
    parameters = entry.get("parameters") if isinstance(entry, dict) else None
    is_over = isinstance(parameters, dict) and parameters.get("deactivated") is True
    return is_over or body.get("op") == LEAVE
