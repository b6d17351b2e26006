"""What a delivery or an issuer writes where an address or a place in a batch should stand.

Each of these ended every `wallet refresh` with an error of the program, for good: what one
credential names may cost that credential a piece of its evidence, and no other anything.
"""

import json
import os
from contextlib import nullcontext
from dataclasses import replace

import pytest

from did_service.client.answers import HttpAnswer
from did_service.client.issuer import UnverifiedDelivery
from did_service.core.evidence.sets import parse_evidence
from did_service.core.verification.request import Remembered
from tests.attacks.test_schemas import DESCRIBED, NAMED, OWN, forced
from tests.support.citizen import Citizen
from tests.support.counter import SCHEMA
from tests.support.refusals import refused
from wallet_cli import staples
from wallet_cli.holdings import HeldCredential, credentials, keep
from wallet_cli.sources import EvidenceSources, RequestBudget

pytestmark = pytest.mark.clock

NO_ADDRESSES = [
    "",
    "/witness",
    "//witness",
    "https:///witness",
    "https://[x/witness",
    "https://[::1/witness",
    "https://[v1.x]/witness",
    "https://]/witness",
    "https://xn--\u2100.com/witness",
    "https://a\uff0fb/witness",
    "https://a.example:x/witness",
    "https://a.example:99999999/witness",
    f"https://a.example:{'9' * 5_000}/witness",
    "https://user:word@a.example/witness",
    "https://a b/witness",
    "https://a.b\x00/witness",
    "file:///etc/witness",
]
ODD_BATCHES = [
    {},
    {"log": "x"},
    {"log": "[x", "index": 10**15, "record": "A" * 43, "salt": "A" * 43, "position": 0},
    {"log": "[x", "index": 0, "record": "A" * 43, "salt": "A" * 43, "position": 0, "path": []},
]


@pytest.fixture
def citizen(citizen):
    """The same, with one good credential."""
    return citizen.hold_one()


def delivered(citizen, scene, **changes):
    """Receive another credential, with a network that leads nowhere."""
    credential = scene.issue(credentialSubject=citizen.subject(givenName="二"))
    delivery = UnverifiedDelivery(credential, None, (), ()).encode()
    return citizen.json("receive", citizen.save("d.json", json.dumps({**delivery, **changes})))


def check_refresh_of_all(citizen):
    run = citizen.json("refresh")
    assert (run.exit, run.code, run.data["failed"]) == (8, "nothing_fetched", [])
    held = [each.alias for each in credentials(citizen.vault())]
    assert [each["alias"] for each in run.data["refreshed"]] == held
    return run.data["refreshed"]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_text_that_is_no_address_ends_no_refresh(citizen, scene, text):
    assert delivered(citizen, scene, evidence=[text]).exit == 0
    assert len(check_refresh_of_all(citizen)) == 2
    assert citizen.json("refresh", "--from", text).code == "nothing_fetched"


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_text_that_is_no_address_costs_no_request(text):
    asked, budget = [], RequestBudget(left=1)
    with refused("url_invalid"):
        budget.spend(text, lambda: asked.append(text))
    assert (asked, budget.left, budget.silent) == ([], 1, set())


@pytest.mark.parametrize("batch", ODD_BATCHES, ids=str)
def test_place_in_a_batch_that_is_none_ends_no_refresh(citizen, scene, batch):
    assert delivered(citizen, scene, batch=batch).exit == 0
    row = check_refresh_of_all(citizen)[1]
    assert "evidence" in [each["kind"] for each in row["missing"]]


class Answering:
    """Peers that answer everything with the same bytes."""

    def __init__(self, body):
        self.body = body

    def get(self, _url, **_):
        return HttpAnswer(200, {"content-type": "application/json"}, self.body)

    def within(self, _seconds):
        return nullcontext()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", *(json.dumps(b).encode() for b in ODD_BATCHES)]
)
def test_answer_of_an_issuer_that_is_no_place_is_missing_evidence(citizen, scene, body):
    """An issuer says where in a batch a credential stands, when it is asked."""
    credential = scene.issue(credentialSubject=citizen.subject())
    delivery = UnverifiedDelivery(credential, None, (), ()).encode()
    issuer = "https://gz.gd.example/agencies/police"
    held = HeldCredential("1", "a", citizen.did, delivery, issuer, "2026-01-01T00:00:00Z")
    places = EvidenceSources(Answering(body), ("https://[x/witness",))
    found = staples.collect(held, scene.fed.policy, places, Remembered())
    assert found.fetched == 0
    assert "evidence" in [each.kind for each in found.missing]


def test_credential_whose_refresh_falls_over_costs_no_other(citizen, scene, monkeypatch):
    """A fault that nobody has foreseen is told of the credential that it befell."""
    assert delivered(citizen, scene).exit == 0
    first, second = (each.alias for each in credentials(citizen.vault()))
    collect = staples.collect

    def falls_over(held, *given):
        if held.alias == first:
            raise RecursionError
        return collect(held, *given)

    monkeypatch.setattr(staples, "collect", falls_over)
    run = citizen.json("refresh")
    assert run.data["failed"] == [{"alias": first, "code": "internal_fault"}]
    assert [each["alias"] for each in run.data["refreshed"]] == [second]
    assert (run.code, run.warnings.count("internal_fault")) == ("internal_fault", 1)
    assert citizen.json("refresh", first).code == "internal_fault"
    assert citizen.json("refresh", second).code == "nothing_fetched"


SCHEMAS_OF_STRANGERS = [
    {**DESCRIBED, "multipleOf": 0.5},
    {**DESCRIBED, "maximum": 2**60},
    {**DESCRIBED, "x-didsvc": []},
    ["no object"],
    "no object",
]


@pytest.mark.parametrize("content", SCHEMAS_OF_STRANGERS, ids=str)
def test_schema_that_cannot_be_read_hides_no_credential(tmp_path, scene, content):
    """One fraction in a registered schema ended `cred list`, `cred show` and `present`."""
    forced(scene, content)
    scene.fed.tick()
    scene.publish()
    citizen = Citizen(tmp_path, scene)
    proven = scene.staple(schemas=[SCHEMA, OWN])
    assert citizen.take(proven).exit == 0
    subject = citizen.subject()
    document = scene.issue(credentialSchema=NAMED, credentialSubject=subject)
    assert citizen.receive(document).exit == 0
    (held,) = credentials(citizen.vault())
    stapled = replace(held, staple=parse_evidence(proven).encode())
    citizen.open().commit(lambda vault: keep(vault, stapled, os.urandom))
    (row,) = citizen.json("cred", "list").data["credentials"]
    assert row["alias"] == held.alias
    assert citizen.run("cred", "list").exit == 0
    assert '"王"' in citizen.run("cred", "show", held.alias).out
    words = ("--nonce", "n", "--audience", "a", "--out", citizen.folder / "o", "--yes")
    assert citizen.json("present", held.alias, *words).exit == 0
