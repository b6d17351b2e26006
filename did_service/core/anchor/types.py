"""The types of entries: one closed table of what each is, where it stands and who signs it.

A new type is a row here, a body in `bodies`, a rule in `rules` that `rules/check` names, its
schema and examples. Evidence, replicas and bundles carry entries of any type, so they need no
change; readers of an older release leave it out by its name (docs/adr/0029).
"""

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from did_service.core.anchor.bodies.authority import Authority, parse_authority
from did_service.core.anchor.bodies.did import DidBody, parse_did_body
from did_service.core.anchor.bodies.didweb import DidWebBody, parse_didweb_body
from did_service.core.anchor.bodies.evidence import EvidenceBody, parse_evidence_body
from did_service.core.anchor.bodies.heads import HeadsBody, parse_heads_body
from did_service.core.anchor.bodies.policy import Policy, parse_policy_body
from did_service.core.anchor.bodies.schema import SchemaBody, parse_schema_body
from did_service.core.anchor.bodies.status import StatusBody, parse_status_body
from did_service.core.anchor.bodies.void import NAMING, is_void
from did_service.core.encoding.strict_json import JsonObject

EntryBody = (
    Authority
    | DidBody
    | DidWebBody
    | EvidenceBody
    | HeadsBody
    | Policy
    | SchemaBody
    | StatusBody
)


class LogKind(Enum):
    """Which of a region's logs an entry stands in."""

    CONTROL = "control"  # HOST/reg
    DATA = "data"  # HOST/ev/YEAR


class EntryType(NamedTuple):
    """One type of entry.

    Attributes:
        log: Where it stands.
        since: The first number of rules that knows it (`rules_number`).
        parse: Reads its body; the body's `encode` is the inverse, but for proofs.
        is_signed: Whether its submitter signs it, with proofs in `b.proof`. The others carry
            signatures of their own inside, or none.
        has_digest: Whether it has `d`: the SHA-256 of content, or the root of a batch.
        has_content: Whether the bytes behind `d` come with it and are kept beside the log.
    """

    log: LogKind
    since: int
    parse: Callable[[JsonObject], EntryBody]
    is_signed: bool = False
    has_digest: bool = False
    has_content: bool = False


TYPES: Mapping[str, EntryType] = MappingProxyType(
    {
        "did": EntryType(LogKind.CONTROL, 1, parse_did_body),
        "schema": EntryType(LogKind.CONTROL, 1, parse_schema_body, is_signed=True),
        "authority": EntryType(LogKind.CONTROL, 1, parse_authority, is_signed=True),
        "policy": EntryType(LogKind.CONTROL, 1, parse_policy_body),
        "heads": EntryType(LogKind.CONTROL, 1, parse_heads_body),
        "status": EntryType(
            LogKind.DATA, 1, parse_status_body, has_digest=True, has_content=True
        ),
        "evidence": EntryType(
            LogKind.DATA, 1, parse_evidence_body, is_signed=True, has_digest=True
        ),
        "didweb": EntryType(
            LogKind.DATA,
            2,
            parse_didweb_body,
            is_signed=True,
            has_digest=True,
            has_content=True,
        ),
    }
)

_OPERATIONS_SINCE = 2


def type_of(data: bytes) -> str:
    """Return the type of an entry out of its canonical bytes, which were parsed before.

    Behind the member `t` nothing stands but the version, and a type has no quotes. Of damaged
    bytes it returns something that is no type.
    """
    return data.rpartition(b',"t":"')[2].partition(b'"')[0].decode("ascii", "replace")


def takes_back(kind: str, body: JsonObject) -> bool:
    """Say whether an entry voids others, in a chain of a type that allows it."""
    return kind in NAMING and is_void(body)


def since_of(kind: str, body: JsonObject) -> int:
    """Return the first number of rules that knows an entry: its type, and its operation."""
    operates = kind in NAMING and "op" in body
    return max(TYPES[kind].since, _OPERATIONS_SINCE if operates else 1)
