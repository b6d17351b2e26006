"""Data Integrity proofs with eddsa-jcs-2022: the W3C vectors and what must not verify."""

import json
from contextlib import suppress

import pytest
from hypothesis import given

from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.multikey import decode_ed25519
from did_service.core.encoding import jcs
from did_service.core.encoding.multiformats import multibase_decode
from did_service.core.encoding.xsd_datetime import parse_datetime
from did_service.core.errors import LimitError, MalformedError, ProofError
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from tests.support.json_values import values
from tests.support.optional import vectors

EDDSA = vectors("eddsa")
KEYS = json.loads((EDDSA / "keyPair.json").read_text())
SIGNED = json.loads((EDDSA / "eddsa-jcs-2022/signedJCS.json").read_text())
W3C_KEY = decode_ed25519(KEYS["publicKeyMultibase"])

KEY = SigningKey(bytes(range(32)))
OPTIONS = {"verificationMethod": "did:example:a#k", "proofPurpose": "assertionMethod"}
DOCUMENT = {"@context": ["https://a.example/1"], "name": "广州", "n": 1}


def vector(name):
    return (EDDSA / "eddsa-jcs-2022" / name).read_text().strip()


def proof_of(document, **options):
    members = data_integrity.create(document, {**OPTIONS, **options}, KEY, eddsa_jcs_2022)
    return data_integrity.parse_proof(members)


def check(document, proof, public=KEY.public):
    """Check in both ways: with a document, and with one that was written before."""
    of_written = eddsa_jcs_2022.OfWritten(jcs.encode(document))
    ways = (eddsa_jcs_2022, of_written)
    assert len({_said(document, proof, public, each) for each in ways}) == 1
    data_integrity.verify(document, proof, public, of_written)


def _said(document, proof, public, suite):
    try:
        data_integrity.verify(document, proof, public, suite)
    except (ProofError, MalformedError) as error:
        return error.code
    return ""


def refusal(call):
    with pytest.raises((ProofError, MalformedError)) as caught:
        call()
    return caught.value.code


# --- the vectors ------------------------------------------------------------------------------


def test_every_intermediate_of_the_w3c_vector():
    document, (proof,) = data_integrity.split(SIGNED)
    assert jcs.encode(document).decode() == vector("canonDocJCS.txt")
    assert jcs.encode(proof.options).decode() == vector("proofCanonJCS.txt")
    hashed = eddsa_jcs_2022.hash_data(document, proof.options)
    assert hashed[:32].hex() == vector("proofHashJCS.txt")
    assert hashed[32:].hex() == vector("docHashJCS.txt")
    assert hashed.hex() == vector("combinedHashJCS.txt")
    assert proof.value.hex() == vector("sigHexJCS.txt")
    check(document, proof, W3C_KEY)


def test_the_w3c_signature_is_made_again():
    seed = multibase_decode(KEYS["privateKeyMultibase"])[2:]
    document, (proof,) = data_integrity.split(SIGNED)
    made = data_integrity.create(document, proof.options, SigningKey(seed), eddsa_jcs_2022)
    assert made == SIGNED["proof"]


# --- making and checking ----------------------------------------------------------------------


@given(values)
def test_what_was_signed_verifies(value):
    document = {"@context": "https://a.example/1", "value": value}
    check(document, proof_of(document))


@given(values, values)
def test_another_document_does_not(value, other):
    document = {"value": value}
    changed = {"value": other}
    proof = proof_of(document)
    if jcs.encode(document) != jcs.encode(changed):
        assert refusal(lambda: check(changed, proof)) == "signature_invalid"


def test_another_key_does_not_verify():
    proof = proof_of(DOCUMENT)
    other = SigningKey(bytes(32)).public
    assert refusal(lambda: check(DOCUMENT, proof, other)) == "signature_invalid"


@pytest.mark.parametrize(
    "change",
    [
        {"verificationMethod": "did:example:b#k"},
        {"proofPurpose": "authentication"},
        {"created": "2026-01-01T00:00:00Z"},
        {"challenge": "other"},
        {"extra": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_option_is_signed(change):
    members = {**proof_of(DOCUMENT, challenge="c").members, **change}
    proof = data_integrity.parse_proof(members)
    assert refusal(lambda: check(DOCUMENT, proof)) == "signature_invalid"


def test_a_proof_of_another_suite_is_refused_before_it_is_hashed():
    members = {**proof_of(DOCUMENT).members, "cryptosuite": "eddsa-rdfc-2022"}
    proof = data_integrity.parse_proof(members)
    assert refusal(lambda: check(DOCUMENT, proof)) == "cryptosuite_mismatch"


def test_a_signature_of_another_length_is_refused():
    proof = data_integrity.parse_proof({**proof_of(DOCUMENT).members, "proofValue": "z11"})
    assert refusal(lambda: check(DOCUMENT, proof)) == "signature_invalid"


# --- contexts, §3.3.2 step 4 ------------------------------------------------------------------


def test_contexts_may_be_added_behind_the_signed_ones():
    added = {**DOCUMENT, "@context": [*DOCUMENT["@context"], "https://b.example/1"]}
    check(added, proof_of(DOCUMENT))


@pytest.mark.parametrize(
    "contexts",
    [[], "https://b.example/1", ["https://b.example/1", "https://a.example/1"], None, {}],
)
def test_other_contexts_are_refused(contexts):
    document = {**DOCUMENT, "@context": contexts}
    proof = proof_of(DOCUMENT)
    assert refusal(lambda: check(document, proof)) == "context_mismatch"


@pytest.mark.parametrize("claimed", [None, "https://a.example/1"])
def test_contexts_of_the_proof_alone_are_refused(claimed):
    without = {"name": "x"}
    proof = proof_of({**without, "@context": claimed})
    assert refusal(lambda: check(without, proof)) == "context_mismatch"


def test_a_document_without_contexts_has_a_proof_without():
    proof = proof_of({"name": "x"})
    assert "@context" not in proof.members
    check({"name": "x"}, proof)


# --- reading proofs ---------------------------------------------------------------------------


def test_a_proof_is_read_whole():
    proof = proof_of(
        DOCUMENT,
        id="urn:uuid:1",
        created="2026-11-21T11:10:00Z",
        expires="2027-11-21T19:10:00+08:00",
        challenge="c",
        domain=["a", "b"],
        previousProof="urn:uuid:0",
    )
    assert str(proof.created) == "2026-11-21T11:10:00Z"
    assert str(proof.expires) == "2027-11-21T11:10:00Z"
    assert (proof.challenge, proof.domains) == ("c", ("a", "b"))
    assert (proof.identifier, proof.previous) == ("urn:uuid:1", ("urn:uuid:0",))
    assert proof.purpose == "assertionMethod"
    check(DOCUMENT, proof)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "Ed25519Signature2020"}, "proof_type_unknown"),
        ({"type": None}, "proof_malformed"),
        ({"proofValue": "u" + "A" * 86}, "proof_base_unknown"),
        ({"proofValue": ""}, "proof_malformed"),
        ({"proofValue": "z0"}, "base58_invalid"),
        ({"proofValue": None}, "member_invalid"),
        ({"proofValue": "z" * 600}, "too_large"),
        ({"cryptosuite": 1}, "member_invalid"),
        ({"verificationMethod": {"id": "x"}}, "member_invalid"),
        ({"proofPurpose": None}, "member_invalid"),
        ({"created": "yesterday"}, "time_invalid"),
        ({"expires": 1}, "member_invalid"),
        ({"challenge": []}, "member_invalid"),
        ({"domain": [1]}, "member_invalid"),
        ({"previousProof": {}}, "member_invalid"),
    ],
)
def test_malformed_proofs_are_refused(change, code):
    members = {**proof_of(DOCUMENT).members, **change}
    assert refusal(lambda: data_integrity.parse_proof(members)) == code


def test_a_document_is_parted_from_its_proofs():
    members = proof_of(DOCUMENT).members
    assert data_integrity.split({**DOCUMENT, "proof": members})[0] == DOCUMENT
    assert len(data_integrity.split({**DOCUMENT, "proof": [members] * 8})[1]) == 8


@pytest.mark.parametrize("document", [{}, {"proof": None}, {"proof": []}])
def test_a_document_without_proof_is_refused(document):
    assert refusal(lambda: data_integrity.split(document)) == "proof_missing"


def test_more_than_eight_proofs_are_refused():
    with pytest.raises(LimitError) as caught:
        data_integrity.split({"proof": [{}] * 9})
    assert caught.value.code == "too_large"


@given(values)
def test_any_value_is_a_proof_or_refused(value):
    with suppress(MalformedError):
        data_integrity.split({"proof": value})


TIMES_OF_OTHERS = ["2026-11-21T11:10:00", "2026-11-21T24:00:00Z", "12026-11-21T11:10:00Z"]


@pytest.mark.parametrize("text", TIMES_OF_OTHERS)
@pytest.mark.parametrize("member", ["created", "expires"])
def test_what_is_logged_has_its_times_in_the_exact_form_alone(member, text):
    """Two validators must agree on every entry, the older one too."""
    members = {**proof_of(DOCUMENT).members, member: text}
    assert refusal(lambda: data_integrity.parse_proof(members)) == "time_invalid"
    assert refusal(lambda: data_integrity.split({"proof": members})) == "time_invalid"
    assert data_integrity.parse_proof(members, parse_datetime).members[member] == text
