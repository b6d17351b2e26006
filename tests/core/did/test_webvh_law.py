"""The law of the next entry: each rule of did:webvh 1.0, broken once."""

import copy
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from did_service.core.did.webvh import write
from did_service.core.did.webvh.entry import SCID_PLACEHOLDER, entry_hash, scid_of
from did_service.core.did.webvh.state import accept
from did_service.core.encoding import jcs
from did_service.core.encoding.multiformats import multihash_sha256
from did_service.core.errors import DidServiceError, OrderError
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from tests.support.dids import (
    NOW,
    Controller,
    hash_of,
    key,
    multikey_of,
    resigned,
    rule_of,
    template,
)

LATER = NOW + timedelta(hours=1)
P256 = "zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"


def code_of(state, entry, now=LATER):
    with pytest.raises(DidServiceError) as refused:
        accept(state, entry, now=now)
    return refused.value.code


def first(*, signer="update", **changes):
    """A first entry whose SCID, hash and proof fit whatever stands in it."""
    parameters = {
        "method": "did:webvh:1.0",
        "scid": SCID_PLACEHOLDER,
        "updateKeys": [multikey_of("update")],
    } | changes.pop("parameters", {})
    entry = {
        "versionId": SCID_PLACEHOLDER,
        "versionTime": "2026-11-21T08:00:00Z",
        "parameters": {name: value for name, value in parameters.items() if value != "absent"},
        "state": template(),
    } | changes
    scid = scid_of(entry)
    text = write.jcs.encode(entry).decode().replace(SCID_PLACEHOLDER, scid)
    return write._signed(write.load_object(text), 1, scid, key(signer))


def second(controller, *, signer="update", number=2, **changes):
    """A next entry with a right hash and proof, whatever else it does."""
    last = controller.state.version
    entry = {
        "versionId": last.version_id,
        "versionTime": "2026-11-21T08:10:00Z",
        "parameters": {},
        "state": last.document.raw,
    } | changes
    return write._signed(entry, number, last.version_id, key(signer))


def test_a_plain_first_entry_and_its_successor_are_accepted():
    state = accept(None, first(), now=NOW)
    assert (state.version.number, state.created, state.deactivated) == (1, NOW, False)
    controller = Controller([], state)
    assert accept(state, second(controller), now=LATER).version.number == 2


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"method": "absent"}, "member_missing"),
        ({"method": None}, "method_unknown"),
        ({"method": "did:webvh:0.5"}, "method_unknown"),
        ({"method": "did:webvh:1.1"}, "method_unknown"),
        ({"updateKeys": "absent"}, "member_missing"),
        ({"updateKeys": None}, "key_not_authorized"),
        ({"updateKeys": []}, "key_not_authorized"),
        ({"updateKeys": [multikey_of("other")]}, "key_not_authorized"),
        ({"updateKeys": [multikey_of("update")] * 2}, "member_invalid"),
        ({"updateKeys": multikey_of("update")}, "member_invalid"),
        ({"updateKeys": [P256]}, "key_type_unknown"),
        ({"updateKeys": [multikey_of(str(i)) for i in range(65)]}, "too_large"),
        ({"nextKeyHashes": ["Qm0O"]}, "base58_invalid"),
        ({"nextKeyHashes": [multihash_sha256(bytes(31))]}, "member_invalid"),
        ({"witness": {"threshold": 1}}, "member_missing"),
        ({"witness": {"threshold": 1, "witnesses": []}}, "witness_invalid"),
        ({"witness": rule_of(0, "w").encode()}, "witness_invalid"),
        ({"witness": rule_of(2, "w").encode()}, "witness_invalid"),
        ({"witness": rule_of(2, "w", "w").encode()}, "witness_invalid"),
        ({"witness": rule_of(True, "w").encode()}, "member_invalid"),
        ({"witness": rule_of(1, *map(str, range(65))).encode()}, "too_large"),
        ({"witness": {"threshold": 1, "witnesses": [{"id": "did:web:a"}]}}, "witness_invalid"),
        ({"witness": {"threshold": 1, "witnesses": [{"id": "d", "w": 1}]}}, "member_unknown"),
        ({"witness": rule_of(1, "w").encode() | {"weight": 1}}, "member_unknown"),
        ({"watchers": "https://w.example/"}, "member_invalid"),
        ({"portable": "true"}, "member_invalid"),
        ({"deactivated": 1}, "member_invalid"),
        ({"ttl": -1}, "member_invalid"),
        ({"ttl": 2**31 + 1}, "member_invalid"),
        ({"ttl": "3600"}, "member_invalid"),
        ({"prerotation": True}, "member_unknown"),
        ({"scid": "Qm" + "1" * 44}, "entry_hash_mismatch"),
    ],
)  # fmt: skip
def test_parameters_that_say_something_else_are_refused(parameters, code):
    assert code_of(None, first(parameters=parameters)) == code


def test_null_parameters_mean_their_defaults():
    names = ("nextKeyHashes", "witness", "watchers", "portable", "deactivated", "ttl")
    said = accept(None, first(parameters=dict.fromkeys(names)), now=NOW).version.parameters
    unsaid = accept(None, first(), now=NOW).version.parameters
    assert replace(said, scid=unsaid.scid) == unsaid


def test_what_an_entry_does_not_say_stays_as_it_was():
    made = Controller.create(ttl=60, watchers=["https://w.example/"], portable=True)
    before = made.state.version.parameters
    assert made.update().version.parameters == before
    after = made.update(ttl=None, watchers=None, portable=None).version.parameters
    assert (after.ttl_seconds, after.watchers, after.portable) == (3600, (), False)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"versionId": "01-Qm"}, "version_id_invalid"),
        ({"versionId": "2-" + "Qm" + "1" * 43}, "version_id_invalid"),
        ({"versionTime": "2026-11-21T08:10:00"}, "version_time_invalid"),
        ({"versionTime": "2026-11-21T16:10:00+08:00"}, "version_time_invalid"),
        ({"versionTime": "yesterdayZ"}, "version_time_invalid"),
        ({"versionTime": 1}, "member_invalid"),
        ({"parameters": []}, "member_invalid"),
        ({"state": None}, "member_invalid"),
        ({"proof": []}, "proof_missing"),
        ({"proof": None}, "proof_missing"),
        ({"note": "hello"}, "member_unknown"),
    ],
)
def test_entries_of_another_shape_are_refused(changes, code):
    assert code_of(None, first() | changes) == code


@pytest.mark.parametrize("name", ["versionId", "versionTime", "parameters", "state", "proof"])
def test_every_member_of_an_entry_is_needed(name):
    entry = first()
    del entry[name]
    assert code_of(None, entry) == "member_missing"


@pytest.mark.parametrize("change", [b"\x0b%b", b"%b\0", b"[%b]", b"", b" ", b"%b%b"])
def test_a_line_is_one_object_and_nothing_else(change):
    line = write.encode_log([first()]).rstrip()
    wrong = change.replace(b"%b", line)
    assert code_of(None, wrong) in {"line_invalid", "json_invalid"}


@pytest.mark.parametrize("change", [b" %b", b"%b \t", b"%b\r", b"\t %b\r"])
def test_white_space_round_a_line_changes_nothing(change):
    line = write.encode_log([first()]).rstrip()
    found = accept(None, change.replace(b"%b", line), now=LATER)
    assert found == accept(None, line, now=LATER)


def test_an_entry_out_of_turn_is_told_so():
    made = Controller.create()
    assert code_of(None, second(made)) == "version_number_wrong"
    assert code_of(made.state, made.entries[0]) == "version_number_wrong"
    with pytest.raises(OrderError):
        accept(made.state, second(made, number=3), now=LATER)


def test_two_next_entries_are_each_good_but_not_one_after_the_other():
    made = Controller.create()
    one, other = second(made), second(made, versionTime="2026-11-21T08:20:00Z")
    after = accept(made.state, one, now=LATER)
    assert code_of(after, other) == "version_number_wrong"


def test_only_the_previous_keys_may_sign_without_pre_rotation():
    made = Controller.create()
    handover = second(made, parameters={"updateKeys": [multikey_of("new")]})
    assert code_of(made.state, resigned(handover, "new", made.state.version.version_id)) == (
        "key_not_authorized"
    )
    after = accept(made.state, handover, now=LATER)
    assert after.version.parameters.update_keys == (multikey_of("new"),)


def test_every_proof_of_an_entry_must_be_by_an_update_key():
    made = Controller.create()
    entry = second(made)
    content = {name: value for name, value in entry.items() if name != "proof"}
    stranger = write._proof(content, key("stranger"), "2026-11-21T08:10:00Z")
    assert code_of(made.state, entry | {"proof": [*entry["proof"], stranger]}) == (
        "key_not_authorized"
    )
    assert (
        accept(made.state, entry | {"proof": entry["proof"][0]}, now=LATER).version.number == 2
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"proofPurpose": "authentication"}, "purpose_wrong"),
        ({"cryptosuite": "eddsa-rdfc-2022"}, "cryptosuite_mismatch"),
        ({"type": "Ed25519Signature2020"}, "proof_type_unknown"),
        ({"@context": "https://www.w3.org/ns/did/v1"}, "context_mismatch"),
        ({"created": "2026-11-21T08:10:01Z"}, "signature_invalid"),
        ({"verificationMethod": "did:key:" + multikey_of("update")}, "method_invalid"),
        ({"verificationMethod": "did:web:a.example#k"}, "did_method_unknown"),
    ],
)
def test_a_proof_that_was_made_for_something_else_is_refused(changes, code):
    made = Controller.create()
    entry = second(made)
    entry["proof"] = [entry["proof"][0] | changes]
    assert code_of(made.state, entry) == code


def test_a_proof_with_other_purpose_is_refused_even_when_signed_so():
    made = Controller.create()
    entry = second(made)
    content = {name: value for name, value in entry.items() if name != "proof"}
    options = {"verificationMethod": write.did_key_method(key("update").public),
               "proofPurpose": "authentication"}  # fmt: skip
    proof = data_integrity.create(content, options, key("update"), eddsa_jcs_2022)
    assert code_of(made.state, content | {"proof": [proof]}) == "purpose_wrong"


def test_the_entry_hash_binds_content_and_predecessor():
    made = Controller.create()
    entry = second(made)
    content = {name: value for name, value in entry.items() if name != "proof"}
    content["versionId"] = "2-" + entry_hash(content, "1-" + "Qm" + "1" * 44)
    proof = write._proof(content, key("update"), "2026-11-21T08:10:00Z")
    assert code_of(made.state, content | {"proof": [proof]}) == "entry_hash_mismatch"


@pytest.mark.parametrize(
    ("time", "code"),
    [
        ("2026-11-21T08:00:00Z", "version_time_not_increasing"),
        ("2026-11-21T07:59:59.999Z", "version_time_not_increasing"),
        ("2026-11-21T09:05:01Z", "version_time_in_future"),
    ],
)
def test_time_moves_forward_and_not_ahead(time, code):
    made = Controller.create()
    assert code_of(made.state, second(made, versionTime=time)) == code


@pytest.mark.parametrize("time", ["2026-11-21T08:00:00.001Z", "2026-11-21T09:05:00+00:00"])
def test_time_at_its_bounds_is_accepted(time):
    made = Controller.create()
    assert accept(made.state, second(made, versionTime=time), now=LATER).version.number == 2


def test_the_scid_is_the_hash_of_the_first_entry():
    entry = first()
    entry["state"] = entry["state"] | {"alsoKnownAs": ["did:example:1"]}
    scid = entry["parameters"]["scid"]
    assert code_of(None, resigned(entry, "update", scid)) == "scid_mismatch"


@pytest.mark.parametrize(
    "about",
    [
        {"{SCID}b": "1", "Qa": "2", "Qz": "3"},  # sorts elsewhere once the SCID is known
        {'a{SCID}":\\"': {"{SCID}": "{SCID}"}},
        {"a": 'says {SCID}":', "b": '{SCID}\\":', "c": '"{SCID}', "d": "{SCID}\\"},
        {"a": "{SCID}" * 80},
        {"a": ["{SCID}", {"b": "{SCID}"}, "{SCID}\u4f60\n"]},
    ],
    ids=["a name", "names with escapes", "values like names", "many times", "in arrays"],
)
def test_the_scid_may_stand_in_any_text_of_the_first_entry(about):
    _, entry = write.create(template() | {"about": about}, {}, key("update"), now=LATER)
    scid = entry["parameters"]["scid"]
    assert scid in jcs.encode(entry["state"]["about"]).decode()
    assert accept(None, entry, now=LATER).scid == scid
    entry["state"]["about"]["other"] = scid
    assert code_of(None, resigned(entry, "update", scid)) == "scid_mismatch"


@pytest.mark.parametrize("parameters", [{"scid": "Qm" + "1" * 44}, {"scid": None}])
def test_later_entries_may_not_name_a_scid(parameters):
    made = Controller.create()
    assert code_of(made.state, second(made, parameters=parameters)) == "scid_repeated"


def test_portable_cannot_be_turned_on_later():
    for made in (Controller.create(), Controller.create(portable=True)):
        entry = second(made, parameters={"portable": True})
        assert code_of(made.state, entry) == "portable_late"


def moved(made, did, *known):
    document = copy.deepcopy(made.state.version.document.raw)
    document = write._renamed(document, made.did, did)
    return second(made, state=document | {"alsoKnownAs": list(known)})


def test_a_did_moves_only_if_portable_and_names_where_it_was():
    fixed, portable = Controller.create(), Controller.create(portable=True)
    for made, code in ((fixed, "not_portable"), (portable, "former_did_missing")):
        there = f"did:webvh:{made.state.scid}:hn.example"
        assert code_of(made.state, moved(made, there)) == code
    good = moved(portable, f"did:webvh:{portable.state.scid}:hn.example", portable.did)
    assert accept(portable.state, good, now=LATER).dids == (
        portable.did,
        f"did:webvh:{portable.state.scid}:hn.example",
    )
    parameters = {"portable": False}
    last = moved(portable, f"did:webvh:{portable.state.scid}:hn.example", portable.did)
    last = resigned(
        last | {"parameters": parameters}, "update", portable.state.version.version_id
    )
    assert code_of(portable.state, last) == "not_portable"


def test_no_version_may_have_another_scid():
    made = Controller.create(portable=True)
    other = f"did:webvh:Qm{'1' * 44}:gd.example"
    assert code_of(made.state, moved(made, other, made.did)) == "scid_mismatch"


def test_a_document_about_a_did_of_another_spelling_is_refused():
    made = Controller.create()
    spelled = made.did.replace("gd.example", "GD.example")
    assert code_of(made.state, moved(made, spelled, made.did)) == "did_invalid"


def test_a_deactivated_did_cannot_be_updated():
    made = Controller.create()
    before = made.state
    made.add(write.deactivate(made.state, key("update"), now=made.tick()))
    assert made.state.deactivated
    late = resigned(
        second(Controller([], before)) | {"versionId": "3-x"},
        "update",
        made.state.version.version_id,
    )
    assert code_of(made.state, late) == "did_deactivated"


def test_pre_rotation_demands_explicit_committed_keys():
    made = Controller.create(nextKeyHashes=[hash_of("next"), hash_of("spare")])
    good = {"updateKeys": [multikey_of("next")], "nextKeyHashes": [hash_of("third")]}
    for name in good:
        for lacking in ({n: v for n, v in good.items() if n != name}, good | {name: None}):
            entry = second(made, signer="next", parameters=lacking)
            assert code_of(made.state, entry) == "pre_rotation_incomplete"
    extra = good | {"updateKeys": [multikey_of("next"), multikey_of("thief")]}
    assert code_of(made.state, second(made, signer="next", parameters=extra)) == (
        "key_not_committed"
    )
    assert code_of(made.state, second(made, signer="update", parameters=good)) == (
        "key_not_authorized"
    )
    empty = good | {"updateKeys": []}
    assert code_of(made.state, second(made, signer="next", parameters=empty)) == (
        "key_not_authorized"
    )
    both = good | {"updateKeys": [multikey_of("next"), multikey_of("spare")]}
    for parameters in (good, both):
        entry = second(made, signer="next", parameters=parameters)
        assert accept(made.state, entry, now=LATER).version.number == 2


def test_pre_rotation_ends_one_entry_after_it_is_given_up():
    made = Controller.create(nextKeyHashes=[hash_of("next")])
    made.update("next", nextKeyHashes=[])
    assert made.update("next").version.number == 3


def test_a_next_key_hash_is_of_the_multikeys_text():
    text = multikey_of("next")
    assert hash_of("next") == multihash_sha256(hashlib.sha256(text.encode()).digest())
