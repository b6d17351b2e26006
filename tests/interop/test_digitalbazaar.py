"""Credentials and presentations that @digitalbazaar/vc and we make for each other.

The peer is JavaScript of other authors: its own JSON-LD processor, canonicalizer, cryptosuites
and did:key. It runs from node_modules, contexts are handed to it, and nothing is fetched.
"""

import json
import subprocess
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from did_service.core.credentials import contexts, proof_set
from did_service.core.credentials.model import parse_credential, parse_presentation
from did_service.core.credentials.proof_set import SUITES, ProofDemand, ProofOptions
from did_service.core.crypto.ed25519 import SigningKey
from did_service.core.did.key import did_key_method, did_key_of, public_of_method_id
from did_service.core.encoding import strict_json
from did_service.core.errors import DidServiceError
from tests.support.optional import CHECKOUT, INTEROP, node

pytestmark = pytest.mark.clock

NODE = node()
NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
ISSUER, HOLDER = SigningKey(b"\x07" * 32), SigningKey(b"\x08" * 32)
EXAMPLES = CHECKOUT / "schemas" / "examples" / "valid"
TYPES = (
    "residence-permit",
    "business-licence",
    "education",
    "social-insurance",
    "disability-card",
)
ASKED = {"challenge": "n-0S6_WzA2Mj", "domain": "counter.hn.example"}


def ask(*tasks):
    """Hand tasks to the peer, one process for all of them."""
    known = [*contexts._BUNDLED, *contexts._OURS]
    request = {"contexts": {url: contexts.load(url) for url in known}, "tasks": tasks}
    done = subprocess.run(
        [NODE, INTEROP / "digitalbazaar.mjs"],
        input=json.dumps(request).encode(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return strict_json.loads(done.stdout, numbers=strict_json.Numbers.FINITE)


def unsigned(name):
    example = strict_json.load_object((EXAMPLES / f"{name}.json").read_bytes())
    credential = {k: v for k, v in example.items() if k not in {"proof", "credentialSchema"}}
    return {**credential, "issuer": did_key_of(ISSUER.public)}


def ours(suite, name):
    options = ProofOptions(did_key_method(ISSUER.public), "assertionMethod", NOW)
    return proof_set.sign(unsigned(name), ISSUER, options, SUITES[suite])


def presentation(*credentials):
    return {
        "@context": [contexts.CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": did_key_of(HOLDER.public),
        "verifiableCredential": list(credentials),
    }


def our_presentation(suite):
    options = ProofOptions(did_key_method(HOLDER.public), "authentication", NOW, **ASKED)
    return proof_set.sign(presentation(ours(suite, TYPES[0])), HOLDER, options, SUITES[suite])


def resolve(method, purpose):
    return public_of_method_id(method)


def verify(document, purpose="assertionMethod", **asked):
    asked = {"challenge": None, "domain": None, **asked}
    demand = ProofDemand(purpose, frozenset(SUITES), NOW, **asked)
    return proof_set.verify_proofs(document, resolve, demand)


@cache
def theirs(suite):
    """Credentials of every type, and a presentation, made by the peer."""
    seed = ISSUER.seed.hex()
    tasks = [
        {"do": "issue", "suite": suite, "seed": seed, "document": unsigned(name)}
        for name in TYPES
    ]
    answers = ask(*tasks)
    assert [answer.get("error") for answer in answers] == [None] * len(TYPES)
    issued = [answer["document"] for answer in answers]
    (presented,) = ask(
        {
            "do": "present",
            "suite": suite,
            "seed": HOLDER.seed.hex(),
            "document": presentation(issued[0]),
            **ASKED,
        }
    )
    assert presented["ok"], presented
    return issued, presented["document"]


@pytest.mark.parametrize("suite", SUITES)
def test_the_peer_accepts_what_we_sign(suite):
    answers = ask(
        *({"do": "verify", "suite": suite, "document": ours(suite, name)} for name in TYPES)
    )
    assert [answer.get("error") for answer in answers] == [None] * len(TYPES)


@pytest.mark.parametrize("suite", SUITES)
def test_the_peer_refuses_what_was_changed_after_we_signed(suite):
    changed = ours(suite, TYPES[0])
    changed["credentialSubject"]["familyName"] = "李"
    added = {**ours(suite, TYPES[0]), "name": "added"}
    answers = ask(
        *({"do": "verify", "suite": suite, "document": each} for each in (changed, added))
    )
    assert [answer["ok"] for answer in answers] == [False, False]


@pytest.mark.parametrize("suite", SUITES)
def test_the_peer_accepts_our_presentation_for_its_challenge_alone(suite):
    task = {"do": "verifyPresentation", "suite": suite, "document": our_presentation(suite)}
    right, wrong = ask({**task, **ASKED}, {**task, **ASKED, "challenge": "another"})
    assert right == {"ok": True}
    assert not wrong["ok"]


@pytest.mark.parametrize("suite", SUITES)
def test_we_accept_what_the_peer_signs(suite):
    for document in theirs(suite)[0]:
        signer = proof_set.signer_of(parse_credential(document), verify(document))
        assert signer.did == did_key_of(ISSUER.public)
        assert signer.cryptosuite == suite


@pytest.mark.parametrize("suite", SUITES)
def test_we_refuse_what_was_changed_after_the_peer_signed(suite):
    document = theirs(suite)[0][0]
    changed = {**document, "validUntil": "2099-01-01T00:00:00Z"}
    with pytest.raises(DidServiceError) as refused:
        verify(changed)
    assert refused.value.code == "signature_invalid"


@pytest.mark.parametrize("suite", SUITES)
def test_we_accept_the_peers_presentation(suite):
    document = theirs(suite)[1]
    proofs = verify(document, "authentication", **ASKED)
    holder = proof_set.signer_of(parse_presentation(document), proofs)
    assert holder.did == did_key_of(HOLDER.public)


@pytest.mark.parametrize("suite", SUITES)
def test_both_write_the_same_signature_over_the_same_claims(suite):
    """Ed25519 is deterministic, so equal proof values mean equal canonical bytes."""
    for name, document in zip(TYPES, theirs(suite)[0], strict=True):
        again = {k: v for k, v in document.items() if k != "proof"}
        options = ProofOptions(did_key_method(ISSUER.public), "assertionMethod", NOW)
        mine = proof_set.sign(again, ISSUER, options, SUITES[suite])
        assert mine["proof"]["proofValue"] == document["proof"]["proofValue"], name


# --- proof sets: the peer knows sets, not chains -----------------------------------------


def test_the_peer_accepts_our_proof_set_and_we_accept_its_part_in_one():
    first, second = SUITES
    options = ProofOptions(did_key_method(ISSUER.public), "assertionMethod", NOW)
    mine = proof_set.sign(ours(first, TYPES[2]), ISSUER, options, SUITES[second])
    task = {"suite": second, "document": ours(first, TYPES[2]), "seed": ISSUER.seed.hex()}
    accepted, refused, shared = ask(
        {"do": "verify", "suite": list(SUITES), "document": mine},
        {"do": "verify", "suite": list(SUITES), "document": {**mine, "name": "added"}},
        {"do": "issue", **task},
    )
    assert (accepted, refused["ok"]) == ({"ok": True}, False)
    assert [proof.cryptosuite for proof in verify(mine)] == [first, second]
    assert [proof.cryptosuite for proof in verify(shared["document"])] == [first, second]


# --- generated claims ------------------------------------------------------------------------

TAGGED = st.fixed_dictionaries(
    {
        "@value": st.text(max_size=8),
        "@language": st.sampled_from(["zh", "zh-Hans-CN", "EN", "en"]),
    },
    optional={
        "@direction": st.sampled_from(["ltr", "rtl"]),
    },
)
LITERALS = st.text(max_size=12) | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans() | TAGGED
CLAIMS = (
    "address",
    "birthDate",
    "category",
    "familyName",
    "grade",
    "issuedOn",
    "region",
    "major",
)
NESTED = st.recursive(
    LITERALS,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3, unique_by=json.dumps)
        | st.dictionaries(st.sampled_from(CLAIMS), inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def credentials(draw):
    """A credential of one of the types, with some claims that nobody would make."""
    credential = unsigned(draw(st.sampled_from(TYPES)))
    odd = draw(st.dictionaries(st.sampled_from(CLAIMS), NESTED, min_size=1, max_size=4))
    subject = {**credential["credentialSubject"], **odd}
    others = draw(st.lists(st.just({"id": "urn:uuid:1", "grade": 1}), max_size=1))
    subjects = [subject, *others] if others else subject
    return {**credential, "credentialSubject": subjects}


def signed_or_refused(suite, credential):
    options = ProofOptions(did_key_method(ISSUER.public), "assertionMethod", NOW)
    try:
        return proof_set.sign(credential, ISSUER, options, SUITES[suite])
    except DidServiceError:
        return None


# Two dozen credentials at once may be long to print; that is done for a failure alone.
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("suite", SUITES)
@settings(max_examples=4, phases=[Phase.explicit, Phase.generate], deadline=None)
@given(drawn=st.lists(credentials(), min_size=24, max_size=24))
def test_whatever_we_sign_the_peer_signs_the_same(suite, drawn):
    seed = ISSUER.seed.hex()
    plain = [unsigned(kind) for kind in TYPES]  # these we sign, whatever else is drawn
    pairs = [(each, signed_or_refused(suite, each)) for each in (*plain, *drawn)]
    documents = [(each, mine) for each, mine in pairs if mine is not None]
    assert len(documents) >= len(plain)
    answers = ask(
        *(
            task
            for each, mine in documents
            for task in (
                {"do": "verify", "suite": suite, "document": mine},
                {"do": "issue", "suite": suite, "seed": seed, "document": each},
            )
        )
    )
    for (each, mine), told, theirs in zip(documents, answers[::2], answers[1::2], strict=True):
        assert told == {"ok": True}, (told, each)
        assert theirs["document"]["proof"] == mine["proof"], each
