"""Applications: bound to a proven key, one challenge each, claims judged and never echoed."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from did_service.core.encoding import jcs, strict_json, timestamps
from did_service.core.errors import (
    ConflictError,
    MalformedError,
    NotFoundError,
    ProofError,
    RuleError,
)
from did_service.core.limits import CHALLENGE_SECONDS, MAX_CLAIMS_BYTES
from did_service.issuer import store as rows
from tests.support import optional
from tests.support.federation import founded
from tests.support.offices import CLAIMS, Office, code_of
from tests.support.refusals import refused

pytestmark = pytest.mark.usefixtures("each_engine")


@pytest.fixture(scope="module")
def office(each_engine, tmp_path_factory):
    return Office(founded(), tmp_path_factory.mktemp("office"))


def submit(office, body):
    return office.issuer.applications.submit(body)


# --- bound to the holder's key ----------------------------------------------------------------


def test_an_application_is_answered_by_a_one_time_address(office):
    applied = office.apply()
    assert applied["pickup"].startswith("https://gz.gd.example/agencies/a/pickup/")
    waiting = office.issuer.applications.collect(code_of(applied))
    assert waiting == {"state": "received", "note": ""}


def test_a_challenge_is_answered_once(office):
    challenge = office.issuer.applications.challenge()["challenge"]
    submit(office, office.application(challenge=challenge))
    another = office.application(challenge=challenge, holder=office.fed.device("zhao"))
    with refused("challenge_unknown", ConflictError):
        submit(office, another)


def test_the_same_application_again_gets_the_same_address(office):
    """Its answer was lost; sent again it makes no second application, whenever it comes."""
    body, before = office.application(), len(office.issuer.applications.listed(None, 0))
    first = submit(office, body)
    office.fed.tick(10 * CHALLENGE_SECONDS)
    assert submit(office, body) == first
    assert len(office.issuer.applications.listed(None, 0)) == before + 1


def test_of_two_equal_applications_at_once_one_is_taken(office):
    body, before = office.application(), len(office.issuer.applications.listed(None, 0))
    with ThreadPoolExecutor(4) as pool:
        answers = {str(each) for each in pool.map(lambda _: submit(office, body), range(4))}
    assert len(answers) == 1
    assert len(office.issuer.applications.listed(None, 0)) == before + 1


def test_a_challenge_expires(office):
    given = office.issuer.applications.challenge()
    expires = timestamps.to_posix(timestamps.parse_utc(given["expires"]))
    assert expires == office.fed.now + CHALLENGE_SECONDS
    body = office.application(challenge=given["challenge"])
    office.fed.tick(CHALLENGE_SECONDS)
    with refused("challenge_unknown"):
        submit(office, body)


def test_a_challenge_is_good_until_its_last_second(office):
    body = office.application()
    office.fed.tick(CHALLENGE_SECONDS - 1)
    assert "id" in submit(office, body)


def test_a_challenge_that_was_never_given_out_is_unknown(office):
    with refused("challenge_unknown"):
        office.apply(challenge="A" * 43)


def test_a_refused_application_does_not_use_up_its_challenge(office):
    challenge = office.issuer.applications.challenge()["challenge"]
    with refused("claims_invalid"):
        office.apply(challenge=challenge, claims={})
    assert "id" in office.apply(challenge=challenge)


def test_a_challenge_is_known_again_after_a_restart(tmp_path):
    office = Office(founded(), tmp_path)
    body = office.application()
    office.restart()
    assert "id" in submit(office, body)


@pytest.mark.parametrize("place", [0, 13, 20, 45])
def test_a_challenge_that_was_changed_anywhere_is_unknown(office, place):
    given = office.issuer.applications.challenge()["challenge"]
    other = "A" if given[place] != "A" else "B"
    with refused("challenge_unknown", ConflictError):
        office.apply(challenge=given[:place] + other + given[place + 1 :])


def test_a_challenge_of_another_agency_is_unknown(office, tmp_path):
    other = Office(founded(), tmp_path, url="https://gz.gd.example/agencies/b")
    with refused("challenge_unknown"):
        office.apply(challenge=other.issuer.applications.challenge()["challenge"])


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_is_set_shuts_no_door(tmp_path, days):
    office = Office(founded(), tmp_path)
    before = office.application()
    office.fed.now += days * 86_400
    with refused("challenge_unknown"):
        submit(office, before)
    assert "id" in office.apply()
    office.fed.now -= days * 86_400
    assert "id" in office.apply()


def test_a_proof_for_another_agency_is_refused(office):
    with refused("domain_wrong", ProofError):
        office.apply(domain="https://cs.hn.example/agencies/b")


def test_a_proof_for_another_purpose_is_refused(office):
    with refused("purpose_wrong", ProofError):
        office.apply(purpose="assertionMethod")


def test_another_cryptosuite_is_refused(office):
    body = office.application()
    body["proof"] = {**body["proof"], "cryptosuite": "eddsa-rdfc-2022"}
    with refused("cryptosuite_not_accepted", MalformedError):
        submit(office, body)


def test_another_key_cannot_apply_for_a_holder(office):
    with refused("holder_proof_invalid", ProofError):
        office.apply(signer=office.fed.device("mallory"))


def test_a_method_of_two_halves_is_refused(office):
    wang, mallory = office.fed.device("wang"), office.fed.device("mallory")
    mallory.method = f"{wang.did}#{mallory.did.removeprefix('did:key:')}"
    with refused("method_invalid", MalformedError):
        office.apply(holder=wang, signer=mallory)


@pytest.mark.parametrize("member", ["item", "claims", "holder"])
def test_what_was_signed_cannot_be_changed(office, member):
    changes = {
        "item": "residence-permit-rdfc",
        "claims": {**CLAIMS, "givenName": "大明"},
        "holder": office.fed.device("mallory").did,
    }
    body = {**office.application(), member: changes[member]}
    with pytest.raises(ProofError) as caught:
        submit(office, body)
    assert caught.value.code in ("signature_invalid", "holder_proof_invalid")


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("member_missing", {"item": None}),
        ("member_missing", {"claims": None}),
        ("member_missing", {"holder": None}),
        ("member_missing", {"proof": None}),
        ("member_invalid", {"proof": []}),
        ("member_invalid", {"item": 1}),
        ("member_invalid", {"item": "x" * 65}),
        ("member_invalid", {"claims": []}),
        ("member_unknown", {"officer": "li"}),
        ("member_missing", {"proof": {"type": "DataIntegrityProof"}}),
        ("proof_malformed", {"proof": {"challenge": "x"}}),
        ("did_method_unknown", {"holder": "did:web:wang.example"}),
    ],
)
def test_malformed_applications_have_stable_codes(office, code, change):
    members = {**office.application(), **change}
    body = {name: value for name, value in members.items() if value is not None}
    with refused(code, MalformedError):
        submit(office, body)


def test_an_unknown_item_is_not_found(office):
    with refused("item_unknown", NotFoundError):
        office.apply(item="driving-licence")


# --- claims -----------------------------------------------------------------------------------

BAD_CLAIMS = {
    "missing": {"citizenNumber": None},
    "unknown": {"nickname": "Secret-王"},
    "check digit": {"citizenNumber": "110105194912310021"},
    "pattern": {"permitNumber": "Secret-gz"},
    "nested": {"residence": {"region": "440106", "address": "Secret", "floor": 3}},
    "wrong type": {"familyName": ["Secret"]},
    "set by the agency": {"jurisdiction": "000000"},
    "another subject": {"id": "did:key:z6MkSecret"},
    "own terms": {"residence": {"@context": {"region": "urn:evil:Secret"}, "region": "440106"}},
}


@pytest.mark.parametrize("case", BAD_CLAIMS)
def test_claims_that_do_not_fit_are_named_and_never_echoed(office, case):
    changed = {**CLAIMS, **BAD_CLAIMS[case]}
    claims = {name: value for name, value in changed.items() if value is not None}
    with pytest.raises(RuleError) as caught:
        office.apply(claims=claims)
    assert caught.value.code == "claims_invalid"
    told = caught.value.message + json.dumps(caught.value.details)
    assert "Secret" not in told
    assert "110105194912310021" not in told


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/familyName", {"familyName": "王\u202e明"}),
        ("/givenName", {"givenName": "小\x1b[2J明"}),
        ("/givenName", {"givenName": "\u3164"}),
        ("/residence/address", {"residence": {"region": "440106", "address": "a\u2028b"}}),
    ],
)
def test_a_claim_that_hides_something_is_named_with_the_character(office, path, change):
    with pytest.raises(RuleError) as caught:
        office.apply(claims={**CLAIMS, **change})
    assert caught.value.code == "claim_hidden_character"
    assert caught.value.details["claim"] == path
    assert caught.value.details["character"] in ("U+202E", "U+001B", "U+3164", "U+2028")


NAMES = {
    "one name": {"familyName": None, "givenName": "扎西"},
    "a family name alone": {"givenName": None, "familyName": "Suharto"},
    "two names": {"familyName": "王", "givenName": "小明"},
    "an ideographic space": {"familyName": "欧阳", "givenName": "小\u3000明"},
    "rare Han": {"familyName": "𮯰", "givenName": "𱍐明"},
    "marks and points": {"familyName": "阿卜杜拉·买买提", "givenName": "José"},
}


@pytest.mark.parametrize("kind", NAMES)
def test_persons_of_every_name_apply(office, kind):
    changed = {**CLAIMS, **NAMES[kind]}
    claims = {name: value for name, value in changed.items() if value is not None}
    assert "id" in office.apply(claims=claims)


def test_the_persons_of_the_field_apply_and_are_issued_to(tmp_path):
    """One name only; rare Han of Unicode 15 and 15.1 (cases 31 and 34)."""
    office = Office(founded(), tmp_path)
    for name in ("31-claims-one-name-only", "34-rare-han-name"):
        given = strict_json.load_object((optional.case(name) / "claims.json").read_bytes())
        rest = {n: v for n, v in CLAIMS.items() if n not in ("familyName", "givenName")}
        delivery = office.issue(claims={**rest, **given})
        subject = delivery["credential"]["credentialSubject"]
        assert subject["givenName"] == given["givenName"]


def test_nobody_applies_without_a_name(office):
    nameless = {n: v for n, v in CLAIMS.items() if n not in ("familyName", "givenName")}
    with pytest.raises(RuleError) as caught:
        office.apply(claims=nameless)
    assert caught.value.code == "claims_invalid"
    assert caught.value.details["reasons"] == "/credentialSubject anyOf"


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("missing", "/credentialSubject/citizenNumber required"),
        ("unknown", "/credentialSubject/nickname additionalProperties"),
        ("check digit", "/credentialSubject/citizenNumber format"),
        ("wrong type", "/credentialSubject/familyName type"),
    ],
)
def test_what_does_not_fit_is_told_to_machines_as_well(office, case, reason):
    changed = {**CLAIMS, **BAD_CLAIMS[case]}
    claims = {name: value for name, value in changed.items() if value is not None}
    with pytest.raises(RuleError) as caught:
        office.apply(claims=claims)
    assert reason in caught.value.details["reasons"].split("; ")


def test_a_claim_that_no_context_defines_is_refused_under_a_lax_schema(tmp_path):
    office = Office(founded(), tmp_path)
    lax = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    items = tuple(replace(item, schema=lax) for item in office.agency.items)
    office.agency = replace(office.agency, items=items)
    office.restart()
    with refused("claims_invalid"):
        office.apply(claims={"undefinedTerm": "Secret"})
    with refused("claims_invalid"):
        office.apply(claims={"familyName": "王", "@id": "urn:somebody:else"})
    with refused("claims_invalid"):
        office.apply(claims={"familyName": ["王", [{"@context": {}}]]})


def test_claims_are_bounded(office):
    with refused("too_large"):
        office.apply(claims={**CLAIMS, "familyName": "王" * (MAX_CLAIMS_BYTES // 3)})


def test_claims_are_judged_again_before_they_are_signed(tmp_path):
    office = Office(founded(), tmp_path)
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    stricter = {**office.agency.items[0].schema, "required": ["validUntil", "evidence"]}
    items = tuple(replace(item, schema=stricter) for item in office.agency.items)
    office.agency = replace(office.agency, items=items)
    office.restart()
    with refused("claims_invalid", RuleError):
        office.issuer.applications.approve(applied["id"], "zhao")
    assert office.issuer.statuses.listed(0) == []


# --- the way of an application ----------------------------------------------------------------


def test_returned_with_a_reason_and_final(office):
    applied = office.apply()
    office.issuer.applications.send_back(applied["id"], "缺居住证明", "sun")
    waiting = office.issuer.applications.collect(code_of(applied))
    assert waiting == {"state": "returned", "note": "缺居住证明"}
    for step in ("accept", "send_back", "approve"):
        arguments = ("x", "sun") if step == "send_back" else ("zhao",)
        with refused("state_wrong", ConflictError):
            getattr(office.issuer.applications, step)(applied["id"], *arguments)


@pytest.mark.parametrize("note", ["\0", "缺\0证明", "x\0"])
def test_a_note_with_a_zero_character_is_refused_and_changes_nothing(office, note):
    applied = office.apply()
    with refused("text_with_nul", MalformedError):
        office.issuer.applications.send_back(applied["id"], note, "sun")
    waiting = office.issuer.applications.collect(code_of(applied))
    assert waiting == {"state": "received", "note": ""}


def test_a_claim_with_a_zero_character_is_refused(office):
    with refused("claim_hidden_character", RuleError):
        office.apply(claims={**CLAIMS, "familyName": "王\0"})


def test_unknown_applications_are_not_found(office):
    for step in (
        lambda: office.issuer.applications.accept("nobody", "li"),
        lambda: office.issuer.applications.approve("nobody", "li"),
        lambda: office.issuer.applications.send_back("nobody", "x", "li"),
    ):
        with refused("application_unknown", NotFoundError):
            step()


def test_officers_see_the_work_that_waits(office):
    applied = office.apply()
    listed = office.issuer.applications.listed("received", 0)
    row = next(each for each in listed if each["id"] == applied["id"])
    assert row["claims"] == CLAIMS
    assert row["accepted_by"] is None
    office.issuer.applications.accept(applied["id"], "li")
    assert applied["id"] not in str(office.issuer.applications.listed("received", 0))
    assert applied["id"] in str(office.issuer.applications.listed(None, 0))


def test_long_lists_come_in_parts(office, monkeypatch):
    monkeypatch.setattr(rows, "MAX_LISTED_ROWS", 2)
    for _ in range(3):
        office.apply()
    whole = [row.id for row in office.store.applications(None)]
    assert len(whole) == 2
    following = [row.id for row in office.store.applications(None, 2)]
    assert not set(whole) & set(following)


def test_an_item_that_was_withdrawn_is_not_issued(tmp_path):
    office = Office(founded(), tmp_path)
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    office.agency = replace(office.agency, items=office.agency.items[1:])
    office.restart()
    with refused("item_unknown", NotFoundError):
        office.issuer.applications.approve(applied["id"], "zhao")


def test_two_approvals_at_once_issue_one_credential(office):
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")
    before = len(office.issuer.statuses.listed(0))

    def attempt(_):
        return office.issuer.applications.approve(applied["id"], "zhao")

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(attempt, range(3)))
    assert len(set(answers)) == 1  # whoever asks again is told what was issued
    assert len(office.issuer.statuses.listed(0)) == before + 1


def test_stored_claims_are_what_was_signed(office):
    applied = office.apply()
    assert office.store.application(applied["id"]).claims == jcs.encode(CLAIMS).decode()
