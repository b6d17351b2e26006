"""An agency at work beside the federation in memory, or on a socket beside a running one.

    office = Office(Federation(), tmp_path)     # an agency of 广州, granted, on disk
    pickup = office.apply()                     # a citizen's signed application
    credential = office.issue()                 # applied for, accepted by li, approved by zhao
    office.log.down = True                      # the log does not answer any more
    office.restart()                            # the process dies; another opens the database

`MemoryRegistry` judges by the real rules and answers like a registry.
"""

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Lock

from did_service.client.registry import EntryReceipt, UnverifiedLogged
from did_service.core.anchor import entry as entries
from did_service.core.anchor.entry import Entry, LoggedEntry
from did_service.core.credentials import proof_set
from did_service.core.credentials.bitstring_status_list import BitstringStatusList, Purpose
from did_service.core.credentials.proof_set import ProofOptions
from did_service.core.did.webvh import write
from did_service.core.encoding import strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.errors import NotFoundError, RuleError, UnavailableError
from did_service.core.integrity import eddsa_jcs_2022
from did_service.issuer.agency import Agency, Item, Officer, Signer
from did_service.issuer.app import Issuer
from did_service.issuer.officers import hash_token
from did_service.issuer.store import IssuerStore
from did_service.program.clock import ClockAndRandom
from did_service.storage.database import open_database
from tests.support.dids import key
from tests.support.federation import Actor, Federation
from tests.support.optional import CHECKOUT
from tests.support.storage import url_in

URL = "https://gz.gd.example/agencies/a"
EV = "gd.example/ev/2026"
TOKENS = {name: f"{name}-0123456789-0123456789" for name in ("li", "zhao", "sun", "qian")}
ROLES = {
    "li": {"accept", "approve"},
    "zhao": {"approve"},
    "sun": {"accept"},
    "qian": {"revoke"},
}
CLAIMS: JsonObject = {
    "familyName": "王",
    "givenName": "小明",
    "citizenNumber": "11010519491231002X",
    "permitNumber": "GZ2026000001",
    "residence": {"region": "440106", "address": "天河区示例路 1 号"},
}
_SCHEMA = CHECKOUT / "schemas/credential-types/residence-permit.json"


class Killed(BaseException):
    """The process dies here; nothing catches it."""


class MemoryRegistry:
    """What `RegistryClient` is to a running registry, for the federation in memory.

    Attributes:
        origin: The log it was last asked for, see `at`.
        published: Whether entries can be read back.
        down: It does not answer.
        dies: Where the process dies in the next call: `sending`, or `answered` with the entry
            already in the log.
        refuses: An error of the log, in place of its rules.
    """

    def __init__(self, fed: Federation) -> None:
        self.fed, self.origin = fed, EV
        self.down, self.dies, self.published = False, "", True
        self.refuses: Exception | None = None
        self.asked: list[bytes] = []
        self._writing = Lock()

    def at(self, origin: str) -> "MemoryRegistry":
        """Speak for another log."""
        self.origin = origin
        return self

    def submit(self, entry: Entry, content: bytes | None = None) -> EntryReceipt:
        """Judge and append, once for the same bytes."""
        self.asked.append(entry.encode())
        if self.dies == "sending":
            raise Killed
        if self.down:
            raise UnavailableError("peer_unreachable", "the registry could not be asked")
        if self.refuses is not None:
            raise self.refuses
        with self._writing:
            placed = self._placed(entry, content)
        if self.dies == "answered":
            raise Killed
        return EntryReceipt(self.origin, placed.index, placed.leaf, placed.entry.at, False)

    def entry(self, kind: str, subject: str, number: int) -> UnverifiedLogged:
        """Read an entry back."""
        if not self.published:
            raise UnavailableError("not_covered_yet", "the entry is too young")
        log = self.fed.logs.get(self.origin)
        for held in log.chain(kind, subject) if log else ():
            if held.entry.number == number:
                return UnverifiedLogged(held, self.fed.contents.get(held.entry.digest))
        raise NotFoundError("entry_unknown", f"no entry {number}")

    def newest(self, kind: str, subject: str) -> UnverifiedLogged | None:
        """Read the newest entry of a chain."""
        if self.down:
            raise UnavailableError("peer_unreachable", "the registry could not be asked")
        log = self.fed.logs.get(self.origin)
        held = log.newest(kind, subject) if log and self.published else None
        if held is None:
            return None
        return UnverifiedLogged(held, self.fed.contents.get(held.entry.digest))

    def _placed(self, entry: Entry, content: bytes | None) -> LoggedEntry:
        if self.origin not in self.fed.logs:
            raise NotFoundError("path_unknown", "no such log")
        try:
            return self.fed.submit(self.origin, entry, content)
        except RuleError:
            for held in self.fed.logs[self.origin].chain(entry.type, entry.subject):
                if entries.identity(held.entry) == entries.identity(entry):
                    return held
            raise


class Office:
    """See the module's docstring."""

    def __init__(self, fed: Federation, folder: Path, *, log_of=None, **agency: object) -> None:
        self.fed, self.folder = fed, folder
        self.actor = fed.agency("gz.gd.example")
        fed.rotate(self.actor, keep_old_key=True)  # key-2 issues, key-1 signs evidence
        lists = [self.actor.list_url(number) for number in (1, 2)]
        self.grant = fed.grant(fed.root("gd"), self.actor, status_lists=lists)
        fed.tick()
        self.log = MemoryRegistry(fed)
        self.log_of = log_of or self.log.at
        self.agency = replace(self._agency(), **agency)
        self.edge = ClockAndRandom(lambda: timestamps.from_posix(fed.now), self._random)
        self._drawn: list[int] = []
        self.restart()

    def restart(self) -> None:
        """Run over the same database as before, as after a kill."""
        self.store = IssuerStore(open_database(url_in(self.folder, "issuer")))
        self.issuer = Issuer(self.agency, self.store, self.log_of, self.edge)

    def draws(self) -> list[int]:
        """A list to which every draw of randomness from now on adds its size."""
        self._drawn = []
        return self._drawn

    def _random(self, size: int) -> bytes:
        self._drawn.append(size)
        return os.urandom(size)

    # --- what citizens and officers do -------------------------------------------------------

    def application(self, **changes: object) -> JsonObject:
        """A signed application over a fresh challenge; `changes` are members or options."""
        holder: Actor = changes.pop("holder", None) or self.fed.device("wang")
        options = {
            "challenge": changes.pop("challenge", None)
            or self.issuer.applications.challenge()["challenge"],
            "domain": changes.pop("domain", URL),
        }
        purpose = changes.pop("purpose", "authentication")
        signer: Actor = changes.pop("signer", holder)
        body: JsonObject = {
            "item": "residence-permit",
            "claims": CLAIMS,
            "holder": holder.did,
            **changes,
        }
        created = self.edge.clock()
        wanted = ProofOptions(signer.method, purpose, created, **options)
        return proof_set.sign(body, signer.key, wanted, eddsa_jcs_2022)

    def apply(self, **changes: object) -> JsonObject:
        """Hand in an application; its id and pick-up address."""
        return self.issuer.applications.submit(self.application(**changes))

    def approve(self, **changes: object) -> tuple[str, str]:
        """Bring an application to approval; its pick-up code, and the credential's id."""
        applied = self.apply(**changes)
        self.issuer.applications.accept(applied["id"], "li")
        credential = self.issuer.applications.approve(applied["id"], "zhao")
        return code_of(applied), credential

    def issue(self, **changes: object) -> JsonObject:
        """What a wallet picks up at the end."""
        code, _ = self.approve(**changes)
        delivery = self.issuer.applications.collect(code)
        self.issuer.applications.acknowledge(code)
        return delivery

    # --- what the log says -------------------------------------------------------------------

    def chain(self, purpose: Purpose = Purpose.REVOCATION) -> list[LoggedEntry]:
        """The entries of a status list in the log."""
        return self.fed.logs[EV].chain("status", self.agency.list_url(purpose))

    def bits(self, purpose: Purpose = Purpose.REVOCATION) -> set[int]:
        """The indices that the newest anchored list shows."""
        digest = self.chain(purpose)[-1].entry.digest
        listed = strict_json.load_object(self.fed.contents[digest])
        bits = BitstringStatusList.decode(listed["credentialSubject"]["encodedList"])
        return {index for index in range(len(bits)) if bits[index]}

    def _agency(self) -> Agency:
        did = self.actor.did
        schema = json.loads(_SCHEMA.read_text())
        names = {"jcs": "residence-permit", "rdfc": "residence-permit-rdfc"}
        return Agency(
            url=URL,
            did=did,
            method=self.actor.method,
            key=self.actor.key,
            jurisdiction="440100",
            log_host="gd.example",
            statements=(self.grant.entry.subject,),
            mirrors=("https://hn.example/witness", "https://gd.example/reg"),
            items=tuple(
                Item(
                    id=name,
                    type_name="ResidencePermit",
                    schema_id="urn:didsvc:schema:residence-permit:1",
                    schema=schema,
                    cryptosuite=f"eddsa-{suite}-2022",
                    valid_for=timedelta(days=365),
                )
                for suite, name in names.items()
            ),
            officers=tuple(
                Officer(name, hash_token(TOKENS[name]), frozenset(roles))
                for name, roles in ROLES.items()
            ),
            did_log=write.encode_log(
                placed.entry.body["entry"]
                for placed in self.fed.logs["gd.example/reg"].chain("did", self.actor.id)
            ),
            anchor=Signer(f"{did}#key-1", key("gz.gd.example assert 1")),
        )


class Backup:
    """A copy of the office's database, to be put back."""

    def __init__(self, office):
        self.office, self.path = office, office.folder / "backup.sqlite"
        self.live = office.folder / "issuer.sqlite"
        self._copy(self.live, self.path)

    def restore(self):
        self._copy(self.path, self.live)
        self.office.restart()

    @staticmethod
    def _copy(source, target):
        with closing(sqlite3.connect(source)) as held, closing(sqlite3.connect(target)) as copy:
            held.backup(copy)


def code_of(applied: JsonObject) -> str:
    """The code at the end of a pick-up address."""
    return str(applied["pickup"]).rpartition("/")[2]


def index_of(credential: JsonObject) -> int:
    """The status index of a credential."""
    return int(credential["credentialStatus"][0]["statusListIndex"])
