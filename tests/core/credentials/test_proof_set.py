"""Signing and verifying documents: who signed, for what, for whom."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from did_service.core.credentials import proof_set
from did_service.core.credentials.model import parse_credential, parse_presentation
from did_service.core.credentials.proof_set import SUITES, ProofDemand, ProofOptions
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.key import did_key_method, did_key_of, public_of_method_id
from did_service.core.encoding import jcs, strict_json
from did_service.core.encoding.xsd_datetime import Instant
from did_service.core.errors import (
    DidServiceError,
    MalformedError,
    ProofError,
    UnsupportedError,
)
from tests.core.credentials.test_model import CREDENTIAL, PRESENTATION

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
ISSUER, OTHER = SigningKey(bytes(32)), SigningKey(b"\x01" * 32)
DEMAND = ProofDemand("assertionMethod", frozenset(SUITES), NOW, None, None)
DOCUMENT = {**CREDENTIAL, "issuer": did_key_of(ISSUER.public)}


def resolve(method, purpose):
    return public_of_method_id(method)


def options(key=ISSUER, purpose="assertionMethod", **more):
    return ProofOptions(did_key_method(key.public), purpose, NOW, **more)


def signed(suite="eddsa-jcs-2022", key=ISSUER, document=DOCUMENT, **more):
    return proof_set.sign(document, key, options(key, **more), SUITES[suite])


def refusal(document, demand=DEMAND):
    with pytest.raises(DidServiceError) as refused:
        proof_set.verify_proofs(document, resolve, demand)
    return refused.value.code


@pytest.mark.parametrize("suite", SUITES)
def test_signed_credential_verifies_and_names_its_signer(suite):
    document = signed(suite)
    proofs = proof_set.verify_proofs(document, resolve, DEMAND)
    signer = proof_set.signer_of(parse_credential(document), proofs)
    assert signer.verification_method == did_key_method(ISSUER.public)
    assert (signer.did, signer.purpose) == (DOCUMENT["issuer"], "assertionMethod")
    assert (signer.cryptosuite, signer.created) == (suite, Instant.of(NOW))


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize(
    "change",
    [
        {"name": "added"},
        {"undefinedTerm": "x"},
        {"id": "urn:uuid:0"},
        {"credentialSubject": {"familyName": "李"}},
        {"type": ["VerifiableCredential"]},
        {"@context": DOCUMENT["@context"][:1]},
    ],
)
def test_changed_credential_does_not_verify(suite, change):
    assert refusal({**signed(suite), **change})


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("name", ["created", "verificationMethod", "proofPurpose", "nonce"])
def test_changed_proof_does_not_verify(suite, name):
    document = signed(suite)
    values = {
        "created": "2026-11-21T02:00:01Z",
        "verificationMethod": did_key_method(OTHER.public),
        "proofPurpose": "authentication",
        "nonce": "x",
    }
    changed = {**document, "proof": {**document["proof"], name: values[name]}}
    assert refusal(changed) in {"signature_invalid", "purpose_wrong"}


@given(st.data())
def test_flipped_byte_never_verifies(data):
    text = bytearray(jcs.encode(signed()))
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] ^= data.draw(st.integers(1, 255))
    try:
        document = strict_json.load_object(bytes(text))
        proof_set.verify_proofs(document, resolve, DEMAND)
    except DidServiceError:
        return
    assert document == signed()


def test_expired_proof_is_refused_from_its_last_second():
    document = signed(expires=NOW + timedelta(minutes=5))
    proof_set.verify_proofs(document, resolve, DEMAND)
    late = DEMAND._replace(now=NOW + timedelta(minutes=5))
    assert refusal(document, late) == "proof_expired"


def test_suite_that_is_not_accepted_is_refused():
    only_rdfc = DEMAND._replace(suites=frozenset({"eddsa-rdfc-2022"}))
    assert refusal(signed(), only_rdfc) == "cryptosuite_not_accepted"
    unknown = signed()
    unknown["proof"]["cryptosuite"] = "ecdsa-sd-2023"
    demand = DEMAND._replace(suites=frozenset({"ecdsa-sd-2023"}))
    assert refusal(unknown, demand) == "cryptosuite_not_accepted"


def test_presentation_answers_its_challenge_and_domain():
    demand = ProofDemand("authentication", frozenset(SUITES), NOW, "nonce-1", "hn.example")
    presentation = {**PRESENTATION, "holder": did_key_of(OTHER.public)}
    answer = {"purpose": "authentication", "challenge": "nonce-1", "domain": "hn.example"}
    document = signed(key=OTHER, document=presentation, **answer)
    proofs = proof_set.verify_proofs(document, resolve, demand)
    holder = proof_set.signer_of(parse_presentation(document), proofs)
    assert holder.did == did_key_of(OTHER.public)
    assert refusal(document, demand._replace(challenge="nonce-2")) == "challenge_wrong"
    assert refusal(document, demand._replace(domain="gd.example")) == "domain_wrong"
    assert refusal(document, DEMAND) == "purpose_wrong"
    anyone = demand._replace(challenge=None, domain=None)
    assert len(proof_set.verify_proofs(document, resolve, anyone)) == 1


def test_the_only_signer_is_not_the_issuer_for_that():
    document = signed(key=OTHER)
    proofs = proof_set.verify_proofs(document, resolve, DEMAND)
    with pytest.raises(ProofError) as refused:
        proof_set.signer_of(parse_credential(document), proofs)
    assert refused.value.code == "signer_mismatch"


def test_presentation_without_holder_speaks_for_its_only_signer():
    bare = {name: v for name, v in PRESENTATION.items() if name != "holder"}
    once = signed(key=OTHER, document=bare)
    proofs = proof_set.verify_proofs(once, resolve, DEMAND)
    assert proof_set.signer_of(parse_presentation(once), proofs).did == did_key_of(OTHER.public)
    twice = signed(key=ISSUER, document=once)
    proofs = proof_set.verify_proofs(twice, resolve, DEMAND)
    with pytest.raises(ProofError) as refused:
        proof_set.signer_of(parse_presentation(twice), proofs)
    assert refused.value.code == "signer_mismatch"


def test_set_of_two_signers_names_the_issuer_in_any_order():
    document = signed(key=ISSUER, document=signed(key=OTHER))
    proofs = proof_set.verify_proofs(document, resolve, DEMAND)
    assert len(proofs) == 2
    assert proof_set.signer_of(parse_credential(document), proofs).did == DOCUMENT["issuer"]


@pytest.mark.parametrize("suite", SUITES)
def test_chain_rests_on_the_proofs_it_names(suite):
    first = signed(suite, key=OTHER, id="urn:uuid:1")
    document = signed(suite, document=first, previous=("urn:uuid:1",))
    assert document["proof"][1]["previousProof"] == "urn:uuid:1"
    assert len(proof_set.verify_proofs(document, resolve, DEMAND)) == 2
    again = signed(suite, key=SigningKey(b"\x02" * 32), id="urn:uuid:1")
    replaced = {**document, "proof": [again["proof"], document["proof"][1]]}
    assert refusal(replaced) == "signature_invalid"


def test_chain_may_rest_on_several_proofs():
    third = SigningKey(b"\x02" * 32)
    names = ("urn:uuid:1", "urn:uuid:2")
    document = signed(key=third, id=names[1], document=signed(key=OTHER, id=names[0]))
    document = signed(document=document, previous=names)
    assert document["proof"][2]["previousProof"] == list(names)
    assert len(proof_set.verify_proofs(document, resolve, DEMAND)) == 3


def test_chain_on_a_missing_proof_is_not_made():
    with pytest.raises(ProofError) as refused:
        signed(previous=("urn:uuid:9",))
    assert refused.value.code == "previous_proof_missing"


def test_two_proofs_of_one_id_are_refused():
    document = signed(document=signed(id="urn:uuid:1"), id="urn:uuid:1")
    assert refusal(document) == "proof_id_repeated"


def test_a_proof_rests_on_another_once():
    first = signed(id="urn:uuid:1")
    twice = {**first["proof"], "previousProof": ["urn:uuid:1", "urn:uuid:1"], "id": "u:2"}
    document = {**first, "proof": [first["proof"], twice]}
    assert refusal(document) == "proof_id_repeated"


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("did:key:z6Mk", "verification_method_unknown"),
        ("https://a/#k", "verification_method_unknown"),
        ("did:a:b#", "verification_method_unknown"),
        ("did:a:b/c#k", "verification_method_unknown"),
        ("did:a:b?versionId=1-Q#k", "verification_method_unknown"),
        ("#k", "verification_method_invalid"),
        ("key-1", "verification_method_invalid"),
    ],
)
def test_method_that_is_no_did_url_of_a_key_is_refused(method, code):
    with pytest.raises(MalformedError) as refused:
        proof_set.did_of(method)
    assert refused.value.code == code
    assert isinstance(refused.value, UnsupportedError) is code.endswith("unknown")


def test_key_that_is_not_listed_is_the_resolvers_word():
    def nobody(method, purpose):
        raise ProofError("key_not_listed", f"{method} is not for {purpose}")

    with pytest.raises(ProofError) as refused:
        proof_set.verify_proofs(signed(), nobody, DEMAND)
    assert refused.value.code == "key_not_listed"


@pytest.mark.parametrize("suite", SUITES)
def test_a_time_is_signed_as_it_is_written(suite):
    """24:00:00 is the next day's beginning, but other text, and so is a missing offset."""
    document = signed(suite, document={**DOCUMENT, "validUntil": "2030-12-31T24:00:00"})
    assert proof_set.verify_proofs(document, resolve, DEMAND)
    for other in ("2031-01-01T00:00:00", "2030-12-31T24:00:00Z", "2031-01-01T00:00:00Z"):
        altered = {**document, "validUntil": other}
        assert refusal(altered) == "signature_invalid"
