"""What our own authorities and agencies promise beyond did:webvh."""

import pytest

from did_service.core.did.webvh import Profile, check_profile, write
from did_service.core.errors import RuleError
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
