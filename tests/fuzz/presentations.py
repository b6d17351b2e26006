"""Presentations and credentials, altered: accepted only with the meaning that was signed.

    one of: a good or bad credential, bare or presented under either suite, one or two of them;
    by its holder or by another; for this question or another; with a staple, in a file or not

The evidence is true and all that a credential needs, so that nothing but what is shown decides.
"""

import json
from dataclasses import asdict, dataclass, field
from functools import cache
from random import Random

from did_service.core.credentials import eddsa_rdfc_2022, proof_set
from did_service.core.credentials.contexts import CREDENTIALS_V2
from did_service.core.credentials.proof_set import ProofOptions
from did_service.core.encoding import timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.integrity import eddsa_jcs_2022
from tests.fuzz.attempts import Attempt, Target, described
from tests.fuzz.counter import (
    ACCEPTING,
    Circumstances,
    Evidence,
    Meanings,
    fault_of,
    judged,
)
from tests.fuzz.mutations import altered, spoilt, wrapped
from tests.fuzz.world import ACCEPTABLE, OF_ANOTHER, World, built
from tests.support.counter import AUDIENCE, NONCE

SUITES = (eddsa_jcs_2022, eddsa_rdfc_2022)


@dataclass(frozen=True)
class Shelf:
    """What can be shown, as JSON, what of it is good, and evidence by issuers."""

    world: World
    documents: tuple[JsonObject, ...]
    good: Meanings
    evidence: dict[tuple[str, ...], tuple[bytes, Evidence]] = field(default_factory=dict)

    def evidence_for(self, document: JsonObject) -> tuple[bytes, Evidence]:
        """All true evidence for the credentials in a document: as a file, and read."""
        shown = document.get("verifiableCredential", [document])
        issuers = tuple(sorted({each["issuer"] for each in shown}))
        if issuers not in self.evidence:
            data = json.dumps(self.world.staple(*issuers)).encode()
            self.evidence[issuers] = data, Evidence.read({"bundle": data})
        return self.evidence[issuers]


@cache
def shelf() -> Shelf:
    """Make every presentation once."""
    world = built()
    scene, good = world.scene, Meanings()
    chosen = [world.good[name] for name in ACCEPTABLE]
    sound = [scene.present(each, suite=suite) for each in chosen for suite in SUITES]
    sound += [scene.present(*chosen[:2], suite=suite) for suite in SUITES]
    sound += [_passing(world, suite) for suite in SUITES]
    for document in (*sound, *chosen):
        good.add(json.dumps(document).encode())
    for name in OF_ANOTHER:
        good.add(json.dumps(world.bad[name]).encode(), of_another=True)
    li = scene.fed.device("li")
    wrong = (
        {"nonce": "another question"},
        {"audience": "https://bank.example"},
        {"nonce": None, "audience": None},
        {"holder": li},
    )
    unsound = [scene.present(*chosen[:2], **each, suite=s) for each in wrong for s in SUITES]
    unsound += [scene.present(each, suite=s) for each in world.bad.values() for s in SUITES]
    unsound += [_passing(world, suite, over=True) for suite in SUITES]
    # Under statements alone there are most ways to write one thing.
    stated = [scene.present(world.good["rdfc"], suite=eddsa_rdfc_2022)]
    good.add(json.dumps(stated[0]).encode())
    documents = (*sound * 3, *stated * 20, *chosen * 3, *unsound, *world.bad.values())
    return Shelf(world, documents, good)


def _passing(world: World, suite, *, over: bool = False) -> JsonObject:
    """A presentation that lapses a day from now, or has lapsed."""
    scene = world.scene
    lapses = timestamps.from_posix(world.now + (-3_600 if over else 86_400))
    made = timestamps.from_posix(world.now - 7_200)
    asked = {"challenge": NONCE, "domain": AUDIENCE, "expires": lapses}
    options = ProofOptions(scene.holder.method, "authentication", made, **asked)
    document: JsonObject = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": scene.holder.did,
        "verifiableCredential": [scene.credential],
    }
    return proof_set.sign(document, scene.holder.key, options, suite)


def make(random: Random) -> Attempt:
    """Show something altered, under true evidence."""
    held = shelf()
    at = Circumstances.draw(held.world, random)
    document = random.choice(held.documents)
    shown = _altered(document, random, held)
    file, evidence = held.evidence_for(document)
    inputs = {"shown.json": shown, "bundle.json": file, "at.json": described(asdict(at))}

    def run() -> str | None:
        report = judged(shown, evidence, at, held.world.scene.fed.policy)
        if report is None:
            return None
        if report.outcome in ACCEPTING:
            return held.good.foreign(shown, nonce=at.nonce) or fault_of(report)
        return fault_of(report)

    return Attempt(inputs, run)


def _altered(document: JsonObject, random: Random, held: Shelf) -> bytes:
    donors, form = random.choices(held.documents, k=2), random.randrange(8)
    if form == 0:
        return json.dumps(document).encode()
    if form == 1:
        return spoilt(json.dumps(document).encode(), random)
    if form == 2:
        file: JsonObject = {"vp_token": {"q": [document, *donors[: random.randrange(3)]]}}
        return json.dumps(altered(file, random, donors)).encode()
    if form in (3, 4):
        return json.dumps(wrapped(document, random)).encode()
    return json.dumps(altered(document, random, donors)).encode()


TARGET = Target("presentations", make, most_steps=2_000_000)
