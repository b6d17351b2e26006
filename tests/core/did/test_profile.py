"""What our own authorities and agencies promise beyond did:webvh."""

import pytest

from did_service.core.did.webvh import write
from did_service.core.did.webvh.profile import Profile, check_profile
from did_service.core.errors import MalformedError, RuleError
from tests.support.dids import Controller, hash_of, key, rule_of

NEXT = {"nextKeyHashes": [hash_of("next")]}
WITNESS = {"witness": rule_of(1, "w").encode()}


@pytest.mark.parametrize(
    ("profile", "parameters"),
    [
        (Profile.AUTHORITY, NEXT | WITNESS),
        (Profile.ISSUER, NEXT),
        (Profile.ISSUER, NEXT | WITNESS),
        (Profile.MOVABLE, NEXT | {"portable": True}),
        (Profile.FOREIGN, {}),
        (Profile.FOREIGN, {"portable": True}),
    ],
)
def test_a_did_that_keeps_its_profile_passes(profile, parameters):
    made = Controller.create(**parameters)
    check_profile(made.state, profile)
    if parameters and profile is not Profile.FOREIGN:
        made.add(write.rotate(made.state, key("next"), [hash_of("third")], now=made.tick()))
        check_profile(made.state, profile)
        made.add(write.deactivate(made.state, key("third"), now=made.tick()))
        check_profile(made.state, profile)


@pytest.mark.parametrize(
    ("profile", "parameters", "code"),
    [
        (Profile.AUTHORITY, NEXT, "witness_required"),
        (Profile.AUTHORITY, WITNESS, "pre_rotation_dropped"),
        (Profile.AUTHORITY, NEXT | WITNESS | {"portable": True}, "portable_refused"),
        (Profile.ISSUER, {}, "pre_rotation_dropped"),
        (Profile.ISSUER, NEXT | {"portable": True}, "portable_refused"),
        (Profile.MOVABLE, NEXT, "portable_required"),
        (Profile.MOVABLE, {"portable": True}, "pre_rotation_dropped"),
        (Profile.ISSUER, {"nextKeyHashes": [hash_of("update")]}, "next_key_revealed"),
        (Profile.ISSUER, {"nextKeyHashes": [hash_of("assert")]}, "next_key_revealed"),
    ],
)
def test_a_did_that_breaks_its_profile_is_refused(profile, parameters, code):
    with pytest.raises(RuleError) as refused:
        check_profile(Controller.create(**parameters).state, profile)
    assert refused.value.code == code


def with_a_foreign_method(**parameters):
    made = Controller.create(**parameters)
    document = made.state.version.document.raw
    foreign = {**document["verificationMethod"][0], "id": "did:example:2#k"}
    methods = [*document["verificationMethod"], foreign]
    made.update(document={**document, "verificationMethod": methods})
    return made.state


def test_whoever_issues_speaks_for_its_own_did_alone():
    """A movable DID keeps the methods of its former one; what it lacks is pre-rotation."""
    state = with_a_foreign_method()
    check_profile(state, Profile.FOREIGN)
    for profile in (Profile.AUTHORITY, Profile.ISSUER):
        with pytest.raises(MalformedError) as refused:
            check_profile(state, profile)
        assert refused.value.code == "method_foreign"
    with pytest.raises(RuleError) as movable:
        check_profile(with_a_foreign_method(portable=True), Profile.MOVABLE)
    assert movable.value.code == "pre_rotation_dropped"


def test_a_key_of_any_earlier_version_was_shown():
    made = Controller.create(**NEXT)
    for name, following in (("next", "third"), ("third", "fourth")):
        made.add(write.rotate(made.state, key(name), [hash_of(following)], now=made.tick()))
    shown = [hash_of(name) for name in ("update", "assert", "next", "third")]
    assert all(made.state.revealed.include_any([hashed]) for hashed in shown)
    assert not made.state.revealed.include_any([hash_of("fourth")])


def test_a_version_keeps_the_keys_that_it_shows_and_no_copy_of_older_ones():
    """A log of 5 MiB can show 80,000 keys; a set of all for every version fills gigabytes."""
    made = Controller.create(**NEXT)
    before = made.state.revealed
    made.add(write.rotate(made.state, key("next"), [hash_of("third")], now=made.tick()))
    assert made.state.revealed.earlier is before
    assert made.state.revealed.hashes == {hash_of("next"), hash_of("assert")}
    made = Controller.create()
    before = made.state.revealed
    made.update()
    assert made.state.revealed is before
