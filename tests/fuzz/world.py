"""A year's trouble in four days: good and bad credentials, and all true evidence of four times.

    world = built()
    world.good["rdfc"], world.bad["revoked"]        what is shown
    world.copies                                    evidence sets, oldest first; the last is all

What decides is more than a day old, so that no old copy may accept what is bad: lists that
revoke, ends of grants and of an issuer, a replaced key. Two things happened within the hour and
are in the last copy alone: a custodian replaced its stolen key, a list's address was withdrawn.
"""

from dataclasses import dataclass, field
from functools import cache

from did_service.core.anchor.bodies.authority import subject_of
from did_service.core.credentials import eddsa_rdfc_2022
from did_service.core.did.syntax import did_id
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.strict_json import JsonObject
from tests.support.counter import SCHEMA, Scene, status_entry, whole_log
from tests.support.federation import Actor, founded

ITEM = "urn:didsvc:item:residence-check:1"
REVOKED = 7
SCOPES = ("residence", "other")  # two statements may register one list
ACCEPTABLE = ("jcs", "rdfc", "other region")  # the issuers of the other good ones have ended
OF_ANOTHER = ("of another", "of another rdfc")  # good where no holder is asked for
HOUR, DAYS = 3_600, 3


@dataclass
class World:
    """See the module's docstring."""

    scene: Scene
    keeper: Actor
    good: dict[str, JsonObject] = field(default_factory=dict)
    bad: dict[str, JsonObject] = field(default_factory=dict)
    copies: list[JsonObject] = field(default_factory=list)
    batches: list[JsonObject] = field(default_factory=list)

    @property
    def now(self) -> int:
        """POSIX seconds at the counter."""
        return self.scene.fed.now

    def issue(self, by: Actor, number: int, **changes: object) -> JsonObject:
        """A permit of an agency, with an id and a place in its list."""
        wanted = {
            "id": f"urn:uuid:5d0a2f0e-5f3a-4c9d-9a30-1f5c2f1f{number:04d}",
            "issuer": by.did,
            "credentialStatus": status_entry(by, index=number),
            **changes,
        }
        return self.scene.issue(signer=by, **wanted)

    def claims(self, **changes: object) -> JsonObject:
        """A subject with other claims."""
        return {**self.scene.unsigned()["credentialSubject"], **changes}

    def log(self, by: Actor, *credentials: JsonObject) -> None:
        """Anchor credentials."""
        records = list(map(jcs.encode, credentials))
        batch = self.scene.fed.batch(by, records)
        self.batches += map(batch.item, records)

    def copy(self) -> None:
        """Publish, and keep all evidence there is: by heads, and by heads file."""
        fed = self.scene.fed
        self.scene.publish()
        subjects = [
            (placed.entry.type, placed.entry.subject)
            for log in fed.logs.values()
            for placed in log.entries
            if placed.entry.type != "heads"
        ]
        self.copies.append(fed.evidence(*dict.fromkeys(subjects), batches=self.batches))
        self.copies.append(whole_log(self.scene))

    def subjects(self, *issuers: str) -> list[tuple[str, str]]:
        """What a counter needs to know of for credentials of some issuers."""
        root = self.scene.fed.root("gd")
        found = [
            ("schema", SCHEMA),
            ("schema", ITEM),
            ("did", root.id),
            ("did", self.keeper.id),
        ]
        for did in issuers:
            host = did.rpartition(":")[2]
            found += [("did", did_id(did)), ("status", f"https://{host}/agencies/a/status/1")]
            found += [("authority", subject_of(root.did, did, each)) for each in SCOPES]
        return found

    def staple(self, *issuers: str) -> JsonObject:
        """The evidence for credentials of some issuers, as last published."""
        return self.scene.fed.evidence(*self.subjects(*issuers), batches=self.batches)

    def about(self, copy: JsonObject, issuer: str) -> JsonObject:
        """What a copy holds for the credentials of one issuer, with every heads entry."""
        wanted = self.subjects(issuer)
        items = [
            item
            for item in copy["items"]
            if (kind := item["entry"]["t"]) in ("heads", "evidence")
            or (kind, item["entry"]["s"]) in wanted
        ]
        return {**copy, "items": items}

    def item(self, tier: str) -> None:
        """Publish the next version of the service item."""
        members = {"kind": "service-item", "media_type": "application/json"}
        fed = self.scene.fed
        fed.schema(fed.root("cn"), ITEM, {"id": ITEM, "tier": tier}, **members)


@cache
def built() -> World:
    """Make it, once."""
    fed = founded()
    keeper = fed.agency("keeper.gd.example")
    world = World(Scene(federation=fed), keeper)
    root, agency = fed.root("gd"), world.scene.agency
    sz, fs, dg, zh, hz, st = (fed.agency(f"{each}.gd.example") for each in _CITIES)
    grants = {sz.did: fed.grant(root, sz, territory=["440300"])}
    for each in (fs, dg, hz, st):
        grants[each.did] = fed.grant(root, each)
    other = fed.grant(root, hz, scope="other", types=["urn:x:other"])
    grants[zh.did] = fed.grant(root, zh, status_custodian=keeper.did)
    issuers = (agency, sz, fs, dg, zh, hz, st)
    for each in issuers[1:]:
        fed.status_list(each)
    world.item("field")
    fed.tick(5)
    _issue_good(world, agency, sz, fs, dg)
    _issue_bad(world, *issuers)
    world.copy()

    fed.tick(HOUR)
    fed.status_list(agency)
    world.copy()

    fed.tick(HOUR)
    for each in (fs, zh):
        fed.end(grants[each.did], root)
    fed.deactivate(dg)
    fed.rotate(st)
    fed.status_list(agency, revoked=[REVOKED])
    world.item("online")
    fed.tick()
    fed.status_list(zh, by=keeper)
    world.bad["issued after the end"] = world.issue(fs, 35)
    world.copy()

    fed.tick(days=DAYS)
    fed.status_list(agency, revoked=[REVOKED])
    for each in (sz, hz, st):
        fed.status_list(each)
    fed.status_list(zh, by=keeper)
    fed.tick(600)
    fed.rotate(keeper)
    for each in (grants[hz.did], other):
        fed.restate(each, root, status_lists=[])
    fed.tick()
    world.copy()
    fed.tick(60)
    return world


_CITIES = ("sz", "fs", "dg", "zh", "hz", "st")


def _issue_good(world: World, agency: Actor, sz: Actor, *logged: Actor) -> None:
    """Those of the first two agencies, and two whose issuers will have ended."""
    world.good["jcs"] = world.scene.credential
    world.good["rdfc"] = world.issue(agency, 101, suite=eddsa_rdfc_2022)
    world.good["other region"] = world.issue(
        sz, 22, credentialSubject=world.claims(jurisdiction="440300")
    )
    for number, each in enumerate(logged, start=33):
        world.good[f"logged {number}"] = world.issue(each, number)
        world.log(each, world.good[f"logged {number}"])


def _issue_bad(world: World, agency: Actor, sz: Actor, *others: Actor) -> None:
    fs, dg, zh, hz, st = others
    scene, bad = world.scene, world.bad
    day = timestamps.encode(timestamps.from_posix(world.now + HOUR))
    for suite in ({}, {"suite": eddsa_rdfc_2022}):
        name = " rdfc" if suite else ""
        bad[f"revoked{name}"] = world.issue(agency, REVOKED, **suite)
        bad[f"expired{name}"] = world.issue(agency, 102, validUntil=day, **suite)
        of_another = world.claims(id=scene.fed.device("li").did)
        bad[f"of another{name}"] = world.issue(
            agency, 103, credentialSubject=of_another, **suite
        )
        unnamed = {n: v for n, v in world.claims().items() if n != "familyName"}
        bad[f"beside its schema{name}"] = world.issue(
            agency, 104, credentialSubject=unnamed, **suite
        )
    bad["elsewhere"] = world.issue(
        agency, 105, credentialSubject=world.claims(jurisdiction="110000")
    )
    bad["elsewhere too"] = world.issue(sz, 106)
    bad["without status"] = scene.issue(credentialStatus=None)
    bad["forged"] = scene.secure(scene.unsigned(), sz)
    bad["never logged"] = world.issue(fs, 134)
    bad["never logged either"] = world.issue(dg, 134)
    bad["by a custodian's stolen key"] = world.issue(zh, 107)
    bad["list withdrawn"] = world.issue(hz, 108)
    bad["key retired"] = world.issue(st, 109)
    world.log(agency, world.good["jcs"], bad["revoked"])
    world.log(zh, bad["by a custodian's stolen key"])
