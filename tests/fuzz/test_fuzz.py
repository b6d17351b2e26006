"""The first seeds of every target, and that the fuzzer sees what it is there for."""

import json

import pytest

from did_service.core.credentials import eddsa_rdfc_2022
from did_service.core.credentials.contexts import CREDENTIALS_V2, DIDSVC_1
from did_service.core.encoding import jcs
from did_service.core.verification.report import Outcome
from tests.fuzz import bundles, presentations
from tests.fuzz.attempts import Attempt, Target, tried
from tests.fuzz.counter import ACCEPTING, Circumstances, Evidence, Meanings, judged
from tests.fuzz.targets import TARGETS
from tests.fuzz.world import ACCEPTABLE, OF_ANOTHER, built

pytestmark = pytest.mark.offline
# As many as take two to four seconds; `make fuzz` goes on from there.
SEEDS = {
    "presentations": 150,
    "bundles": 150,
    "policies": 120,
    "schemas": 800,
    "did-logs": 1_000,
}


@pytest.mark.parametrize("name", TARGETS)
def test_no_altered_input_breaks_a_promise(name):
    hits = (tried(TARGETS[name], seed) for seed in range(SEEDS[name]))
    assert [f"{hit.replay}\n{hit.complaint}" for hit in hits if hit is not None] == []


@pytest.mark.parametrize("name", TARGETS)
def test_a_seed_makes_one_input(name):
    target = TARGETS[name]
    assert target.attempt(7).inputs == target.attempt(7).inputs
    assert target.attempt(7).inputs != target.attempt(8).inputs


# --- the world is what it says ----------------------------------------------------------------


def outcome_of(name, **bundle_changes):
    world = built()
    shown = json.dumps(bundles.presented(name)).encode()
    whole = {"bundle": json.dumps({**world.copies[-2], **bundle_changes}).encode()}
    at = Circumstances(world.now + 1)
    return judged(shown, Evidence.read(whole), at, world.scene.fed.policy).outcome


@pytest.mark.parametrize("name", built().good)
def test_good_credentials_are_accepted_or_wait_for_evidence(name):
    expected = Outcome.ACCEPTED if name in ACCEPTABLE else Outcome.UNDECIDED
    assert outcome_of(name) is expected


@pytest.mark.parametrize("name", built().bad)
def test_bad_credentials_are_not_accepted(name):
    assert outcome_of(name) not in ACCEPTING


# --- a broken promise is seen -----------------------------------------------------------------


def endless():
    while True:
        len(())


def panicking():
    raise BaseException  # noqa: TRY002 - as a library in Rust does


@pytest.mark.parametrize(
    ("run", "seen"),
    [
        (lambda: None, False),
        (lambda: "accepted", True),
        (lambda: {}["x"], True),
        (panicking, True),
        (endless, True),
    ],
)
def test_what_goes_wrong_is_a_hit(run, seen):
    target = Target("made-up", lambda random: Attempt({"a": b"x"}, run), most_steps=10_000)
    assert (tried(target, 1) is not None) is seen


def test_a_hit_is_written_with_all_that_reproduces_it(tmp_path):
    target = Target("made-up", lambda random: Attempt({"a": b"x"}, lambda: "accepted"), 100)
    place = tried(target, 4711).write(tmp_path)
    assert (place / "a").read_bytes() == b"x"
    assert "made-up --seed 4711 --count 1" in (place / "complaint.txt").read_text()


def meanings():
    return presentations.shelf().good


@pytest.mark.parametrize("asked", [True, False])
def test_only_the_signed_meaning_of_something_good_may_be_accepted(asked):
    world = built()
    good, bad = world.good["jcs"], world.bad["revoked"]
    other_proof = {**good, "proof": bad["proof"]}
    altered = {**good, "validUntil": "2030-01-01T00:00:00Z"}
    of_another = world.bad[OF_ANOTHER[0]]
    cases = ((good, True), (bad, False), (other_proof, False), (altered, False))
    for document, fine in (*cases, (of_another, not asked)):
        shown = json.dumps(document).encode()
        assert (meanings().foreign(shown, nonce=asked) is None) is fine


def test_a_good_presentation_with_a_credential_less_is_another_one():
    world, good = built(), Meanings()
    two = world.scene.present(world.good["jcs"], world.good["other region"])
    good.add(json.dumps(two).encode())
    one = {**two, "verifiableCredential": two["verifiableCredential"][:1]}
    assert good.foreign(json.dumps(two).encode(), nonce=True) is None
    assert good.foreign(json.dumps(one).encode(), nonce=True) is not None


def turned(document):
    """The spellings that a holder's proof over statements leaves open."""
    shown = document["verifiableCredential"]
    yield {**document, "@context": [CREDENTIALS_V2, DIDSVC_1]}
    yield {**document, "type": document["type"][0]}
    yield {**document, "verifiableCredential": shown[::-1]}
    listed = [{**each, "proof": [each["proof"]]} for each in shown]
    yield {**document, "verifiableCredential": listed}


def test_spellings_of_a_presentation_that_no_reader_tells_apart():
    """What the fuzzer takes for one meaning has one verdict and shows the same claims."""
    world = built()
    both = (world.good["jcs"], world.good["other region"])
    signed = world.scene.present(*both, suite=eddsa_rdfc_2022)
    evidence = Evidence.read({"bundle": json.dumps(world.copies[-2]).encode()})
    reports = [
        judged(
            json.dumps(each).encode(),
            evidence,
            Circumstances(world.now + 1),
            world.scene.fed.policy,
        )
        for each in (signed, *turned(signed))
    ]
    told = [
        {jcs.encode(each.encode(claims=True)) for each in report.credentials}
        for report in reports
    ]
    assert len(told[0]) == len(both)
    for report, credentials in zip(reports, told, strict=True):
        assert report.outcome is Outcome.ACCEPTED
        assert credentials == told[0]
