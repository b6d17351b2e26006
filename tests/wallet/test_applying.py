"""Applying to a real agency and receiving from it: nothing is lost, nothing is half-kept."""

import json
import os
from dataclasses import replace

import pytest

from did_service.core.credentials import proof_set
from did_service.core.credentials.proof_set import SUITES, ProofOptions
from did_service.core.encoding import strict_json
from did_service.node.local.agencies import ACCEPTING
from did_service.node.local.members import POLICE, SCHOOL
from tests.support import optional
from tests.support.purse import Purse
from tests.support.refusals import refused
from wallet_cli.holdings import applications, credentials, identities, keep

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("town")]


def counts(purse):
    """How many keys, applications and credentials a wallet holds."""
    vault = purse.vault()
    return len(identities(vault)), len(applications(vault)), len(credentials(vault))


def pickup_of(purse):
    (application,) = applications(purse.vault())
    return application.pickup


# --- applying ----------------------------------------


def test_an_application_makes_its_own_key_and_remembers_where_to_pick_up(town):
    purse = town.citizen("own-key")
    first, second = town.apply(purse, POLICE), town.apply(purse, SCHOOL)
    assert (first.exit, first.data["state"], first.data["item"]) == (0, "waiting", POLICE.item)
    assert first.data["holder"] != second.data["holder"]
    assert counts(purse) == (2, 2, 0)
    town.send_back(POLICE, "x")
    town.send_back(SCHOOL, "x")


def test_the_pickup_address_is_shown_to_nobody(town):
    purse = town.citizen("sealed-address")
    run = town.apply(purse, POLICE)
    listed = purse.json("pending", "list")
    code = pickup_of(purse).rpartition("/")[2]
    assert code not in run.out + run.err + listed.out + repr(applications(purse.vault()))
    assert code.encode() not in purse.file.read_bytes()
    town.send_back(POLICE, "x")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("zh", '  "公民身份号码": 格式不符'),
        ("en", '  "citizenNumber": does not have the right form'),
    ],
)
def test_the_whole_reason_is_told_in_the_readers_language(town, language, told):
    """Case 41: it was cut at 80 characters, and in English for everybody."""
    purse = town.citizen(f"reasons-{language}")
    given = strict_json.load_object(
        (optional.case("41-claims-error-relay") / "lower-x.json").read_bytes()
    )
    file = purse.save("claims.json", json.dumps({**POLICE.claims, **given}))
    words = ("apply", POLICE.url, POLICE.item, "--claims", file, "--lang", language)
    run = purse.run(*words, "--yes")
    assert run.exit == 2
    assert told in run.err.splitlines()
    assert "credentialSubject" not in run.err
    assert "\\" not in run.err


def test_every_field_of_a_form_is_told_with_its_title_and_never_its_value(town):
    """They were cut after the first, escaped twice, and in English for everybody."""
    purse = town.citizen("whole-form")
    wrong = {"citizenNumber": "110105x", "residence": {"region": "44"}, "nickname": "阿明"}
    for name in ("permitNumber", "familyName", "givenName", "birthDate"):
        wrong[name] = None
    run = town.apply(purse, POLICE, **wrong)
    fields = {each["name"]: each for each in run.envelope["error"]["fields"]}
    assert {"citizenNumber", "permitNumber", "familyName", "nickname"} <= fields.keys()
    assert {"residence.region", "residence.address"} <= fields.keys()
    assert fields["citizenNumber"]["title"] == "公民身份号码"
    assert fields["residence.address"]["keyword"] == "required"
    assert "peer_says" not in run.envelope["error"]
    for value in ("110105x", "阿明", '"44"'):
        assert value not in run.out + run.err


def test_a_file_that_begins_with_a_byte_order_mark_is_read(town):
    """Case 32: as Notepad and Excel write them."""
    purse = town.citizen("bom")
    data = (optional.case("32-claims-with-bom") / "claims.json").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    (purse.folder / "bom.json").write_bytes(data)
    words = ("apply", POLICE.url, POLICE.item, "--claims", purse.folder / "bom.json")
    run = purse.json(*words, "--yes")
    assert run.code == "claims_invalid"  # it was read: the agency misses the rest


def test_a_claim_that_hides_something_is_not_even_sent(town):
    purse = town.citizen("hidden")
    run = town.apply(purse, POLICE, familyName="王\u202e")
    assert (run.exit, run.code) == (2, "claim_hidden_character")
    assert run.envelope["error"]["details"] == {"claim": "/familyName", "character": "U+202E"}
    assert counts(purse) == (0, 0, 0)


def test_claims_that_do_not_fit_are_named_and_nothing_is_kept(town):
    purse = town.citizen("bad-claims")
    run = town.apply(purse, POLICE, citizenNumber="123")
    assert (run.exit, run.code) == (2, "claims_invalid")
    assert "citizenNumber" in run.err
    assert "123" not in run.err
    assert counts(purse) == (0, 0, 0)


def test_an_unknown_item_is_refused_and_nothing_is_kept(town):
    purse = town.citizen("bad-item")
    file = purse.save("c.json", "{}")
    run = purse.json("apply", POLICE.url, "passport", "--claims", file, "--yes")
    assert (run.exit, run.code) == (7, "item_unknown")
    assert counts(purse) == (0, 0, 0)


@pytest.mark.parametrize("text", ["[1]", "{", '{"a":1,"a":2}', ""])
def test_claims_must_be_one_json_object(town, text):
    purse = town.citizen(f"not-json-{len(text)}")
    run = purse.json("apply", POLICE.url, POLICE.item, "--claims", purse.save("c.json", text))
    assert run.exit == 2
    assert "c.json" in run.err


def test_claims_may_come_on_stdin(town):
    purse = town.citizen("stdin")
    claims = json.dumps(POLICE.claims).encode()
    run = purse.json("apply", POLICE.url, POLICE.item, "--claims", "-", "--yes", stdin=claims)
    assert run.exit == 0
    town.send_back(POLICE, "x")


def test_claims_go_to_hosts_of_the_policy_alone(town):
    purse = town.citizen("phished")
    file = purse.save("c.json", "{}")
    for url in ("https://gz-gd.example/agencies/police", "https://[/x"):
        run = purse.json("apply", url, POLICE.item, "--claims", file, "--yes")
        assert run.exit in (2, 6)
        assert run.code in ("issuer_unlisted", "url_invalid")
    words = ("apply", "https://other.example/a", "x", "--claims", file, "--yes")
    assert purse.json(*words, "--unlisted", "another.example").code == "issuer_unlisted"
    insisted = purse.json(*words, "--unlisted", "other.example")
    assert (insisted.exit, insisted.code) == (8, "peer_unreachable")
    assert counts(purse) == (0, 0, 0)


def test_without_a_policy_nothing_is_sent_but_to_a_host_that_was_named(town):
    """It sent name, number and address after one warning (newcomer E1)."""
    purse = town.purse("no-policy")
    run = town.apply(purse, POLICE)
    assert (run.exit, run.code) == (6, "issuer_unlisted")
    assert counts(purse) == (0, 0, 0)
    assert town.world.office(POLICE, ACCEPTING).applications("received") == []
    assert town.apply(purse, POLICE, "--unlisted", "gz.gd.example").exit == 0
    town.send_back(POLICE, "x")


def test_a_person_sees_what_goes_to_whom_and_is_asked(town):
    purse = town.citizen("asked")
    file = purse.save("c.json", json.dumps(POLICE.claims))
    words = ("apply", POLICE.url, POLICE.item, "--claims", file)
    assert purse.json(*words).code == "input_needed"
    run = purse.run(*words, "--lang", "zh", stdin="n\n")
    assert run.exit == 3
    assert f'发送给: "{POLICE.url}" ("广东")' in run.err
    assert '"givenName"' in run.err
    assert '"小明"' in run.err
    assert town.world.office(POLICE, ACCEPTING).applications("received") == []
    assert counts(purse) == (0, 0, 0)
    assert purse.run(*words, stdin="y\n").exit == 0
    town.send_back(POLICE, "x")


def test_offline_means_offline(town):
    purse = town.citizen("offline")
    file = purse.save("c.json", "{}")
    run = purse.json("apply", POLICE.url, POLICE.item, "--claims", file, "--offline", "--yes")
    assert (run.exit, run.code) == (2, "offline")


def test_a_wrong_passphrase_is_told_before_anything_is_sent(town):
    purse = town.citizen("locked")
    purse.passphrase.write_text("something else\n")
    assert town.apply(purse, POLICE).exit == 4
    assert town.world.office(POLICE, ACCEPTING).applications("received") == []


# --- receiving ----------------------------------------


def test_waiting_then_receiving_then_nothing_more(town):
    purse = town.citizen("patient")
    town.apply(purse, POLICE)
    run = purse.json("receive")
    assert (run.exit, run.code) == (9, "not_yet")
    assert run.data["waiting"][0]["state"] == "received"
    town.accept(POLICE)
    assert "accepted, waiting for approval" in purse.run("receive").err
    town.approve(POLICE)
    run = purse.json("receive")
    (received,) = run.data["received"]
    assert (run.exit, received["alias"]) == (0, "residence-permit-1")
    assert counts(purse) == (1, 0, 1)
    assert purse.json("receive").data == {
        "received": [],
        "apart": [],
        "waiting": [],
        "failed": [],
    }
    assert "nothing to receive" in purse.run("receive").err


def test_the_issuers_signature_is_checked_with_evidence_on_arrival(town):
    purse = town.citizen("checked")
    town.apply(purse, SCHOOL)
    town.approve(SCHOOL)
    run = purse.json("receive")
    assert "signature_not_checked" not in run.warnings
    assert purse.json("cred", "verify", "education-1").data["report"]["checks"]


def test_a_returned_application_shows_the_officers_note(town):
    purse = town.citizen("returned")
    town.apply(purse, POLICE)
    town.send_back(POLICE, "照片不清晰\x1b[2J")
    run = purse.run("receive", "--lang", "zh")
    assert run.exit == 9
    assert '被退回 ("照片不清晰\\u{1b}[2J")' in run.err


def test_one_of_two_that_is_ready_is_received(town):
    purse = town.citizen("half")
    town.apply(purse, SCHOOL)
    town.apply(purse, POLICE)
    town.approve(SCHOOL)
    run = purse.json("receive")
    assert (run.exit, len(run.data["received"]), len(run.data["waiting"])) == (0, 1, 1)
    town.send_back(POLICE, "x")


def test_another_wallet_cannot_keep_what_it_picked_up_and_does_not_lose_it(town):
    wang, zhao = town.citizen("robbed"), town.citizen("robber")
    town.apply(wang, POLICE)
    town.approve(POLICE)
    run = zhao.json("receive", pickup_of(wang))
    assert (run.exit, run.code) == (2, "subject_foreign")
    assert counts(zhao) == (0, 1, 0)
    assert zhao.json("pending", "list").data["pending"][0]["state"] == "held-back"
    assert "delivery_held_back" in zhao.json("status").warnings
    assert wang.json("receive").exit == 0  # the other one had nothing to acknowledge
    assert counts(wang) == (1, 0, 1)
    assert zhao.json("pending", "drop", applications(zhao.vault())[0].id[:6], "--yes").exit == 0
    assert counts(zhao) == (0, 0, 0)


def test_a_delivery_survives_a_wallet_that_died_before_taking_it_in(town):
    purse = town.citizen("killed")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    (application,) = applications(purse.vault())
    answer = town.world.transport.get(application.pickup)  # as the killed run did
    fetched = replace(application, delivery=json.loads(answer.body))
    purse.open().commit(lambda vault: keep(vault, fetched, os.urandom))
    run = purse.json("receive")
    assert (run.exit, counts(purse)) == (0, (1, 0, 1))


def test_an_answer_that_was_lost_costs_no_credential(town):
    purse = town.citizen("unlucky")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    town.world.transport.get(pickup_of(purse))  # sent, and lost on the way
    assert (purse.json("receive").exit, counts(purse)) == (0, (1, 0, 1))


def test_what_has_arrived_is_gone_at_the_issuer(town):
    purse = town.citizen("arrived")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    address = pickup_of(purse)
    assert purse.json("receive").exit == 0
    with refused("pickup_used"):
        town.world.transport.get(address)


def test_nothing_is_fetched_that_there_is_no_room_for(town, monkeypatch):
    purse = town.citizen("full")
    town.apply(purse, POLICE)
    town.approve(POLICE)

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        run = purse.json("receive")
    assert (run.exit, run.code) == (8, "file_not_written")
    assert purse.json("receive").exit == 0


def test_a_pickup_address_by_hand(town):
    purse = town.citizen("by-hand")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    run = purse.json("receive", pickup_of(purse))
    assert (run.exit, counts(purse)) == (0, (1, 0, 1))


@pytest.mark.parametrize(
    ("url", "exit_code", "code"),
    [
        ("https://gz.gd.example/agencies/police", 2, "pickup_invalid"),
        (f"{POLICE.url}/pickup/nothing", 7, "pickup_unknown"),
        ("https://nowhere.example/pickup/x", 6, "issuer_unlisted"),
    ],
)
def test_an_address_that_leads_nowhere(town, url, exit_code, code):
    purse = town.citizen(f"nowhere-{code}")
    run = purse.json("receive", url)
    assert (run.exit, run.code) == (exit_code, code)
    assert counts(purse) == (0, 0, 0)


def test_an_address_outside_the_policy_is_asked_only_by_its_name(town):
    purse = town.citizen("by-name")
    run = purse.json(
        "receive", "https://nowhere.example/pickup/x", "--unlisted", "nowhere.example"
    )
    assert (run.exit, run.code) == (8, "peer_unreachable")


def test_several_failures_cost_the_others_nothing(town):
    purse = town.citizen("mixed")
    town.apply(purse, POLICE)
    town.apply(purse, SCHOOL)
    town.approve(POLICE)
    town.approve(SCHOOL)
    spent = next(a for a in applications(purse.vault()) if a.item == POLICE.item)
    town.world.transport.get(spent.pickup)
    town.world.transport.request("DELETE", spent.pickup)
    run = purse.json("receive")
    assert run.exit == 0
    assert [each["code"] for each in run.data["failed"]] == ["pickup_used"]
    assert "pickup_used" in run.warnings
    town.apply(purse, POLICE)
    run = purse.json("receive", "--offline")
    assert (run.exit, run.code) == (2, "offline")
    town.send_back(POLICE, "x")


# --- files ----------------------------------------


@pytest.fixture
def wang(town, request):
    """A citizen with a fresh residence permit, exported as a file and then deleted here."""
    purse = town.citizen(f"file-{abs(hash(request.node.name))}")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    purse.run("receive")
    return purse


def exported(purse: Purse, alias: str = "residence-permit-1") -> dict:
    """The credential as a file, and no longer in the wallet; its key stays."""
    (held,) = [each for each in credentials(purse.vault()) if each.alias == alias]
    purse.open().commit(lambda vault: vault.drop((held.id,)))
    return dict(held.credential)


def received(purse: Purse, credential: dict, *words):
    file = purse.save("credential.json", json.dumps(credential))
    return purse.json("receive", file, *words)


def test_a_credential_comes_from_a_file(wang):
    run = received(wang, exported(wang))
    assert (run.exit, run.data["received"][0]["alias"]) == (0, "residence-permit-1")
    again = received(wang, credentials(wang.vault())[0].credential)
    assert (again.exit, again.code) == (2, "credential_held")


def test_a_file_may_hold_all_that_an_issuer_hands_over(wang):
    (held,) = credentials(wang.vault())
    credential = exported(wang)
    run = received(wang, {**held.delivery, "credential": credential})
    assert (run.exit, run.warnings) == (0, ["routes_in_use"])


def test_a_credential_that_was_changed_is_not_kept(wang):
    """With the evidence of the issuer's key at hand, which came along with the first one."""
    (held,) = credentials(wang.vault())
    credential = exported(wang)
    credential["credentialSubject"]["familyName"] = "李"
    run = received(wang, {**held.delivery, "credential": credential})
    assert (run.exit, run.code) == (2, "credential_spoilt")
    assert counts(wang) == (1, 0, 0)


def test_a_credential_without_evidence_is_set_apart_until_it_is_proven(wang):
    """Anybody could have written it: it is no credential before its issuer is proven."""
    delivery = credentials(wang.vault())[0].delivery
    credential = exported(wang)
    file = {**delivery, "credential": credential}
    run = received(wang, file, "--offline")
    assert (run.exit, run.code) == (5, "set_aside")
    assert received(wang, file, "--offline").code == "set_aside"
    (pending,) = wang.json("pending", "list").data["pending"]
    assert (counts(wang), pending["state"]) == ((1, 1, 0), "unproven")
    assert wang.json("receive").exit == 0
    assert counts(wang) == (1, 0, 1)


def test_a_type_that_nothing_shows_its_issuer_may_issue_is_pointed_at(town, wang):
    (held,) = credentials(wang.vault())
    police = town.world.identity(POLICE)
    draft = {name: v for name, v in exported(wang).items() if name != "proof"}
    draft["type"] = ["VerifiableCredential", "Education"]
    draft["credentialSchema"] = {"id": SCHOOL.schema_id, "type": "JsonSchema"}
    subject = {"id": held.holder, "jurisdiction": "440100", **SCHOOL.claims}
    draft["credentialSubject"] = subject
    options = ProofOptions(police.method, "assertionMethod", town.world.edge.clock())
    signed = proof_set.sign(draft, police.sign, options, SUITES["eddsa-jcs-2022"])
    delivery = {**held.delivery, "credential": signed, "batch": None}
    run = received(wang, delivery)
    assert (run.exit, run.warnings) == (0, ["routes_in_use", "authority_not_proven"])


def test_without_a_policy_a_file_is_set_apart_until_one_is_pinned(town, wang):
    bare = town.purse("bare-policy")
    key = identities(wang.vault())[0]
    bare.open().commit(lambda vault: keep(vault, key, os.urandom))
    delivery = credentials(wang.vault())[0].delivery
    run = received(bare, {**delivery, "credential": exported(wang)})
    assert (run.exit, run.code) == (5, "set_aside")
    assert run.warnings == ["issuer_not_checked"]
    fingerprint = town.world.policy.fingerprint
    assert bare.run("trust", "pin", town.policy_file, "--fingerprint", fingerprint).exit == 0
    assert bare.json("receive").exit == 0
    assert counts(bare) == (1, 0, 1)


@pytest.mark.parametrize("text", ["{}", '{"type":"VerifiableCredential"}', "nonsense"])
def test_a_file_that_is_no_credential_is_refused(wang, text):
    run = wang.json("receive", wang.save("c.json", text))
    assert run.exit == 2
    assert "wallet: hint:" in run.err


def test_a_missing_file_is_named(wang):
    run = wang.json("receive", "/nowhere/credential.json")
    assert (run.exit, run.code) == (7, "file_missing")


def test_a_file_for_another_wallet_is_not_kept(town, wang):
    other = town.citizen("stranger")
    run = received(other, exported(wang))
    assert (run.exit, run.code) == (2, "subject_foreign")
    assert "王" not in run.out + run.err
