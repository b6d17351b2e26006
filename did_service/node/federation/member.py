"""The member file `didsvc-member/1`: what one region brings into a policy; all of it public.

    {"format","id","name":{"zh","en"},"territory":[…],"hosts":[…],"prefixes":[…],
     "logs":{ORIGIN:[vkey, the one before]},"witness":vkey,"native":z6Mk…,"governance":z6Mk…,
     "root":{"keys":[z6Mk…],"update":z6Mk…,"next":hash},"daily_entries","daily_bytes",
     "proof":[one of each key that is named]}

Each key proves that its holder means this file: nobody can bring in another's key as their own.
The two keys of the witness sign their part of it (`witness_part`), since they may be kept on
another host; all others sign the whole, which has that part in it. The next update key of the
root is committed to by its hash alone and proves nothing yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.document import document_with_keys
from did_service.core.encoding import bilingual
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue
from did_service.core.errors import LimitError, MalformedError, quote
from did_service.core.limits import MAX_LOG_KEYS, MAX_MEMBER_KEYS, MAX_POLICY_MEMBERS
from did_service.core.log.note import VerifierKey, parse_verifier_key
from did_service.core.text import Bilingual
from did_service.node.federation.possession import check_possession, proofs_of, prove
from did_service.node.federation.witness_part import WitnessPart

FORMAT = "didsvc-member/1"


@dataclass(frozen=True, slots=True)
class RootKeys:
    """The public keys of a region's root DID, before it is written.

    Attributes:
        keys: Multikeys that become `#key-1` and so on.
        update: Multikey that signs the first version.
        next: Hash of the one after it (`next_key_hash`).
    """

    keys: tuple[str, ...]
    update: str
    next: str

    def document(self, host: str) -> JsonObject:
        """Return the DID document, a template with `{SCID}`."""
        keys = {
            f"key-{number}": multikey.decode_ed25519(key)
            for number, key in enumerate(self.keys, 1)
        }
        return document_with_keys(f"did:webvh:{{SCID}}:{host}", keys)


@dataclass(frozen=True, slots=True)
class Member:
    """One region as it presents itself; `members` is the file as received."""

    id: str
    name: Bilingual
    territory: tuple[str, ...]
    hosts: tuple[str, ...]
    prefixes: tuple[str, ...]
    logs: Mapping[str, tuple[VerifierKey, ...]]
    witness: VerifierKey
    native: str
    governance: str
    root: RootKeys
    daily_entries: int
    daily_bytes: int
    members: JsonObject

    @property
    def host(self) -> str:
        """The host that the region's services are named after."""
        return self.hosts[0]

    @property
    def document(self) -> JsonObject:
        """The file without its proofs."""
        return {name: value for name, value in self.members.items() if name != "proof"}

    @property
    def part(self) -> WitnessPart:
        """What its witness answers for, with the proofs that stand in the file."""
        part = WitnessPart(self.id, self.host, self.witness, self.native)
        proofs = self.members.get("proof")
        listed = proofs if isinstance(proofs, list) else []
        return replace(part, proofs=proofs_of(listed, part.publics))

    def signers(self) -> dict[bytes, JsonObject]:
        """Return each public key that has to prove itself, and the document that it signs."""
        logs = [key.public for keys in self.logs.values() for key in keys[:1]]
        named = [self.governance, self.root.update, *self.root.keys]
        whole = [*logs, *map(multikey.decode_ed25519, named)]
        part = WitnessPart(self.id, self.host, self.witness, self.native)
        return {
            **dict.fromkeys(part.publics, part.document),
            **dict.fromkeys(whole, self.document),
        }


def member_document(
    described: JsonObject,
    logs: Mapping[str, Sequence[VerifierKey]],
    part: WitnessPart,
    governance: str,
    root: RootKeys,
) -> JsonObject:
    """Return a member file without its proofs.

    Args:
        described: `id`, `name`, `territory`, `hosts`, `prefixes`, `daily_entries`,
            `daily_bytes`.
        logs: The keys of each log, the one that signs first.
        part: What its witness says of itself.
        governance: Multikey that signs policies.
        root: Of its DID.
    """
    written: JsonObject = {o: [key.encode() for key in found] for o, found in logs.items()}
    listed: list[JsonValue] = [*root.keys]
    return {
        "format": FORMAT,
        **described,
        "logs": written,
        "witness": part.witness.encode(),
        "native": part.native,
        "governance": governance,
        "root": {"keys": listed, "update": root.update, "next": root.next},
    }


def sign_member(
    document: JsonObject,
    proving: Callable[[Iterable[bytes]], Iterable[SigningKey]],
    created: datetime,
    part: WitnessPart | None = None,
) -> Member:
    """Let every key of a member file sign it, and read it back; raises as `parse_member`.

    Args:
        document: As `member_document` makes it.
        proving: Finds the keys behind public halves.
        created: Aware UTC.
        part: Of a witness that has signed on another host.
    """
    given = () if part is None else part.publics
    proofs: list[JsonValue] = [] if part is None else [*part.proofs]
    signers = _read({**document, "proof": []})[0].signers()
    for public, signed in signers.items():
        if public not in given:
            proofs += prove(signed, proving((public,)), created)
    return parse_member({**document, "proof": proofs})


def parse_member(value: JsonValue) -> Member:
    """Read a member file and check that every key it names has signed it.

    Raises:
        MalformedError, LimitError: another shape.
        ProofError: `member_proof_missing`, `member_proof_wrong`.
    """
    member, proofs = _read(value)
    check_possession(member.id, member.signers(), proofs)
    return member


def _read(value: JsonValue) -> tuple[Member, list[JsonValue]]:
    """Read a member file and its proofs, which are not judged yet."""
    fields = Fields(value, "member")
    fields.constant("format", FORMAT)
    member = Member(
        id=fields.text("id", max_chars=16),
        name=bilingual.parse(fields.value("name"), "member.name"),
        territory=fields.texts("territory", most=MAX_POLICY_MEMBERS),
        hosts=fields.texts("hosts", most=MAX_POLICY_MEMBERS),
        prefixes=fields.texts("prefixes", most=MAX_POLICY_MEMBERS),
        logs=_logs(fields.fields("logs")),
        witness=parse_verifier_key(fields.text("witness")),
        native=_multikey(fields, "native"),
        governance=_multikey(fields, "governance"),
        root=_root(fields.fields("root")),
        daily_entries=fields.integer("daily_entries", least=1),
        daily_bytes=fields.integer("daily_bytes", least=1),
        members=fields.whole(),
    )
    proofs = fields.array("proof", most=MAX_MEMBER_KEYS)
    fields.close()
    if not member.hosts:
        raise MalformedError("member_invalid", "member.hosts is empty")
    return member, proofs


def _logs(fields: Fields) -> Mapping[str, tuple[VerifierKey, ...]]:
    if len(fields.names()) > MAX_POLICY_MEMBERS:
        raise LimitError("too_large", f"more than {MAX_POLICY_MEMBERS} logs")
    found = {
        origin: tuple(map(parse_verifier_key, fields.texts(origin, most=MAX_LOG_KEYS)))
        for origin in fields.names()
    }
    for origin, keys in found.items():
        if not keys or {key.name for key in keys} != {origin}:
            raise MalformedError("member_invalid", f"{quote(origin)} has no key of its name")
    return found


def _root(fields: Fields) -> RootKeys:
    keys = fields.texts("keys", most=MAX_LOG_KEYS)
    for key in keys:
        multikey.decode_ed25519(key)
    if not keys:
        raise MalformedError("member_invalid", "member.root.keys is empty")
    root = RootKeys(keys, _multikey(fields, "update"), fields.text("next", max_chars=64))
    fields.close()
    return root


def _multikey(fields: Fields, name: str) -> str:
    text = fields.text(name, max_chars=64)
    multikey.decode_ed25519(text)
    return text
