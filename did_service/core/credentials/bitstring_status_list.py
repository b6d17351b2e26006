"""Bitstring Status List (W3C Bitstring Status List 1.0): one bit says revoked or suspended.

    bits, most significant first ──gzip──► bytes ──base64url──► "u…" = encodedList

A list has at least 131,072 bits, so that fetching it does not tell which holder is meant. It is
unpacked with a cap, since a few kilobytes of gzip can hold gigabytes.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from did_service.core.credentials import contexts, members
from did_service.core.credentials.model import Credential
from did_service.core.encoding import timestamps
from did_service.core.encoding.bitstring import BitstringStatusList
from did_service.core.encoding.strict_json import JsonObject, JsonValue, as_integer, as_text
from did_service.core.errors import MalformedError, UnsupportedError, quote

# Whoever makes or reads a list finds its bits here as well.
__all__ = [
    "BitstringStatusList",
    "CredentialStatus",
    "ListDescription",
    "Purpose",
    "StatusEntry",
    "check_status",
    "parse_status_entry",
    "status_list_credential",
]

ENTRY_TYPE = "BitstringStatusListEntry"
LIST_TYPE = "BitstringStatusList"
CREDENTIAL_TYPE = "BitstringStatusListCredential"

# §2.1: refresh tells of a newer version, message carries a text: neither says invalid.
_NOT_OF_VALIDITY = ("refresh", "message")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


class Purpose(Enum):
    """What a set bit means."""

    REVOCATION = "revocation"
    SUSPENSION = "suspension"


_PURPOSES: Mapping[str, Purpose] = {purpose.value: purpose for purpose in Purpose}


class CredentialStatus(Enum):
    """What a list says about one credential."""

    CLEAR = "clear"
    REVOKED = "revoked"
    SUSPENDED = "suspended"


_MEANING: Mapping[Purpose, CredentialStatus] = {
    Purpose.REVOCATION: CredentialStatus.REVOKED,
    Purpose.SUSPENSION: CredentialStatus.SUSPENDED,
}


@dataclass(frozen=True, slots=True)
class StatusEntry:
    """Where the status of a credential stands: its bit in a list for one purpose."""

    purpose: Purpose
    index: int
    list_url: str

    def encode(self) -> JsonObject:
        """Return the `credentialStatus` member."""
        return {
            "type": ENTRY_TYPE,
            "statusPurpose": self.purpose.value,
            "statusListIndex": str(self.index),
            "statusListCredential": self.list_url,
        }


class ListDescription(NamedTuple):
    """What a status list credential says besides its bits; the ttl is how long to keep it."""

    url: str
    issuer: str
    purpose: Purpose
    valid_from: datetime
    valid_until: datetime
    ttl_seconds: int


def status_list_credential(
    description: ListDescription, bits: BitstringStatusList
) -> JsonObject:
    """Build an unsigned BitstringStatusListCredential (§2.2)."""
    return {
        "@context": [contexts.CREDENTIALS_V2],
        "id": description.url,
        "type": ["VerifiableCredential", CREDENTIAL_TYPE],
        "issuer": description.issuer,
        "validFrom": timestamps.encode(description.valid_from),
        "validUntil": timestamps.encode(description.valid_until),
        "credentialSubject": {
            "id": f"{description.url}#list",
            "type": LIST_TYPE,
            "statusPurpose": description.purpose.value,
            "ttl": description.ttl_seconds * 1000,  # §2.2: milliseconds
            "encodedList": bits.encode(),
        },
    }


def concerns_validity(value: JsonObject) -> bool:
    """Say whether a `credentialStatus` object can make a credential invalid (§2.1).

    One whose form or purpose is unknown may.
    """
    known = value.get("type") in (ENTRY_TYPE, [ENTRY_TYPE])
    return not known or value.get("statusPurpose") not in _NOT_OF_VALIDITY


def parse_status_entry(value: JsonObject) -> StatusEntry:
    """Parse one `credentialStatus` object (§2.1).

    Raises:
        UnsupportedError: `status_type_unknown`, also where a status has more than one bit,
            `status_list_unsupported` for a list that is not at https, or
            `status_purpose_unknown`.
        MalformedError: `status_entry_invalid` or a member's own code.
    """
    if value.get("type") not in (ENTRY_TYPE, [ENTRY_TYPE]):
        raise UnsupportedError("status_type_unknown", f"status {quote(value.get('type'))}")
    size = as_integer(value.get("statusSize", 1), "credentialStatus.statusSize")
    if size < 1:
        raise MalformedError("status_entry_invalid", f"a status of {size} bits")
    if size > 1:
        raise UnsupportedError("status_type_unknown", f"a status of {size} bits")
    index = as_text(value.get("statusListIndex"), "credentialStatus.statusListIndex")
    if not _INDEX.fullmatch(index):
        raise MalformedError("status_entry_invalid", f"no list index: {quote(index)}")
    url = members.url(
        value.get("statusListCredential"), "credentialStatus.statusListCredential"
    )
    if url == value.get("id"):
        raise MalformedError("status_entry_invalid", "the list has the entry's own name")
    if not url.startswith("https://"):
        raise UnsupportedError("status_list_unsupported", f"a list at {quote(url)}")
    return StatusEntry(_purpose(value.get("statusPurpose")), int(index), url)


def check_status(
    entry: StatusEntry,
    status_list: Credential,
    decode: Callable[[str], BitstringStatusList] = BitstringStatusList.decode,
) -> CredentialStatus:
    """Say what a list, whose proof is verified elsewhere, says about an entry (§3.2).

    Args:
        entry: Of the credential.
        status_list: The list.
        decode: Reads `encodedList`; one that remembers what it has read saves unpacking.

    Raises:
        MalformedError: `status_list_mismatch` for another list or purpose,
            `index_out_of_range`, or what `decode` raises.
    """
    if CREDENTIAL_TYPE not in status_list.types or status_list.id != entry.list_url:
        raise MalformedError("status_list_mismatch", f"not the list {quote(entry.list_url)}")
    subject = status_list.subjects[0]
    if len(status_list.subjects) != 1 or subject.get("type") != LIST_TYPE:
        raise MalformedError("status_list_mismatch", f"the subject is not one {LIST_TYPE}")
    if entry.purpose.value not in _purposes(subject.get("statusPurpose")):
        raise MalformedError("status_list_mismatch", "the list is for another purpose")
    bits = decode(as_text(subject.get("encodedList"), "encodedList"))
    return _MEANING[entry.purpose] if bits[entry.index] else CredentialStatus.CLEAR


def _purpose(value: JsonValue) -> Purpose:
    text = as_text(value, "credentialStatus.statusPurpose")
    if text not in _PURPOSES:
        raise UnsupportedError("status_purpose_unknown", f"status purpose {quote(text)}")
    return _PURPOSES[text]


def _purposes(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]
