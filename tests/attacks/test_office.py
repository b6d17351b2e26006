"""Attacks from inside an agency's office: one function each, the name is the attack."""

from dataclasses import replace

import pytest

from did_service.core.anchor.streams import stream_id
from did_service.core.credentials.bitstring_status_list import Purpose
from did_service.core.credentials.record import record_of
from did_service.core.crypto.hashes import sha256
from did_service.core.encoding import b64, jcs
from did_service.core.errors import ConflictError, RuleError, UsageError
from did_service.core.log.merkle import leaf_hash
from did_service.issuer.officers import log_in
from did_service.issuer.states import Verb
from tests.support.dids import key
from tests.support.federation import founded
from tests.support.offices import EV, TOKENS, Backup, Office, index_of
from tests.support.refusals import refused


@pytest.fixture
def office(tmp_path):
    return Office(founded(), tmp_path)


def test_issue_without_approval(office):
    applied = office.apply()
    applications = office.issuer.applications
    drawn = office.draws()
    with refused("state_wrong", ConflictError):
        applications.approve(applied["id"], "zhao")  # nobody has accepted it
    assert drawn == []  # not even an index: nothing was signed
    applications.accept(applied["id"], "li")
    with refused("officer_role_missing", RuleError):
        log_in(office.agency.officers, TOKENS["sun"], frozenset({"approve"}))
    assert office.issuer.statuses.listed(0) == []
    assert office.store.application(applied["id"]).credential is None


def test_one_officer_two_roles(office):
    applied = office.apply()
    office.issuer.applications.accept(applied["id"], "li")  # li may do both, but not for one
    with refused("same_officer", RuleError):
        office.issuer.applications.approve(applied["id"], "li")
    li, *others = office.agency.officers
    for second in (
        replace(li, token_sha256=bytes(32)),  # one name, two tokens
        replace(li, name="li-two"),  # one token, two names
    ):
        office.agency = replace(office.agency, officers=(li, second, *others))
        with refused("officers_ambiguous", UsageError):
            office.restart()


def test_empty_day_looks_like_busy_day(office):
    def day(count: int):
        credentials = [office.issue()["credential"] for _ in range(count)]
        office.fed.tick(days=1)
        office.issuer.tick()
        entry = office.fed.logs[EV].newest("evidence", stream_id(office.actor.did, "issuance"))
        return entry.entry, credentials

    def look(entry):
        """What an outsider sees of a batch, without the values of hashes and signatures."""
        masked = {**entry.members, "d": "", "p": "", "a": 0, "n": 0}
        proof = {**masked["b"]["proof"], "proofValue": "", "created": ""}
        return {**masked, "b": {**masked["b"], "proof": proof}}

    office.issuer.tick()
    empty, _ = day(0)
    busy, credentials = day(9)
    assert look(empty) == look(busy)
    assert abs(len(empty.encode()) - len(busy.encode())) <= 2  # base58 varies
    proofs = [office.issuer.evidence.proof(record_of(each)) for each in credentials]
    assert {len(proof["path"]) for proof in proofs} == {10}
    positions = [proof["position"] for proof in proofs]
    assert max(positions) > len(positions)  # a place does not count the others


def test_every_credential_has_its_status(office):
    chosen = {"credentialStatus": [], "statusListIndex": "1"}
    with refused("claims_invalid", RuleError):
        office.apply(claims={**office.application()["claims"], **chosen})
    credential = office.issue()["credential"]
    purposes = [entry["statusPurpose"] for entry in credential["credentialStatus"]]
    assert purposes == ["revocation", "suspension"]


def test_issuer_restored_from_backup(office):
    """Whoever puts yesterday's database back un-revokes nobody, and gives no index again."""
    kept, revoked = (office.issue()["credential"] for _ in range(2))
    office.issuer.tick()
    backup = Backup(office)
    lost = office.issue()["credential"]
    for credential in (revoked, lost):
        office.fed.tick()
        office.issuer.statuses.change(credential["id"], Verb.REVOKE, "qian")
    backup.restore()
    office.fed.tick(3_600)
    office.issuer.tick()
    assert office.bits() == {index_of(revoked), index_of(lost)}
    assert set(map(index_of, (kept, revoked, lost))) == office.store.credentials.used_indices()


def test_log_invents_a_status_list(office):
    """An operator that serves a list of its own making revokes nobody at the issuer."""
    office.issuer.tick()
    credential = office.issue()["credential"]
    office.fed.tick(3_600)
    url = office.agency.list_url(Purpose.REVOCATION)
    content = office.fed.list_content(
        replace(office.actor, key=key("thief")), url, [index_of(credential)]
    )
    former = office.chain()[-1].entry
    forged = office.fed.compose(EV, "status", url, former.body, sha256(content))
    office.fed.logs[EV].force(forged.sequenced(office.fed.now))
    office.fed.contents[sha256(content)] = content
    office.issuer.tick()
    with pytest.raises(RuleError) as caught:
        office.issuer.statuses.publish(Purpose.REVOCATION)
    assert caught.value.details == {"reason": "list_foreign"}
    assert office.store.credentials.indices_in("revoked") == []


def test_logins_by_guess(office):
    for token in ("", "x" * 40, TOKENS["li"][:-1], TOKENS["li"] + " ", "李" * 22):
        with refused("officer_unknown", RuleError):
            log_in(office.agency.officers, token, frozenset({"accept"}))


def test_sibling_reveals_nothing(office):
    records = [record_of(office.issue()["credential"]) for _ in range(4)]
    office.fed.tick(days=1)
    office.issuer.tick()
    proofs = [office.issuer.evidence.proof(record) for record in records]
    salts = [b64.decode_url(proof["salt"], size=32) for proof in proofs]
    assert len(set(salts)) == len(salts)  # one's own salt opens nobody else's leaf
    others = [leaf_of(salt, record) for salt, record in zip(salts, records, strict=True)]
    for own, salt in enumerate(salts):
        theirs = {leaf for at, leaf in enumerate(others) if at != own}
        known = {leaf_of(salt, record) for record in records} | set(map(leaf_hash, records))
        assert not known & theirs  # knowing their whole credential does not find it
        told = {b64.decode_url(each, size=32) for each in proofs[own]["path"]}
        assert not told & set(records)


def leaf_of(salt, record):
    return leaf_hash(
        jcs.encode({"salt": b64.encode_url(salt), "sha256": b64.encode_url(record)})
    )
