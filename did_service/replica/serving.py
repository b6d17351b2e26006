"""What is said over HTTP of each file of a log: its type, and how long caches may keep it.

    checkpoint, epoch/…                     replaced as the log grows: for seconds
    tile/….p/…                              goes once a wider one is there: for a minute
    tile/…  content/HEX  heads/HEX          never change: for a year

The routes of a service and the objects of a bucket say the same, but for partial tiles: a
service cuts each out of a wider one for ever, and has them kept for a year as well. Names may
stand below a prefix, as those of a region's logs do.
"""

from __future__ import annotations

import re

from did_service.storage.blobs import BlobHeaders
from did_service.web.answers import Kept

BYTES = "application/octet-stream"
NOTE = "text/plain; charset=utf-8"
_TABLE = (
    (re.compile(r"checkpoint|epoch/[0-9]+"), BlobHeaders(Kept.SECOND.value, NOTE)),
    (re.compile(r"tile/[a-z0-9/]+\.p/[0-9]+"), BlobHeaders(Kept.MINUTE.value, BYTES)),
    (re.compile(r"tile/[a-z0-9/]+"), BlobHeaders(Kept.FOREVER.value, BYTES)),
    (re.compile(r"(content|heads)/[0-9a-f]{64}"), BlobHeaders(Kept.FOREVER.value, BYTES)),
)
_OTHER = BlobHeaders(Kept.CHECKED.value, BYTES)
_ROOTS = re.compile(r"(?:^|/)(?=(?:checkpoint$|epoch/|tile/|content/|heads/))")


def headers_of(name: str) -> BlobHeaders:
    """Return what is said of a file, by its name; what has no row is asked for again."""
    for root in _ROOTS.finditer(name):
        for pattern, headers in _TABLE:
            if pattern.fullmatch(name, root.end()):
                return headers
    return _OTHER
