"""Attacks on an agency by whoever may apply there, which is everybody."""

import tempfile
from pathlib import Path

import pytest

from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.core import text
from did_service.core.encoding import strict_json, timestamps
from did_service.core.errors import LimitError, RuleError, UnavailableError
from did_service.core.integrity import data_integrity, eddsa_jcs_2022
from did_service.core.limits import MAX_APPLICATION_BYTES, MAX_CLAIMS_BYTES
from did_service.issuer import applications
from did_service.issuer.app import create_app
from did_service.web.pools import Pools
from did_service.web.serve import Server, unix_socket
from tests.support import health
from tests.support.federation import founded
from tests.support.offices import CLAIMS, TOKENS, URL, Office
from tests.support.refusals import refused


@pytest.fixture
def office(tmp_path):
    office = Office(founded(2026, 2027), tmp_path)
    office.issuer.tick()
    return office


def application(office, **members: object) -> strict_json.JsonObject:
    """An application whose proof has further members, which its holder's key signs as well."""
    holder = office.fed.device("wang")
    asked = {"item": "residence-permit", "claims": CLAIMS, "holder": holder.did}
    options = {
        "created": timestamps.encode(office.edge.clock()),
        "verificationMethod": holder.method,
        "proofPurpose": "authentication",
        "challenge": office.issuer.applications.challenge()["challenge"],
        "domain": URL,
        **members,
    }
    proof = data_integrity.create(asked, options, holder.key, eddsa_jcs_2022)
    return {**asked, "proof": proof}


def test_application_that_is_nearly_all_proof_is_not_kept(office):
    submit = office.issuer.applications.submit
    with refused("too_large", LimitError):
        submit(application(office, note="x" * MAX_APPLICATION_BYTES))
    assert office.store.applications(None) == []
    submit(application(office, note="x" * 4_000))  # whoever has a use for it


def test_applications_without_end_fill_no_disk(office, monkeypatch):
    """Beyond a bound none is taken, and officers hear of it; what was taken goes on."""
    monkeypatch.setattr(applications, "MAX_OPEN_APPLICATIONS", 3)
    bodies = [office.application() for _ in range(3)]
    first, *_ = map(office.issuer.applications.submit, bodies)
    with refused("applications_full", UnavailableError):
        office.apply()
    assert health.number(office.issuer, "issuer_open_applications") == 3
    assert office.issuer.applications.submit(bodies[0]) == first  # its answer was lost
    office.issuer.applications.accept(first["id"], "li")
    with refused("applications_full", UnavailableError):
        office.apply()  # accepted is not decided
    office.issuer.applications.approve(first["id"], "zhao")
    assert office.apply()["id"]


def test_long_claims_are_looked_through_once_a_character(office, monkeypatch):
    """A hundred thousand characters cost what their kinds cost, before the schema judges."""
    looked: list[str] = []
    real = text._is_hidden
    monkeypatch.setattr(text, "_is_hidden", lambda each: looked.append(each) or real(each))
    for long in ("x" * (MAX_CLAIMS_BYTES // 2), "天地" * (MAX_CLAIMS_BYTES // 12)):
        with refused("claims_invalid", RuleError):
            office.apply(claims={**CLAIMS, "portrait": long})
    assert len(looked) < 200


def test_applications_hold_up_nothing_else(office, monkeypatch):
    """With each thread and place for applications taken, all other calls are answered."""
    socket = Path(tempfile.mkdtemp(prefix="iss")) / "gz.sock"
    full: list[str] = []
    real = Pools.of

    def filled(pools, name, *sizes, **more):
        pool = real(pools, name, *sizes, **more)
        if name == "applications" and name not in full:
            full.append(name)
            for _ in range(pool._most):
                pool._admit("")
        return pool

    monkeypatch.setattr(Pools, "of", filled)
    login = {"authorization": f"Bearer {TOKENS['li']}"}
    with (
        Server(create_app(office.issuer), unix_socket(socket)),
        Transport(Routes({"gz.gd.example": UnixRoute(str(socket))})) as transport,
    ):
        sent = transport.request("POST", f"{URL}/applications", body=b"{}")
        assert (sent.status, b"server_busy" in sent.body) == (503, True)
        for path in ("/challenge", "/status/1", "/office/applications"):
            assert transport.get(f"{URL}{path}", headers=login).status == 200
        assert transport.get("https://gz.gd.example/health").status == 200


def test_proof_that_expires_before_an_officer_comes_is_no_changed_database(office):
    """It was good when it came; the word for a changed database is kept for that."""
    soon = timestamps.encode(timestamps.from_posix(office.fed.now + 60))
    applied = office.issuer.applications.submit(application(office, expires=soon))
    office.fed.tick(120)
    office.issuer.applications.accept(applied["id"], "li")
    assert office.issuer.applications.approve(applied["id"], "zhao")
