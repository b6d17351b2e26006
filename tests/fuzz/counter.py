"""A counter of 湖南 that judges what is shown: directory, bundles, staple, clock, service item.

Nothing is written: it is `did-verify check` between reading its files and keeping the outcome.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from did_service.core.anchor.bodies.policy import Policy
from did_service.core.credentials.stated import keeps_no_order
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject, JsonValue
from did_service.core.errors import DidServiceError
from did_service.core.evidence.bundle import parse_bundle
from did_service.core.evidence.proven_set import Dropped
from did_service.core.evidence.sets import UnverifiedEvidence
from did_service.core.verification.codes import FAULTS
from did_service.core.verification.presented import PresentedFile, parse_presented
from did_service.core.verification.report import NowFrom, Outcome, Report
from did_service.verifier.held import TrustState
from did_service.verifier.judging import judge
from did_service.verifier.memory import Memory
from did_service.verifier.question import Question
from tests.fuzz.world import ITEM, World
from tests.support.counter import request

ACCEPTING = (Outcome.ACCEPTED, Outcome.ACCEPTED_WITH_LIMITS, Outcome.DOCUMENT)
TRUST = "trust"  # the file that stands for the directory's evidence
AGES = (1, 299, 301, 86_399, 86_401, 200_000, 1_000_000, 10_000_000)


@dataclass(frozen=True)
class Circumstances:
    """When and for what: the clock, what it remembers, the service item, the clerk's word.

    Attributes:
        now: POSIX seconds of the counter's clock; right, or behind where `witnessed` is right.
        decided, witnessed: What the directory remembers of time.
        item, tier: What the clerk names.
        nonce: Whether a holder's proof is asked for.
    """

    now: int
    decided: int | None = None
    witnessed: int | None = None
    item: str | None = None
    tier: str | None = None
    nonce: bool = True

    @classmethod
    def draw(cls, world: World, random: Random) -> "Circumstances":
        """Such as make neither a good credential bad nor a bad one good."""
        right, off = world.now + 1, random.choice(AGES)
        odd = random.choice(
            (
                {"witnessed": right - off},
                {"decided": right + off},
                {"now": right - off, "witnessed": right},
                {"now": right - off, "witnessed": right, "decided": right + off},
                {"now": right + min(off, 1_000_000)},
            )
        )
        times = {"now": right, **(odd if random.random() < 0.3 else {})}
        item = random.choice((None, None, ITEM, "urn:didsvc:item:none:1"))
        tier = random.choice((None, None, None, None, "day", "online"))
        return cls(**times, item=item, tier=tier, nonce=random.random() < 0.9)


@dataclass(frozen=True)
class Evidence:
    """Evidence as a counter has read it: in its directory, in bundles, or not at all."""

    trust: UnverifiedEvidence = field(default_factory=UnverifiedEvidence)
    bundles: tuple[tuple[str, UnverifiedEvidence], ...] = ()
    unreadable: tuple[Dropped, ...] = ()

    @classmethod
    def read(cls, files: Mapping[str, bytes]) -> "Evidence":
        """Read each, as the command line does; what cannot be read is dropped and named."""
        found: dict[str, UnverifiedEvidence] = {}
        dropped = []
        for name, data in files.items():
            try:
                found[name] = parse_bundle(data)
            except DidServiceError as error:
                dropped.append(Dropped(name, "bundle", error.code))
        trust = found.pop(TRUST, UnverifiedEvidence())
        return cls(trust, tuple(found.items()), tuple(dropped))


def judged(
    shown: bytes, evidence: Evidence, at: Circumstances, policy: Policy
) -> Report | None:
    """The counter's report; None where the file is told to be something else."""
    asked = {} if at.nonce else {"nonce": None, "audience": None}
    question = Question(
        presented=shown,
        name="shown.json",
        bundles=evidence.bundles,
        unreadable=evidence.unreadable,
        request=request(tier=at.tier, item=at.item, **asked),
        now=timestamps.from_posix(at.now),
        source=NowFrom.CLOCK,
        document=not at.nonce,
    )
    memory = Memory(witnessed=_time(at.witnessed), decided=_time(at.decided))
    try:
        return judge(question, policy, TrustState(policy, evidence.trust, memory, frozenset()))
    except DidServiceError:
        return None


def _time(second: int | None) -> datetime | None:
    return None if second is None else timestamps.from_posix(second)


def fault_of(report: Report) -> str | None:
    """What a step fell over, if one did; a report that cannot be written raises."""
    report.to_bytes()
    faults = [f"step {c.step}: {c.detail}" for c in report.checks if c.code in FAULTS.values()]
    return "; ".join(faults) or None


# --- what was accepted ------------------------------------------------------------------------


@dataclass
class Meanings:
    """What good documents say, and the proofs that their parties made, as canonical JSON.

    `of_others` are good where nobody is asked to be their holder.
    """

    known: dict[bytes, set[bytes]] = field(default_factory=dict)
    of_others: dict[bytes, set[bytes]] = field(default_factory=dict)

    def add(self, shown: bytes, *, of_another: bool = False) -> None:
        """Take everything in a file as good."""
        known = self.of_others if of_another else self.known
        for document in _documents(parse_presented(shown)):
            known.setdefault(_meaning(document), set()).update(_proofs(document))

    def foreign(self, shown: bytes, *, nonce: bool) -> str | None:
        """Say what of an accepted file no party signed so."""
        read = parse_presented(shown)
        if not read.shown:
            return "nothing was shown"
        known = self.known if nonce else {**self.of_others, **self.known}
        for document in _documents(read) if nonce else _credentials(read):
            if not known.get(_meaning(document), set()).intersection(_proofs(document)):
                return f"accepted: {jcs.encode(document).decode()}"
        return None


def _credentials(read: PresentedFile) -> list[JsonObject]:
    return [each.credential.raw for each in read.shown]


def _documents(read: PresentedFile) -> list[JsonObject]:
    presentations = [each.presentation.raw for each in read.shown if each.presentation]
    return [*_credentials(read), *presentations]


def _meaning(document: JsonObject) -> bytes:
    """What a document says, without its proofs.

    A presentation whose proofs cover statements alone has a few spellings that no reader tells
    apart: our second context named or not, one type bare or in a list, credentials in another
    order, one proof of theirs bare or in a list (`test_spellings_of_a_presentation`).
    """
    said = {name: value for name, value in document.items() if name != "proof"}
    if "verifiableCredential" in said and keeps_no_order(document):
        said["@context"] = None
        said["type"] = _listed(said["type"])
        said["verifiableCredential"] = sorted(
            jcs.encode({**each, "proof": _listed(each.get("proof"))}).decode()
            for each in _listed(said["verifiableCredential"])
        )
    return jcs.encode(said)


def _listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else [value]


def _proofs(document: JsonObject) -> list[bytes]:
    proofs = _listed(document.get("proof", []))
    return [jcs.encode(each) for each in proofs if isinstance(each, dict)]
