"""What a file is that is neither presentation nor credential: its name in the reader's words.

Asked only where step 1 could not read it. A document whose own kind can be told, though not all
of it be read, keeps its report; anything else was handed in by mistake or was damaged on the
way, and is no verdict on anybody (docs/adr/0020).
"""

from __future__ import annotations

import re

from did_service.core.credentials.model import (
    CREDENTIAL_TYPE,
    ENVELOPED_TYPES,
    PRESENTATION_TYPE,
)
from did_service.core.encoding import strict_json
from did_service.core.encoding.strict_json import JsonObject, JsonValue, Numbers
from did_service.core.errors import DidServiceError, UsageError, quote
from did_service.core.limits import MAX_PRESENTED_BYTES
from did_service.core.verification.report import Report

_UNREAD = ("malformed", "too_large")
_OURS = {CREDENTIAL_TYPE, PRESENTATION_TYPE, *ENVELOPED_TYPES}

# First bytes, as the formats' own specifications have them.
_SIGNATURES = (
    ("file_is_pdf", rb"%PDF-"),
    ("file_is_bundle", rb"\x1f\x8b"),
    ("file_is_archive", rb"PK[\x03\x05\x07]|Rar!|7z\xbc\xaf|\xd0\xcf\x11\xe0"),
    ("file_is_image", rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0\0\0\0|RIFF.{4}WEBP|.{4}ftyp"),
    ("file_is_utf16", rb"\xff\xfe|\xfe\xff|\0?[\[{<]\0"),
    ("file_is_page", rb"\s*<"),
)
_FORMATS = {
    "didsvc-policy": "file_is_policy",
    "didsvc-evidence": "file_is_evidence",
    "didsvc-report": "file_is_report",
}
_ANSWER = {"schema", "ok", "command", "data"}  # of a program, which may hold a report
_MEMBERS = (
    ("file_is_answer", _ANSWER),
    ("file_is_request", {"response_type", "client_id"}),
    ("file_is_did_log", {"versionId", "parameters", "state"}),
    ("file_is_did_document", {"id", "verificationMethod"}),
)
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # possessive: linear


def check_presented(name: str, data: bytes, report: Report) -> None:
    """Refuse a file that is something else, or nothing that can be read at all.

    Args:
        name: What the person called it.
        data: Its bytes, without a byte order mark.
        report: What `verify` made of them.

    Raises:
        UsageError: `file_empty`, `file_cut_off`, `file_not_json`, `file_not_utf8` or
            `file_is_…`; nothing was decided.
    """
    if not any(check.step == 1 and check.code in _UNREAD for check in report.checks):
        return
    code = kind_of(data)
    if code is not None:
        raise UsageError(code, quote(name))


def kind_of(data: bytes) -> str | None:
    """Return the code of what a file is; None where it is a document of ours, or may be one."""
    if not data.strip():
        return "file_empty"
    for code, signature in _SIGNATURES:
        if re.match(signature, data, re.DOTALL):
            return code
    try:
        value = strict_json.loads(data, max_bytes=MAX_PRESENTED_BYTES, numbers=Numbers.FINITE)
    except DidServiceError as error:
        return _of_no_json(data, error)
    return _of_object(value) if isinstance(value, dict) else "file_is_other"


def _of_no_json(data: bytes, error: DidServiceError) -> str | None:
    if error.code not in ("json_invalid", "utf8_invalid"):
        return None  # JSON, with what is refused within
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return "file_not_utf8"
    if error.code == "utf8_invalid":
        return None  # a lone surrogate, escaped
    bare = _STRINGS.sub("", text)
    opened = sum(map(bare.count, "[{")) - sum(map(bare.count, "]}"))
    begun = text.lstrip()[:1] in ("{", "[")
    if begun and opened > 0:
        return "file_cut_off"
    lines = text.splitlines()
    if begun and len(lines) > 1 and kind_of(lines[0].encode()) == "file_is_did_log":
        return "file_is_did_log"
    return "file_not_json"


def _of_object(members: JsonObject) -> str | None:
    if "vp_token" in members or _OURS.intersection(_texts(members.get("type"))):
        return None
    data = members.get("data") if members.keys() >= _ANSWER else members
    name = str(data.get("format") if isinstance(data, dict) else "").partition("/")[0]
    if name in _FORMATS:
        return _FORMATS[name]
    return next((code for code, own in _MEMBERS if own <= members.keys()), "file_is_other")


def _texts(value: JsonValue) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]
