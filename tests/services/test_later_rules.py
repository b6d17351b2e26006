"""A registry and a witness of this release once a policy asks for rules of a later one."""

import json

import pytest

from did_service.bundler.collect import collect, encode_checked
from did_service.core.anchor.entry import compose
from did_service.core.anchor.rules_number import RULES
from did_service.core.did.webvh import write
from did_service.core.errors import UnavailableError
from did_service.core.evidence.bundle import parse_bundle
from did_service.core.evidence.proofs import verify_evidence
from did_service.core.log.merkle import leaf_hash
from tests.support import health
from tests.support.federation import founded
from tests.support.later import future_entry
from tests.support.live import running
from tests.support.memory_log import MemoryLog
from tests.support.refusals import refused

REG = "gd.example/reg"


@pytest.fixture
def fed(tmp_path):
    with running(tmp_path) as federation:
        federation.publish("gd")
        yield federation


def waiting(fed, host: str) -> list[str]:
    answer = fed.transport.request("GET", f"https://{host}/ready")
    return json.loads(answer.body)["waiting_for"]


def switch(fed) -> None:
    """Hand in the policy with which rules of a later release come into force."""
    newest = fed.logs[REG].newest("policy", fed.policy.federation)
    members = fed.next_policy(rules=RULES + 1).members
    fed.submit(REG, compose("policy", fed.policy.federation, {"policy": members}, after=newest))


def test_a_registry_takes_nothing_under_rules_that_it_does_not_know(fed):
    assert "rules_unknown" not in waiting(fed, "gd.example")
    switch(fed)
    with refused("rules_unknown", UnavailableError):
        fed.agency("gz.gd.example")
    assert "rules_unknown" in waiting(fed, "gd.example")
    assert "rules_unknown" not in waiting(fed, "hn.example")


def test_a_witness_cosigns_nothing_under_rules_that_it_does_not_know(fed):
    switch(fed)
    registry, witness = fed.registry("gd"), fed.witness("hn")
    with refused("rules_unknown", UnavailableError):
        registry.publish_now()  # its own heads are entries as well
    size = witness.mirror.replicas[REG].store.size()
    assert size < fed.logs[REG].size()
    registry.logs[REG].publish(fed.policy.log_policy(REG))  # the tree up to the switch
    held = witness.store.held(REG).head
    assert held.size == fed.logs[REG].size()
    assert health.words(witness) == ["rules_unknown"]
    chain = fed.logs[REG].chain("did", fed.root("gd").id)
    versions = write.encode_log([placed.entry.body["entry"] for placed in chain])
    with refused("rules_unknown", UnavailableError):
        witness.approvals.approve(versions)
    with refused("quorum_not_met"):
        registry.logs[REG].publish(fed.policy.log_policy(REG))
    assert fed.ask("hn").alarms()["alarms"] == []


class Served:
    """A log in memory, read as over HTTP."""

    def __init__(self, fed, log: MemoryLog) -> None:
        self.fed, self.log = fed, log

    def checkpoint(self) -> bytes:
        return self.fed.notes[self.log.origin]

    def entries(self, start: int, stop: int, size: int) -> list[bytes]:
        return [placed.entry.encode() for placed in self.log.entries[start:stop]]

    def content(self, digest: bytes) -> bytes:
        return self.fed.contents[digest]


def test_a_bundle_carries_the_entries_of_types_that_this_release_does_not_know():
    fed = founded()
    agency = fed.agency("gz.gd.example")
    fed.grant(fed.root("gd"), agency)
    fed.status_list(agency)
    future_entry(fed, "asset", "urn:asset:1")
    future_entry(fed, "access", "urn:a:1", origin="gd.example/ev/2026", digest=leaf_hash(b""))
    fed.tick()
    fed.publish()
    readers = {origin: Served(fed, fed.logs[origin]) for origin in (REG, "gd.example/ev/2026")}
    made = parse_bundle(encode_checked(fed.policy, collect(fed.policy, readers)))
    proven = verify_evidence([("bundle", made)], fed.policy)
    assert sorted(each.kind for each in proven.strange) == ["access", "asset"]
    assert REG in proven.complete
