"""What is not processed, not readable or not whole is the third answer (docs/adr/0020)."""

import json
from dataclasses import replace

import pytest

from did_service.core.crypto import jwk
from did_service.core.did.jwk import did_jwk_of
from did_service.core.encoding import b64, jcs, timestamps
from did_service.core.encoding.multiformats import multibase_encode
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.verification.report import Outcome
from tests.support import optional
from tests.support.counter import NONCE, codes, request
from tests.support.desk import did_verify

pytestmark = pytest.mark.offline

CONTROL = {
    "--now": "2026-11-21T08:00:02Z",
    "--nonce": "n-0S6_WzA2Mj",
    "--audience": "https://counter.hn.example/1",
    "--tier": "field",
}


# --- cases of the field -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "exit_code", "step", "code"),
    [
        ("01-proof-type-ed25519signature2020", 5, 5, "proof_unsupported"),
        ("03-proof-set-good-eddsa-plus-old-type", 5, 5, "proof_unsupported"),
        ("04-vcdm-1.1-credential", 5, 1, "unsupported"),
        ("06-holder-did-jwk", 0, None, None),
        ("08-status-entry-other-form", 5, 9, "status_unsupported"),
        ("19-bom-presented-file", 0, None, None),
        ("43-proof-type-jsonwebsignature2020", 5, 5, "proof_unsupported"),
    ],
)
def test_case_of_the_field_is_told_at_its_step(name, exit_code, step, code):
    run = check_case(optional.case(name) / "shown.json")
    against = [c for c in run.report["checks"] if c["result"] in ("failed", "undecided")]
    assert run.exit == exit_code
    assert [c for c in against if c["result"] == "failed"] == []
    assert code is None or (step, code) in [(c["step"], c["code"]) for c in against]
    assert (against == []) is (code is None)


def test_truncated_file_of_the_field_is_no_verdict():
    run = check_case(optional.case("20-truncated-presented-file") / "shown.json")
    assert (run.exit, json.loads(run.out)["error"]["code"]) == (2, "file_cut_off")


def check_case(file):
    words = [word for pair in CONTROL.items() for word in pair]
    policy = optional.case("world") / "policy.json"
    return did_verify("check", file, "--policy", policy, "--json", *words)


# --- proofs of a credential -------------------------------------------------------------------


def own(scene, **changes):
    """The issuer's proof, with members changed and not signed again."""
    proof = {**scene.credential["proof"], **changes}
    return {name: value for name, value in proof.items() if value is not None}


def judged(scene, *proofs):
    """The codes, and the finding of step 5, for a credential with these proofs."""
    bare = {name: value for name, value in scene.credential.items() if name != "proof"}
    held = {} if not proofs else {"proof": proofs[0] if len(proofs) == 1 else list(proofs)}
    data = json.dumps({**bare, **held}).encode()
    report = scene.check(data=data, bundle=scene.staple(), request=request(nonce=None))
    (found,) = [check for check in report.checks if check.step == 5]
    return codes(report), found


UNSUPPORTED = {
    "another type": ({"type": "Ed25519Signature2020"}, "proof_type_unknown"),
    "another suite": ({"cryptosuite": "ecdsa-rdfc-2019"}, "cryptosuite_not_accepted"),
    "another base": ({"proofValue": "u" + "A" * 86}, "proof_base_unknown"),
    "a key at https": (
        {"verificationMethod": "https://gz.gd.example/keys#1"},
        "verification_method_unknown",
    ),
    "a key of did:web": (
        {"verificationMethod": "did:web:gz.gd.example#key-1"},
        "did_method_unknown",
    ),
}
UNREADABLE = {
    "no base58": {"proofValue": "z0OIl"},
    "no value": {"proofValue": None},
    "no type": {"type": None},
    "no method": {"verificationMethod": None},
    "a method that is no URL": {"verificationMethod": "key-1"},
    "a time that is none": {"created": "yesterday"},
    "a chain without its beginning": {"previousProof": "urn:uuid:1"},
}
BROKEN = {
    "no time any more": {"created": None},
    "another value": {"proofValue": multibase_encode(bytes(64))},
    "another length": {"proofValue": multibase_encode(bytes(40))},
    "another purpose": {"proofPurpose": "authentication"},
    "an end long past": {"expires": "2020-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_proof_of_a_form_that_is_not_processed_is_named(scene, name):
    change, what = UNSUPPORTED[name]
    for proof in (own(scene, **change), own(scene, **change, id="urn:uuid:2")):
        against, found = judged(scene, proof)
        assert against == ["proof_unsupported"]
        assert found.detail.startswith(f"{what}: ")


def test_key_named_by_a_version_of_its_did_is_unsupported(scene):
    method = scene.agency.method.replace("#", "?versionId=1-QmX#")
    against, found = judged(scene, own(scene, verificationMethod=method))
    assert against == ["proof_unsupported"]
    assert found.detail.startswith("verification_method_unknown: ")


@pytest.mark.parametrize("name", UNREADABLE)
def test_proof_that_cannot_be_read_is_no_sign_of_forgery(scene, name):
    assert judged(scene, own(scene, **UNREADABLE[name]))[0] == ["proof_unreadable"]


def test_credential_without_a_proof_is_incomplete(scene):
    assert judged(scene)[0] == ["proof_unreadable"]


@pytest.mark.parametrize("name", BROKEN)
def test_proof_that_was_judged_and_is_false_refuses(scene, name):
    assert judged(scene, own(scene, **BROKEN[name]))[0] == ["proof_invalid"]


def test_without_the_issuers_key_nothing_is_said_against_a_proof(scene):
    for change in BROKEN.values():
        shown = {**scene.credential, "proof": own(scene, **change)}
        data = json.dumps(shown).encode()
        report = scene.check(data=data, request=request(nonce=None))
        assert "issuer_key_unknown" in codes(report)
        assert report.outcome is Outcome.UNDECIDED


# --- proof sets -------------------------------------------------------------------------------

BESIDE = {
    "proof_unsupported": [change for change, _ in UNSUPPORTED.values()],
    "proof_beside": [*UNREADABLE.values(), *BROKEN.values()],
}


@pytest.mark.parametrize("code", BESIDE)
@pytest.mark.parametrize("stranger", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_beside_the_issuers_good_proof_no_other_one_refuses(scene, code, stranger, first):
    """Anybody may add one, so what does not verify leaves it open and never refuses."""
    for change in BESIDE[code]:
        other = own(scene, **change)
        if stranger and "verificationMethod" not in change:
            other["verificationMethod"] = scene.holder.method
        good = scene.credential["proof"]
        pair = (other, good) if first else (good, other)
        assert judged(scene, *pair)[0] == [code], change


def test_second_good_proof_of_anybody_changes_nothing(scene):
    both = scene.secure(scene.credential, scene.holder)
    assert judged(scene, *both["proof"])[0] == []


@pytest.mark.parametrize("first", [False, True])
def test_false_proof_beside_one_that_is_not_processed_refuses_nothing(scene, first):
    """The unknown one may be good: a set fails only where none of the party's is left."""
    for change, _ in UNSUPPORTED.values():
        if "verificationMethod" in change:
            continue  # then it is nobody's of the issuer
        pair = (own(scene, **BROKEN["another value"]), own(scene, **change))
        assert judged(scene, *(pair if first else pair[::-1]))[0] == ["proof_unsupported"]


def test_set_of_false_proofs_refuses(scene):
    pair = (own(scene, **BROKEN["another value"]), own(scene, **BROKEN["no time any more"]))
    assert judged(scene, *pair)[0] == ["proof_invalid"]


def test_strangers_proof_alone_refuses_for_want_of_the_issuers(scene):
    signed = scene.issue(signer=scene.holder)
    assert judged(scene, signed["proof"])[0] == ["proof_invalid"]


def test_two_proofs_of_one_name_cannot_be_told_apart(scene):
    proof = own(scene, id="urn:uuid:1")
    assert judged(scene, proof, proof)[0] == ["proof_unreadable"]


def test_issuers_proof_that_rests_on_an_unknown_one_verifies_and_the_unknown_is_named(scene):
    """A chain signs the earlier proof as it stands, whether or not we process it."""
    earlier = {"id": "urn:uuid:1", "type": "Ed25519Signature2020", "proofValue": "z1"}
    bare = {name: value for name, value in scene.credential.items() if name != "proof"}
    created = timestamps.from_posix(scene.fed.now)
    options = {
        "verificationMethod": scene.agency.method,
        "proofPurpose": "assertionMethod",
        "created": timestamps.encode(created),
        "previousProof": "urn:uuid:1",
    }
    proof = data_integrity.create(
        {**bare, "proof": [earlier]}, options, scene.agency.key, eddsa_jcs_2022
    )
    against, found = judged(scene, earlier, proof)
    assert against == ["proof_unsupported"]
    assert found.detail.startswith("proof_type_unknown: ")
    assert judged(scene, {**earlier, "proofValue": "z2"}, proof)[0] == ["proof_invalid"]


def test_contexts_of_a_strangers_proof_refuse_nothing(scene):
    """The issuer signed every context; a second proof in its name was cut short by somebody."""
    short = own(scene, **{"@context": scene.credential["@context"][:1]})
    assert judged(scene, scene.credential["proof"], short)[0] == ["proof_beside"]


# --- documents --------------------------------------------------------------------------------

P256 = "did:key:zDnaeUKTWUXc1HDpGfKbEK31nKLN19yX5aunFd7VK1CUMeyJu"
V1 = "https://www.w3.org/2018/credentials/v1"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"@context": [V1]}, "data_model_unknown"),
        ({"@context": "https://www.w3.org/ns/credentials/v3"}, "data_model_unknown"),
        ({"type": "EnvelopedVerifiableCredential"}, "credential_enveloped"),
    ],
)
def test_another_data_model_is_named(scene, change, what):
    report = scene.check(scene.present({**scene.credential, **change}))
    assert codes(report)[0] == "unsupported"
    assert report.checks[0].detail.startswith(f"{what}: ")
    assert report.outcome is Outcome.UNDECIDED


def test_unknown_context_is_named(scene):
    contexts = [*scene.credential["@context"], "https://elsewhere.example/v1"]
    report = scene.check(scene.present(scene.issue(**{"@context": contexts})))
    assert codes(report)[0] == "unsupported"
    assert report.checks[0].detail.startswith("context_unknown: ")


def test_presentation_of_another_data_model_is_named(scene):
    shown = {**scene.present(), "@context": [V1]}
    assert codes(scene.check(shown))[0] == "unsupported"


@pytest.mark.parametrize(
    "issuer", ["did:web:gz.gd.example", "https://gz.gd.example/", "did:x:y"]
)
def test_issuer_of_another_method_is_named(scene, issuer):
    report = scene.check(scene.present(scene.issue(issuer=issuer)))
    (found,) = [check for check in report.checks if check.step == 4]
    assert (found.code, found.detail.partition(":")[0]) == (
        "issuer_unsupported",
        "did_method_unknown",
    )


# --- holders ----------------------------------------------------------------------------------


def jwk_holder(scene, **members):
    """A holder whose did:jwk has further members."""
    did = did_jwk_of(scene.holder.key.public)
    if members:
        key = {**jwk.encode_ed25519(scene.holder.key.public), **members}
        did = "did:jwk:" + b64.encode_url(jcs.encode(key))
    holder = replace(scene.holder, did=did, method=f"{did}#0")
    subject = {**scene.credential["credentialSubject"], "id": did}
    return holder, scene.present(scene.issue(credentialSubject=subject), holder=holder)


def test_holder_with_a_did_jwk_is_verified(scene):
    holder, shown = jwk_holder(scene)
    assert scene.check(shown)
    assert codes(scene.check({**shown, "id": "urn:uuid:1"})) == ["holder_proof_invalid"]
    thief = replace(scene.fed.device("thief"), did=holder.did, method=holder.method)
    stolen = scene.present(*shown["verifiableCredential"], holder=thief)
    assert codes(scene.check(stolen)) == ["holder_proof_invalid"]


def test_did_jwk_that_is_not_for_signing_proves_nobody(scene):
    assert scene.check(jwk_holder(scene, use="sig")[1])
    assert codes(scene.check(jwk_holder(scene, use="enc")[1])) == ["holder_proof_invalid"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "Ed25519Signature2020"}, "holder_proof_unsupported"),
        ({"cryptosuite": "bbs-2023"}, "holder_proof_unsupported"),
        ({"verificationMethod": f"{P256}#x"}, "holder_proof_unsupported"),
        ({"verificationMethod": "did:key:z0#z0"}, "holder_proof_unreadable"),
        ({"proofValue": "z0"}, "holder_proof_unreadable"),
        ({"challenge": "another"}, "holder_proof_invalid"),
        ({"domain": "another"}, "holder_proof_invalid"),
        ({"proofValue": multibase_encode(bytes(64))}, "holder_proof_invalid"),
    ],
)
def test_holders_proof_fails_only_where_it_was_judged(scene, change, code):
    shown = scene.present()
    shown["proof"] = {**shown["proof"], **change}
    assert codes(scene.check(shown)) == [code]


def test_second_proof_beside_the_holders_leaves_it_open(scene):
    shown = scene.present()
    for change, code in (
        ({"type": "Ed25519Signature2020"}, "holder_proof_unsupported"),
        ({"challenge": "another"}, "holder_proof_beside"),
    ):
        pair = [shown["proof"], {**shown["proof"], **change}]
        assert codes(scene.check({**shown, "proof": pair})) == [code]


def test_replayed_answer_is_told_from_a_changed_one(scene):
    """`challenge` speaks only under a signature that verifies."""
    old = scene.present(nonce="of yesterday")
    assert codes(scene.check(old)) == ["nonce_unknown"]
    old["proof"]["challenge"] = NONCE
    assert codes(scene.check(old)) == ["holder_proof_invalid"]


# --- bytes ------------------------------------------------------------------------------------


def test_byte_order_mark_is_passed_over(scene):
    assert scene.check(data=b"\xef\xbb\xbf" + scene.file())
    twice = scene.check(data=b"\xef\xbb\xbf" * 2 + scene.file())
    assert codes(twice)[0] == "malformed"
