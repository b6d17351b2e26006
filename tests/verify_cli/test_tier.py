"""The tier of a service item, whatever versions of the item are at hand (docs/adr/0018)."""

import itertools

import pytest

from did_service.core.evidence.proofs import verify_evidence
from did_service.core.evidence.sets import parse_evidence
from did_service.core.verification.request import Remembered
from did_service.core.verification.tier import demand_of_item
from tests.support.counter import Scene, items_of, joined
from tests.support.mixtures import SOURCES, mixtures

pytestmark = pytest.mark.offline
ITEM = "urn:didsvc:item:residence-check:1"
MEMBERS = {"kind": "service-item", "media_type": "application/json"}


def published(scene, tier):
    """Publish the next version of the item, and return its evidence."""
    scene.fed.schema(scene.fed.root("cn"), ITEM, {"id": ITEM, "tier": tier}, **MEMBERS)
    scene.fed.tick()
    scene.publish()
    return scene.fed.evidence(("schema", ITEM))


def tier_of(scene, brought):
    """The tier by which a counter judges where the clerk says nothing."""
    sets = [
        (source, parse_evidence(brought[source])) for source in SOURCES if source in brought
    ]
    demand = demand_of_item(
        ITEM,
        scene.fed.policy,
        [each for each in sets if each[0] != "staple"],
        verify_evidence(sets, scene.fed.policy),
        remembered=Remembered(),
        now=scene.fed.now,
    )
    return demand.binding(None, scene.fed.policy)


@pytest.mark.parametrize("tiers", list(itertools.permutations(("online", "day", "field"), 2)))
def test_tier_is_never_looser_than_the_newest_item_at_hand_and_than_day(tiers):
    """But for the newest, with heads of a day at most, in the counter's own evidence."""
    scene = Scene()
    old = published(scene, tiers[0])
    scene.fed.tick(days=2)
    new, seconds = published(scene, tiers[1]), scene.fed.policy.tiers
    for parts in mixtures(old, new):
        brought = {source: joined(*given) for source, given in parts.items()}
        tier = tier_of(scene, brought)
        at_hand = [i for each in brought.values() for i in items_of(each, "schema")]
        numbers = [item["entry"]["n"] for item in at_hand]
        if any(new in parts.get(source, []) for source in ("trust", "bundle")):
            assert tier == tiers[1]
        else:
            newest = [tiers[max(numbers) - 1]] if numbers else []
            assert seconds[tier] <= min(seconds[each] for each in (*newest, "day"))


@pytest.mark.parametrize(
    "later",
    [{"kind": "service-item-2"}, {"state": "draft"}, {"more": 1}],
    ids=["kind", "state", "member"],
)
def test_an_item_that_cannot_be_read_demands_the_strictest_tier(later):
    """It may demand any; and the older one, which was looser, does not step into its place."""
    scene = Scene()
    old = published(scene, "field")
    log = scene.fed.logs["cn.example/reg"]
    newest = log.newest("schema", ITEM)
    entry = scene.fed.compose("cn.example/reg", "schema", ITEM, {**newest.entry.body, **later})
    log.force(entry.sequenced(scene.fed.now))
    scene.fed.tick()
    scene.publish()
    new, seconds = scene.fed.evidence(("schema", ITEM)), scene.fed.policy.tiers
    for brought in ({"staple": new}, {"bundle": new}, {"trust": old, "staple": new}):
        assert tier_of(scene, brought) == min(seconds, key=seconds.__getitem__)
