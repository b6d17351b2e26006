"""Attacks on credentials: one function each, the name is the attack."""

import gzip
import time

import pytest

from did_service.core.credentials import (
    bitstring_status_list,
    contexts,
    eddsa_rdfc_2022,
    jsonld,
    proof_set,
    rdfc,
    schema_check,
    vocabulary,
)
from did_service.core.credentials.contexts import CREDENTIALS_V2, DIDSVC_1
from did_service.core.credentials.model import parse_credential
from did_service.core.encoding import b64, jcs, strict_json
from did_service.core.encoding.json_schema import DIALECT
from did_service.core.encoding.multiformats import multibase_encode
from did_service.core.errors import DidServiceError, LimitError, MalformedError, ProofError
from did_service.core.limits import MAX_CREDENTIAL_BYTES, MAX_STATUS_LIST_BYTES
from tests.core.credentials.test_model import CREDENTIAL
from tests.core.credentials.test_proof_set import (
    DEMAND,
    DOCUMENT,
    ISSUER,
    OTHER,
    resolve,
    signed,
)
from tests.core.credentials.test_proof_set import refusal as refused_because


def code_of(call, *arguments):
    with pytest.raises(DidServiceError) as refused:
        call(*arguments)
    return refused.value.code


def test_unknown_context():
    evil = {**CREDENTIAL, "@context": [CREDENTIALS_V2, "https://evil.example/v1"]}
    nested = {**CREDENTIAL, "credentialSubject": {"@context": "https://evil.example/v1"}}
    assert code_of(parse_credential, evil) == "context_unknown"
    assert code_of(eddsa_rdfc_2022.canonicalize, evil) == "context_unknown"
    assert code_of(eddsa_rdfc_2022.canonicalize, nested) == "context_unknown"


def test_ten_node_clique():
    nodes = [f"_:n{number}" for number in range(10)]
    quads = [(a, "<urn:p>", b, "") for a in nodes for b in nodes if a != b]
    began = time.process_time()
    assert code_of(rdfc.canonicalize, quads) == "graph_too_complex"
    assert time.process_time() - began < 1


def test_deflate_bomb():
    bomb = gzip.compress(bytes(200 * MAX_STATUS_LIST_BYTES), mtime=0)
    assert len(bomb) < 500_000
    began = time.process_time()
    decode = bitstring_status_list.BitstringStatusList.decode
    assert code_of(decode, "u" + b64.encode_url(bomb)) == "too_large"
    assert time.process_time() - began < 1


def test_duplicate_member():
    text = jcs.encode(signed()).decode()
    twice = text.replace('"issuer":', '"issuer":"did:example:evil","issuer":', 1)
    assert code_of(strict_json.load_object, twice) == "duplicate_member"
    context = '{"@context":[],"@context":["https://www.w3.org/ns/credentials/v2"]}'
    assert code_of(strict_json.load_object, context) == "duplicate_member"


def test_ten_megabytes_of_nesting():
    bomb = b'{"a":' * 2_000_000
    with pytest.raises(LimitError):
        strict_json.load_object(bomb, max_bytes=MAX_CREDENTIAL_BYTES)
    with pytest.raises(LimitError) as refused:
        strict_json.load_object(b'{"a":' * 40_000, max_bytes=MAX_CREDENTIAL_BYTES)
    assert refused.value.code == "too_deep"


def test_aliased_type_term():
    def types_under(*contexts, name="ResidencePermit"):
        document = {
            **CREDENTIAL,
            "@context": [CREDENTIALS_V2, *contexts],
            "type": ["VerifiableCredential", name],
            "credentialSubject": {"id": "did:example:holder", "name": "x"},
        }
        return vocabulary.type_iris(parse_credential(document))[1]

    permit, nothing = "urn:didsvc:residence-permit:1", "urn:example:nothing"
    assert types_under(DIDSVC_1) == permit
    assert types_under({"ResidencePermit": nothing}) == nothing
    assert types_under({"Harmless": permit}, name="Harmless") == permit
    with pytest.raises(MalformedError):
        types_under(DIDSVC_1, {"ResidencePermit": nothing})


def test_iss_differs_from_kid():
    document = signed(key=OTHER)
    proofs = proof_set.verify_proofs(document, resolve, DEMAND)
    with pytest.raises(ProofError) as refused:
        proof_set.signer_of(parse_credential(document), proofs)
    assert refused.value.code == "signer_mismatch"


def test_second_signer_lends_no_authority():
    victim = {**DOCUMENT, "issuer": "did:example:ministry"}
    document = signed(key=OTHER, document=signed(key=ISSUER, document=victim))
    proofs = proof_set.verify_proofs(document, resolve, DEMAND)
    with pytest.raises(ProofError):
        proof_set.signer_of(parse_credential(document), proofs)


SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
]


@pytest.mark.parametrize("key", SMALL_ORDER)
def test_small_order_key(key):
    """With such a key the signature (R = key or identity, S = 0) fits many messages."""
    for point in (key, SMALL_ORDER[0]):
        forged = signed()
        forged["proof"]["proofValue"] = "u" + b64.encode_url(bytes.fromhex(point) + bytes(32))
        assert refused_because(forged) == "proof_base_unknown"
        forged["proof"]["proofValue"] = multibase_encode(bytes.fromhex(point) + bytes(32))
        with pytest.raises(ProofError) as refused:
            proof_set.verify_proofs(forged, lambda *_: bytes.fromhex(key), DEMAND)
        assert refused.value.code == "signature_invalid"


@pytest.mark.parametrize("size", [0, 63, 65, 128])
def test_proof_of_wrong_length(size):
    forged = signed()
    forged["proof"]["proofValue"] = multibase_encode(bytes(size))
    assert refused_because(forged) == "signature_invalid"


def test_newline_after_pattern():
    schema = {"$schema": DIALECT, "type": "string", "pattern": "^[0-9]{6}$"}
    assert schema_check.check(schema, "440100") == ()
    assert schema_check.check(schema, "440100\n") != ()
    for name, value in (("id", "urn:uuid:1\n"), ("issuer", "did:example:a\n")):
        with pytest.raises(MalformedError):
            parse_credential({**CREDENTIAL, name: value})
    with pytest.raises(MalformedError):
        parse_credential({**CREDENTIAL, "validFrom": "2026-01-01T00:00:00Z\n"})


def test_table_path_equals_pyld():
    classes = (
        "ResidencePermit",
        "BusinessLicence",
        "Education",
        "SocialInsurance",
        "DisabilityCard",
        "BitstringStatusListCredential",
        "urn:example:absolute",
    )
    for name in classes:
        document = {**CREDENTIAL, "type": ["VerifiableCredential", name]}
        by_table = vocabulary.type_iris(parse_credential(document))
        assert by_table == vocabulary.expanded_type_iris(document)
        statements = jsonld.to_quads(jsonld.expand(document, contexts.load))
        assert eddsa_rdfc_2022.canonicalize(document) == rdfc.canonicalize(statements).encode()


def test_two_parsers_one_meaning():
    """Bytes that one reader takes one way and the next another way have no meaning at all."""
    text = jcs.encode(signed("eddsa-rdfc-2022")).decode()
    for changed in (
        text.replace('"familyName":"王"', '"familyName":"王","familyName":"王"'),
        text.replace("王", "\\ud800"),
        text.replace('"familyName":"王"', '"familyName":9007199254740993'),
        text.replace('"familyName":"王"', '"familyName":NaN'),
        "\ufeff" + text,
    ):
        assert changed != text
        with pytest.raises(DidServiceError):
            strict_json.load_object(changed)
    whole, written = ({**CREDENTIAL, "credentialSubject": {"familyName": n}} for n in (5, 5.0))
    assert eddsa_rdfc_2022.canonicalize(whole) == eddsa_rdfc_2022.canonicalize(written)
    assert jcs.encode(whole) == jcs.encode(written)
