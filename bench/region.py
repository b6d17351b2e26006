"""Region gd of the demo federation: entries for its logs, and a registry to take them.

Keys come from names, so that the process of a registry and the one that fills it agree without
telling each other. Every entry here is one that the rules let through.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from did_service.client.answers import HttpAnswer
from did_service.client.transport import Transport
from did_service.core.anchor import entry as entries
from did_service.core.anchor.bodies.policy import Policy
from did_service.core.anchor.entry import Entry, LoggedEntry, Submission, parse_entry
from did_service.core.anchor.streams import stream_id
from did_service.core.crypto.hashes import sha256
from did_service.core.did.syntax import did_id
from did_service.core.did.webvh import write
from did_service.core.encoding import b64, jcs, timestamps
from did_service.core.encoding.multiformats import multibase_encode
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.log.merkle import leaf_hash
from did_service.core.log.witnessing import parse_add_checkpoint
from did_service.node.region import RegionSetup
from did_service.node.setting_table import ServiceKind
from did_service.node.storage_setup import StorageSetup
from tests.support.dids import hash_of, key, template
from tests.support.federation import Actor, Federation
from tests.support.founding import TERRITORY, log_signer, native, witness

REGION = "gd"
REG = "gd.example/reg"
_KIND = "audit"


class Province:
    """The region's world now, in memory."""

    def __init__(self) -> None:
        self.fed = Federation(now=int(time.time()), years=(datetime.now(UTC).year,))
        self.data_log = next(o for o in self.fed.logs if o.startswith("gd.example/ev/"))
        self._signer = key("update")
        self._parameters: JsonObject = {"nextKeyHashes": [hash_of("next")]}
        self._made = 0

    def did_entries(self, count: int) -> list[Submission]:
        """Make entries that create DIDs, each another one; 1.5 KB."""
        return [self._did_entry() for _ in range(count)]

    def agencies(self, count: int) -> list[Actor]:
        """Register agencies, each with an authority, so that they may write to the data log."""
        made = [self.fed.agency(f"a{number}.gd.example") for number in range(count)]
        for agency in made:
            self.fed.grant(self.fed.root(REGION), agency)
        return made

    def founding(self) -> list[bytes]:
        """Return the control log so far."""
        return [placed.entry.encode() for placed in self.fed.logs[REG].entries]

    def streams(self, owners: list[Actor], count: int) -> Iterator[bytes]:
        """Make the first `count` entries of a data log: evidence batches of owners in turn."""
        streams = [Stream(owner, self.fed.now) for owner in owners]
        check_text(self.fed, self.data_log, owners[0])
        for number in range(count):
            yield streams[number % len(streams)].next()

    def _did_entry(self) -> Submission:
        self._made += 1
        did, entry = write.create(
            template(f"gd.example:a:{self._made}"),
            self._parameters,
            self._signer,
            now=timestamps.from_posix(self.fed.now),
        )
        return entries.compose("did", did_id(did), {"did": did, "entry": entry})


class Stream:
    """The evidence entries of one owner, written as text: canonical, signed, sequenced.

    Ten times as fast as composing and signing values, and `check_text` compares the two.

    Args:
        owner: Signs.
        at: The second of its entries; may be set between two of them.
        after: The newest entry of the stream, None for a new one.
    """

    def __init__(self, owner: Actor, at: int, after: LoggedEntry | None = None) -> None:
        self.owner = owner
        self.at = at
        self._number = 0 if after is None else after.entry.number
        self._leaf = None if after is None else after.leaf
        self._body = jcs.encode({"kind": _KIND, "owner": owner.did}).decode()
        self._options = {
            "type": "DataIntegrityProof",
            "cryptosuite": "eddsa-jcs-2022",
            "created": timestamps.encode(timestamps.from_posix(at)),
            "verificationMethod": owner.method,
            "proofPurpose": "assertionMethod",
        }
        self._options_hash = sha256(jcs.encode({**self._options}))
        self.subject = stream_id(owner.did, _KIND)

    def next(self) -> bytes:
        """Return the next entry."""
        self._number += 1
        digest = b64.encode_url(sha256(b"%d" % self._number))
        chain = "" if self._leaf is None else f'"p":"{b64.encode_url(self._leaf)}",'
        tail = f'"d":"{digest}","n":{self._number},{chain}"s":"{self.subject}",'
        tail += '"t":"evidence","v":1}'
        signed = self._options_hash + sha256(f'{{"b":{self._body},{tail}'.encode())
        value = multibase_encode(self.owner.key.sign(signed))
        proof = jcs.encode({**self._options, "proofValue": value}).decode()
        body = f'{self._body[:-1]},"proof":{proof}}}'
        data = f'{{"a":{self.at},"b":{body},{tail}'.encode()
        self._leaf = leaf_hash(data)
        return data


def check_text(fed: Federation, data_log: str, owner: Actor) -> None:
    """Take the first two entries of an owner's stream through the rules, and compose them."""
    copy = Stream(owner, fed.now)
    for _ in range(2):
        data = copy.next()
        wanted = parse_entry(data)
        body: JsonObject = {"owner": owner.did, "kind": _KIND}
        composed = fed.compose(data_log, "evidence", wanted.subject, body, wanted.digest)
        placed = fed.submit(data_log, fed.sign(composed, owner))
        assert placed.entry.encode() == data, "the text is not what composing gives"


def places(rows: Sequence[Entry], size: int) -> list[LoggedEntry]:
    """Give sequenced entries their places from index `size` on."""
    return [LoggedEntry(row, size + i, row.leaf()) for i, row in enumerate(rows)]


def setup(policy: Policy, transport: Transport, folder: Path) -> RegionSetup:
    """Return what the region's services are given."""
    (region,) = (region for region in policy.regions if region.id == REGION)
    signers = {origin: log_signer(origin) for origin in region.logs}
    return RegionSetup(
        kind=ServiceKind.REGION,
        region=REGION,
        host=f"{REGION}.example",
        storage=StorageSetup(folder),
        policy=policy,
        logs=signers,
        cosigner=witness(REGION),
        native=native(REGION),
        transport=transport,
    )


class Witnesses(Transport):
    """Stands in for the other regions: cosigns whatever it is asked to, at once.

    Args:
        posix: Their clock.
    """

    def __init__(self, posix: Callable[[], int] = lambda: int(time.time())) -> None:
        super().__init__()
        self._posix = posix

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        max_bytes: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Answer add-checkpoint as the witness whose host the URL names."""
        del method, max_bytes, headers
        region = next(each for each in TERRITORY if f"//{each}.example/" in url)
        line = witness(region).cosign(parse_add_checkpoint(body).note.text, self._posix())
        return HttpAnswer(200, {"content-type": "text/plain"}, line.encode())
