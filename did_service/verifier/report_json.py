"""The report as programs write it: the verdict in words, and as many claims as may go there.

stdout                  the claims of what passed
a file, what is kept    names and masked numbers; claims only if somebody asks for them
"""

from __future__ import annotations

from did_service.core.encoding import bilingual, strict_json
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.verification.headline import headline_of
from did_service.core.verification.report import Report
from did_service.program.words import words_at


def encode_report(report: Report, *, claims: bool) -> JsonObject:
    """Write a report with its verdict: one reason and one next step, in both languages."""
    told = headline_of(report)
    words = words_at("verdict", told.reason)
    verdict: JsonObject = {
        **told.encode(),
        "meaning": bilingual.encode(words.meaning),
        "next": bilingual.encode(words.following),
    }
    return {**report.encode(claims=claims), "verdict": verdict}


def report_bytes(report: Report, *, claims: bool = False) -> bytes:
    """Write a report for a file; what does not show is escaped, since `cat` shows files."""
    return strict_json.dumps_printable(encode_report(report, claims=claims)).encode() + b"\n"
