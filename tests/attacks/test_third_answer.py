"""Attacks that want a refusal: whoever carries a file makes a good credential look forged.

None may end in 不通过, and none in 通过 with a proof that was not judged (docs/adr/0020).
"""

import copy
import json

import pytest

from did_service.core.credentials import eddsa_rdfc_2022, proof_set
from did_service.core.credentials.contexts import CREDENTIALS_V2
from did_service.core.credentials.proof_set import ProofOptions
from did_service.core.encoding import jcs, timestamps
from did_service.core.encoding.multiformats import multibase_encode
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.limits import MAX_STATED_VALUES
from did_service.core.verification.report import Outcome
from tests.support.counter import (
    AUDIENCE,
    INDEX,
    NONCE,
    SCHEMA,
    codes,
    request,
    whole_log,
)

pytestmark = pytest.mark.offline
NAMING = ("holder", "proof")


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
    assert carried(scene, valid).outcome is Outcome.DOCUMENT
    assert carried(scene, valid).credentials[0].signer == scene.agency.method
    assert codes(carried(scene, false)) == ["proof_beside"]
    assert codes(carried(scene, unknown)) == ["unsupported"]


def test_digest_in_a_strangers_proof(scene):
    """What a proof says of itself, the issuer did not sign: it binds no resource."""
    scene.publish()
    unsecured = {name: each for name, each in scene.credential.items() if name != "proof"}
    for resource in (SCHEMA, CREDENTIALS_V2):
        options = {
            "verificationMethod": scene.holder.method,
            "proofPurpose": "assertionMethod",
            "id": resource,
            "digestSRI": "sha256-" + "A" * 43 + "=",
        }
        valid = data_integrity.create(unsecured, options, scene.holder.key, eddsa_jcs_2022)
        assert carried(scene, valid).outcome is Outcome.DOCUMENT
        named = {**scene.credential["proof"], **options}
        assert codes(carried(scene, named)) == ["proof_beside"]


def test_late_proof_added_in_the_issuers_name(scene):
    """Its date is nobody's word: the grant ended after the credential, and before that date."""
    scene.log_issuance()
    scene.publish()
    scene.fed.tick(3_600)
    scene.fed.end(scene.grant, scene.fed.root("gd"))
    late = timestamps.encode(timestamps.from_posix(scene.fed.now + 30))
    scene.fed.tick(60)
    scene.publish()
    bundle, good = whole_log(scene), scene.credential["proof"]
    assert scene.check(bundle=bundle).outcome is Outcome.ACCEPTED
    for change in ({}, {"proofPurpose": "authentication"}):
        added = {**good, **change, "created": late}
        shown = scene.present({**scene.credential, "proof": [good, added]})
        report = scene.check(shown, bundle=bundle)
        assert codes(report) == ["proof_beside", "issuance_time_not_proven"]
    unknown = {
        **scene.credential,
        "proof": [{**good, "type": "Other"}, {**good, "created": late}],
    }
    assert scene.check(scene.present(unknown), bundle=bundle).outcome is Outcome.UNDECIDED
    dated = scene.issue(at=scene.fed.now - 10)
    assert "issued_after_end" in codes(scene.check(scene.present(dated), bundle=bundle))


def test_proof_added_where_no_holder_is_named(scene):
    """Nobody can tell whose presentation it is, and it may be the subject's."""
    scene.publish()
    shown = {name: each for name, each in scene.present().items() if name not in NAMING}
    created = timestamps.from_posix(scene.fed.now)
    for by in (scene.holder, scene.fed.device("li")):
        options = ProofOptions(
            by.method, "authentication", created, challenge=NONCE, domain=AUDIENCE
        )
        shown = proof_set.sign(shown, by.key, options, eddsa_jcs_2022)
        expected = [] if by is scene.holder else ["unsupported"]
        assert codes(scene.check(shown)) == expected
    own, added = shown["proof"]
    false = {**added, "created": "2020-01-01T00:00:00Z"}
    assert codes(scene.check({**shown, "proof": [own, false]})) == ["unsupported"]
    both = {**shown, "proof": [{**own, "created": false["created"]}, false]}
    assert codes(scene.check(both)) == ["holder_proof_invalid"]


def test_proof_that_rests_on_another_a_thousand_times(scene, monkeypatch):
    """What it signs is never put together: a quarter of a megabyte would become gigabytes."""
    scene.publish()
    lengths, encode = [], jcs.encode

    def measured(value):
        data = encode(value)
        lengths.append(len(data))
        return data

    monkeypatch.setattr(jcs, "encode", measured)
    good = scene.credential["proof"]
    long = {**good, "id": "u:x", "padding": "y" * 50_000}
    report = carried(scene, long, {**good, "previousProof": ["u:x"] * 1_000})
    assert report.outcome is Outcome.UNDECIDED
    assert max(lengths) < 200_000


def test_json_work_that_nobody_signed_is_bounded(scene, monkeypatch):
    """Eight proofs over many fractions, each of which is written anew for each proof."""
    scene.publish()
    written, number = [], jcs.number

    def counted(value):
        written.append(value)
        return number(value)

    monkeypatch.setattr(jcs, "number", counted)
    claims = {"id": scene.holder.did, "n": [1.5] * 4_000}
    shown = {
        **scene.unsigned(credentialSubject=claims),
        "proof": [scene.credential["proof"]] * 8,
    }
    report = scene.check({**scene.present(), "verifiableCredential": [shown] * 16})
    assert codes(report)[0] == "unsupported"
    assert len(written) <= 40 * MAX_STATED_VALUES


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
