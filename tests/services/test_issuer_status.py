"""Status lists and issuance batches: what is served is what the log has, bit for bit."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from did_service.core.anchor.streams import stream_id
from did_service.core.credentials import bitstring_status_list, proof_set, vocabulary
from did_service.core.credentials.bitstring_status_list import CredentialStatus, Purpose
from did_service.core.credentials.model import parse_credential
from did_service.core.credentials.proof_set import ProofDemand
from did_service.core.credentials.record import record_of
from did_service.core.crypto.hashes import sha256
from did_service.core.did.document import Relationship
from did_service.core.encoding import b64, jcs, strict_json
from did_service.core.errors import (
    ConflictError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from did_service.core.limits import STATUS_LIST_BITS
from did_service.core.log.merkle import check_inclusion, leaf_hash
from did_service.issuer import status
from did_service.issuer.agency import Agency, Signer
from did_service.issuer.states import Verb
from tests.support import health
from tests.support.federation import founded
from tests.support.offices import EV, Office, index_of
from tests.support.refusals import refused

# What they share is changed on the way: one worker runs them all, in their order.
pytestmark = [pytest.mark.xdist_group("issuer-status"), pytest.mark.usefixtures("each_engine")]


@pytest.fixture(scope="module")
def office(each_engine, tmp_path_factory):
    office = Office(founded(), tmp_path_factory.mktemp("office"))
    office.issuer.tick()
    return office


def verify(office, document) -> None:
    """Every proof of a document, against the keys of the agency's DID document."""
    demand = ProofDemand(
        "assertionMethod", frozenset(proof_set.SUITES), office.edge.clock(), None, None
    )
    keys = office.actor.state.version.document

    def resolve(method: str, purpose: str) -> bytes:
        return keys.public_key(method, Relationship(purpose))

    proofs = proof_set.verify_proofs(document, resolve, demand)
    assert proof_set.signer_of(parse_credential(document), proofs).did == office.actor.did


def waiting(office) -> set[str]:
    return {*health.words(office.issuer)}


def change(office, credential, verb: Verb) -> str:
    office.fed.tick()
    return office.issuer.statuses.change(credential["id"], verb, "qian")


def test_a_reason_with_a_zero_character_is_refused_and_nothing_is_revoked(office):
    credential, before = office.issue()["credential"], office.fed.logs[EV].size()
    with refused("text_with_nul", MalformedError):
        office.issuer.statuses.change(credential["id"], Verb.REVOKE, "qian", "lost\0")
    with refused("text_with_nul", MalformedError):
        office.issuer.statuses.change_index(9, Verb.REVOKE, "qian", "lost\0")
    states = {row["id"]: row["state"] for row in office.issuer.statuses.listed(0)}
    assert states[credential["id"]] == "valid"
    assert office.fed.logs[EV].size() == before


# --- credentials as issued --------------------------------------------------------------------


@pytest.mark.parametrize("item", ["residence-permit", "residence-permit-rdfc"])
def test_issued_credentials_are_verifiable_credentials(office, item):
    credential = office.issue(item=item)["credential"]
    verify(office, credential)
    vocabulary.check_terms({n: v for n, v in credential.items() if n != "proof"})
    parsed = parse_credential(credential)
    assert vocabulary.type_iris(parsed)[1] == "urn:didsvc:residence-permit:1"
    assert parsed.valid_from.seconds == office.fed.now
    assert parsed.subjects[0]["id"] == office.fed.device("wang").did
    assert parsed.subjects[0]["jurisdiction"] == "440100"
    suite = "eddsa-rdfc-2022" if item.endswith("rdfc") else "eddsa-jcs-2022"
    assert credential["proof"]["cryptosuite"] == suite


@pytest.mark.parametrize("item", ["residence-permit", "residence-permit-rdfc"])
def test_issued_credentials_have_status_in_both_lists(office, item):
    credential = office.issue(item=item)["credential"]
    entries = [
        bitstring_status_list.parse_status_entry(e) for e in credential["credentialStatus"]
    ]
    assert [e.purpose for e in entries] == list(Purpose)
    assert len({e.index for e in entries}) == 1
    for number, entry in enumerate(entries, 1):
        listed = parse_credential(
            strict_json.load_object(office.issuer.statuses.served(str(number)))
        )
        assert bitstring_status_list.check_status(entry, listed) is CredentialStatus.CLEAR


def test_what_is_handed_over_says_where_evidence_is(office):
    delivery = office.issue()
    assert delivery["batch"] is None  # not anchored yet
    assert delivery["evidence"] == list(office.agency.mirrors)
    assert delivery["authority"] == [office.grant.entry.subject]


def test_indices_are_random_and_never_used_twice(tmp_path):
    drawn = iter([5, 5, 9])
    office = Office(founded(), tmp_path)
    office.edge = type(office.edge)(
        office.edge.clock,
        lambda n: next(drawn).to_bytes(4) if n == 4 else os.urandom(n),
    )
    office.restart()
    assert [index_of(office.issue()["credential"]) for _ in range(2)] == [5, 9]


def test_a_full_list_issues_nothing(office, monkeypatch):
    used = office.store.credentials.used_indices
    monkeypatch.setattr(
        office.store.credentials,
        "used_indices",
        lambda: used() | set(range(STATUS_LIST_BITS // 2)),
    )
    with refused("status_list_full", UnavailableError):
        office.approve()


# --- status changes ---------------------------------------------------------------------------


def test_a_revoked_credential_stays_revoked(office):
    credential = office.issue()["credential"]
    assert change(office, credential, Verb.REVOKE) == "revoked"
    assert index_of(credential) in office.bits()
    for verb in (Verb.SUSPEND, Verb.REINSTATE):
        with refused("state_wrong", ConflictError):
            change(office, credential, verb)


def test_the_same_change_again_writes_nothing(office):
    credential = office.issue()["credential"]
    change(office, credential, Verb.REVOKE)
    entries = len(office.chain())
    assert change(office, credential, Verb.REVOKE) == "revoked"
    assert len(office.chain()) == entries


def test_a_suspension_can_be_taken_back(office):
    credential = office.issue()["credential"]
    change(office, credential, Verb.SUSPEND)
    assert index_of(credential) in office.bits(Purpose.SUSPENSION)
    assert change(office, credential, Verb.REINSTATE) == "valid"
    assert index_of(credential) not in office.bits(Purpose.SUSPENSION)


def test_revoking_a_suspended_credential_moves_it_from_one_list_to_the_other(office):
    credential = office.issue()["credential"]
    change(office, credential, Verb.SUSPEND)
    change(office, credential, Verb.REVOKE)
    assert index_of(credential) in office.bits()
    assert index_of(credential) not in office.bits(Purpose.SUSPENSION)


def test_who_changed_a_credential_is_kept(office):
    credential = office.issue()["credential"]
    change(office, credential, Verb.REVOKE)
    row = office.store.credentials.get(credential["id"])
    assert (row.changed, row.changed_by) == (office.fed.now, "qian")


def test_unknown_credentials_are_not_found(office):
    with refused("credential_unknown", NotFoundError):
        office.issuer.statuses.change("urn:uuid:nobody", Verb.REVOKE, "qian")


def test_lists_are_signed_anchored_and_served_as_one(office):
    for number, purpose in enumerate(Purpose, 1):
        content = office.issuer.statuses.served(str(number))
        verify(office, strict_json.load_object(content))
        assert office.chain(purpose)[-1].entry.digest == sha256(content)


@pytest.mark.parametrize("number", ["0", "3", "01", "1 ", "", "1/../1"])
def test_other_lists_are_not_found(office, number):
    with refused("list_unknown", NotFoundError):
        office.issuer.statuses.served(number)


def test_changes_in_one_second_have_rising_times(office):
    credentials = [office.issue()["credential"] for _ in range(3)]
    for credential in credentials:
        office.issuer.statuses.change(credential["id"], Verb.REVOKE, "qian")
    times = [placed.entry.body["iat"] for placed in office.chain()]
    assert times == sorted(set(times))


def test_a_burst_of_changes_does_not_run_ahead_of_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(status, "_MAX_AHEAD_SECONDS", 2)
    office = Office(founded(), tmp_path)
    credential = office.issue()["credential"]["id"]
    office.issuer.tick()
    for verb in (Verb.SUSPEND, Verb.REINSTATE):
        office.issuer.statuses.change(credential, verb, "qian")
    with refused("status_pending", UnavailableError):
        office.issuer.statuses.change(credential, Verb.SUSPEND, "qian")
    newest = office.chain(Purpose.SUSPENSION)[-1].entry
    assert newest.body["iat"] == office.fed.now + 2
    office.fed.tick(5)
    office.issuer.tick()
    assert len(office.bits(Purpose.SUSPENSION)) == 1


def test_two_officers_at_once_lose_no_revocation(office):
    credentials = [office.issue()["credential"] for _ in range(6)]
    office.fed.tick()
    with ThreadPoolExecutor(6) as pool:
        states = pool.map(
            lambda c: office.issuer.statuses.change(c["id"], Verb.REVOKE, "qian"), credentials
        )
    assert set(states) == {"revoked"}
    assert set(map(index_of, credentials)) <= office.bits()


def test_lists_are_renewed_when_they_are_old(office):
    office.fed.tick(7_200)
    office.issuer.tick()
    entries = len(office.chain())
    office.fed.tick(3_599)
    office.issuer.tick()
    assert len(office.chain()) == entries
    office.fed.tick(1)
    office.issuer.tick()
    assert len(office.chain()) == entries + 1
    assert office.chain()[-1].entry.body["iat"] == office.fed.now


def test_the_office_sees_whether_the_lists_show_a_state(office):
    credential = office.issue()["credential"]

    def row():
        rows = office.issuer.statuses.listed(0)
        return next(each for each in rows if each["id"] == credential["id"])

    assert row() | {"application": "", "index": 0, "issued": ""} == {
        "id": credential["id"],
        "application": "",
        "state": "valid",
        "index": 0,
        "issued": "",
        "reason": "",
        "published": True,
    }
    office.log.down = True
    try:
        with refused("status_pending", UnavailableError):
            change(office, credential, Verb.REVOKE)
        assert (row()["state"], row()["published"]) == ("revoked", False)
    finally:
        office.log.down = False
    office.issuer.tick()
    assert row()["published"] is True


def test_before_the_first_tick_no_list_shows_anything(tmp_path):
    office = Office(founded(), tmp_path)
    office.approve()
    assert waiting(office) == {"status_lists_missing"}
    assert [row["published"] for row in office.issuer.statuses.listed(0)] == [False]
    office.issuer.tick()
    assert waiting(office) == set()


# --- a model of three credentials -------------------------------------------------------------

_STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(list(Verb))), max_size=8)
_NEXT = {
    ("valid", Verb.REVOKE): "revoked",
    ("valid", Verb.SUSPEND): "suspended",
    ("valid", Verb.REINSTATE): "valid",
    ("suspended", Verb.REVOKE): "revoked",
    ("suspended", Verb.SUSPEND): "suspended",
    ("suspended", Verb.REINSTATE): "valid",
    ("revoked", Verb.REVOKE): "revoked",
}


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS, outage=st.integers(0, 8))
def test_any_sequence_of_changes_equals_the_bits_of_the_anchored_lists(office, steps, outage):
    credentials = [office.issue()["credential"] for _ in range(3)]
    states = ["valid"] * 3
    for number, (which, verb) in enumerate(steps):
        office.log.down = number == outage
        following = _NEXT.get((states[which], verb))
        try:
            assert change(office, credentials[which], verb) == following
        except ConflictError:
            assert following is None
        except UnavailableError:
            assert office.log.down
        states[which] = following or states[which]
    office.log.down = False
    office.issuer.tick()
    for purpose, state in ((Purpose.REVOCATION, "revoked"), (Purpose.SUSPENSION, "suspended")):
        shown = office.bits(purpose)
        for credential, held in zip(credentials, states, strict=True):
            assert (index_of(credential) in shown) == (held == state)


# --- issuance batches -------------------------------------------------------------------------


def batches(office):
    return office.fed.logs[EV].chain("evidence", stream_id(office.actor.did, "issuance"))


def test_every_record_of_a_batch_leads_to_the_anchored_root(office):
    credentials = [office.issue()["credential"] for _ in range(3)]
    office.issuer.tick()
    entry = batches(office)[-1]
    for credential in credentials:
        proof = office.issuer.evidence.proof(record_of(credential))
        assert (proof["log"], proof["index"]) == (EV, entry.index)
        leaf = leaf_hash(jcs.encode({"salt": proof["salt"], "sha256": proof["record"]}))
        path = [b64.decode_url(step) for step in proof["path"]]
        size = 1 << len(path)
        check_inclusion(leaf, proof["position"], size, path, entry.entry.digest)


def test_a_batch_is_signed_by_the_key_for_evidence(office):
    office.issuer.tick()
    method = batches(office)[-1].entry.body["proof"]["verificationMethod"]
    assert method == office.agency.anchor.method != office.agency.method


def test_where_a_did_has_one_key_it_signs_both():
    agency = Agency("u", "d", "d#1", "key", "j", "e", (), (), (), (), b"")
    assert agency.evidence_signer == Signer("d#1", "key")


def test_more_records_than_the_least_size_make_a_larger_tree(office, monkeypatch):
    monkeypatch.setattr("did_service.issuer.evidence.LEAST_LEAVES", 2)
    credentials = [office.issue()["credential"] for _ in range(3)]
    office.issuer.tick()
    proofs = [office.issuer.evidence.proof(record_of(c)) for c in credentials]
    assert {len(proof["path"]) for proof in proofs} == {2}


def test_a_record_is_in_no_batch_before_the_tick(office):
    record = record_of(office.issue()["credential"])
    with refused("batch_unknown", NotFoundError):
        office.issuer.evidence.proof(record)
    office.issuer.tick()
    assert office.issuer.evidence.proof(record)["record"] == b64.encode_url(record)


def test_ticks_at_once_put_a_record_into_one_batch(office):
    record = record_of(office.issue()["credential"])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: office.issuer.tick(), range(4)))
    assert office.issuer.evidence.proof(record)["index"] in [p.index for p in batches(office)]


# --- an agency whose authority has ended ------------------------------------------------------


def test_a_chain_that_the_log_refuses_does_not_hold_up_the_others(tmp_path):
    office = Office(founded(), tmp_path)
    only_first = [office.actor.list_url(1)]
    office.fed.restate(office.grant, office.fed.root("gd"), status_lists=only_first)
    office.fed.tick()
    office.issuer.tick()
    assert len(office.chain()) == 1
    assert office.chain(Purpose.SUSPENSION) == []
    assert len(batches(office)) == 1
    assert office.store.ledger.pending_count() == 0


def test_an_agency_whose_authority_has_ended_publishes_nothing_and_says_so_once(office, caplog):
    office.issuer.tick()
    lists, issuances = len(office.chain()), len(batches(office))
    office.fed.end(office.grant, office.fed.root("gd"))
    for _ in range(3):
        office.fed.tick(7_200)
        office.issuer.tick()
    assert (len(office.chain()), len(batches(office))) == (lists, issuances)
    assert health.number(office.issuer, "issuer_pending_entries") == 0
    assert health.number(office.issuer, "issuer_refused_chains") == 3
    assert waiting(office) == {"authority_ended"}
    assert caplog.messages == [
        'the log refuses our issuances: "role_missing"',
        'the log refuses our revocation list: "signer_wrong"',
        'the log refuses our suspension list: "signer_wrong"',
    ]


def test_a_suspended_agency_keeps_its_lists_and_anchors_issuances_once_it_is_back(
    tmp_path, caplog
):
    office = Office(founded(), tmp_path)
    office.issuer.tick()
    root = office.fed.root("gd")
    suspended = office.fed.restate(office.grant, root, state="suspended")
    office.fed.tick(7_200)
    lists, issuances = len(office.chain()), len(batches(office))
    office.issuer.tick()
    assert (len(office.chain()), len(batches(office))) == (lists + 1, issuances)
    office.fed.restate(suspended, root, state="active")
    office.fed.tick()
    office.issuer.tick()
    assert len(batches(office)) == issuances + 1
    assert health.number(office.issuer, "issuer_refused_chains") == 0
    assert caplog.messages == [
        'the log refuses our issuances: "role_missing"',
        "the log takes our issuances again",
    ]
