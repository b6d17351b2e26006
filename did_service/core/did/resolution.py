"""DID resolution results (W3C DID Resolution 1.0, 2026 draft, §4; did:webvh 1.0 §3.6.2).

    DID URL + what was fetched  ->  {didDocument, didDocumentMetadata, didResolutionMetadata}

Fetching is the caller's. Errors are problem details whose `type` is a URI of the DID
vocabulary; which HTTP status that means is chosen at the edge. In metadata every value that
did:webvh has as a number is a string.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from did_service.core.did.document import DidDocument
from did_service.core.did.jwk import resolve_jwk
from did_service.core.did.key import resolve_key
from did_service.core.did.syntax import DidUrl
from did_service.core.did.webvh.entry import parse_version_time
from did_service.core.did.webvh.history import History
from did_service.core.did.webvh.state import HistoryState, Version
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue, as_text
from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
    quote,
)

VOCABULARY = "https://www.w3.org/ns/did#"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class ErrorType(Enum):
    """The errors of DID Resolution §10; `uri` is what stands in `error.type`."""

    INVALID_DID = "the DID is invalid"
    INVALID_DID_URL = "the DID URL is invalid"
    INVALID_OPTIONS = "the resolution options are invalid"
    NOT_FOUND = "not found"
    REPRESENTATION_NOT_SUPPORTED = "the representation is not supported"
    METHOD_NOT_SUPPORTED = "the DID method is not supported"
    FEATURE_NOT_SUPPORTED = "the feature is not supported"
    INVALID_DID_DOCUMENT = "the DID document is invalid"
    INTERNAL_ERROR = "resolution failed"

    @property
    def uri(self) -> str:
        """The error type as a URI."""
        return VOCABULARY + self.name


@dataclass(frozen=True, slots=True)
class ResolutionResult:
    """The triple. `document` is None after an error, and for a DID that is deactivated."""

    document: JsonObject | None
    document_metadata: JsonObject = field(default_factory=dict)
    resolution_metadata: JsonObject = field(default_factory=dict)
    error: ErrorType | None = None

    @property
    def deactivated(self) -> bool:
        """Whether the DID has ended; an older version of it may still be shown."""
        return self.document_metadata.get("deactivated") is True

    def encode(self) -> JsonObject:
        """Write the result as DID Resolution does."""
        return {
            "didDocument": self.document,
            "didDocumentMetadata": self.document_metadata,
            "didResolutionMetadata": self.resolution_metadata,
        }


def resolve_local(url: DidUrl) -> ResolutionResult:
    """Resolve did:key and did:jwk, which need nothing fetched.

    Raises:
        UnsupportedError: `did_method_unknown` for other methods, `key_type_unknown`.
        MalformedError: the identifier is no such key.
    """
    match url.did.method:
        case "key":
            return resolved(resolve_key(str(url.did)))
        case "jwk":
            return resolved(resolve_jwk(str(url.did)))
        case method:
            raise UnsupportedError("did_method_unknown", f"{quote(method)} needs a fetch")


def resolved(document: DidDocument) -> ResolutionResult:
    """Wrap a document of a method without history."""
    return ResolutionResult(document.raw, {"deactivated": False})


def resolve_history(history: History, url: DidUrl) -> ResolutionResult:
    """Resolve a did:webvh DID URL in its verified history.

    `versionId`, `versionTime` and `versionNumber` of the query choose a version; all that are
    given must agree. An older version of a deactivated DID is shown, and says that it ended.

    Raises:
        MalformedError: `did_url_invalid`.
        NotFoundError: `version_not_found`.
        DidServiceError: the log's fault, where the answer would depend on it.
    """
    query = url.parameters
    time, number = query.get("versionTime"), query.get("versionNumber")
    version = history.resolve(
        version_id=query.get("versionId"),
        version_time=None if time is None else _version_time(time),
        version_number=None if number is None else _version_number(number),
    )
    document = None if version.parameters.deactivated else version.document.raw
    return ResolutionResult(document, version_metadata(history, version))


def version_metadata(history: History, version: Version) -> JsonObject:
    """Describe a version: its own times, and the DID's settings after its last valid entry."""
    last: HistoryState = history.states[-1]
    now = last.version.parameters
    witness: JsonObject = {} if now.witness is None else now.witness.encode()
    if "threshold" in witness:
        witness["threshold"] = str(witness["threshold"])
    metadata: JsonObject = {
        "versionId": version.version_id,
        "versionNumber": str(version.number),
        # As the log has it, fraction and all: whoever asks by it gets this version again.
        "versionTime": as_text(version.entry["versionTime"], "versionTime"),
        "created": timestamps.encode(last.created),
        "updated": timestamps.encode(version.time),
        "deactivated": now.deactivated,
        "scid": last.scid,
        "portable": now.portable,
        "ttl": str(now.ttl_seconds),
        "witness": witness,
        "watchers": list(now.watchers),
    }
    if version.number < last.version.number:
        following = history.states[version.number].version
        metadata["nextVersionId"] = following.version_id
        metadata["nextUpdate"] = timestamps.encode(following.time)
    return metadata


def failure(error: DidServiceError) -> ResolutionResult:
    """Turn an error into a result: no document, empty metadata, problem details."""
    kind = error_type(error)
    problem: JsonValue = {"type": kind.uri, "title": kind.value, "detail": error.message}
    return ResolutionResult(None, {}, {"error": problem}, kind)


def error_type(error: DidServiceError) -> ErrorType:
    """Say which error of DID Resolution it is.

    did:webvh 1.0 §3.6.2: whatever makes a log invalid makes the DID invalid.
    """
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    match error:
        case NotFoundError():
            return ErrorType.NOT_FOUND
        case UnavailableError():
            return ErrorType.INTERNAL_ERROR
        case UnsupportedError():
            return ErrorType.FEATURE_NOT_SUPPORTED
        case _:
            return ErrorType.INVALID_DID


_BY_CODE = {
    "did_method_unknown": ErrorType.METHOD_NOT_SUPPORTED,
    "did_url_invalid": ErrorType.INVALID_DID_URL,
    "escape_invalid": ErrorType.INVALID_DID_URL,
    "context_unknown": ErrorType.INVALID_DID_DOCUMENT,
    "controller_foreign": ErrorType.INVALID_DID_DOCUMENT,
    "document_id_wrong": ErrorType.INVALID_DID_DOCUMENT,
    "method_duplicate": ErrorType.INVALID_DID_DOCUMENT,
    "method_foreign": ErrorType.INVALID_DID_DOCUMENT,
    "method_invalid": ErrorType.INVALID_DID_DOCUMENT,
    "proof_base_unknown": ErrorType.INVALID_DID,  # of a log entry: the method has one form only
    "proof_type_unknown": ErrorType.INVALID_DID,
    "representation_unknown": ErrorType.REPRESENTATION_NOT_SUPPORTED,
    "secret_key_published": ErrorType.INVALID_DID_DOCUMENT,
    "service_duplicate": ErrorType.INVALID_DID_DOCUMENT,
}


def _version_time(text: str) -> datetime:
    try:
        return parse_version_time(text)
    except MalformedError as error:
        raise MalformedError("did_url_invalid", f"versionTime: {error.message}") from error


def _version_number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise MalformedError("did_url_invalid", f"versionNumber is {quote(text)}")
    return int(text)
