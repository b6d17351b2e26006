"""Flip each byte: in what the holder shows it never accepts, in evidence it never refuses."""

import json

import pytest

from did_service.core.encoding import jcs
from did_service.core.errors import DidServiceError
from did_service.core.evidence.sets import parse_evidence
from did_service.core.verification.report import Outcome
from tests.support.counter import request, without

pytestmark = pytest.mark.offline
UNREAD = {"malformed", "unsupported", "proof_unreadable"}
EVIDENCE_STRIDE = 13  # every thirteenth byte, at five offsets: all kinds of members are met


def flipped(data: bytes, position: int) -> bytes:
    """The lowest bit of one byte the other way, which keeps most text printable."""
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def test_each_flipped_byte_that_is_still_read_refuses_and_no_other_does(scene):
    """What was read and does not verify was changed; what cannot be read says nothing."""
    shown = jcs.encode(scene.present())
    good = scene.check(data=shown, bundle=scene.staple())
    assert good
    refused = set()
    for position in range(len(shown)):
        # evidence has no say in this: the holder's own signature covers the credential
        report = scene.check(data=flipped(shown, position), policy=None)
        env = shown[position - 20 : position + 20]
        unread = UNREAD & {check.code for check in report.checks if check.step in (1, 10)}
        assert report.outcome is (Outcome.UNDECIDED if unread else Outcome.REFUSED), env
        refused |= set() if unread else {position}
    claim = shown.index(b'"440100"') + 1
    assert set(range(claim, claim + 6)) <= refused
    assert len(refused) > len(shown) / 2


def test_no_byte_of_a_bare_credential_can_be_flipped_to_acceptance(scene):
    shown = jcs.encode(scene.credential)
    bundle = scene.staple()
    asked = request(nonce=None)
    assert scene.check(data=shown, bundle=bundle, request=asked).outcome is Outcome.DOCUMENT
    for position in range(0, len(shown), 3):
        report = scene.check(data=flipped(shown, position), bundle=bundle, request=asked)
        assert report.outcome in (Outcome.REFUSED, Outcome.UNDECIDED)


@pytest.mark.parametrize("offset", range(5))
def test_no_flipped_byte_of_evidence_accepts_or_refuses(scene, offset):
    evidence = jcs.encode(least_evidence(scene))
    shown = scene.file(staple=None)
    assert scene.check(data=shown, bundle=json.loads(evidence))
    for position in range(offset, len(evidence), EVIDENCE_STRIDE * 5):
        try:
            bundle = parse_evidence(flipped(evidence, position))
        except DidServiceError:
            continue  # not an evidence set: there is none
        report = scene.check(data=shown, evidence=[("bundle", bundle)])
        assert report.outcome is Outcome.UNDECIDED, evidence[position - 20 : position + 20]


def test_flipped_staple_inside_the_file_does_not_refuse(scene):
    staple = scene.staple()
    for name in ("checkpoints", "items"):
        broken = {**staple, name: []}
        assert scene.check(staple=broken).outcome is Outcome.UNDECIDED


def least_evidence(scene) -> dict:
    """Only what the decision needs, with exactly the cosignatures that make a quorum."""
    voters = {"gd": ["hn", "zj", "sc"], "cn": ["hn", "zj", "sc"]}
    for region, names in voters.items():
        times = dict.fromkeys(names, scene.fed.now)
        scene.fed.cosign(f"{region}.example/reg", times)
    root = scene.fed.root("gd").id
    staple = scene.staple()
    items = [item for item in staple["items"] if item["entry"]["s"] != root]
    kept = {n: staple[n] for n in ("format", "checkpoints", "contents")}
    assert without(staple, "did")
    return {**kept, "items": items}
