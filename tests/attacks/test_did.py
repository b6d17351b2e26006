"""Attacks on DIDs and their histories, by the names of the threat model."""

from datetime import timedelta

import pytest

from did_service.core.did.document import (
    Relationship,
    document_with_keys,
    parse_document,
)
from did_service.core.did.syntax import did_id, parse_webvh
from did_service.core.did.webvh import write
from did_service.core.did.webvh.history import verify_history
from did_service.core.did.webvh.profile import Profile, check_profile
from did_service.core.did.webvh.state import accept
from did_service.core.errors import MalformedError, ProofError, RuleError
from did_service.resolver.histories import Histories, WebvhFiles
from tests.support.dids import NOW, Controller, hash_of, key, multikey_of, resigned, rule_of
from tests.support.federation import founded

LATER = NOW + timedelta(days=1)


def agency():
    return Controller.create(nextKeyHashes=[hash_of("next")])


def test_pre_rotation_dropped():
    """The thief of the committed key gives up pre-rotation, to keep the DID with any key."""
    made = agency()
    check_profile(made.state, Profile.ISSUER)
    made.update("next", nextKeyHashes=[])
    with pytest.raises(RuleError) as refused:
        check_profile(made.state, Profile.ISSUER)
    assert refused.value.code == "pre_rotation_dropped"
    # Nor can it be dropped by saying nothing.
    with pytest.raises(RuleError) as silent:
        write.update(agency().state, key("next"), now=LATER)
    assert silent.value.code == "pre_rotation_incomplete"


@pytest.mark.parametrize("shown", ["update", "next", "assert"])
def test_pre_rotation_reuses_revealed_key(shown):
    """A next key that was already shown commits to nothing: its thief can rotate."""
    made = agency()
    made.update("next", nextKeyHashes=[hash_of(shown)])
    with pytest.raises(RuleError) as refused:
        check_profile(made.state, Profile.ISSUER)
    assert refused.value.code == "next_key_revealed"


@pytest.mark.parametrize("thief", ["update", "thief"])
def test_thief_of_a_current_key_rotates_to_his_own(thief):
    """Only a key whose hash was published before may come next, whoever signs."""
    made = agency()
    wanted = {"updateKeys": [multikey_of(thief)], "nextKeyHashes": [hash_of("thief's next")]}
    with pytest.raises(RuleError) as refused:
        accept(
            made.state,
            write.update(made.state, key(thief), now=LATER, parameters=wanted),
            now=LATER,
        )
    assert refused.value.code == "key_not_committed"


def test_backdated_version_time():
    """An entry that claims to be older than its predecessor does not slip in before it."""
    made = Controller.create()
    made.update()
    made.update(updateKeys=[multikey_of("new")])
    last = made.state.version
    entry = write.update(made.state, key("new"), now=made.tick())
    for time in ("2026-11-21T08:00:30Z", "2020-01-01T00:00:00Z", "2026-11-21T08:02:00Z"):
        backdated = resigned(entry | {"versionTime": time}, "new", last.version_id)
        with pytest.raises(RuleError) as refused:
            accept(made.state, backdated, now=LATER)
        assert refused.value.code == "version_time_not_increasing"
    # A key that has left cannot sign at all, whatever time it writes.
    with pytest.raises(ProofError) as stolen:
        accept(made.state, resigned(entry, "update", last.version_id), now=LATER)
    assert stolen.value.code == "key_not_authorized"


def test_duplicate_method_id():
    """One id with two keys would mean one to us and the other to somebody else."""
    made = Controller.create()
    document = made.state.version.document.raw
    method = dict(document["verificationMethod"][0])
    for identifier in (method["id"], "#key-1"):
        twin = method | {"id": identifier, "publicKeyMultibase": multikey_of("thief")}
        for member in ("verificationMethod", "assertionMethod"):
            doubled = document | {member: [*document[member], twin]}
            with pytest.raises(MalformedError) as refused:
                parse_document(doubled, made.did)
            assert refused.value.code == "method_duplicate"
            with pytest.raises(MalformedError):
                write.update(made.state, key("update"), now=LATER, document=doubled)


def test_did_spelling_variants_one_subject():
    """Another spelling of a DID neither names the subject nor finds its log."""
    made = Controller.create(location="gd.example%3A8443:dids:gz")
    scid = made.state.scid
    variants = [
        made.did.replace("gd.example", "GD.example"),
        made.did.replace("gd.example", "gd.example."),
        made.did.replace("gd.example", "g%64.example"),
        made.did.replace("%3A8443", "%3A08443"),
        made.did.replace("dids", "%64ids"),
        made.did + ":",
        made.did.replace("did:webvh", "did:WEBVH"),
        f"did:webvh:{scid}:gd.example:a:..:b",
    ]
    assert did_id(made.did) == scid
    for variant in variants:
        with pytest.raises(MalformedError):
            did_id(variant)
        with pytest.raises(ProofError):
            verify_history(made.log, witness_file=None, did=variant, now=LATER)
    # What the grammar lets stand is the same subject, and still not the DID of this log.
    for port in ("%3a8443", "%3A443"):
        variant = made.did.replace("%3A8443", port)
        assert did_id(variant) == scid
        with pytest.raises(ProofError):
            verify_history(made.log, witness_file=None, did=variant, now=LATER)
        with pytest.raises(MalformedError) as refused:
            founded().policy.home_of_did(parse_webvh(variant))
        assert refused.value.code == "did_not_canonical"
    # The same subject under another place is still the same subject.
    assert did_id(f"did:webvh:{scid}:hn.example") == scid


def test_foreign_log_without_its_newest_version():
    """A host serves an older, perfectly signed log: the thief's key is listed again."""
    made = Controller.create()
    first = made.log
    made.update(document=document_with_keys(made.did, {"key-2": key("fresh").public}))
    seen = made.state.version.version_id
    rolled_back = verify_history(first, witness_file=None, did=made.did, now=made.now)
    with pytest.raises(ProofError) as caught:
        rolled_back.check_reaches(seen)
    assert caught.value.code == "did_rolled_back"


def test_rewritten_foreign_log_of_the_same_length():
    """The controller signs another second version for some: equal numbers are not enough."""
    made = Controller.create()
    other = Controller(list(made.entries), made.state, made.now)
    made.update(ttl=60)
    other.update(ttl=61)
    history = verify_history(other.log, witness_file=None, did=made.did, now=made.now)
    assert history.latest.version.number == made.state.version.number
    with pytest.raises(ProofError) as caught:
        history.check_reaches(made.state.version.version_id)
    assert caught.value.code == "did_rolled_back"


def test_retired_key_listed_with_a_date():
    """A key that its document calls revoked is signed with, the clock set before that date."""
    made = Controller.create()
    raw = made.state.version.document.raw
    (method,) = raw["verificationMethod"]
    ended = {**raw, "verificationMethod": [{**method, "revoked": "2099-01-01T00:00:00Z"}]}
    document = parse_document(ended, made.did)
    with pytest.raises(ProofError) as caught:
        document.public_key(method["id"], Relationship.ASSERTION_METHOD)
    assert caught.value.code == "key_not_listed"


def test_verdict_that_hung_on_the_clock_is_not_kept():
    """An entry dated ahead, or a clock that was, would decide on a DID long after."""
    made = Controller.create()
    made.now += timedelta(minutes=30)
    made.update()
    files, did = WebvhFiles(made.log, None), made.did
    clock = [NOW]
    histories = Histories(lambda: clock[0])

    def versions_at(minutes: int) -> tuple[int, str | None]:
        clock[0] = NOW + timedelta(minutes=minutes)
        history = histories.of(files, did)
        return len(history.states), history.fault and history.fault.code

    refused = (1, "version_time_in_future")
    assert (versions_at(20), len(histories)) == (refused, 0)
    assert (versions_at(27), len(histories)) == ((2, None), 0)  # within the 5 minutes of drift
    assert (versions_at(60), len(histories)) == ((2, None), 1)
    assert versions_at(20) == refused  # a clock set back is not outwitted by what was kept
    assert versions_at(61) == (2, None)


def test_approval_that_a_later_entry_gives_is_not_missed_for_good():
    """Cut off by the clock, a log lacks the witnesses that a later entry brings."""
    made = Controller.create(witness=rule_of(1, "w").encode())
    made.now += timedelta(minutes=30)
    made.update()
    made.witness("w")
    files, clock = WebvhFiles(made.log, made.witness_file), [NOW]
    histories = Histories(lambda: clock[0])
    with pytest.raises(ProofError):
        histories.of(files, made.did)
    clock[0] = NOW + timedelta(days=30)
    assert histories.of(files, made.did).latest.version.number == 2
