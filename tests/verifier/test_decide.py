"""Where three things meet: the question that is found, what is read for it, what is told.

The question comes from the memory, the evidence of a large directory is read by key, and the
core gives one verdict. Each has tests of its own; here stands what none of them sees alone.
"""

import io
import json
from codecs import BOM_UTF8
from pathlib import Path

import pytest

from did_service.core.credentials.record import record_of
from did_service.core.encoding import b64, timestamps
from did_service.core.evidence.sets import parse_evidence
from did_service.core.verification.presented import parse_presented
from did_service.core.verification.report import NowFrom, Outcome
from did_service.core.verification.request import Request
from did_service.program.environment import Environment
from did_service.program.language import Language
from did_service.verifier import directory
from did_service.verifier.chain_keys import keys_of, named_by
from did_service.verifier.challenges import state_of
from did_service.verifier.decide import decide
from did_service.verifier.question import Question
from tests.support.counter import INDEX, SCHEMA, Scene, chained, custodial_scene, joined
from tests.support.desk import COUNTER, Desk

pytestmark = pytest.mark.offline
ITEM, LAX = "urn:didsvc:item:renewal:1", "urn:didsvc:item:statistics:1"
NAMES = {
    ITEM: {"zh": "居住证签注", "en": "Permit renewal"},
    LAX: {"zh": "统计登记", "en": "Statistics"},
}


@pytest.fixture(params=["whole", "by key"])
def reading(request, monkeypatch):
    """A directory that is read whole, and one that is too large for that."""
    if request.param == "by key":
        monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", -1)
    return request.param


def everything(scene):
    """All that the federation has logged."""
    entries = [placed for log in scene.fed.logs.values() for placed in log.entries]
    known = {(p.entry.type, p.entry.subject) for p in entries if p.entry.type != "heads"}
    evidence = scene.fed.evidence(*sorted(known))
    return {**evidence, "batches": scene.batches} if scene.batches else evidence


# --- what is read by key is what the whole directory would have said --------------------------


def revoked(scene):
    scene.fed.tick()
    scene.fed.status_list(scene.agency, revoked=[INDEX])


def ended(scene):
    scene.fed.tick()
    scene.fed.end(scene.grant, scene.fed.root("gd"))


def kept_by_another(scene):
    ended(scene)
    scene.fed.status_list(scene.agency, by=scene.keeper)


def deactivated(scene):
    scene.fed.tick()
    scene.fed.deactivate(scene.agency)


def logged(scene):
    scene.log_issuance()
    ended(scene)


WORLDS = {
    "sound": (Scene, lambda scene: None),
    "revoked": (Scene, revoked),
    "authority ended": (Scene, ended),
    "issuance logged, then authority ended": (Scene, logged),
    "issuer ended": (Scene, deactivated),
    "list of a custodian": (custodial_scene, kept_by_another),
    "granted over four hops": (lambda: chained(4), lambda scene: None),
    "granted over six": (lambda: chained(6), lambda scene: None),
}


def verdict(folder, scene, held, staple, bundle):
    """What a new counter says that holds this, and is shown that."""
    folder.mkdir()
    desk = Desk(folder, scene)
    assert desk.pin().exit == 0
    if held is not None:
        assert desk.run("trust", "import", desk.save_bundle(held)).exit == 0
    words = () if bundle is None else ("--bundle", desk.save_bundle(bundle, "beside"))
    report = desk.document(desk.shown(None, staple=staple), *words).report
    found = [(check["code"], check["result"]) for check in report["checks"]]
    return report["outcome"], found, report["credentials"]


@pytest.mark.parametrize("world", WORLDS)
def test_a_part_that_is_read_decides_as_the_whole_does(world, tmp_path, monkeypatch):
    make, happens = WORLDS[world]
    scene = make()
    scene.publish()
    before = scene.staple()
    happens(scene)
    scene.publish()
    now, halves = everything(scene), scene.fed.evidence(("did", scene.agency.id))
    cases = [
        (now, None, None),
        (now, before, None),
        (now, None, before),
        (before, scene.staple(), None),
        (halves, scene.staple(), None),
        (halves, None, scene.staple()),
        (None, None, now),
    ]
    for number, case in enumerate(cases):
        told = []
        for name, most in (("whole", 20_000), ("by key", -1)):
            monkeypatch.setattr(directory, "MAX_CHAINS_WHOLE", most)
            told.append(verdict(tmp_path / f"{number} {name}", scene, *case))
        assert told[0] == told[1]


def test_a_bundle_leads_to_what_only_the_directory_holds(desk, scene, reading):
    """The statement that it brings names the granter, whose keys and rights are held."""
    upper = scene.fed.agency("upper.gd.example")
    scene.fed.tick()
    top = scene.fed.grant(scene.fed.root("gd"), upper, roles=["granter", "issuer"])
    body = scene.fed.statement(upper, scene.agency, scope="below")
    below = scene.fed.state(body, upper)
    scene.fed.tick()
    scene.fed.end(scene.grant, scene.fed.root("gd"))
    scene.fed.tick()
    scene.credential = scene.issue()
    scene.publish()
    granted = ("authority", top.entry.subject)
    held = scene.fed.evidence(("did", scene.agency.id), ("did", upper.id), granted)
    beside = joined(
        scene.fed.evidence(("authority", below.entry.subject)),
        scene.fed.evidence(("schema", SCHEMA), ("status", scene.agency.list_url())),
    )
    assert desk.run("trust", "import", desk.save_bundle(held)).exit == 0
    words = ("--bundle", desk.save_bundle(beside, "beside"))
    run = desk.document(desk.shown(None, staple=None), *words)
    assert (run.exit, run.codes) == (0, [])


def test_a_bundle_takes_no_held_proof_of_issuance_away(desk, scene, reading):
    """It brings another proof of a record that nobody presents: the first one stays."""
    other = scene.issue(id="urn:uuid:0b1f9c51-3f6c-4a2e-9c61-2f4f7f0e7c11")
    scene.log_issuance(other)
    scene.publish()
    first = scene.batches
    assert desk.run("trust", "import", desk.save_bundle()).exit == 0
    scene.fed.tick(60)
    scene.batches = []
    scene.log_issuance(other)
    scene.publish()
    later = desk.save_bundle(name="later")
    assert desk.document(desk.shown(None, staple=None), "--bundle", later).exit == 0
    kept = [(batch.record, batch.index) for batch in desk.trust.evidence().batches]
    for item in (*first, *scene.batches):
        assert (b64.decode_url(item["record"]), item["index"]) in kept


@pytest.mark.parametrize("mark", [b"", BOM_UTF8], ids=["bare", "with a mark"])
@pytest.mark.parametrize("form", ["file", "presentation", "credential"])
def test_what_can_be_read_names_its_keys(scene, form, mark):
    """Fractions and exponents stand in credentials of others, and in no piece of ours."""
    credential = scene.issue(credentialSubject={"id": scene.holder.did, "height": 1.7e0})
    presentation = scene.present(credential)
    value = {
        "file": {"vp_token": {"q": [presentation]}, "staple": scene.staple()},
        "presentation": presentation,
        "credential": credential,
    }[form]
    data = mark + json.dumps(value, indent=2).encode()
    assert len(parse_presented(data).shown) == 1
    wanted = {scene.agency.id, scene.agency.list_url(), SCHEMA}
    wanted.add(b64.encode_url(record_of(credential)))
    if form == "file":
        wanted |= {item["entry"]["s"] for item in scene.staple()["items"]}
        assert set(named_by(parse_evidence(scene.staple()))) <= {*keys_of(data)}
    assert wanted <= {*keys_of(data)}


# --- the question that is found brings its item -----------------------------------------------


@pytest.fixture
def demanding(desk, scene):
    """A desk that holds two items: one wants evidence of minutes, the other of a week."""
    members = {"kind": "service-item", "media_type": "application/json"}
    for item, tier in ((ITEM, "online"), (LAX, "field")):
        content = {"id": item, "tier": tier, "name": NAMES[item]}
        scene.fed.schema(scene.fed.root("cn"), item, content, **members)
    scene.publish()
    assert desk.run("trust", "import", desk.save_bundle(everything(scene))).exit == 0
    return desk


@pytest.mark.parametrize(
    ("words", "tier"),
    [((), "day"), (("--item", ITEM), "online"), (("--item", LAX), "field")],
)
def test_the_item_of_the_question_binds_though_nobody_names_it(demanding, reading, words, tier):
    run = demanding.answer(demanding.challenge(*words))
    assert (run.report["outcome"], run.report["tier"]) == ("accepted", tier)
    later = 3_600
    aged = demanding.answer(demanding.challenge(*words), later=later)
    assert (aged.report["outcome"] == "accepted") == (tier != "online")
    document = demanding.document(demanding.shown(None), *words)
    assert document.report["tier"] == tier


def test_each_of_two_open_questions_is_judged_by_its_own_item(demanding, reading):
    strict, lax = (demanding.challenge("--item", each) for each in (ITEM, LAX))
    assert demanding.answer(lax).report["tier"] == "field"
    assert demanding.answer(strict).report["tier"] == "online"


def test_a_decoy_before_the_signature_brings_no_other_item(demanding, scene, reading):
    """Of two open codes the first in the file is asked for: the other one answers nothing."""
    strict, lax = (demanding.challenge("--item", each) for each in (ITEM, LAX))
    signed = scene.present(nonce=strict, audience=COUNTER)
    for decoy in ({"note": {"challenge": lax}, **signed}, {**signed, "note": strict}):
        run = demanding.check(demanding.save("decoy.json", json.dumps(decoy).encode()))
        assert run.report["outcome"] == "refused"
    assert demanding.answer(lax).exit == demanding.answer(strict).exit == 0


def test_a_verdict_names_the_item_that_its_code_was_made_for(demanding, reading, tmp_path):
    lax, kept = demanding.challenge("--item", LAX), tmp_path / "report.json"
    for language, headline in (
        ("zh", '通过 ACCEPTED · 事项 "统计登记"'),
        ("en", 'ACCEPTED 通过 · for "Statistics"'),
        ("both", '通过 ACCEPTED · 事项 "统计登记"'),
    ):
        another = demanding.shown(demanding.challenge("--item", LAX))
        told = demanding.run("check", another, "--lang", language).out
        assert told.splitlines()[0] == headline
    shown = demanding.shown(lax)
    asked = demanding.check(shown, "--report", kept).report["asked"]
    assert (asked["item"], asked["item_name"], asked["audience"]) == (LAX, NAMES[LAX], COUNTER)
    assert asked["state"] == state_of(lax)
    assert json.loads(kept.read_bytes())["asked"] == asked
    again = demanding.check(shown).report
    assert (again["outcome"], again["asked"]["item"]) == ("answered", LAX)
    assert demanding.answer(demanding.challenge()).report["asked"]["item"] is None
    assert demanding.document(shown, "--item", LAX).report["asked"]["item_name"] == NAMES[LAX]
    assert demanding.answer("n-unknown", "--item", LAX).report["asked"] is None


@pytest.mark.parametrize("words", [("--item", LAX), ()], ids=["a laxer item", "no item"])
def test_a_code_of_another_item_does_not_serve_the_errand_that_is_named(
    demanding, reading, words
):
    """Two codes are open, the laxer one's is answered, and the clerk names his errand."""
    strict, lax = demanding.challenge("--item", ITEM), demanding.challenge(*words)
    run = demanding.answer(lax, "--item", ITEM)
    assert (run.exit, run.codes) == (5, ["item_differs"])
    assert run.report["verdict"]["reason"] == "item_differs"
    assert [each["claims"] for each in run.report["credentials"]] == [None]
    assert demanding.answer(lax, *words).exit == 0  # for its own it serves, and was not spent
    assert demanding.answer(strict, "--item", ITEM).exit == 0


# --- what spends a code -----------------------------------------------------------------------


def test_an_altered_document_of_a_proven_holder_spends_the_code(desk, scene):
    altered = {**scene.credential, "validUntil": "2036-01-01T00:00:00Z"}
    nonce = desk.challenge()
    path = desk.save(
        "altered.json", scene.file(scene.present(altered, nonce=nonce, audience=COUNTER))
    )
    run = desk.check(path)
    assert (run.exit, run.codes[0]) == (1, "proof_invalid")
    assert desk.check(path).codes == ["answered_before"]
    assert desk.answer(nonce).codes == ["nonce_used"]


def test_what_is_undecided_and_the_document_alone_spend_nothing(desk):
    nonce = desk.challenge()
    shown = desk.shown(nonce, staple=None)
    for _ in range(2):
        assert desk.check(shown).report["outcome"] == "undecided"
    whole = desk.shown(nonce)
    for _ in range(2):
        assert desk.document(whole).report["outcome"] == "document"
    assert desk.check(whole).report["outcome"] == "accepted"


@pytest.fixture
def waiving(desk, scene):
    """A counter whose policy lets data be three days old for one item."""
    stale = ("status_stale", "evidence_stale")
    waivers = [{"item": ITEM, "code": code, "max_seconds": 259_200} for code in stale]
    assert desk.pin(scene.fed.next_policy(waivers=waivers)).exit == 0
    return desk


def test_limits_that_nobody_accepted_spend_no_code(waiving):
    late = ("--now", "+2d")
    nonce = waiving.challenge("--item", ITEM, *late)
    shown = waiving.shown(nonce)
    for _ in range(2):
        run = waiving.check(shown, *late)
        assert (run.exit, run.report["outcome"]) == (5, "accepted-with-limits")
        assert run.report["verdict"]["reason"] == "waived"
    run = waiving.check(shown, *late, "--accept-limits")
    assert (run.exit, run.report["outcome"]) == (0, "accepted-with-limits")
    assert run.report["verdict"]["reason"] == "limits_accepted"
    assert waiving.check(shown, *late, "--accept-limits").codes == ["answered_before"]


def test_better_data_turn_limits_into_an_acceptance_of_the_same_answer(waiving, scene):
    late = 2 * 86_400
    shown = waiving.shown(waiving.challenge("--item", ITEM, later=late))
    assert waiving.check(shown, later=late).report["outcome"] == "accepted-with-limits"
    scene.fed.tick(days=2)
    scene.fed.status_list(scene.agency)
    scene.publish()
    run = waiving.check(shown, "--bundle", waiving.save_bundle(everything(scene)))
    assert (run.exit, run.report["outcome"]) == (0, "accepted")


def asked(desk, presented, **changes):
    now = timestamps.from_posix(desk.scene.fed.now + 1)
    members = {"presented": presented, "name": "f", "bundles": (), "unreadable": ()}
    env = Environment(now, bytes, "boot", {}, Path("/"), io.BytesIO(), Language.EN)
    question = Question(
        **{**members, "request": Request(), "now": now, "source": NowFrom.CLOCK, **changes}
    )
    return decide(question, desk.trust, env)


def test_no_code_of_the_callers_stands_in_for_one_that_was_given_out(desk):
    """Whatever a face puts into the request: a directory accepts what it has asked itself."""
    presented = desk.shown("n-of-the-caller").read_bytes()
    request = Request(nonce="n-of-the-caller", audience=COUNTER)
    for document, outcome in ((False, Outcome.REFUSED), (True, Outcome.DOCUMENT)):
        report = asked(desk, presented, request=request, document=document)
        assert report.outcome is outcome
        assert not report


# --- what is told -----------------------------------------------------------------------------


def shown_revoked(desk):
    revoked(desk.scene)
    desk.scene.publish()
    return desk.shown(desk.challenge())


def answered(desk):
    shown = desk.shown(desk.challenge())
    assert desk.check(shown).exit == 0
    return shown


def altered(desk):
    changed = {**desk.scene.credential, "validUntil": "2036-01-01T00:00:00Z"}
    shown = desk.scene.present(changed, nonce=desk.challenge(), audience=COUNTER)
    return desk.save("altered.json", desk.scene.file(shown))


ENDS = {
    "accepted": (lambda desk: desk.shown(desk.challenge()), (), "accepted", True),
    "document": (lambda desk: desk.shown(None), ("--document",), "document", True),
    "revoked": (shown_revoked, (), "refused", False),
    "revoked document": (shown_revoked, ("--document",), "refused", False),
    "altered": (altered, (), "refused", False),
    "of another": (lambda desk: desk.shown("n-unknown"), (), "refused", False),
    "no evidence": (
        lambda desk: desk.shown(None, staple=None),
        ("--document",),
        "undecided",
        0,
    ),
    "once more": (answered, (), "answered", False),
}


@pytest.mark.parametrize("end", ENDS)
def test_values_of_claims_are_told_of_what_passed_alone_and_kept_nowhere(desk, end):
    make, words, outcome, claims = ENDS[end]
    path = desk.folder / "kept.json"
    run = desk.check(make(desk), *words, "--report", path)
    kept = path.read_text(encoding="utf-8")
    assert run.report["outcome"] == outcome
    told = [each for each in run.report["credentials"] if "givenName" in str(each["claims"])]
    assert bool(told) == bool(claims)
    assert ("芳" in run.out) == bool(claims)
    assert ("芳" in kept, "claims" in kept) == (False, False)
