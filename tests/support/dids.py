"""DIDs to test with: keys by name, a clock, and a controller who knows its own keys."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from did_service.core.crypto import multikey
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.hashes import sha256
from did_service.core.did.document import document_with_keys
from did_service.core.did.key import did_key_of
from did_service.core.did.webvh import write
from did_service.core.did.webvh.parameters import WitnessRule, next_key_hash
from did_service.core.did.webvh.state import HistoryState, accept

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def key(name: str) -> SigningKey:
    """A key of its own for every name."""
    return SigningKey(sha256(name.encode()))


def multikey_of(name: str) -> str:
    return multikey.encode_ed25519(key(name).public)


def hash_of(name: str) -> str:
    """The nextKeyHashes item of a named key."""
    return next_key_hash(multikey_of(name))


def rule_of(threshold: int, *names: str) -> WitnessRule:
    return WitnessRule(threshold, tuple(did_key_of(key(name).public) for name in names))


def template(location: str = "gd.example", *names: str) -> dict:
    """A first document with `{SCID}`, one Multikey for each name (or `assert`)."""
    keys = {f"key-{i}": key(name).public for i, name in enumerate(names or ("assert",), 1)}
    return document_with_keys(f"did:webvh:{{SCID}}:{location}", keys)


@dataclass
class Controller:
    """A DID and everything its controller wrote, one minute between entries."""

    entries: list[dict]
    state: HistoryState
    now: datetime = NOW
    proofs: dict[str, list[dict]] = field(default_factory=dict)

    @classmethod
    def create(cls, *, location: str = "gd.example", signer: str = "update", **parameters):
        _, entry = write.create(template(location), parameters, key(signer), now=NOW)
        return cls([entry], accept(None, entry, now=NOW))

    @property
    def did(self) -> str:
        return self.state.did

    @property
    def log(self) -> bytes:
        return write.encode_log(self.entries)

    @property
    def witness_file(self) -> bytes:
        return write.encode_witness_file(self.proofs)

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def add(self, entry: dict) -> HistoryState:
        self.state = accept(self.state, entry, now=self.now)
        self.entries.append(entry)
        return self.state

    def update(self, signer: str = "update", document: dict | None = None, **parameters):
        now = self.tick()
        made = write.update(
            self.state, key(signer), now=now, document=document, parameters=parameters
        )
        return self.add(made)

    def witness(self, *names: str) -> None:
        """Have witnesses approve the newest version."""
        version_id = self.state.version.version_id
        self.proofs[version_id] = [
            write.create_witness_proof(version_id, key(name), now=self.now) for name in names
        ]


def resigned(entry: dict, signer: str, predecessor: str) -> dict:
    """An entry whose hash and proof are right again after somebody changed its content."""
    content = {name: value for name, value in entry.items() if name != "proof"}
    number = int(entry["versionId"].partition("-")[0])
    return write._signed(content, number, predecessor, key(signer))


def steps():
    """What a controller may do, in any order."""
    names = ["touch", "document", "keys", "commit", "uncommit", "witness", "move", "ttl"]
    return st.lists(st.sampled_from(names), max_size=6)


class Author:
    """Does whatever it is told, as far as the rules let it."""

    def __init__(self):
        self.made = Controller.create(portable=True)
        self.signer, self.fresh = "update", 0

    def do(self, step):
        parameters, document = {}, None
        self.fresh += 1
        pre_rotation = self.made.state.version.parameters.pre_rotation
        if pre_rotation:
            self.signer = self.committed
            parameters["nextKeyHashes"] = [] if step == "uncommit" else [self.commit()]
        match step:
            case "document":
                document = self.made.state.version.document.raw | {"x": [self.fresh, "居住证"]}
            case "keys" if not pre_rotation:
                parameters["updateKeys"] = [multikey_of(f"u{self.fresh}")]
            case "commit":
                parameters["nextKeyHashes"] = [self.commit()]
            case "witness":
                parameters["witness"] = rule_of(1, f"w{self.fresh}", "w").encode()
            case "ttl":
                parameters["ttl"] = self.fresh
            case "move":
                moved = f"did:webvh:{self.made.state.scid}:r{self.fresh}.example"
                document = write._renamed(
                    self.made.state.version.document.raw, self.made.did, moved
                ) | {"alsoKnownAs": [self.made.did]}
        self.made.update(self.signer, document, **parameters)
        if "updateKeys" in parameters:
            self.signer = f"u{self.fresh}"
        self.made.witness("w")

    def commit(self):
        self.committed = f"n{self.fresh}"
        return hash_of(self.committed)
