"""Attacks by status lists: of a neighbour, lapsed, of who had ended, with a time spelled anew.

Each was tried for real against the verdict and runs again with no network (docs/threat-model.md
§3: false acceptance, a refusal that a third party could cause, or work without bound).
"""

import pytest

from did_service.core.anchor.bodies.policy import parse_policy_body
from did_service.core.anchor.logged_policy import logged_form
from did_service.core.crypto.hashes import sha256
from did_service.core.errors import RuleError
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    INDEX,
    Scene,
    all_codes,
    codes,
    items_of,
    with_keeper,
)
from tests.support.federation import founded
from tests.support.founding import FEDERATION
from tests.support.refusals import refused

pytestmark = pytest.mark.offline
DAY = 86_400


def test_list_time_written_as_a_fraction(scene):
    """7.0 has the leaf hash of 7: no second spelling of `iat` may hide a list's age."""
    scene.fed.tick(days=3)
    scene.fed.restate(scene.grant, scene.fed.root("gd"), basis={"zh": "新", "en": "new"})
    scene.fed.tick()
    scene.publish()
    staple = scene.staple()
    (listed,) = items_of(staple, "status")
    listed["entry"]["b"]["iat"] = float(listed["entry"]["b"]["iat"])
    assert codes(scene.check(staple=staple)) == ["status_stale"]


def anchor(scene, content, issuer, **changes):
    """Let a lying log anchor a list under the agency's address."""
    fed, url = scene.fed, scene.agency.list_url()
    times = {"iat": fed.now, "exp": fed.now + 604_800, "ttl": 3_600, "bits": 131_072}
    body = {"issuer": issuer.did, "kind": "bitstring", **times, **changes}
    origin, digest = fed.data_of(issuer.did), sha256(content)
    fed.contents[digest] = content
    entry = fed.compose(origin, "status", url, body, digest).sequenced(fed.now)
    fed.logs[origin].force(entry, content)
    scene.publish()


def test_neighbour_revokes_at_the_same_address(scene):
    """A list speaks for the credentials of its own issuer, whatever its address."""
    scene.publish()
    other = scene.fed.agency("fs.gd.example")
    scene.fed.tick()
    content = scene.fed.list_content(other, scene.agency.list_url(), [INDEX])
    anchor(scene, content, other)
    assert codes(scene.check()) == ["status_missing"]


def test_list_that_lapsed_before_it_was_old(scene):
    """Its issuer gave it a minute; `exp` is the first second after."""
    scene.publish()
    scene.fed.tick()
    content = scene.fed.list_content(scene.agency, scene.agency.list_url())
    anchor(scene, content, scene.agency, exp=scene.fed.now + 60)
    file = scene.file()
    assert scene.check(data=file, clock=scene.clock(59)).outcome is Outcome.ACCEPTED
    assert codes(scene.check(data=file, clock=scene.clock(60))) == ["status_stale"]


def test_lapsed_issuer_goes_on_with_its_list():
    """Once the period is over only the custodian signs, also where a lying log takes more."""
    fed = founded()
    keeper = fed.agency("sz.gd.example")
    lapse = fed.now + DAY
    scene = Scene(federation=fed, until=lapse, status_custodian=keeper.did)
    scene.keeper = keeper
    scene.log_issuance()
    fed.tick()
    scene.publish()
    early, url = scene.staple(), scene.agency.list_url()
    for signer, code in ((scene.agency, "status_missing"), (keeper, "status_clear")):
        fed.now = max(lapse, fed.now + 1)
        anchor(scene, fed.list_content(signer, url), scene.agency)
        report = scene.check(staple=with_keeper(scene), bundle=early)
        assert code in all_codes(report)


def test_list_of_an_issuer_that_had_ended_already(custodial):
    """Its list is of day 6; on day 10 it is said to have ended on day 4."""
    fed, begun = custodial.fed, custodial.fed.now
    custodial.log_issuance()
    custodial.publish()
    early = custodial.staple()
    fed.tick(days=6)
    fed.status_list(custodial.agency)
    fed.tick(3_600)
    fed.end(custodial.grant, fed.root("gd"), since=begun + 4 * DAY)
    fed.tick()
    custodial.publish()
    report = custodial.check(bundle=early)
    assert codes(report) == ["status_missing"]


@pytest.mark.parametrize("first", [False, True], ids=["later", "first"])
def test_office_of_another_type_takes_no_list_over(first):
    """It names the list in a grant of its own, ends that, and would keep the list from then on.

    So it would revoke what it never had a say in, and lift suspensions.
    """
    fed = founded(rules=2)
    office, agency = fed.agency("fish.gd.example"), fed.agency("gz.gd.example")
    fish, url = ["urn:didsvc:fishing-licence:1"], agency.list_url()
    fed.grant(fed.root("gd"), office, types=fish, roles=["granter", "issuer"], status_lists=[])
    fed.tick()
    until = fed.now + 86_400

    def take():
        said = {"types": fish, "until": until, "status_custodian": office.did, "scope": "fish"}
        return fed.grant(office, agency, status_lists=[url], **said)

    if first:  # nobody is granted a list that others may end
        take()
        with refused("list_of_another", RuleError):
            fed.grant(fed.root("gd"), agency)
        return
    fed.grant(fed.root("gd"), agency)
    with refused("list_of_another", RuleError):
        take()
    none = fed.grant(office, agency, types=fish, until=until, scope="fish", status_lists=[])
    fed.tick()
    with refused("list_of_another", RuleError):
        fed.restate(none, office, status_lists=[url])
    fed.grant(fed.root("gd"), agency, scope="more")
    fed.status_list(agency)


def test_what_stands_before_rules_2_is_copied_as_it_stands():
    """A judge that begins later knows rules 2 from the first entry on."""
    fed = founded()
    agency = fed.agency("gz.gd.example")
    middle = fed.agency("m.gd.example")
    wide = {"roles": ["granter", "issuer"], "status_lists": [], "scope": "m"}
    fed.grant(fed.root("gd"), middle, **wide)
    fed.grant(fed.root("gd"), agency)
    fed.tick()
    fed.policy = fed.next_policy(rules=2)
    fed.grant(middle, agency, scope="second", until=fed.now + 86_400)
    fed.submit("gd.example/reg", next_of_policy(fed))
    fed.tick()
    with refused("list_of_another", RuleError):
        fed.grant(middle, agency, scope="third", until=fed.now + 86_400)


def next_of_policy(fed):
    """The policy in force, as the next of gd's log."""
    held = parse_policy_body(fed.logs["gd.example/reg"].newest("policy", FEDERATION).entry.body)
    body = logged_form(fed.policy, held).encode()
    return fed.compose("gd.example/reg", "policy", FEDERATION, body)
