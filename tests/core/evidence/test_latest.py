"""Newest at hand is never latest: each statement that decides, in each mixture of evidence.

A statement has two versions. While the first stands everything is accepted; two days later the
second changes that, so that heads of the first are older than the tier. Or the other way round:
the first refuses, and the second mends it. Then a supplier brings any mixture of the two, with
their heads or without, in the counter's directory, in a bundle, in the staple.

    never better   accepted only where it is accepted with all evidence at hand
    no false no    what is left out never turns what was not refused into refused
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from did_service.core.encoding.strict_json import JsonObject
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.proven import Latest, ProvenEntry
from did_service.core.evidence.sets import parse_evidence
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    INDEX,
    SCHEMA,
    Scene,
    custodial_scene,
    headless,
    joined,
    with_keeper,
)
from tests.support.federation import RESIDENCE
from tests.support.mixtures import mixtures
from tests.support.refusals import refused

pytestmark = pytest.mark.offline
DAY = 86_400


@dataclass
class Story:
    """One statement with two versions.

    Attributes:
        scene: The counter, after the change.
        old, new: Evidence of each version, with its heads; of the old one from two days before.
        rest: All other evidence, fresh.
        shown: The presentation.
        current: The old version with its heads of just before the change, where it was good.
    """

    scene: Scene
    old: JsonObject
    new: JsonObject
    rest: JsonObject
    shown: JsonObject
    current: JsonObject | None = None

    def judge(self, parts: dict[str, list[JsonObject]]) -> Outcome:
        """Judge with evidence by source; the rest comes with the staple."""
        staple = joined(self.rest, *parts.get("staple", []))
        others = [
            (name, parse_evidence(joined(*parts[name])))
            for name in ("trust", "bundle")
            if parts.get(name)
        ]
        return self.scene.check(self.shown, staple, evidence=others).outcome


def cut(evidence: JsonObject, kind: str, subject: str) -> JsonObject:
    """The evidence without the items of one subject."""
    named = (kind, subject)
    items = [i for i in evidence["items"] if (i["entry"]["t"], i["entry"]["s"]) != named]
    return {**evidence, "items": items}


def withdrawn(
    scene: Scene,
    subject: tuple[str, str],
    change: Callable[[], object],
    *,
    staple: Callable[[], JsonObject] | None = None,
    renew: Callable[[], object] | None = None,
) -> Story:
    """A statement that was good until `change`; `renew` keeps all the rest good meanwhile."""
    staple = staple or scene.staple
    scene.fed.tick()
    scene.publish()
    old = scene.fed.evidence(subject)
    scene.fed.tick(days=2)
    for region in ("cn", "gd"):  # with the same heads tree, the old head would be proven anew
        scene.fed.agency(f"stranger.{region}.example")
    (renew or (lambda: scene.fed.status_list(scene.agency)))()
    scene.fed.tick()
    scene.publish()
    current, rest, shown = scene.fed.evidence(subject), cut(staple(), *subject), scene.present()
    scene.fed.tick(60)
    change()
    scene.fed.tick()
    scene.publish()
    return Story(scene, old, scene.fed.evidence(subject), rest, shown, current)


def mended(scene: Scene, subject: tuple[str, str], change: Callable[[], object]) -> Story:
    """A statement that refused until `change`, after which the permit is shown and accepted."""
    scene.fed.tick()
    scene.publish()
    old = scene.fed.evidence(subject)
    scene.fed.tick(days=2)
    change()
    scene.fed.tick()
    scene.fed.status_list(scene.agency)
    scene.fed.tick()
    scene.publish()
    rest = cut(scene.staple(), *subject)
    return Story(scene, old, scene.fed.evidence(subject), rest, scene.present())


def own_schema(scene: Scene, *required: str) -> None:
    content = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "x-didsvc": {"type": RESIDENCE, "status": "required"},
        "required": list(required),
    }
    scene.fed.schema(scene.fed.root("cn"), SCHEMA, content)


# --- good once, then not ----------------------------------------------------------------------


def issuers_key_replaced() -> Story:
    scene = Scene()
    return withdrawn(scene, ("did", scene.agency.id), lambda: scene.fed.rotate(scene.agency))


def issuer_deactivated() -> Story:
    scene = Scene()
    return withdrawn(
        scene, ("did", scene.agency.id), lambda: scene.fed.deactivate(scene.agency)
    )


def custodians_key_replaced() -> Story:
    scene = custodial_scene()
    scene.log_issuance()
    scene.publish()
    batches = scene.fed.evidence(batches=scene.batches)
    scene.fed.tick(DAY)
    scene.fed.end(scene.grant, scene.fed.root("gd"))
    scene.fed.tick()
    return withdrawn(
        scene,
        ("did", scene.keeper.id),
        lambda: scene.fed.rotate(scene.keeper),
        staple=lambda: joined(with_keeper(scene), batches),
        renew=lambda: scene.fed.status_list(scene.agency, by=scene.keeper),
    )


def own_grant_ended() -> Story:
    scene = Scene()
    ending = ("authority", scene.grant.entry.subject)
    return withdrawn(scene, ending, lambda: scene.fed.end(scene.grant, scene.fed.root("gd")))


def own_grant_suspended() -> Story:
    scene = Scene()
    return withdrawn(
        scene,
        ("authority", scene.grant.entry.subject),
        lambda: scene.fed.restate(scene.grant, scene.fed.root("gd"), state="suspended"),
    )


def upper_grant_ended() -> Story:
    scene = Scene()
    fed, root, middle = scene.fed, scene.fed.root("gd"), scene.fed.agency("level.gd.example")
    upper = fed.grant(root, middle, roles=["granter", "issuer"], status_lists=[])
    scene.grants = [upper, fed.grant(middle, scene.agency, scope="below")]
    return withdrawn(scene, ("authority", upper.entry.subject), lambda: fed.end(upper, root))


def schema_demands_more() -> Story:
    scene = Scene()
    return withdrawn(scene, ("schema", SCHEMA), lambda: own_schema(scene, "photograph"))


def permit_revoked() -> Story:
    scene = Scene()
    return withdrawn(
        scene,
        ("status", scene.agency.list_url()),
        lambda: scene.fed.status_list(scene.agency, revoked=[INDEX]),
    )


def list_address_withdrawn() -> Story:
    """Two statements name the list: the issuer's own no longer, the other until the change."""
    scene = Scene()
    root = scene.fed.root("gd")
    other = scene.fed.grant(root, scene.agency, scope="other", types=["urn:x:other"])

    def renew() -> None:
        scene.fed.status_list(scene.agency)
        scene.fed.tick()
        scene.fed.restate(scene.grant, root, status_lists=[])

    return withdrawn(
        scene,
        ("authority", other.entry.subject),
        lambda: scene.fed.restate(other, root, status_lists=[]),
        staple=lambda: joined(
            scene.staple(lists=[scene.agency.list_url()]),
            scene.fed.evidence(("authority", other.entry.subject)),
        ),
        renew=renew,
    )


# --- bad once, then mended --------------------------------------------------------------------


def issuers_key_listed() -> Story:
    scene = Scene()

    def change() -> None:
        scene.fed.rotate(scene.agency)
        scene.fed.tick()
        scene.credential = scene.issue()

    return mended(scene, ("did", scene.agency.id), change)


def suspension_lifted() -> Story:
    scene = Scene()
    root = scene.fed.root("gd")
    scene.fed.tick()
    stopped = scene.fed.restate(scene.grant, root, state="suspended")
    subject = ("authority", scene.grant.entry.subject)
    return mended(scene, subject, lambda: scene.fed.restate(stopped, root, state="active"))


def schema_demands_less() -> Story:
    scene = Scene()
    own_schema(scene, "photograph")
    return mended(scene, ("schema", SCHEMA), lambda: own_schema(scene))


WITHDRAWN = (
    issuers_key_replaced,
    issuer_deactivated,
    custodians_key_replaced,
    own_grant_ended,
    own_grant_suspended,
    upper_grant_ended,
    schema_demands_more,
    permit_revoked,
    list_address_withdrawn,
)
MENDED = (issuers_key_listed, suspension_lifted, schema_demands_less)


@pytest.mark.parametrize("make", [*WITHDRAWN, *MENDED], ids=lambda make: make.__name__)
def test_no_mixture_is_better_than_all_evidence_and_none_refuses_falsely(make):
    story = make()
    whole = story.judge({"bundle": [story.old, story.new]})
    assert (whole is Outcome.ACCEPTED) is (make in MENDED)
    for parts in mixtures(story.old, story.new):
        outcome = story.judge(parts)
        assert outcome is not Outcome.ACCEPTED or whole is Outcome.ACCEPTED
        assert outcome is not Outcome.REFUSED or whole is Outcome.REFUSED


@pytest.mark.parametrize("make", WITHDRAWN, ids=lambda make: make.__name__)
def test_each_story_was_good_before_its_change(make):
    """Else the matrix proves nothing: only the second version stands in the way."""
    story = make()
    assert story.judge({"staple": [story.current]}) is Outcome.ACCEPTED


# --- the types --------------------------------------------------------------------------------


def test_what_is_merely_proven_has_no_body_to_read(scene):
    evidence = scene.check(staple=headless(scene.staple())).evidence
    assert {type(each) for each in evidence.entries} == {ProvenEntry}
    for name in ("entry", "body", "placed", "as_of", "read_into"):
        assert not any(hasattr(each, name) for each in evidence.entries)


def test_an_entry_is_read_as_history_only_up_to_the_one_that_names_it(scene):
    scene.fed.tick()
    scene.fed.rotate(scene.agency)
    scene.fed.tick()
    old = scene.staple()
    scene.publish()
    both = joined(old, scene.staple())
    home = scene.fed.policy.region_of_log("gd.example/reg")
    evidence = verify_evidence([("all", parse_evidence(both))], scene.fed.policy)
    newest, former = evidence.chain("did", scene.agency.id, home)
    assert isinstance(newest, Latest)
    assert former.read_until(newest)["did"] == scene.agency.did
    with refused("successor_wrong"):
        former.read_until(replace(newest, as_received=former.as_received))
