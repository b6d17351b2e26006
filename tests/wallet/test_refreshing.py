"""Collecting staples from real mirrors, and what a counter says to what was collected."""

import gzip
import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from fastapi import FastAPI, Response

from did_service.core.anchor.bodies.policy import sign_policy
from did_service.core.crypto.hashes import sha256
from did_service.core.did.key import did_key_method
from did_service.core.encoding import b64, strict_json, timestamps
from did_service.core.encoding.strict_json import JsonObject
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.verification.request import Clock, NonceState, Request
from did_service.core.verification.verify import verify
from did_service.demo.cast import AUDIENCE
from did_service.node.local.members import POLICE, SCHOOL
from did_service.verifier.directory import TrustDirectory
from did_service.verifier.memory import RememberedLog
from did_service.web.serve import Server, unix_socket
from tests.support.purse import wallet
from wallet_cli import staples
from wallet_cli.holdings import answers, credentials, identities, keep

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("town")]

NONCE = "n" * 43


@pytest.fixture(scope="module")
def wang(town):
    """A citizen with a residence permit and an education certificate, refreshed."""
    return town.holder("wang", POLICE, SCHOOL)


def judged(town, file: Path, nonce=NONCE, audience=AUDIENCE):
    """What a counter says that remembers having asked."""
    request = Request(nonce=nonce, audience=audience, nonce_state=NonceState.OPEN)
    return verify(
        file.read_bytes(),
        policy=town.world.policy,
        evidence=(),
        request=request,
        clock=Clock(town.world.edge.clock()),
    )


def presented(purse, alias, out, *words, nonce=NONCE, audience=AUDIENCE):
    given = ("--nonce", nonce, "--audience", audience, "--out", purse.folder / out)
    return purse.json("present", alias, *given, "--yes", *words)


# --- staples ----------------------------------------


@pytest.mark.parametrize("alias", ["residence-permit-1", "education-1"])
def test_a_refreshed_credential_is_accepted_offline(town, wang, alias):
    out = f"{alias}.vp.json"
    run = presented(wang, alias, out, nonce=alias)
    assert (run.exit, run.data["staple"], run.warnings) == (0, True, [])
    report = judged(town, wang.folder / out, nonce=alias)
    assert report.outcome.value == "accepted", [c.code for c in report.checks]
    assert wang.json("cred", "verify", alias).exit == 0


def test_the_staple_proves_when_the_credential_existed(wang):
    for held in credentials(wang.vault()):
        (batch,) = held.staple["batches"]
        assert held.as_of
        assert batch["record"]


def test_a_second_refresh_finds_nothing_missing_and_keeps_the_proof_of_issuance(wang):
    run = wang.json("refresh", "all", "--fresh")
    assert [each["missing"] for each in run.data["refreshed"]] == [[], []]
    assert all(each["issuance"] for each in run.data["refreshed"])


def test_the_batch_is_found_behind_later_ones(town):
    """The entry that anchored a credential is not the newest of its stream any more."""
    purse = town.citizen("late-batch")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    purse.run("receive")
    for _ in range(3):
        town.anchor()
    run = purse.json("refresh", "--fresh")
    assert run.data["refreshed"][0]["issuance"] is True


def test_an_issuance_that_is_not_logged_yet_is_told_and_says_when(town):
    """Counters take it all the same; `receive` proposed --fresh, which could bring nothing."""
    purse = town.citizen("ahead")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    received = purse.run("receive")
    assert (received.exit, "not all logged yet" in received.err) == (0, True)
    assert "or now with --fresh" not in received.err
    asked = town.world.edge.clock()
    run, told = purse.json("refresh", "--fresh"), purse.run("refresh", "--fresh")
    (row,) = run.data["refreshed"]
    assert (run.exit, row["complete"], bool(row["good_until"])) == (0, False, True)
    assert "not_published_yet" in run.warnings
    assert row["missing"] == [{"kind": "evidence", "code": "batch_unknown"}]
    soon = timestamps.parse_utc(run.data["next_fresh"])
    assert asked < soon <= timestamps.parse_utc(run.data["next"])
    assert (told.exit, "error" in told.err) == (0, False)
    assert "some evidence is still missing" in told.out
    town.anchor()
    run = purse.json("refresh", "--fresh")
    assert (run.exit, run.data["refreshed"][0]["complete"]) == (0, True)
    assert "next" not in run.data


def test_a_revoked_credential_is_good_at_no_counter_however_fresh_its_evidence(town):
    purse = town.holder("revoked-since", POLICE)
    (held,) = credentials(purse.vault())
    town.world.revoke(POLICE, str(held.credential["id"]))
    town.anchor()
    run, told = purse.json("refresh", "--fresh"), purse.run("refresh", "--lang", "en")
    (row,) = run.data["refreshed"]
    assert (run.exit, row["complete"], row["good_until"]) == (0, True, None)
    assert "not good at counters: revoked" in told.out


def test_one_credential_that_waits_is_told_beside_those_that_do_not(town):
    purse = town.holder("one-waits", POLICE)
    town.apply(purse, SCHOOL)
    town.approve(SCHOOL)
    purse.run("receive")
    run = purse.json("refresh", "--fresh")
    complete = {each["alias"]: each["complete"] for each in run.data["refreshed"]}
    assert complete == {"residence-permit-1": True, "education-1": False}  # in either order
    assert (run.exit, "not_published_yet" in run.warnings) == (0, True)
    run = purse.json("refresh", "residence-permit-1", "--fresh")
    assert (run.exit, "not_published_yet" in run.warnings) == (0, False)


def test_evidence_comes_from_another_regions_mirror(town):
    """With the logs of the issuer's region and the nation-wide one out of reach."""
    purse = town.citizen("mirrored")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    purse.run("receive")
    town.anchor()
    file = Path(purse.environment["DIDSVC_ROUTES"])
    routes = json.loads(file.read_text())
    del routes["gd.example"], routes["cn.example"]
    town.world.witnesses["hn"].refresh_now()
    file.write_text(json.dumps(routes))
    run = purse.json("refresh", "--fresh", "--from", "https://hn.example/witness/")
    assert run.data["refreshed"][0]["missing"] == []
    assert presented(purse, "res", "mirrored.vp.json").exit == 0
    assert judged(town, purse.folder / "mirrored.vp.json").outcome.value == "accepted"


def test_one_mirror_by_its_address(town, wang):
    town.world.witnesses["zj"].refresh_now()
    mirror = sha256(b"gd.example/reg").hex()
    run = wang.json(
        "refresh", "res", "--fresh", "--from", f"https://zj.example/witness/{mirror}"
    )
    assert run.data["refreshed"][0]["missing"] == []


def test_where_nothing_can_be_fetched_the_old_staple_stays(town, wang):
    before = credentials(wang.vault())
    words = ("refresh", "--json", "--no-input", *wang.options)
    run = wallet(*words)  # no routes: names in .example lead nowhere
    assert (run.exit, run.code) == (8, "nothing_fetched")
    assert credentials(wang.vault()) == before


def test_a_collection_that_takes_too_long_ends_and_takes_nothing_away(town, wang, monkeypatch):
    """One time for all requests together: not one for each, of which there may be fifty."""
    before = credentials(wang.vault())
    monkeypatch.setattr(staples, "COLLECTION_SECONDS", 0)
    run = wang.json("refresh", "all", "--fresh")
    assert (run.exit, run.code) == (8, "nothing_fetched")
    codes = {each["code"] for row in run.data["refreshed"] for each in row["missing"]}
    assert codes <= {"peer_timeout", "evidence_missing", "issuer_evidence_missing"}
    assert credentials(wang.vault()) == before


def test_a_mirror_with_another_history_is_told_and_costs_no_staple(town):
    """The wallet has seen another tree of that size under a quorum: one of the two is false."""
    purse = town.holder("two-histories", POLICE)
    (before,) = credentials(purse.vault())
    control = town.world.registries["gd"].region.control
    size = town.world.registries["gd"].logs[control].published().size
    seen = RememberedLog(size, bytes(32), town.world.edge.clock())
    trust = TrustDirectory(purse.path / "trust")
    with trust.locked():
        trust.change(lambda memory: memory.without_logs([control]).with_log(control, seen))
    run = purse.json("refresh", "--fresh")
    assert {"log_forked", "staple_kept"} <= {*run.warnings}
    assert credentials(purse.vault()) == (before,)
    assert trust.forks()  # the proof is kept, as a counter keeps it
    told = purse.json("cred", "verify", "res")
    assert "log_forked" in json.dumps(told.data)


def test_a_mirror_that_gives_something_else_is_passed_over(town, wang):
    """The other agency's host answers with pages that are no evidence."""
    run = wang.json("refresh", "res", "--fresh", "--from", f"{SCHOOL.url}/witness")
    assert (run.exit, run.data["refreshed"][0]["missing"]) == (0, [])


def test_a_mirror_that_gives_evidence_of_something_else_is_passed_over(town, wang):
    """What it gives verifies, but does not answer the question."""
    schema = "evidence/schema/urn%3Adidsvc%3Aschema%3Aeducation%3A1?fresh"
    other = town.world.transport.get(f"https://cn.example/reg/{schema}").body
    app = FastAPI()

    @app.get("/{path:path}")
    def evidence(path: str) -> Response:
        return Response(other, media_type="application/json")

    routes = json.loads(Path(wang.environment["DIDSVC_ROUTES"]).read_text())
    with TemporaryDirectory(prefix="w-") as sockets:
        socket = Path(sockets) / "s.sock"
        file = wang.save(
            "two.routes.json", json.dumps({**routes, "odd.example": f"unix:{socket}"})
        )
        with Server(app, unix_socket(socket)):
            words = ("refresh", "res", "--fresh", "--from", "https://odd.example/witness")
            run = wallet(*words, "--json", *wang.options, DIDSVC_ROUTES=str(file))
    assert run.data["refreshed"][0]["missing"] == []


def test_a_credential_from_a_file_has_no_place_in_a_batch(town):
    purse = town.citizen("from-file")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    purse.run("receive")
    (held,) = credentials(purse.vault())
    file = purse.save("from-file.json", strict_json.dumps(held.credential))
    purse.open().commit(lambda vault: vault.drop((held.id,)))
    (received,) = purse.json("receive", file).data["received"]
    assert {"kind": "evidence", "code": "batch_unnamed"} in received["missing"]
    # without the names of the issuer's statements nobody can find them in the log
    assert purse.json("refresh", "--fresh").data["refreshed"][0]["issuance"] is False


def test_a_batch_that_no_entry_anchored_is_told(town):
    purse = town.citizen("false-place")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    town.anchor()
    purse.run("receive")
    (held,) = credentials(purse.vault())
    batch = held.delivery["batch"]
    delivery = {**held.delivery, "batch": {**batch, "index": batch["index"] + 1}}
    moved = replace(held, delivery=delivery, staple=None)
    purse.open().commit(lambda vault: keep(vault, moved, os.urandom))
    run = purse.json("refresh", "--fresh")
    assert run.data["refreshed"][0]["missing"] == [
        {"kind": "evidence", "code": "batch_unpublished"}
    ]


def test_an_issuer_outside_the_policy_has_no_evidence(town):
    purse = town.citizen("outside")
    purse.run("id", "new")
    (identity,) = identities(purse.vault())
    credential = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": identity.did,
        "credentialSubject": {"id": identity.did},
    }
    options: JsonObject = {
        "verificationMethod": did_key_method(identity.key.public),
        "proofPurpose": "assertionMethod",
    }
    proof = data_integrity.create(credential, options, identity.key, eddsa_jcs_2022)
    file = purse.save("own.json", json.dumps({**credential, "proof": proof}))
    run = purse.json("receive", file)
    (received,) = run.data["received"]
    assert received["alias"] == "credential-1"
    assert received["missing"][0]["kind"] == "did"
    assert purse.json("cred", "verify", "cred").exit == 5


def test_refreshing_needs_a_policy(town):
    run = town.purse("unpinned").json("refresh")
    assert (run.exit, run.code) == (5, "policy_missing")


def test_a_wallet_without_credentials_has_nothing_to_refresh(town):
    run = town.citizen("empty").json("refresh")
    assert (run.exit, run.data) == (0, {"refreshed": [], "failed": []})


def test_refreshing_offline_is_a_contradiction(wang):
    assert wang.json("refresh", "--offline").code == "offline"


# --- presenting ----------------------------------------


def test_the_same_answer_again_is_the_same_file(wang):
    presented(wang, "res", "one.json", nonce="again")
    presented(wang, "res", "two.json", nonce="again")
    assert (wang.folder / "one.json").read_bytes() == (wang.folder / "two.json").read_bytes()
    assert len([each for each in answers(wang.vault()) if each.nonce == "again"]) == 1


def test_a_challenge_is_not_answered_with_two_credentials(wang):
    assert presented(wang, "res", "first.json", nonce="twice").exit == 0
    run = presented(wang, "edu", "second.json", nonce="twice")
    assert (run.exit, run.code) == (2, "answered_otherwise")
    assert not (wang.folder / "second.json").exists()
    assert presented(wang, "edu", "other.json", nonce="twice", audience="elsewhere").exit == 0


def test_a_file_that_is_there_is_not_replaced_unasked(wang):
    kept = wang.save("kept.json", "mine")
    assert presented(wang, "res", "kept.json").code == "file_exists"
    assert kept.read_text() == "mine"
    assert presented(wang, "res", "kept.json", "--force").exit == 0
    assert kept.stat().st_mode & 0o777 == 0o600


def test_without_the_staple_a_counter_cannot_tell(town, wang):
    run = presented(wang, "res", "bare.json", "--no-staple")
    assert (run.exit, run.data["staple"]) == (0, False)
    assert judged(town, wang.folder / "bare.json").outcome.value == "undecided"


def test_an_answer_is_for_one_counter_and_one_challenge(town, wang):
    presented(wang, "res", "bound.json", nonce="bound")
    file = wang.folder / "bound.json"
    assert judged(town, file, nonce="bound").outcome.value == "accepted"
    assert judged(town, file, nonce="other").outcome.value == "refused"
    assert judged(town, file, nonce="bound", audience="other").outcome.value == "refused"


@pytest.mark.parametrize(("nonce", "audience"), [("", "a"), ("n", "x" * 513), ("n\x1b", "a")])
def test_a_challenge_that_is_none_is_refused(wang, nonce, audience):
    run = presented(wang, "res", "never.json", nonce=nonce, audience=audience)
    assert (run.exit, run.code) == (2, "addressee_invalid")


def test_a_person_reads_what_is_shown(wang):
    given = ("--nonce", "seen", "--audience", "a", "--out", wang.folder / "seen.json")
    run = wang.run("present", "res", *given, "--lang", "zh", stdin="n\n")
    assert run.exit == 3
    assert not (wang.folder / "seen.json").exists()
    run = wang.run("present", "res", *given, "--lang", "zh", stdin="y\n")
    assert '"公民身份号码", "姓", "名", ' in run.err
    assert '自称      "a"（窗口身份未经证明）' in run.err
    assert "王" not in run.err
    assert 'seen.json"' in run.out


def test_a_disk_that_refuses_the_file_costs_nothing(wang):
    answered = wang.file.read_bytes()
    for out, told in {
        "nowhere/x.json": (7, "directory_missing"),
        "/dev/null": (8, "file_not_written"),
    }.items():
        run = presented(wang, "res", out, "--force", nonce="no-disk")
        assert (run.exit, run.code) == told
    assert wang.file.read_bytes() == answered
    assert Path("/dev/null").is_char_device()
    assert presented(wang, "res", "there.json", nonce="no-disk").exit == 0


# --- credentials ----------------------------------------


def test_credentials_are_listed_without_their_claims(wang):
    run = wang.run("cred", "list")
    assert "residence-permit-1" in run.out
    assert "GOOD AT COUNTERS UNTIL" in run.out
    assert run.out.count("  good  ") == 2
    assert "小明" not in run.out
    listed = wang.json("cred", "list").data["credentials"]
    types = {each["alias"]: each["type"] for each in listed}
    assert types == {"residence-permit-1": "ResidencePermit", "education-1": "Education"}


def test_a_credential_is_shown_in_full_to_its_holder(wang):
    shown = wang.run("cred", "show", "residence-permit-1", "--lang", "zh").out
    assert "小明" in shown
    assert "广州市公安局" in shown
    assert "居民居住证" in shown
    assert "公民身份号码" in shown  # as the registered schema calls it
    told = wang.run("cred", "show", "res", "--lang", "en").out
    for words in ("Residence permit", "Citizen number", "Address"):
        assert f'"{words}"' in told
    assert "citizenNumber" not in told
    credential = wang.json("cred", "show", "res").data["credential"]
    assert credential["credentialSubject"]["givenName"] == "小明"


def test_a_credential_is_found_by_its_id(wang):
    identifier = wang.json("cred", "show", "edu").data["id"]
    for name in (identifier, identifier.removeprefix("urn:uuid:")[:8]):
        assert wang.json("cred", "show", name).data["alias"] == "education-1"


@pytest.mark.parametrize(
    ("name", "exit_code", "code"),
    [("nothing", 7, "credential_unknown"), ("", 7, "credential_unknown")],
)
def test_a_credential_that_is_not_there(wang, name, exit_code, code):
    run = wang.json("cred", "show", name)
    assert (run.exit, run.code) == (exit_code, code)


def test_a_name_that_fits_several_is_refused(wang):
    run = wang.json("cred", "show", "urn:uuid:")
    assert (run.exit, run.code) == (2, "credential_ambiguous")


def test_a_verdict_is_told_in_words(wang):
    run = wang.run("cred", "verify", "res", "--lang", "zh")
    assert run.out.startswith("证照真实，未核验持证人 GENUINE DOCUMENT, holder not checked\n")


def test_a_verdict_without_evidence_is_undecided(town, wang):
    later = town.world.edge.clock() + timedelta(days=40)
    run = wang.json("cred", "verify", "res", clock=later)
    assert (run.exit, run.code) == (5, "credential_undecided")
    assert run.data["report"]["outcome"] == "undecided"


def test_a_verdict_may_ask_for_fresher_evidence(wang):
    run = wang.json("cred", "verify", "res", "--tier", "online")
    assert run.data["report"]["tier"] == "online"


def test_an_export_without_evidence_says_so(town):
    purse = town.purse("bare")  # no policy: nothing is collected
    town.apply(purse, SCHOOL, "--unlisted", SCHOOL.host)
    town.approve(SCHOOL)
    purse.run("receive")
    out, staple = purse.folder / "unstapled.json", purse.folder / "unstapled.staple.json"
    run = purse.json("cred", "export", "edu", "--out", out, "--staple", staple)
    assert (run.exit, run.warnings, run.data["files"]) == (0, ["staple_old"], [str(out)])
    assert not staple.exists()
    verdict = purse.json("cred", "verify", "edu")
    assert verdict.data["report"]["outcome"] == "undecided"


def test_an_export_carries_no_key_and_cannot_be_presented(town, wang):
    out, staple = wang.folder / "permit.json", wang.folder / "permit.staple.json"
    run = wang.json("cred", "export", "res", "--out", out, "--staple", staple)
    assert run.data == {"files": [str(out), str(staple)]}
    assert strict_json.load_object(staple.read_bytes())["format"] == "didsvc-evidence/1"
    assert strict_json.load_object(out.read_bytes())["id"].startswith("urn:uuid:")
    assert wang.json("cred", "export", "res", "--out", out).code == "file_exists"
    new = wang.folder / "new.json"
    run = wang.json("cred", "export", "res", "--out", new, "--staple", staple)
    assert (run.code, new.exists()) == ("file_exists", False)
    twice = ("--out", new, "--staple", new.parent / "." / new.name)
    assert wang.json("cred", "export", "res", *twice).code == "file_twice"


def test_a_deleted_credential_takes_its_key_along(town):
    purse = town.citizen("deleting")
    town.apply(purse, POLICE)
    town.approve(POLICE)
    purse.run("receive")
    assert purse.json("cred", "delete", "res").code == "input_needed"
    assert purse.run("cred", "delete", "res", stdin="n\n").exit == 3
    assert purse.run("cred", "delete", "res", stdin="y\n").exit == 0
    assert purse.json("cred", "list").data == {"credentials": []}
    assert purse.json("id", "list").data == {"identities": []}


def test_status_counts_and_points_at_old_evidence(town, wang):
    run = wang.json("status")
    assert (run.data["credentials"], run.data["policy"]["seq"], run.warnings) == (2, 1, [])
    later = town.world.edge.clock() + timedelta(days=40)
    assert "staple_old" in wang.json("status", clock=later).warnings
    expired = town.world.edge.clock() + timedelta(days=800)
    assert "policy_expired" in wang.json("status", clock=expired).warnings


# --- trust ----------------------------------------


def test_a_policy_is_pinned_once_and_by_its_fingerprint(town):
    purse = town.purse("pinning")
    policy, file = town.world.policy, town.policy_file
    wrong = purse.json("trust", "pin", file, "--fingerprint", "0000 " * 8)
    assert (wrong.exit, wrong.code) == (1, "fingerprint_wrong")
    assert purse.json("trust", "show").code == "policy_missing"
    for _ in range(2):
        assert purse.json("trust", "pin", file, "--fingerprint", policy.fingerprint).exit == 0
    shown = purse.json("trust", "show").data
    assert (shown["fingerprint"], shown["demo"]) == (policy.fingerprint, True)
    assert "of no force" in purse.run("trust", "show").out


def successor(world, **changes):
    """The next policy, signed by the same governors."""
    policy = world.policy
    members = {name: value for name, value in policy.members.items() if name != "proof"}
    members = {**members, "seq": 2, "previous": b64.encode_url(policy.digest), **changes}
    governors = [keys.governance for keys in world.founded.keys.values()]
    return sign_policy(members, governors, world.edge.clock())


def test_the_next_policy_is_imported_and_another_first_one_is_not_pinned(town):
    purse = town.citizen("succeeding")
    following = successor(town.world)
    file = purse.save("policy-2.json", strict_json.dumps(following.members))
    run = purse.json("trust", "import", file)
    assert (run.exit, run.data["seq"]) == (0, 2)
    assert purse.json("trust", "import", file).exit == 0
    back = purse.json("trust", "import", town.policy_file)
    assert (back.exit, back.code) == (1, "policy_rollback")
    words = ("trust", "pin", town.policy_file, "--fingerprint", town.world.policy.fingerprint)
    assert purse.json(*words).code == "policy_pinned"


def test_a_bundle_is_imported_and_serves_in_place_of_a_staple(town):
    purse = town.citizen("bundled")
    bundle = purse.folder / "bundled.bundle.jsonl.gz"
    bundle.write_bytes(town.world.bundle())
    run = purse.json("trust", "import", bundle)
    assert (run.exit, run.data["dropped"]) == (0, 0)
    assert run.data["entries"] > 10
    assert "entries are proven" in purse.run("trust", "import", bundle).out


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"nonsense", "gzip_invalid"),
        (b"{}", "member_missing"),
        (b"\x1f\x8b broken", "gzip_invalid"),
    ],
)
def test_a_file_that_is_no_evidence_is_refused(town, data, code):
    purse = town.citizen(f"no-evidence-{len(data)}")
    file = purse.folder / "file"
    file.write_bytes(data)
    run = purse.json("trust", "import", file)
    assert (run.exit, run.code) == (2, code)


def test_evidence_that_does_not_verify_is_left_out_and_counted(town):
    purse = town.citizen("half-broken")
    lines = [json.loads(line) for line in gzip.decompress(town.world.bundle()).splitlines()]
    [line for line in lines if "item" in line][-1]["item"]["index"] += 1
    file = purse.save("broken.bundle.jsonl", "\n".join(map(json.dumps, lines)))
    run = purse.json("trust", "import", file)
    assert (run.exit, run.data["dropped"]) == (0, 1)
    assert run.warnings == ["evidence_dropped"]


def test_a_damaged_trust_directory_is_told(town):
    purse = town.citizen("damaged")
    (purse.path / "trust/policy.json").write_text("{")
    run = purse.json("trust", "show")
    assert (run.exit, run.code) == (11, "trust_damaged")
