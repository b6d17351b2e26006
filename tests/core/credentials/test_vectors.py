"""Every intermediate value of the W3C EdDSA vectors: both cryptosuites, sets and chains."""

import json
from datetime import UTC, datetime

import pytest

from did_service.core.credentials import eddsa_rdfc_2022, proof_set
from did_service.core.credentials.proof_set import ProofDemand, ProofOptions
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.crypto.hashes import sha256
from did_service.core.did.key import public_of_method_id
from did_service.core.encoding import jcs
from did_service.core.encoding.multiformats import multibase_decode
from did_service.core.errors import DidServiceError, MalformedError, ProofError
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from tests.core.credentials.suites import RDFC, SUITES, load
from tests.support.optional import vectors

VECTORS = vectors("eddsa")
NOW = datetime(2026, 11, 21, tzinfo=UTC)
DEMAND = ProofDemand("assertionMethod", frozenset(SUITES), NOW, None, None)
CHAIN = VECTORS / "proof-set-chain"


def read(name):
    return json.loads((VECTORS / name).read_text())


def text(name):
    return (VECTORS / name).read_text().strip()


def secret(pair):
    return SigningKey(multibase_decode(pair["privateKeyMultibase"])[2:])


def resolve(method, purpose):
    assert purpose == "assertionMethod"
    return public_of_method_id(method)


def employment(url):
    """The citizenship terms that the second vector uses, as its canonical form names them."""
    if url != "https://w3id.org/citizenship/v4rc1":
        return load(url)
    citizen, schema = "https://w3id.org/citizenship#", "https://schema.org/"
    date = {"@type": "http://www.w3.org/2001/XMLSchema#dateTime"}
    terms = {
        "EmploymentAuthorizationDocumentCredential": citizen,
        "EmployablePerson": citizen,
        "EmploymentAuthorizationDocument": citizen,
        "Person": schema,
        **dict.fromkeys(("givenName", "additionalName", "familyName", "gender"), schema),
        **dict.fromkeys(("birthCountry", "lprCategory", "lprNumber"), citizen),
        "identifier": schema,
    }
    return {
        "@context": {
            **{name: base + name for name, base in terms.items()},
            "birthDate": {"@id": f"{schema}birthDate", **date},
            "residentSince": {"@id": f"{citizen}residentSince", **date},
            "image": {"@id": f"{schema}image", "@type": "@id"},
            "employmentAuthorizationDocument": {
                "@id": f"{citizen}employmentAuthorizationDocument",
                "@type": "@id",
            },
        }
    }


@pytest.mark.parametrize(
    ("folder", "document", "loader"),
    [
        ("eddsa-rdfc-2022", "unsigned.json", load),
        ("eddsa-rdfc-2022/employ", "employmentAuth.json", employment),
    ],
)
def test_every_step_of_eddsa_rdfc_2022(folder, document, loader):
    unsecured, options = read(document), read(f"{folder}/proofConfigDataInt.json")
    canonical = eddsa_rdfc_2022.canonicalize(unsecured, loader)
    assert canonical.decode().strip() == text(f"{folder}/canonDocDataInt.txt")
    assert sha256(canonical).hex() == text(f"{folder}/docHashDataInt.txt")
    configuration = eddsa_rdfc_2022.canonicalize(options, loader)
    assert configuration.decode().strip() == text(f"{folder}/proofCanonDataInt.txt")
    assert sha256(configuration).hex() == text(f"{folder}/proofHashDataInt.txt")
    hashed = eddsa_rdfc_2022.hash_data(unsecured, options, loader)
    assert hashed.hex() == text(f"{folder}/combinedHashDataInt.txt")
    signature = secret(read("keyPair.json")).sign(hashed)
    assert signature.hex() == text(f"{folder}/sigHexDataInt.txt")
    signed = read(f"{folder}/signedDataInt.json")
    assert signed["proof"]["proofValue"] == text(f"{folder}/sigBTC58DataInt.txt")
    assert multibase_decode(signed["proof"]["proofValue"]) == signature


def test_every_step_of_eddsa_jcs_2022():
    unsecured, options = read("unsigned.json"), read("eddsa-jcs-2022/proofConfigJCS.json")
    assert jcs.encode(unsecured).decode() == text("eddsa-jcs-2022/canonDocJCS.txt")
    assert sha256(jcs.encode(unsecured)).hex() == text("eddsa-jcs-2022/docHashJCS.txt")
    assert jcs.encode(options).decode() == text("eddsa-jcs-2022/proofCanonJCS.txt")
    assert sha256(jcs.encode(options)).hex() == text("eddsa-jcs-2022/proofHashJCS.txt")
    hashed = eddsa_jcs_2022.hash_data(unsecured, options)
    assert hashed.hex() == text("eddsa-jcs-2022/combinedHashJCS.txt")
    signature = secret(read("keyPair.json")).sign(hashed)
    assert signature.hex() == text("eddsa-jcs-2022/sigHexJCS.txt")
    signed = read("eddsa-jcs-2022/signedJCS.json")
    assert signed["proof"]["proofValue"] == text("eddsa-jcs-2022/sigBTC58JCS.txt")


@pytest.mark.parametrize(
    "name",
    [
        "eddsa-rdfc-2022/signedDataInt.json",
        "eddsa-jcs-2022/signedJCS.json",
        "proof-set-chain/signedProofSet1.json",
        "proof-set-chain/signedProofSet2.json",
        "proof-set-chain/signedProofChain1.json",
        "proof-set-chain/signedProofChain2.json",
    ],
)
def test_published_document_verifies_and_no_part_of_it_can_change(name):
    signed = read(name)
    verified = proof_set.verify_proofs(signed, resolve, DEMAND, SUITES)
    proofs = signed["proof"] if isinstance(signed["proof"], list) else [signed["proof"]]
    assert [p.verification_method for p in verified] == [
        p["verificationMethod"] for p in proofs
    ]
    for change in ({"name": "Alumnus"}, {"added": "x"}, {"type": ["VerifiableCredential"]}):
        with pytest.raises(ProofError):
            proof_set.verify_proofs({**signed, **change}, resolve, DEMAND, SUITES)


def options_of(config):
    previous = config.get("previousProof", [])
    return ProofOptions(
        verification_method=config["verificationMethod"],
        purpose=config["proofPurpose"],
        created=datetime.fromisoformat(config["created"]),
        id=config.get("id"),
        previous=tuple(previous) if isinstance(previous, list) else (previous,),
    )


def test_set_and_chain_are_made_as_published():
    document, pairs = (
        read("proof-set-chain/unsigned.json"),
        read("proof-set-chain/multiKeyPairs.json"),
    )
    steps = [
        ("proofSetConfig1", "keyPair1", "signedProofSet1"),
        ("proofSetConfig2", "keyPair2", "signedProofSet2"),
        ("proofChainConfig1", "keyPair3", "signedProofChain1"),
        ("proofChainConfig2", "keyPair4", "signedProofChain2"),
    ]
    for config, pair, result in steps:
        options = options_of(read(f"proof-set-chain/{config}.json"))
        document = proof_set.sign(document, secret(pairs[pair]), options, RDFC)
        assert as_set(document) == as_set(read(f"proof-set-chain/{result}.json"))


def as_set(document):
    proofs = document["proof"]
    return {**document, "proof": proofs if isinstance(proofs, list) else [proofs]}


def test_chain_signs_the_proofs_it_names():
    signed = read("proof-set-chain/signedProofChain2.json")
    unsecured, proofs = data_integrity.split(signed)
    for number, name in ((2, "proofChainTempDoc1.json"), (3, "proofChainTempDoc2.json")):
        expected = json.loads((CHAIN / name).read_text())
        data_integrity.verify(
            expected,
            proofs[number],
            resolve(proofs[number].verification_method, "assertionMethod"),
            RDFC,
        )
        assert {k: v for k, v in expected.items() if k != "proof"} == unsecured


def test_published_steps_are_the_proofs_of_the_published_chain():
    steps = ("proofSetConfigSigned1", "proofSetConfigSigned2")
    steps += ("proofChainConfigSigned1", "proofChainConfigSigned2")
    published = [read(f"proof-set-chain/{name}.json") for name in steps]
    signed = read("proof-set-chain/signedProofChain2.json")
    assert signed["proof"] == published
    assert signed["proof"][:3] == read("proof-set-chain/signedProofChain1.json")["proof"]


def test_the_suite_before_data_integrity_is_refused_by_name():
    signed = read("Ed25519Signature2020/signedEdSig.json")
    with pytest.raises(MalformedError) as refused:
        proof_set.verify_proofs(signed, resolve, DEMAND, SUITES)
    assert refused.value.code == "proof_type_unknown"


@pytest.mark.parametrize("dropped", [0, 1, 2])
def test_chain_without_a_link_fails_as_a_whole(dropped):
    signed = read("proof-set-chain/signedProofChain2.json")
    del signed["proof"][dropped]
    with pytest.raises(ProofError) as refused:
        proof_set.verify_proofs(signed, resolve, DEMAND, SUITES)
    assert refused.value.code == "previous_proof_missing"


def test_one_bad_proof_in_a_set_fails_all():
    signed = read("proof-set-chain/signedProofSet2.json")
    first, second = signed["proof"]
    second["proofValue"] = first["proofValue"]
    with pytest.raises(DidServiceError) as refused:
        proof_set.verify_proofs(signed, resolve, DEMAND, SUITES)
    assert refused.value.code == "signature_invalid"
