"""The trust bundle: an evidence set for many credentials, as one gzip file (formats.md §5).

`NAME.bundle.json.gz`, carried beforehand by file, USB or LAN. The output of decompression is
capped before it is produced: a few kilobytes of gzip can hold gigabytes.
"""

from __future__ import annotations

import gzip

from did_service.core.encoding import strict_json
from did_service.core.encoding.compression import gunzip
from did_service.core.errors import LimitError
from did_service.core.limits import MAX_BUNDLE_BYTES
from did_service.core.verification.evidence import UnverifiedEvidence, parse_evidence


def encode_bundle(evidence: UnverifiedEvidence) -> bytes:
    """Write a bundle file; the same evidence gives the same bytes.

    Raises:
        LimitError: `too_large`: nobody could read it.
    """
    plain = strict_json.dumps(evidence.encode()).encode()
    if len(plain) > MAX_BUNDLE_BYTES:
        raise LimitError("too_large", f"evidence of {len(plain)} bytes")
    return gzip.compress(plain, mtime=0)


def parse_bundle(data: bytes) -> UnverifiedEvidence:
    """Read a bundle file, or an evidence set that is not compressed.

    Raises:
        LimitError: `too_large`: more than 256 MiB unpacked.
        MalformedError: `gzip_invalid`, or what `parse_evidence` raises.
    """
    plain = data if data.lstrip()[:1] == b"{" else gunzip(data, MAX_BUNDLE_BYTES)
    return parse_evidence(plain, max_bytes=MAX_BUNDLE_BYTES)
