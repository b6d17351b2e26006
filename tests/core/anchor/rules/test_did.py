"""Rules of `did` entries."""

import pytest

from did_service.core.anchor.rules.did import profile_of, state_of
from did_service.core.did.document import document_with_keys
from did_service.core.did.webvh import write
from did_service.core.did.webvh.profile import Profile
from did_service.core.encoding import timestamps
from did_service.core.errors import LimitError, MalformedError, ProofError, RuleError
from tests.support.dids import hash_of, key
from tests.support.refusals import refused

REG = "gd.example/reg"


def created(fed, location, **parameters):
    """A DID's first entry, not yet in any log."""
    now = timestamps.from_posix(fed.now)
    template = document_with_keys(f"did:webvh:{{SCID}}:{location}", {"key-1": key("a").public})
    return write.create(
        template, {"nextKeyHashes": [hash_of("next")], **parameters}, key("update"), now=now
    )


def submit(fed, did, entry, origin=REG, subject=None, **members):
    body = {"did": did, "entry": entry, **members}
    return fed.submit(origin, fed.compose(origin, "did", subject or did.split(":")[2], body))


def test_the_log_holds_every_version(fed):
    agency = fed.agency("gz.gd.example")
    for _ in range(3):
        fed.tick()
        fed.rotate(agency)
    state = state_of(agency.id, fed.logs[REG])
    assert (state.version.number, state.did) == (4, agency.did)
    assert state_of("QmNobody", fed.logs[REG]) is None


def test_a_root_rotates_with_the_other_regions_approval(fed):
    fed.tick()
    fed.rotate(fed.root("gd"))
    assert fed.root("gd").state.version.number == 2


def test_a_method_id_names_one_key_for_good(fed):
    agency = fed.agency("gz.gd.example")
    first = {"key-1": agency.key.public}
    fed.tick()
    fed.rotate(agency)
    for names, allowed in (({"key-1": key("other").public}, False), (first, True)):
        fed.tick()
        entry = write.rotate(
            agency.state,
            key("gz.gd.example update 3"),
            [hash_of("gz.gd.example update 4")],
            now=timestamps.from_posix(fed.now),
            document=document_with_keys(agency.did, names),
        )
        if allowed:
            submit(fed, agency.did, entry)
        else:
            with refused("key_name_reused", RuleError):
                submit(fed, agency.did, entry)


@pytest.mark.parametrize("left", [0, 2])
def test_a_root_version_without_enough_approvals_is_refused(fed, left):
    fed.tick()
    root = fed.root("gd")
    now = timestamps.from_posix(fed.now)
    fresh = key("gd.example update 2")
    entry = write.rotate(root.state, fresh, [hash_of("third")], now=now)
    complete = fed.did_entry(root, entry)
    fewer = {**complete.body, "witness": complete.body["witness"][:left]}
    with refused("witness_threshold", ProofError):
        fed.submit(REG, fed.compose(REG, "did", root.id, fewer))


def test_witness_proofs_come_only_where_they_are_asked_for(fed):
    did, entry = created(fed, "gz.gd.example")
    with refused("witness_not_asked", RuleError):
        submit(fed, did, entry, witness=[])
    with refused("too_large", LimitError):
        submit(fed, did, entry, witness=[{}] * 65)


@pytest.mark.parametrize("location", ["gz.hn.example", "hn.example"])
def test_a_did_stands_only_in_its_home_log(fed, location):
    did, entry = created(fed, location)
    with refused("not_at_home", RuleError):
        submit(fed, did, entry)


def test_subject_did_and_document_agree(fed):
    did, entry = created(fed, "gz.gd.example")
    with refused("subject_wrong", RuleError):
        submit(fed, did, entry, subject=fed.root("gd").id)
    with refused("subject_wrong", RuleError):
        submit(fed, did.replace("gz.gd", "sz.gd"), entry)


@pytest.mark.parametrize("members", [{"more": 1}, {"entry": 7}])
def test_another_shape_is_refused(fed, members):
    did, entry = created(fed, "gz.gd.example")
    with pytest.raises(MalformedError):
        submit(fed, did, entry, **members) if "entry" not in members else submit(fed, did, 7)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [({"nextKeyHashes": []}, "pre_rotation_dropped"), ({"portable": True}, "portable_refused")],
)
def test_an_agency_keeps_its_profile(fed, parameters, code):
    did, entry = created(fed, "gz.gd.example", **parameters)
    with refused(code, RuleError):
        submit(fed, did, entry)


def test_roots_keep_profile_a_and_others_b(fed):
    assert profile_of(fed.root("gd").did, fed.policy) is Profile.AUTHORITY
    assert profile_of(fed.agency("gz.gd.example").did, fed.policy) is Profile.ISSUER


def test_a_version_of_the_future_is_refused_by_the_entrys_own_second(fed):
    fed.tick(400)
    did, entry = created(fed, "gz.gd.example")
    fed.tick(-400)
    with refused("version_time_in_future", RuleError):
        submit(fed, did, entry)


def test_a_deactivated_did_cannot_go_on(fed):
    agency = fed.agency("gz.gd.example")
    fed.tick()
    fed.deactivate(agency)
    fed.tick()
    with refused("did_deactivated", RuleError):
        fed.rotate(agency)
