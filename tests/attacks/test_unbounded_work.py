"""Attacks by work: what a few bytes may cost the counter.

Each was tried for real against the verdict and runs again with no network (docs/threat-model.md
§3: false acceptance, a refusal that a third party could cause, or work without bound).
"""

import copy
import gzip
import json
import random
from collections import Counter

import pytest

from did_service.core.credentials import jsonld
from did_service.core.credentials.contexts import load
from did_service.core.crypto import ed25519
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, jcs, timestamps
from did_service.core.evidence import heads_files, latest
from did_service.core.evidence.proven_set import Evidence
from did_service.core.limits import MAX_CREDENTIAL_BYTES, MAX_DISCLOSED_CHARACTERS
from did_service.core.log.checkpoint import checkpoint_in
from did_service.core.verification.report import Outcome
from did_service.verifier import chain_keys, importing, portions
from did_service.verifier.chain_keys import keys_of
from did_service.verifier.portions import open_bundle
from tests.support.counter import (
    codes,
    items_of,
    whole_log,
)
from tests.support.desk import Desk
from tests.support.evidence import evidence_item
from tests.support.refusals import refused

pytestmark = pytest.mark.offline
NOISE = random.Random(7).randbytes(84_000)


def test_the_same_evidence_again_and_again(scene):
    """Each piece is proven once; work that grows with the square would stop a counter."""
    scene.log_issuance()
    scene.publish()
    staple = scene.staple()
    many = {**staple, **{part: staple[part] * 300 for part in ("items", "batches")}}
    many["checkpoints"] = staple["checkpoints"] * 300
    report = scene.check(staple=many)
    assert report.outcome is Outcome.ACCEPTED
    evidence = report.evidence
    assert len(evidence.entries) == len(scene.check(staple=staple).evidence.entries)
    assert [len(proofs) for proofs in evidence.issued.values()] == [1]
    assert len(evidence.checkpoints) == len(staple["checkpoints"])


def test_circle_of_many_grants(scene, monkeypatch):
    """Two agencies grant each other in many scopes: ways up multiply at each of four hops."""
    fed, root = scene.fed, scene.fed.root("gd")
    one, two = fed.agency("fs.gd.example"), fed.agency("sz.gd.example")
    wide = {"roles": ["granter", "issuer"], "status_lists": []}
    fed.grant(root, one, **wide)
    fed.grant(root, two, scope="own", **wide)
    scopes = [f"s{number}" for number in range(6)]
    for lower, upper in ((one, two), (two, one)):
        scene.grants += [fed.grant(upper, lower, scope=each, **wide) for each in scopes]
    scene.grants += [fed.grant(one, scene.agency, scope=each) for each in scopes]
    fed.tick()
    scene.credential = scene.issue()
    scene.publish()
    asked = []
    about = Evidence.statements_about
    monkeypatch.setattr(
        Evidence, "statements_about", lambda *given: asked.append(given[1]) or about(*given)
    )
    assert scene.check().outcome is Outcome.ACCEPTED
    assert len(asked) < 16


@pytest.mark.parametrize("member", ["credentialStatus", "credentialSchema"])
def test_a_thousand_entries_to_be_checked(scene, member):
    """Nobody needs to have signed it: each entry of a forged credential costs a check."""
    scene.publish()
    shown = copy.deepcopy(scene.credential)
    shown[member] = [shown[member]] * 1_000
    assert "too_large" in codes(scene.check(scene.present(shown)))


@pytest.mark.parametrize("content", [bytes(84_000), NOISE], ids=["zeros", "noise"])
def test_heads_file_that_unpacks_to_gigabytes(scene, content):
    """A heads entry says how many subjects there are: no more is ever unpacked."""
    scene.publish()
    bundle = whole_log(scene)
    (root,) = bundle["heads_files"]
    bundle["heads_files"] = {root: b64.encode_url(gzip.compress(content, mtime=0))}
    dropped = scene.check(bundle=bundle).evidence.dropped
    assert [(each.what, each.code) for each in dropped] == [("heads file", "too_large")]


def test_heads_files_of_a_large_region_packed_into_nothing(scene, monkeypatch):
    """Each hour has a root of its own, and a true heads entry that counts a million records.

    A hundred kilobytes for each were unpacked to 84 megabytes; hashes do not pack so well.
    """
    log, origin = scene.fed.logs["gd.example/reg"], "gd.example/reg"
    for hour in range(5):
        body = {
            "size": log.size(),
            "count": 1_000_000,
            "root": b64.encode_url(sha256(b"%d" % hour)),
        }
        body["at"] = scene.fed.now
        log.force(scene.fed.compose(origin, "heads", origin, body).sequenced(scene.fed.now))
    scene.publish()
    size = checkpoint_in(scene.fed.notes[origin]).size
    heads = [each for each in log.entries[:size] if each.entry.body.get("count") == 1_000_000]
    file = gzip.compress(bytes(840_000), mtime=0)
    staple, unpacked = scene.staple(), []
    plain = heads_files.gunzip

    def noted(data, most):
        unpacked.append(most)
        return plain(data, most)

    monkeypatch.setattr(heads_files, "gunzip", noted)
    staple["items"] += [evidence_item(log, each, size) for each in heads]
    staple["heads_files"] = {each.entry.body["root"]: b64.encode_url(file) for each in heads}
    report = scene.check(staple=staple)
    assert report.outcome is Outcome.ACCEPTED
    assert unpacked == [2 * len(file)] * len(heads)
    assert {(each.what, each.code) for each in report.evidence.dropped} == {
        ("heads file", "too_large")
    }


def test_heads_file_that_is_none_is_unpacked_once_in_an_import(tmp_path, scene, monkeypatch):
    """All portions share it: what a few kilobytes unpack to was unpacked in each anew."""
    desk = Desk(tmp_path, scene)
    desk.pin()
    for name in "abcd":
        scene.fed.tick(60)
        scene.fed.agency(f"{name}.gd.example")
        scene.publish()
    log, origin = scene.fed.logs["gd.example/reg"], "gd.example/reg"
    size = checkpoint_in(scene.fed.notes[origin]).size
    about = ("heads", origin)
    heads = [p for p in log.entries[:size] if (p.entry.type, p.entry.subject) == about][-4:]
    true = log.snapshot(heads[-1].entry.body["size"])
    none = [true.data[84:] + true.data[:84], true.data[84:], b""]
    packed = [gzip.compress(each, mtime=0) for each in (*none, true.data)]
    bundle, unpacked, plain = whole_log(scene), Counter(), heads_files.gunzip
    bundle["items"] += [evidence_item(log, each, size) for each in heads[:-1]]
    bundle["heads_files"] = {
        each.entry.body["root"]: b64.encode_url(file)
        for each, file in zip(heads, packed, strict=True)
    }

    def counted(data, most):
        unpacked[data] += 1
        return plain(data, most)

    monkeypatch.setattr(heads_files, "gunzip", counted)
    monkeypatch.setattr(portions, "MAX_PORTION_PIECES", 1)
    now = timestamps.from_posix(scene.fed.now + 1)
    with open_bundle(desk.save_bundle(bundle).read_bytes(), desk.path) as opened:
        assert not opened.is_whole
        taken = importing.import_bundle(desk.trust, opened, now, "boot")
    assert taken.counts.dropped == len(none)
    assert unpacked == dict.fromkeys(packed, 1)


def test_names_of_claims_nested_without_end(scene):
    """A page of JSON can hold gigabytes of pointers, and nobody needs to have signed it."""
    name, claims = "n" * 4_000, {f"k{number}": 0 for number in range(2_000)}
    for depth in range(20):
        claims = {f"{name}{depth}": claims}
    shown = {**scene.credential, "credentialSubject": {**claims, "id": "urn:x:y"}}
    report = scene.check(data=json.dumps(shown).encode())
    (summary,) = report.credentials
    assert sum(map(len, summary.disclosed)) <= MAX_DISCLOSED_CHARACTERS


def test_credential_larger_than_any(scene):
    subject = {**scene.credential["credentialSubject"], "portrait": "x" * MAX_CREDENTIAL_BYTES}
    shown = {**scene.credential, "credentialSubject": subject}
    assert codes(scene.check(data=json.dumps(shown).encode()))[0] == "too_large"


def test_cosignatures_repeated_and_shuffled(scene, monkeypatch):
    """Each line is verified once, and each set of lines: not once for every way to write it."""
    scene.publish()
    staple = scene.staple()
    text, lines = staple["checkpoints"][1].split("\n\n")
    many = lines.splitlines() * 12
    notes = ["\n".join([text, "", *many[turn:], *many[:turn], ""]) for turn in range(60)]
    verified = []
    plain = ed25519.verify
    monkeypatch.setattr(ed25519, "verify", lambda *given: verified.append(1) or plain(*given))
    scene.check(staple=staple)
    usual, honest = len(verified), len(lines.splitlines())
    report = scene.check(staple={**staple, "checkpoints": [*notes, *staple["checkpoints"]]})
    assert report.outcome is Outcome.ACCEPTED
    assert len(verified) - 2 * usual <= honest


def test_claims_made_up_about_one_entry(scene, monkeypatch):
    """Each claim that an entry is the latest costs an audit path for every heads entry."""
    scene.publish()
    staple = scene.staple()
    (own,) = items_of(staple, "did")[:1]
    made_up = [copy.deepcopy(own) for _ in range(40)]
    for number, item in enumerate(made_up):
        item["head"]["path"][0] = b64.encode_url(number.to_bytes(32))
    tried = []
    plain = latest.check_record
    monkeypatch.setattr(latest, "check_record", lambda *given: tried.append(1) or plain(*given))
    items = [*staple["items"], *made_up]
    assert scene.check(staple={**staple, "items": items}).outcome is Outcome.ACCEPTED
    assert len(tried) < 20


def test_one_context_named_a_thousand_times(scene):
    """It is known and read again at each mention, for a signature that nobody made."""
    scene.publish()
    contexts = [*scene.credential["@context"], *["urn:didsvc:context:1"] * 1_000]
    for suite in ("eddsa-jcs-2022", "eddsa-rdfc-2022"):
        proof = {**scene.credential["proof"], "cryptosuite": suite}
        shown = {**scene.credential, "@context": contexts, "proof": proof}
        document = {name: value for name, value in shown.items() if name != "proof"}
        with refused("too_large"):
            jsonld.expand(document, load)
        report = scene.check(data=json.dumps(shown).encode())
        assert report.outcome is not Outcome.ACCEPTED


@pytest.mark.parametrize("place", ["claims", "beside the claims", "unreadable"])
def test_an_issuer_at_every_depth_is_no_credential_at_every_depth(scene, monkeypatch, place):
    """A counter that reads by key hashed each of them: 18 seconds for three megabytes."""
    nested = {"text": ["x" * 1_000] * 50}
    for _ in range(20):
        nested = {"issuer": "x", "below": nested}
    shown = {**scene.credential, "credentialSubject": {**nested, "id": "urn:x:y"}}
    if place == "beside the claims":
        shown = {**scene.credential, "evidence": {"type": "urn:x:y", **nested}}
    if place == "unreadable":
        shown = {"type": ["VerifiablePresentation"], "verifiableCredential": [nested]}
    data, written, encode = json.dumps(shown).encode(), [], jcs.encode

    def counted(value):
        text = encode(value)
        written.append(len(text))
        return text

    monkeypatch.setattr(jcs, "encode", counted)
    keys = {*keys_of(data)}
    assert sum(written) <= 2 * len(data)
    record = b64.encode_url(sha256(encode(shown)))
    assert (record in keys) is (place != "unreadable")


def test_keys_of_a_text_said_often_are_looked_for_once(monkeypatch):
    asked, plain = [], chain_keys.did_id
    monkeypatch.setattr(chain_keys, "did_id", lambda did: asked.append(did) or plain(did))
    dids = [f"did:webvh:Q{number:045d}:a.example" for number in range(400)]
    assert {*dids} <= {*keys_of(json.dumps({"many": dids * 50}).encode())}
    assert len(asked) == len(dids)
