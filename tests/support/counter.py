"""A service counter and what is shown to it: one residence permit in the whole world.

    scene = Scene()                         # 广州's agency, authorised, with schema and list
    scene.publish()                         # heads and witnessed checkpoints
    report = scene.check()                  # the presentation with its staple, at this counter
    report = scene.check(staple=None)       # and so on: each part can be replaced

The credential is issued when the scene is made; time passes with `scene.fed.tick`.
"""

import gzip
import json

from did_service.core.anchor.bodies.authority import subject_of
from did_service.core.anchor.entry import LoggedEntry
from did_service.core.credentials import proof_set
from did_service.core.credentials.contexts import CREDENTIALS_V2, DIDSVC_1
from did_service.core.credentials.proof_set import ProofOptions
from did_service.core.encoding import b64, jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.evidence.sets import UnverifiedEvidence, parse_evidence
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.verification.report import Report
from did_service.core.verification.request import Clock, NonceState, Request
from did_service.core.verification.verify import verify
from tests.support.federation import RESIDENCE, Actor, Federation, founded

NONCE, AUDIENCE = "n-0S6_WzA2Mj", "https://counter.hn.example/1"
SCHEMA = "urn:didsvc:schema:residence-permit:1"
JURISDICTION = "440100"
INDEX = 94_567
KEEP = object()  # "as the scene has it"


class Scene:
    """See the module's docstring."""

    def __init__(
        self,
        *,
        federation: Federation | None = None,
        terms: JsonObject | None = None,
        **statement: object,
    ) -> None:
        self.fed = federation or founded()
        self.agency = self.fed.agency("gz.gd.example")
        self.holder = self.fed.device("wang")
        self.grant: LoggedEntry = self.fed.grant(self.fed.root("gd"), self.agency, **statement)
        self.grants = [self.grant]
        schema = {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "x-didsvc": {"type": RESIDENCE, "status": "required", **(terms or {})},
            "type": "object",
            "properties": {"credentialSubject": {"required": ["familyName"]}},
        }
        self.fed.schema(self.fed.root("cn"), SCHEMA, schema)
        self.fed.status_list(self.agency)
        self.batches: list[JsonObject] = []
        self.credential = self.issue()

    # --- what the agency and the holder make -------------------------------------------------

    def unsigned(self, **changes: object) -> JsonObject:
        """A residence permit without proof, valid from now for a year."""
        now = self.fed.now
        credential: JsonObject = {
            "@context": [CREDENTIALS_V2, DIDSVC_1],
            "id": "urn:uuid:5d0a2f0e-5f3a-4c9d-9a30-1f5c2f1f9a11",
            "type": ["VerifiableCredential", "ResidencePermit"],
            "issuer": self.agency.did,
            "validFrom": timestamps.encode(timestamps.from_posix(now)),
            "validUntil": timestamps.encode(timestamps.from_posix(now + 365 * 86_400)),
            "credentialSubject": {
                "id": self.holder.did,
                "jurisdiction": JURISDICTION,
                "familyName": "王",
                "givenName": "芳",
            },
            "credentialSchema": {"id": SCHEMA, "type": "JsonSchema"},
            "credentialStatus": status_entry(self.agency),
            **changes,
        }
        return {name: value for name, value in credential.items() if value is not None}

    def issue(
        self,
        *,
        signer: Actor | None = None,
        suite=eddsa_jcs_2022,
        at: int | None = None,
        **changes: object,
    ) -> JsonObject:
        """Sign a permit, dated now or at `at`."""
        return self.secure(self.unsigned(**changes), signer or self.agency, suite, at)

    def undated(self) -> JsonObject:
        """A permit that says nowhere when it was signed."""
        document = self.unsigned(validFrom=None)
        options: JsonObject = {
            "verificationMethod": self.agency.method,
            "proofPurpose": "assertionMethod",
        }
        proof = data_integrity.create(document, options, self.agency.key, eddsa_jcs_2022)
        return {**document, "proof": proof}

    def secure(
        self, document: JsonObject, signer: Actor, suite=eddsa_jcs_2022, at: int | None = None
    ) -> JsonObject:
        """Add an assertion proof."""
        created = timestamps.from_posix(self.fed.now if at is None else at)
        options = ProofOptions(signer.method, "assertionMethod", created)
        return proof_set.sign(document, signer.key, options, suite)

    def present(
        self,
        *credentials: JsonObject,
        nonce: str | None = NONCE,
        audience: str | None = AUDIENCE,
        holder: Actor | None = None,
        suite=eddsa_jcs_2022,
    ) -> JsonObject:
        """A presentation that the holder signs for this counter."""
        by = holder or self.holder
        document: JsonObject = {
            "@context": [CREDENTIALS_V2],
            "type": ["VerifiablePresentation"],
            "holder": by.did,
            "verifiableCredential": list(credentials or (self.credential,)),
        }
        created = timestamps.from_posix(self.fed.now)
        options = ProofOptions(
            by.method, "authentication", created, challenge=nonce, domain=audience
        )
        return proof_set.sign(document, by.key, options, suite)

    # --- evidence ----------------------------------------------------------------------------

    def log_issuance(self, *credentials: JsonObject) -> None:
        """Anchor the credential, or others, in an issuance batch."""
        records = [jcs.encode(each) for each in credentials or (self.credential,)]
        batch = self.fed.batch(self.agency, records)
        self.batches += [batch.item(record) for record in records]

    def publish(self) -> None:
        """Append heads, let the other regions cosign."""
        self.fed.publish()

    def staple(self, **changes: object) -> JsonObject:
        """The evidence for the credential, as last published."""
        parts = {"schemas": [SCHEMA], "batches": self.batches, **changes}
        return self.fed.staple(self.agency, *self.grants, **parts)

    # --- the counter --------------------------------------------------------------------------

    def file(self, presentation: object = KEEP, staple: object = KEEP) -> bytes:
        """The presentation file; parts that are None are left out."""
        shown = self.present() if presentation is KEEP else presentation
        proven = self.staple() if staple is KEEP else staple
        members = {"vp_token": {"q": [shown]}}
        return json.dumps(members if proven is None else {**members, "staple": proven}).encode()

    def check(
        self,
        presentation: object = KEEP,
        staple: object = KEEP,
        *,
        data: bytes | None = None,
        bundle: JsonObject | None = None,
        **circumstances: object,
    ) -> Report:
        """Verify at the counter of 湖南, whose nonce is open, a second later."""
        shown = self.file(presentation, staple) if data is None else data
        sources: list[tuple[str, UnverifiedEvidence]] = []
        if bundle is not None:
            sources.append(("bundle", parse_evidence(bundle)))
        wanted = {
            "policy": self.fed.policy,
            "evidence": sources,
            "request": request(),
            "clock": self.clock(),
            **circumstances,
        }
        return verify(shown, **wanted)

    def clock(self, seconds: int = 1) -> Clock:
        """A right clock, so many seconds from now."""
        return Clock(timestamps.from_posix(self.fed.now + seconds))


def request(**changes: object) -> Request:
    """The counter's request, whose nonce is open."""
    wanted = {"nonce": NONCE, "audience": AUDIENCE, "nonce_state": NonceState.OPEN, **changes}
    return Request(**wanted)


def status_entry(
    agency: Actor, *, index: int = INDEX, purpose: str = "revocation", url: str | None = None
) -> JsonObject:
    """A `credentialStatus` member."""
    return {
        "type": "BitstringStatusListEntry",
        "statusPurpose": purpose,
        "statusListIndex": str(index),
        "statusListCredential": url or agency.list_url(),
    }


def codes(report: Report) -> list[str]:
    """The codes of a report that are neither passed nor not asked."""
    return [c.code for c in report.checks if c.result.value in ("failed", "undecided")]


def all_codes(report: Report) -> list[str]:
    """All codes of a report, in order."""
    return [check.code for check in report.checks]


def sets(*evidence: JsonObject) -> list[tuple[str, UnverifiedEvidence]]:
    """Evidence sets with names."""
    return [(f"set {number}", parse_evidence(each)) for number, each in enumerate(evidence)]


def clock_at(seconds: int) -> Clock:
    """A clock that shows a POSIX second."""
    return Clock(timestamps.from_posix(seconds))


def items_of(evidence: JsonObject, kind: str) -> list[JsonObject]:
    """The items of one entry type."""
    return [item for item in evidence["items"] if item["entry"]["t"] == kind]


def without(evidence: JsonObject, kind: str) -> JsonObject:
    """The evidence without the items of one entry type."""
    return {**evidence, "items": [i for i in evidence["items"] if i["entry"]["t"] != kind]}


def headless(evidence: JsonObject) -> JsonObject:
    """The evidence with no item shown to be the latest of its subject, and no heads file."""
    items = [
        {name: part for name, part in item.items() if name != "head"}
        for item in evidence["items"]
    ]
    return {**evidence, "items": items, "heads_files": {}}


def joined(*evidence: JsonObject) -> JsonObject:
    """Several sets as one."""
    return {
        "format": "didsvc-evidence/1",
        "checkpoints": [*dict.fromkeys(n for each in evidence for n in each["checkpoints"])],
        "items": [item for each in evidence for item in each["items"]],
        "contents": {d: text for each in evidence for d, text in each["contents"].items()},
        "batches": [batch for each in evidence for batch in each["batches"]],
    }


def custodial_scene() -> Scene:
    """A scene whose agency has a custodian for its status lists, `scene.keeper`."""
    fed = founded()
    keeper = fed.agency("sz.gd.example")
    scene = Scene(federation=fed, status_custodian=keeper.did)
    scene.keeper = keeper
    scene.fed.tick()
    return scene


def chained(hops: int) -> Scene:
    """A permit whose issuer is so many statements away from the root."""
    scene = Scene()
    fed = scene.fed
    upper, lower = fed.root("gd"), []
    for number in range(hops - 1):
        agency = fed.agency(f"level{number}.gd.example")
        body = fed.statement(upper, agency, roles=["granter", "issuer"], status_lists=[])
        lower.append(fed.state(body, upper) if number < 3 else forced(scene, body, upper))
        upper = agency
    body = fed.statement(upper, scene.agency, scope="below")
    lower.append(fed.state(body, upper) if hops < 5 else forced(scene, body, upper))
    fed.tick()
    fed.end(scene.grant, fed.root("gd"))
    fed.tick()
    scene.credential = scene.issue()
    scene.grants = lower
    scene.publish()
    return scene


def forced(scene: Scene, body: JsonObject, signer: Actor) -> LoggedEntry:
    """Log a statement that the rules refuse."""
    fed, control = scene.fed, "gd.example/reg"
    subject = subject_of(body["granter"], body["grantee"], body["scope"])
    entry = fed.sign(fed.compose(control, "authority", subject, body), signer)
    return fed.logs[control].force(entry.sequenced(fed.now))


def whole_log(scene: Scene) -> JsonObject:
    """A bundle of everything in gd's reg, with its heads file."""
    log = scene.fed.logs["gd.example/reg"]
    subjects = {(p.entry.type, p.entry.subject) for p in log.entries if p.entry.type != "heads"}
    bundle = scene.fed.evidence(*sorted(subjects))
    for item in bundle["items"]:
        item.pop("head", None)
    heads = items_of(bundle, "heads")[0]["entry"]["b"]
    snapshot = log.snapshot(heads["size"])
    file = b64.encode_url(gzip.compress(snapshot.encode(), mtime=0))
    return {**bundle, "heads_files": {heads["root"]: file}}


def with_keeper(scene: Scene) -> JsonObject:
    """The staple, with the did entry of the custodian."""
    staple, more = scene.staple(), scene.fed.evidence(("did", scene.keeper.id))
    known = {(item["log"], item["index"]) for item in staple["items"]}
    items = [item for item in more["items"] if (item["log"], item["index"]) not in known]
    return {**staple, "items": [*staple["items"], *items]}
