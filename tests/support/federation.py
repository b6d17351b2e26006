"""The whole world in memory: five regions, their logs and witnesses, and one explicit clock.

    fed = founded()                                      # or Federation(years=…, now=…)
    psb = fed.agency("gz.gd.example")                    # a DID, in the reg of gd
    grant = fed.grant(fed.root("gd"), psb)               # may issue residence permits in 440100
    fed.schema(fed.root("cn"), "urn:didsvc:schema:residence-permit:1", {"type": "object"})
    fed.status_list(psb, revoked=[7])                    # signed, anchored in ev
    batch = fed.batch(psb, [b"secured bytes"])           # an issuance batch, salted and padded
    fed.publish()                                        # heads and witnessed checkpoints
    staple = fed.staple(psb, grant, batches=[batch.item(b"secured bytes")])
    fed.tick(days=2)

Regions gd, hn, zj, sc and the nation-wide cn, hosts `gd.example` and so on. Keys are made from
names (`dids.key`), so every run is the same. Everything goes through the real rules; what they
refuse raises. `submit` takes any entry, `logs[origin].force` what no honest log would.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache

from did_service.core.anchor import entry as entries
from did_service.core.anchor.batch import batch_leaf
from did_service.core.anchor.bodies.authority import parse_authority, subject_of
from did_service.core.anchor.bodies.policy import Policy, sign_policy
from did_service.core.anchor.entry import Entry, LoggedEntry, Submission
from did_service.core.anchor.streams import stream_id
from did_service.core.anchor.view import RuleContext
from did_service.core.credentials.bitstring_status_list import (
    BitstringStatusList,
    ListDescription,
    Purpose,
    status_list_credential,
)
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.hashes import sha256
from did_service.core.did.document import document_with_keys
from did_service.core.did.key import did_key_method, did_key_of
from did_service.core.did.syntax import did_id
from did_service.core.did.webvh import write
from did_service.core.did.webvh.parameters import WitnessRule
from did_service.core.did.webvh.state import HistoryState, accept
from did_service.core.encoding import b64, jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.log.checkpoint import sign_checkpoint
from did_service.core.log.merkle import inclusion_path, tree_root
from did_service.core.log.note import parse_note
from tests.support.dids import NOW, hash_of, key
from tests.support.evidence import collect_evidence, encode_hashes
from tests.support.founding import (
    FEDERATION,
    GOVERNORS,
    QUORUM,
    TERRITORY,
    governor,
    log_signer,
    native,
    origins_of,
    policy_members,
    witness,
)
from tests.support.memory_log import MemoryLog

RESIDENCE = "urn:didsvc:residence-permit:1"


@dataclass
class Actor:
    """A DID and the key it signs with: a root, an agency, or a did:key device."""

    did: str
    method: str
    key: SigningKey
    state: HistoryState | None = None
    version: int = 1

    @property
    def id(self) -> str:
        """What subjects and streams are named after."""
        return did_id(self.did)

    def list_url(self, number: int = 1) -> str:
        """The URL of one of its status lists."""
        return f"https://{self.state.version.did.host}/agencies/a/status/{number}"


@dataclass(frozen=True)
class Batch:
    """An anchored batch: its entry, and a `batches` item for each record."""

    placed: LoggedEntry
    items: Mapping[bytes, JsonObject]

    def item(self, record: bytes) -> JsonObject:
        return self.items[record]


class Federation:
    """See the module's docstring.

    `years` are the ev logs that each region has, the one of `now` unless others are given;
    `rules` is the number that its policy puts in force.
    """

    def __init__(
        self, *, years: Iterable[int] = (), now: int | None = None, rules: int = 1
    ) -> None:
        self.rules = rules
        self.now = timestamps.to_posix(NOW) if now is None else now
        self.years = tuple(years) or (timestamps.from_posix(self.now).year,)
        self.logs: dict[str, MemoryLog] = {}
        self.notes: dict[str, bytes] = {}  # newest witnessed checkpoint of each log
        self.actors: dict[str, Actor] = {}
        self.contents: dict[bytes, bytes] = {}
        founding = {region: self._create_root(region) for region in TERRITORY}
        self.policy = self._found()
        for region, entry in founding.items():
            body: JsonObject = {"policy": self.policy.members}
            self.submit(f"{region}.example/reg", entries.compose("policy", FEDERATION, body))
            self._submit_did(self.root(region), entry)

    # --- clock, judges, submitting -----------------------------------------------------------

    def tick(self, seconds: int = 1, *, days: int = 0) -> None:
        """Let time pass."""
        self.now += seconds + 86_400 * days

    @property
    def world(self) -> RuleContext:
        """What a judge with a complete copy of everything sees now."""
        return RuleContext(self.policy, self.logs.__getitem__, self.now, self.contents.get)

    def submit(self, origin: str, entry: Entry, content: bytes | None = None) -> LoggedEntry:
        """Sequence an entry now, judge it, append it."""
        if content is not None:
            self.contents[sha256(content)] = content
        return self.logs[origin].append(entry.sequenced(self.now), self.world, content)

    def compose(
        self,
        origin: str,
        kind: str,
        subject: str,
        body: JsonObject,
        digest: bytes | None = None,
    ) -> Entry:
        """Write the next entry of a chain of a log, unsigned."""
        after = self.logs[origin].newest(kind, subject)
        return entries.compose(kind, subject, body, after=after, digest=digest)

    def sign(self, entry: Entry, *actors: Actor) -> Entry:
        """Add the proof of each actor."""
        for actor in actors:
            created = timestamps.from_posix(self.now)
            entry = entries.sign(entry, actor.key, actor.method, created)
        return entry

    # --- actors ------------------------------------------------------------------------------

    def root(self, region: str) -> Actor:
        """The root of a region."""
        return self.actors[f"{region}.example"]

    def agency(self, location: str) -> Actor:
        """Create an agency's DID at `host[:segment…]`, pre-rotation on."""
        actor, entry = self._create(
            location, {"nextKeyHashes": [hash_of(f"{location} update 2")]}
        )
        self._submit_did(actor, entry)
        return actor

    def device(self, name: str) -> Actor:
        """Make a did:key that stands in no log yet."""
        made = key(f"{name} device")
        return Actor(did_key_of(made.public), did_key_method(made.public), made)

    def rotate(self, actor: Actor, *, keep_old_key: bool = False) -> LoggedEntry:
        """Reveal the committed update key and change the assertion key."""
        location, number = str(actor.state.version.did.location), actor.version + 1
        fresh = key(f"{location} assert {number}")
        keys = {f"key-{number}": fresh.public}
        if keep_old_key:
            keys[f"key-{actor.version}"] = actor.key.public
        entry = write.rotate(
            actor.state,
            key(f"{location} update {number}"),
            [hash_of(f"{location} update {number + 1}")],
            now=timestamps.from_posix(self.now),
            document=document_with_keys(actor.did, keys),
        )
        actor.key, actor.method, actor.version = fresh, f"{actor.did}#key-{number}", number
        return self._submit_did(actor, entry)

    def deactivate(self, actor: Actor) -> LoggedEntry:
        """End an agency's DID."""
        location = str(actor.state.version.did.location)
        signer = key(f"{location} update {actor.version + 1}")
        now = timestamps.from_posix(self.now)
        return self._submit_did(actor, write.deactivate(actor.state, signer, now=now))

    # --- authority ---------------------------------------------------------------------------

    def statement(self, granter: Actor, grantee: Actor, **changes: object) -> JsonObject:
        """An authority body without proof: issuer of residence permits in 440100 from now."""
        text: JsonObject = {"zh": "演示", "en": "for demonstration"}
        lists = [grantee.list_url()] if grantee.state is not None else []
        return {
            "granter": granter.did,
            "grantee": grantee.did,
            "scope": "residence",
            "name": text,
            "roles": ["issuer"],
            "types": [RESIDENCE],
            "items": [],
            "prefixes": [],
            "territory": ["440100"],
            "from": self.now,
            "until": self.now + 3 * 365 * 86_400,
            "state": "active",
            "since": None,
            "status_lists": lists,
            "status_custodian": None,
            "basis": text,
            **changes,
        }

    def grant(
        self, granter: Actor, grantee: Actor, *, by: Actor | None = None, **changes: object
    ) -> LoggedEntry:
        """State an authority and log it; `changes` are members, `begins` is `from`."""
        if "begins" in changes:
            changes["from"] = changes.pop("begins")
        body = self.statement(granter, grantee, **changes)
        return self.state(body, by or granter)

    def restate(self, placed: LoggedEntry, by: Actor, **changes: object) -> LoggedEntry:
        """Log the next statement of a chain: the last one with changes."""
        members = {**placed.entry.body, **changes}
        members.pop("proof")
        return self.state(members, by)

    def end(self, placed: LoggedEntry, by: Actor, since: int | None = None) -> LoggedEntry:
        """End a statement."""
        return self.restate(placed, by, state="ended", since=since)

    def state(self, body: JsonObject, *signers: Actor) -> LoggedEntry:
        """Sign an authority body and log it where its grantee is at home."""
        home = body["granter"] if body["grantee"].startswith("did:key:") else body["grantee"]
        origin = self.control_of(home)
        subject = subject_of(body["granter"], body["grantee"], body["scope"])
        entry = self.compose(origin, "authority", subject, body)
        return self.submit(origin, self.sign(entry, *signers))

    def x(self, region: str) -> JsonObject:
        """Member `x`: the newest witnessed checkpoint of another region's reg."""
        origin = f"{region}.example/reg"
        size = self.policy.log_policy(origin).verify(self.notes[origin]).checkpoint.size
        root = b64.encode_url(self.logs[origin].root(size))
        note = self.notes[origin].decode()
        return {"origin": origin, "size": size, "root": root, "proof": note}

    # --- schemas, status lists, batches ------------------------------------------------------

    def schema(
        self, owner: Actor, identifier: str, content: JsonObject, **changes: object
    ) -> LoggedEntry:
        """Publish a JSON Schema, or another kind."""
        text = jcs.encode(content)
        body: JsonObject = {
            "kind": "json-schema",
            "media_type": "application/schema+json",
            "content": text.decode(),
            "sha256": b64.encode_url(sha256(text)),
            "owner": owner.did,
            "state": "active",
            **changes,
        }
        origin = self.control_of(owner.did)
        return self.submit(
            origin, self.sign(self.compose(origin, "schema", identifier, body), owner)
        )

    def status_list(
        self,
        issuer: Actor,
        *,
        url: str | None = None,
        revoked: Iterable[int] = (),
        by: Actor | None = None,
    ) -> LoggedEntry:
        """Sign a revocation list of an issuer and anchor it; `by` is its custodian."""
        content = self.list_content(by or issuer, url or issuer.list_url(), revoked)
        return self.anchor_list(issuer, url or issuer.list_url(), content)

    def list_content(self, signer: Actor, url: str, revoked: Iterable[int] = ()) -> bytes:
        """The signed list as served, valid from now for a week."""
        bits = BitstringStatusList.empty()
        for index in revoked:
            bits.set(index)
        begins, ends = (timestamps.from_posix(self.now + age) for age in (0, 604_800))
        described = ListDescription(url, signer.did, Purpose.REVOCATION, begins, ends, 3_600)
        return self.secure(status_list_credential(described, bits), signer)

    def anchor_list(
        self, issuer: Actor, url: str, content: bytes, **changes: object
    ) -> LoggedEntry:
        """Anchor a signed list, whoever signed it."""
        times = {"iat": self.now, "exp": self.now + 604_800, "ttl": 3_600, "bits": 131_072}
        body = {"issuer": issuer.did, "kind": "bitstring", **times, **changes}
        origin = self.data_of(issuer.did)
        entry = self.compose(origin, "status", url, body, sha256(content))
        return self.submit(origin, entry, content)

    def batch(self, owner: Actor, records: Iterable[bytes], kind: str = "issuance") -> Batch:
        """Anchor a batch of records, padded to 16 leaves."""
        records = list(records)
        salts = {record: sha256(b"salt" + record) for record in records}
        leaves = [batch_leaf(salts[record], sha256(record)) for record in records]
        leaves += [sha256(b"padding %d" % i) for i in range(len(leaves), 16)]
        body: JsonObject = {"owner": owner.did, "kind": kind}
        origin = self.data_of(owner.did)
        stream = stream_id(owner.did, kind)
        entry = self.compose(origin, "evidence", stream, body, tree_root(leaves))
        placed = self.submit(origin, self.sign(entry, owner))
        items: dict[bytes, JsonObject] = {
            record: {
                "log": origin,
                "index": placed.index,
                "record": b64.encode_url(sha256(record)),
                "salt": b64.encode_url(salts[record]),
                "position": position,
                "path": encode_hashes(inclusion_path(leaves, position)),
            }
            for position, record in enumerate(records)
        }
        return Batch(placed, items)

    def secure(self, document: JsonObject, signer: Actor, **options: str) -> bytes:
        """Sign a document with eddsa-jcs-2022 and return its canonical bytes."""
        wanted: JsonObject = {
            "created": timestamps.encode(timestamps.from_posix(self.now)),
            "verificationMethod": signer.method,
            "proofPurpose": "assertionMethod",
            **options,
        }
        proof = data_integrity.create(document, wanted, signer.key, eddsa_jcs_2022)
        return jcs.encode({**document, "proof": proof})

    # --- heads, checkpoints, evidence --------------------------------------------------------

    def heads(self, origin: str, about: str | None = None) -> LoggedEntry:
        """Append a heads entry to a reg, about itself or about an ev log."""
        return self.submit(origin, self.compose_heads(origin, about))

    def compose_heads(self, origin: str, about: str | None = None) -> Submission:
        """Compose the heads entry that a reg is to have next."""
        subject = self.logs[about or origin]
        snapshot = subject.snapshot(subject.size())
        body: JsonObject = {
            "size": subject.size(),
            "count": len(snapshot.records),
            "root": b64.encode_url(snapshot.root),
            "at": self.now,
        }
        if about is not None:
            body["tree"] = b64.encode_url(subject.root(subject.size()))
        return self.compose(origin, "heads", about or origin, body)

    def publish(self, *regions: str) -> None:
        """Append heads and publish checkpoints that all other regions cosign now."""
        for region in regions or TERRITORY:
            control = f"{region}.example/reg"
            for year in self.years:
                data_log = f"{region}.example/ev/{year}"
                self.cosign(data_log)
                if self.logs[data_log].size():
                    self.heads(control, data_log)
            self.heads(control)
            self.cosign(control)

    def cosign(self, origin: str, times: Mapping[str, int] | None = None) -> bytes:
        """Sign a log's checkpoint, let regions cosign it at their times, and publish it.

        Args:
            origin: The log.
            times: POSIX seconds by region id; None: every other region, now.
        """
        log = self.logs[origin]
        others = [region for region in TERRITORY if not origin.startswith(f"{region}.")]
        signed = sign_checkpoint(log.checkpoint(), log_signer(origin))
        note = parse_note(signed)
        stamps = dict.fromkeys(others, self.now) if times is None else times
        lines = [witness(region).cosign(note.text, at) for region, at in stamps.items()]
        self.notes[origin] = note.with_lines(lines).encode()
        log.cosigned.append((self.now, log.size()))
        return self.notes[origin]

    def staple(
        self,
        issuer: Actor,
        *grants: LoggedEntry,
        lists: Iterable[str] | None = None,
        schemas: Iterable[str] = (),
        batches: Iterable[JsonObject] = (),
    ) -> JsonObject:
        """Evidence for one credential: issuer, hops and granters, schemas, lists, batches."""
        hops = [(placed, parse_authority(placed.entry.body)) for placed in grants]
        subjects = [("did", issuer.id)]
        for placed, hop in hops:
            subjects += [("authority", placed.entry.subject), ("did", did_id(hop.granter))]
        urls = (
            lists if lists is not None else [url for _, hop in hops for url in hop.status_lists]
        )
        subjects += [("status", url) for url in urls] + [("schema", each) for each in schemas]
        return self.evidence(*subjects, batches=batches)

    def evidence(
        self, *subjects: tuple[str, str], batches: Iterable[JsonObject] = ()
    ) -> JsonObject:
        """Evidence (formats.md 5) for any set of (type, subject), as last published.

        Every item is what the newest published heads name; a batch comes with its entry under
        the earliest heads that cover it. Subjects that are not in the heads are left out.
        """
        return collect_evidence(self.logs, self.notes, self.contents, subjects, list(batches))

    # --- founding ----------------------------------------------------------------------------

    def control_of(self, did: str) -> str:
        """The reg in which a DID is at home."""
        return f"{_region_of(did)}.example/reg"

    def data_of(self, did: str) -> str:
        """The ev log of the current year in the region of a DID."""
        year = timestamps.from_posix(self.now).year
        return f"{_region_of(did)}.example/ev/{year}"

    def next_policy(
        self, keys: Iterable[SigningKey] | None = None, **changes: object
    ) -> Policy:
        """The policy after the current one, signed by three governors or by `keys`."""
        members = {name: v for name, v in self.policy.members.items() if name != "proof"}
        members |= {
            "seq": self.policy.sequence + 1,
            "previous": b64.encode_url(self.policy.digest),
            **changes,
        }
        signers = [governor(r) for r in GOVERNORS] if keys is None else list(keys)
        return sign_policy(members, signers, timestamps.from_posix(self.now))

    def _found(self) -> Policy:
        origins = [origin for region in TERRITORY for origin in origins_of(region, self.years)]
        self.logs = {origin: MemoryLog(origin) for origin in origins}
        roots = {region: self.root(region).did for region in TERRITORY}
        signers = [governor(region) for region in GOVERNORS]
        created = timestamps.from_posix(self.now)
        members = {**policy_members(roots, self.years, created), "rules": self.rules}
        return sign_policy(members, signers, created)

    def _create_root(self, region: str) -> JsonObject:
        others = [other for other in TERRITORY if other != region]
        rule = WitnessRule(QUORUM, tuple(did_key_of(native(other).public) for other in others))
        parameters: JsonObject = {
            "nextKeyHashes": [hash_of(f"{region}.example update 2")],
            "witness": rule.encode(),
        }
        return self._create(f"{region}.example", parameters)[1]

    def _create(self, location: str, parameters: JsonObject) -> tuple[Actor, JsonObject]:
        template = f"did:webvh:{{SCID}}:{location}"
        signer = key(f"{location} assert 1")
        did, entry = write.create(
            document_with_keys(template, {"key-1": signer.public}),
            parameters,
            key(f"{location} update 1"),
            now=timestamps.from_posix(self.now),
        )
        actor = self.actors[location] = Actor(did, f"{did}#key-1", signer)
        actor.state = accept(None, entry, now=timestamps.from_posix(self.now))
        return actor, entry

    def _submit_did(self, actor: Actor, entry: JsonObject) -> LoggedEntry:
        origin = self.control_of(actor.did)
        placed = self.submit(origin, self.did_entry(actor, entry))
        number, now = placed.entry.number, timestamps.from_posix(self.now)
        actor.state = accept(actor.state if number > 1 else None, entry, now=now)
        return placed

    def did_entry(self, actor: Actor, entry: JsonObject) -> Entry:
        """A `did` entry, with the native witness proofs of the other regions for a root."""
        body: JsonObject = {"did": actor.did, "entry": entry}
        region = self.policy.region_of_root(actor.did)
        if region is not None:
            now = timestamps.from_posix(self.now)
            others = [other for other in TERRITORY if other != region.id]
            body["witness"] = [
                write.create_witness_proof(str(entry["versionId"]), native(other), now=now)
                for other in others
            ]
        return self.compose(self.control_of(actor.did), "did", actor.id, body)


def founded(*years: int, rules: int = 1) -> Federation:
    """A federation just founded, a copy of one that is made once."""
    return deepcopy(_founded(years or (2026,), rules))


@cache
def _founded(years: tuple[int, ...], rules: int) -> Federation:
    return Federation(years=years, rules=rules)


def _region_of(did: str) -> str:
    """The region of a DID: the label before `example` in its host."""
    host = did.split(":")[3]
    return host.removesuffix(".example").rpartition(".")[2]
