"""Attacks that want a refusal: whoever carries a file makes a good credential look forged.

None may end in 不通过, and none in 通过 with a proof that was not judged (docs/adr/0020).
"""

import copy
import json

import pytest

from did_service.core.credentials import eddsa_rdfc_2022
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.multiformats import multibase_encode
from did_service.core.verification.report import Outcome
from tests.support.counter import INDEX, codes, request

pytestmark = pytest.mark.offline


def carried(scene, *proofs, **changes):
    """The report on a bare credential to which somebody added proofs."""
    held = [scene.credential["proof"], *proofs]
    shown = {**scene.credential, "proof": held, **changes}
    data = json.dumps(shown).encode()
    return scene.check(data=data, bundle=scene.staple(), request=request(nonce=None))


def test_proof_added_in_the_issuers_name(scene):
    """The credential is as the issuer signed it; a second proof in its name is made up."""
    scene.publish()
    good = scene.credential["proof"]
    for change in (
        {"proofValue": multibase_encode(bytes(64))},
        {"expires": "2020-01-01T00:00:00Z"},
        {"proofPurpose": "authentication"},
        {"@context": good["@context"][:1]},
        {"type": "Ed25519Signature2020"},
        {"proofValue": "z0"},
        {"previousProof": "urn:uuid:9"},
        {"cryptosuite": eddsa_rdfc_2022.NAME},
    ):
        for proofs in ([{**good, **change}], [{**good, **change}] * 6):
            assert carried(scene, *proofs).outcome is Outcome.UNDECIDED, change


def test_proof_added_by_a_stranger(scene):
    """Valid or not, it lends nothing and takes nothing; only a judged one stays in a pass."""
    scene.publish()
    valid = scene.secure(scene.credential, scene.holder)["proof"][1]
    false = {**valid, "created": "2020-01-01T00:00:00Z"}
    unknown = {**valid, "cryptosuite": "ecdsa-rdfc-2019"}
    assert carried(scene, valid).outcome is Outcome.ACCEPTED
    assert carried(scene, valid).credentials[0].signer == scene.agency.method
    assert codes(carried(scene, false)) == ["proof_beside"]
    assert codes(carried(scene, unknown)) == ["unsupported"]


def test_context_added_under_a_strangers_proof(scene):
    """The stranger signs what it added; whether the issuer did is asked of the issuer's own."""
    scene.publish()
    shown = copy.deepcopy(scene.credential)
    shown["@context"] = [*shown["@context"], {"extra": "urn:x:extra"}]
    report = scene.check(scene.present(scene.secure(shown, scene.holder)))
    assert codes(report) == ["proof_invalid"]


def test_altered_claim_under_an_unknown_proof(scene):
    """A stranger's unknown proof beside a broken one of the issuer does not save it."""
    scene.publish()
    good = scene.credential["proof"]
    stranger = {**good, "type": "Other", "verificationMethod": scene.holder.method}
    subject = {**scene.credential["credentialSubject"], "familyName": "李"}
    report = carried(scene, stranger, credentialSubject=subject)
    assert codes(report) == ["proof_invalid"]
    unknown = {**good, "type": "Other"}
    report = carried(scene, unknown, credentialSubject=subject)
    assert codes(report) == ["unsupported"]  # it could be good, so nobody is accepted by it


def test_revoked_credential_under_an_unknown_proof(scene):
    """A form that we do not process hides no authentic negative."""
    scene.fed.status_list(scene.agency, revoked=[INDEX])
    scene.publish()
    report = carried(scene, {**scene.credential["proof"], "type": "Other"})
    assert report.outcome is Outcome.REFUSED
    assert {"revoked", "unsupported"} <= set(codes(report))


def test_expiry_written_into_a_proof_on_the_way(scene):
    """Without the issuer's key nothing is known of its proof, whatever that says of itself."""
    scene.publish()
    past = timestamps.encode(timestamps.from_posix(scene.fed.now - 9))
    shown = {**scene.credential, "proof": {**scene.credential["proof"], "expires": past}}
    report = scene.check(data=jcs.encode(shown), request=request(nonce=None))
    assert report.outcome is Outcome.UNDECIDED
    report = scene.check(
        data=jcs.encode(shown), bundle=scene.staple(), request=request(nonce=None)
    )
    assert codes(report) == ["proof_invalid"]


def _huge_number(text):
    return text.replace(b'"format"', b'"x":9007199254740993,"format"', 1)


def _twice(text):
    return text.replace(b'"format"', b'"format":"didsvc-evidence/1","format"', 1)


def _lone_surrogate(text):
    return text.replace(b'"format"', b'"x":"\\ud800","format"', 1)


def _deep(text):
    return text.replace(b'"format"', b'"x":' + b"[" * 40 + b"]" * 40 + b',"format"', 1)


def _large(text):
    return text.replace(b'"format"', b'"x":"' + b"x" * 9_000_000 + b'","format"', 1)


@pytest.mark.parametrize("spoil", [_huge_number, _twice, _lone_surrogate, _deep, _large])
def test_staple_that_shuts_the_door_of_json(scene, spoil):
    """A good bundle is at hand; what somebody put into the staple is no fault of the holder."""
    scene.publish()
    file = spoil(scene.file())
    report = scene.check(data=file, bundle=scene.staple())
    assert codes(report)[0] in ("malformed", "too_large", "unsupported")
    assert report.outcome is Outcome.UNDECIDED
