"""`wallet cred list` where nothing is pinned: nothing is decided, so no judge is loaded."""

import os
import subprocess
import sys

import pytest

from did_service.client.issuer import UnverifiedDelivery
from did_service.core.encoding import timestamps
from did_service.core.limits import MAX_BEGINNING_AHEAD_SECONDS as AHEAD
from tests.support.counter import SCHEMA, Scene
from tests.support.federation import RESIDENCE
from tests.support.purse import Purse
from wallet_cli.holdings import HeldCredential, keep
from wallet_cli.judging import judge, standing_of
from wallet_cli.standing import BY_FAILURE, GOOD, UNCHECKED, standing_unjudged
from wallet_cli.trusting import WalletTrust
from wallet_cli.vault import new_id

pytestmark = pytest.mark.clock

LISTED = """
import sys
from wallet_cli.__main__ import run
done = run(sys.argv[1:])
judges = {"jsonschema_rs", "sqlite3", "did_service.core.verification"}
print("loaded", *sorted(judges & set(sys.modules)), file=sys.stderr)
sys.exit(done)
"""


@pytest.fixture(scope="module")
def scene():
    made = Scene()
    made.publish()
    return made


def changed(credential):
    return {**credential, "credentialSubject": {**credential["credentialSubject"], "x": 1}}


def dated(scene, begin, end):
    """Sign one that is valid from and until so many seconds from now."""
    begin, end = (
        timestamps.encode(timestamps.from_posix(scene.fed.now + n)) for n in (begin, end)
    )
    return scene.issue(validFrom=begin, validUntil=end)


CREDENTIALS = {
    "genuine": (lambda scene: scene.credential, UNCHECKED),
    "changed": (lambda scene: changed(scene.credential), UNCHECKED),
    "unsigned": (lambda scene: scene.unsigned(), UNCHECKED),
    "in its last second": (lambda scene: dated(scene, -9, 0), UNCHECKED),
    "over": (lambda scene: dated(scene, -9, -1), BY_FAILURE["expired"]),
    "beginning soon": (lambda scene: dated(scene, AHEAD, 9_999), UNCHECKED),
    "not begun": (lambda scene: dated(scene, AHEAD + 1, 9_999), BY_FAILURE["not_yet_valid"]),
    "malformed": (lambda scene: {**scene.credential, "issuer": []}, UNCHECKED),
    "of another model": (lambda scene: {**scene.credential, "@context": ["urn:x"]}, UNCHECKED),
    "too many": (lambda scene: {**scene.credential, "credentialStatus": [{}] * 17}, UNCHECKED),
}


def held(scene, credential):
    stamp = timestamps.encode(timestamps.from_posix(scene.fed.now))
    return HeldCredential(
        id=new_id(os.urandom),
        alias="residence-permit-1",
        holder=scene.holder.did,
        delivery=UnverifiedDelivery(credential, None, ()).encode(),
        issuer_url="",
        received=stamp,
        staple=scene.staple(),
        as_of=stamp,
    )


@pytest.fixture
def purse(tmp_path, scene):
    made = Purse(tmp_path)
    made.open().commit(lambda vault: keep(vault, held(scene, scene.credential), os.urandom))
    return made


def pin(purse, scene):
    now = timestamps.from_posix(scene.fed.now)
    policy = scene.fed.policy
    WalletTrust(purse.path / "trust").pin(policy.members, policy.fingerprint, now)


def listed(purse, program=LISTED):
    """Run it in a process of its own, unmeasured: what measures loads modules too."""
    words = map(str, ("cred", "list", "--json", *purse.options))
    command = [sys.executable, "-c", program, *words]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment)


def test_a_list_without_a_policy_loads_no_judge(purse, scene):
    child = listed(purse)
    assert child.stderr.splitlines()[-1] == "loaded"
    now = timestamps.from_posix(scene.fed.now)
    (found,) = purse.json("cred", "list", clock=now).data["credentials"]
    assert (found["status"], found["good_until"]) == (UNCHECKED.code, None)


def test_a_list_judges_where_something_was_pinned(purse, scene):
    pin(purse, scene)
    child = listed(purse)
    assert "did_service.core.verification" in child.stderr.splitlines()[-1]


def test_no_end_is_named_for_what_counters_do_not_take_at_all(tmp_path):
    """The type demands that its issuance is logged: fresh evidence without that is no use."""
    terms = {"type": RESIDENCE, "status": "required", "issuance_logged": True}
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    scene, told = Scene(), []
    scene.fed.schema(scene.fed.root("cn"), SCHEMA, {**dialect, "x-didsvc": terms})
    for number, prove in enumerate((lambda: None, scene.log_issuance)):
        prove()
        scene.publish()
        (folder := tmp_path / str(number)).mkdir()
        purse = Purse(folder)
        one = held(scene, scene.credential)
        purse.open().commit(lambda vault, one=one: keep(vault, one, os.urandom))
        pin(purse, scene)
        now = timestamps.from_posix(scene.fed.now)
        (row,) = purse.json("cred", "list", clock=now).data["credentials"]
        told.append((row["status"], row["good_until"] is None))
    assert told == [(UNCHECKED.code, True), (GOOD.code, False)]


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_a_list_says_unjudged_what_a_judge_without_a_policy_says(kind, scene, tmp_path):
    make, expected = CREDENTIALS[kind]
    credential, now = make(scene), timestamps.from_posix(scene.fed.now)
    nothing = WalletTrust(tmp_path / "trust").evidence()
    judged = standing_of(judge(credential, None, (nothing, scene.staple()), now))
    assert standing_unjudged(held(scene, credential), now) is judged
    assert judged is expected
