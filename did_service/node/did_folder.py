"""The folder of one DID: its two public files, and what is on its way to the log.

    DIR/did.jsonl, did-witness.json     as the log has them: to be served where the DID says
    DIR/logged.json                     the newest entry of the chain: log, index and the entry
    DIR/pending.json                    the next version, from when it is signed until all
                                        that it takes is witnessed
    DIR/keys/                           `did_keys`

Public files change only after the log has witnessed the version: nobody resolves a version
that no log holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from did_service.core.anchor.bodies.other_log import OtherLog, read_other
from did_service.core.anchor.entry import LoggedEntry, parse_entry
from did_service.core.did.webvh import write
from did_service.core.did.webvh.state import HistoryState, accept
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.strict_json import Fields, JsonObject, JsonValue, as_object
from did_service.core.errors import NotFoundError, quote
from did_service.core.limits import MAX_DID_LOG_BYTES, MAX_JSON_BYTES
from did_service.program.files import (
    exclusive_lock,
    make_private_directory,
    read_own_file,
    replace_file,
    replace_public_file,
)


@dataclass(frozen=True, slots=True)
class PendingVersion:
    """A version that is signed and not yet all there.

    Attributes:
        operation: The command that made it.
        did: The DID as it was before, for its first version as it is.
        version: Its object of did.jsonl.
        witness: Proofs of did:webvh witnesses, where the DID has some.
        origin: The control log in which the DID was until then.
        after: Its newest entry there; None for a first version.
        to: Where it moves to another region: that region's control log.
        left: The leave, once it is logged.
        shown: The checkpoint of the log that was left, as the join names it.
    """

    operation: str
    did: str
    version: JsonObject
    witness: tuple[JsonValue, ...] | None
    origin: str
    after: LoggedEntry | None = None
    to: str | None = None
    left: LoggedEntry | None = None
    shown: OtherLog | None = None

    def encode(self) -> JsonObject:
        """Return the content of pending.json."""
        return {
            "operation": self.operation,
            "did": self.did,
            "version": self.version,
            "witness": None if self.witness is None else [*self.witness],
            "origin": self.origin,
            "after": _encode(self.after),
            "to": self.to,
            "left": _encode(self.left),
            "shown": None if self.shown is None else self.shown.encode(),
        }


@dataclass(frozen=True, slots=True)
class DidFolder:
    """See the module's docstring."""

    path: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let one command at a time work in the folder, which is made where it is missing.

        Raises:
            UnavailableError, ConflictError: as `exclusive_lock`.
        """
        make_private_directory(self.path)
        with exclusive_lock(self.path / "lock"):
            yield

    def versions(self) -> list[JsonObject]:
        """Return the versions that the log has, oldest first; none before the first.

        Raises:
            MalformedError, UnavailableError: a file that is damaged or cannot be read.
        """
        data = read_own_file(self.path / "did.jsonl", MAX_DID_LOG_BYTES) or b""
        return [strict_json.load_object(line) for line in data.splitlines()]

    def state(self, now: datetime) -> HistoryState:
        """Verify the versions and return the newest state.

        Raises:
            NotFoundError: `did_missing`.
            DidServiceError: as `accept`.
        """
        state: HistoryState | None = None
        for version in self.versions():
            state = accept(state, version, now=now)
        if state is None:
            raise NotFoundError("did_missing", f"no DID in {quote(self.path)}")
        return state

    def logged(self) -> LoggedEntry | None:
        """Return the newest entry of the chain, None before the first."""
        data = read_own_file(self.path / "logged.json", MAX_JSON_BYTES)
        if data is None:
            return None
        return _decode(Fields(strict_json.load_object(data), "logged.json"), "placed")

    def log(self) -> str | None:
        """Return the origin of the log in which the newest entry stands."""
        data = read_own_file(self.path / "logged.json", MAX_JSON_BYTES)
        if data is None:
            return None
        return Fields(strict_json.load_object(data), "logged.json").text("log")

    def pending(self) -> PendingVersion | None:
        """Return what is on its way, None where nothing is."""
        data = read_own_file(self.path / "pending.json", MAX_JSON_BYTES)
        if data is None:
            return None
        fields = Fields(strict_json.load_object(data), "pending.json")
        witness = None if fields.value("witness") is None else tuple(fields.array("witness"))
        return PendingVersion(
            fields.text("operation"),
            fields.text("did"),
            fields.object("version"),
            witness,
            fields.text("origin"),
            _decode(fields, "after"),
            None if fields.value("to") is None else fields.text("to"),
            _decode(fields, "left"),
            None if fields.value("shown") is None else read_other(fields.fields("shown")),
        )

    def keep_pending(self, pending: PendingVersion) -> None:
        """Write what is on its way, before it leaves this machine."""
        replace_file(self.path / "pending.json", jcs.encode(pending.encode()))

    def forget_pending(self) -> None:
        """Give up what the log has refused."""
        (self.path / "pending.json").unlink(missing_ok=True)

    def publish(self, pending: PendingVersion, log: str, placed: LoggedEntry) -> None:
        """Take a version into the public files, now that it is witnessed; may be repeated."""
        versions = self.versions()
        if pending.version not in versions:
            versions.append(pending.version)
        if pending.witness is not None:
            self._add_approvals(str(pending.version["versionId"]), pending.witness)
        replace_public_file(self.path / "did.jsonl", write.encode_log(versions))
        logged: JsonObject = {"log": log, "placed": _encode(placed)}
        replace_file(self.path / "logged.json", jcs.encode(logged))
        self.forget_pending()

    def _add_approvals(self, version_id: str, proofs: Sequence[JsonValue]) -> None:
        """A proof on a version approves all before it, so the newest ones are enough."""
        approved = {version_id: [as_object(proof, "witness") for proof in proofs]}
        file = write.encode_witness_file(approved)
        replace_public_file(self.path / "did-witness.json", file)


def _encode(placed: LoggedEntry | None) -> JsonValue:
    if placed is None:
        return None
    return {"index": placed.index, "entry": placed.entry.members}


def _decode(fields: Fields, name: str) -> LoggedEntry | None:
    if fields.value(name) is None:
        return None
    placed = fields.fields(name)
    entry = parse_entry(jcs.encode(placed.object("entry")))
    return LoggedEntry(entry, placed.integer("index"), entry.leaf())
