"""The issuer over real HTTP on a Unix socket: every answer, every refusal, its description."""

import json
import logging
import tempfile
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from did_service.client.issuer import IssuerClient, NotYet, parse_delivery
from did_service.client.routes import Routes, UnixRoute
from did_service.client.transport import Transport
from did_service.core.credentials.bitstring_status_list import Purpose
from did_service.core.credentials.record import record_of
from did_service.core.did.webvh.history import verify_history
from did_service.core.encoding import jcs
from did_service.core.errors import PROBLEM_TYPE, NotFoundError
from did_service.issuer.app import create_app
from did_service.issuer.officers import MIN_TOKEN_CHARACTERS, check_officers, hash_token
from did_service.web.serve import Server, unix_socket
from tests.support.federation import founded
from tests.support.live import running
from tests.support.offices import CLAIMS, EV, TOKENS, URL, Office, index_of
from tests.support.refusals import refused

WHY = jcs.encode({"reason": "卡已遗失 the card was lost"})


class Web:
    """An office served on a socket, with a wallet's client and officers' calls."""

    def __init__(self, office: Office, socket: Path) -> None:
        self.office = office
        self.transport = Transport(Routes({"gz.gd.example": UnixRoute(str(socket))}))
        self.wallet = IssuerClient(self.transport, URL)

    def ask(self, method: str, path: str, body: bytes = b"", login: str = "", **headers):
        """One call; `login` is an officer's name. Status, members and headers of the answer."""
        if login:
            headers["authorization"] = f"Bearer {TOKENS[login]}"
        url = path if path.startswith("https:") else f"{URL}{path}"
        found = self.transport.request(method, url, body=body, headers=headers)
        members = json.loads(found.body) if found.content_type.endswith("json") else found.body
        if found.status >= 400:
            assert found.content_type == PROBLEM_TYPE
            assert members["type"] == f"urn:didsvc:problem:{members['code']}"
        return found.status, members, found.headers

    def do(self, login: str, path: str, body: bytes = b"{}"):
        return self.ask("POST", f"/office/{path}", body, login)[:2]

    def code(self, *arguments, **options):
        status, members, _ = self.ask(*arguments, **options)
        return status, members["code"]

    def issue(self) -> dict:
        """The whole way of one credential; what the wallet holds at the end."""
        body = self.office.application(challenge=self.wallet.challenge())
        handed_in = self.wallet.apply(body)
        assert self.do("li", f"applications/{handed_in.id}/accept")[0] == 200
        assert self.do("zhao", f"applications/{handed_in.id}/approve")[0] == 200
        return self.wallet.pick_up(handed_in.pickup)


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    office = Office(founded(), tmp_path_factory.mktemp("office"))
    office.issuer.tick()
    with tempfile.TemporaryDirectory(prefix="iss") as folder:
        socket = Path(folder) / "gz.sock"
        with Server(create_app(office.issuer), unix_socket(socket)):
            made = Web(office, socket)
            with made.transport:
                yield made


# --- the whole way ----------------------------------------------------------------------------


def test_apply_accept_approve_pick_up(web):
    body = web.office.application(challenge=web.wallet.challenge())
    handed_in = web.wallet.apply(body)
    assert web.wallet.pick_up(handed_in.pickup) == NotYet("received", "")
    assert web.do("li", f"applications/{handed_in.id}/accept") == (200, {"state": "accepted"})
    assert web.wallet.pick_up(handed_in.pickup) == NotYet("accepted", "")
    status, approved = web.do("zhao", f"applications/{handed_in.id}/approve")
    delivery = parse_delivery(web.wallet.pick_up(handed_in.pickup))
    assert (status, approved["credential"]) == (200, delivery.credential["id"])
    assert parse_delivery(web.wallet.pick_up(handed_in.pickup)) == delivery
    web.wallet.acknowledge(handed_in.pickup)
    with refused("pickup_used", NotFoundError):
        web.wallet.pick_up(handed_in.pickup)
    record = record_of(delivery.credential)
    with refused("batch_unknown", NotFoundError):
        web.wallet.batch(record)
    web.office.issuer.tick()
    assert web.wallet.batch(record)["log"] == EV


def test_a_credential_is_handed_out_and_then_forgotten(web):
    handed_in = web.wallet.apply(web.office.application())
    web.do("li", f"applications/{handed_in.id}/accept")
    web.do("zhao", f"applications/{handed_in.id}/approve")
    web.wallet.pick_up(handed_in.pickup)
    assert web.ask("DELETE", handed_in.pickup)[0] == 204
    row = web.office.store.application(handed_in.id)
    assert (row.state, row.credential) == ("collected", None)


def test_a_returned_application_says_why(web):
    handed_in = web.wallet.apply(web.office.application())
    note = jcs.encode({"note": "缺居住证明"})
    path = f"applications/{handed_in.id}/return"
    assert web.do("sun", path, note) == (200, {"state": "returned"})
    assert web.wallet.pick_up(handed_in.pickup) == NotYet("returned", "缺居住证明")


def test_revoked_and_served(web):
    credential = web.issue()["credential"]
    web.office.fed.tick()
    path = f"credentials/{credential['id']}"
    assert web.do("qian", f"{path}/suspend", WHY) == (200, {"state": "suspended"})
    assert web.do("qian", f"{path}/reinstate", WHY) == (200, {"state": "valid"})
    assert web.do("qian", f"{path}/revoke", WHY) == (200, {"state": "revoked"})
    assert index_of(credential) in web.office.bits()
    status, listed, headers = web.ask("GET", "/status/1")
    assert (status, headers["content-type"]) == (200, "application/vc")
    assert listed == web.office.issuer.statuses.served("1")
    assert web.do("qian", f"{path}/reinstate", WHY)[1]["code"] == "state_wrong"


def test_the_office_lists_credentials_without_claims(web):
    credential = web.issue()["credential"]
    status, members, _ = web.ask("GET", "/office/credentials", login="qian")
    row = next(each for each in members["credentials"] if each["id"] == credential["id"])
    assert status == 200
    told = {"id", "application", "state", "index", "issued", "reason", "published"}
    assert set(row) == told
    assert row["index"] == index_of(credential)
    start = len(members["credentials"])
    path = f"/office/credentials?start={start}"
    assert web.ask("GET", path, login="qian")[1] == {"credentials": []}


def test_the_reason_of_a_change_is_kept_and_shown_to_officers(web):
    credential = web.issue()["credential"]
    web.office.fed.tick()
    path = f"credentials/{credential['id']}/suspend"
    for body in (b"{}", b'{"reason":""}', b'{"reason":1}', b'{"reason":"x","by":"li"}', b"["):
        assert web.do("qian", path, body)[0] == 400
    too_long = jcs.encode({"reason": "长" * 401})
    assert web.do("qian", path, too_long)[0] == 400
    assert web.do("qian", path, WHY) == (200, {"state": "suspended"})
    members = web.ask("GET", "/office/credentials", login="qian")[1]
    row = next(each for each in members["credentials"] if each["id"] == credential["id"])
    assert row["reason"] == "卡已遗失 the card was lost"


def test_a_place_in_the_lists_is_revoked_by_its_number(web):
    web.office.fed.tick()
    free = next(
        index
        for index in range(131_072)
        if index not in web.office.store.credentials.used_indices()
    )
    path = f"indices/{free}/revoke"
    assert web.do("qian", path, WHY) == (200, {"state": "revoked"})
    members = web.ask("GET", "/office/indices", login="qian")[1]
    assert members["indices"][-1]["index"] == free
    assert free in web.office.bits()
    for place in ("131072", "-1", "x", "7.5"):
        answer = web.do("qian", f"indices/{place}/revoke", WHY)
        assert (answer[0], answer[1]["code"]) == (400, "request_malformed")


def test_officers_see_whom_an_application_is_for(web):
    handed_in = web.wallet.apply(web.office.application())
    members = web.ask("GET", "/office/applications", login="li")[1]
    row = next(each for each in members["applications"] if each["id"] == handed_in.id)
    assert row["holder"] == web.office.fed.device("wang").did


def test_too_many_wrong_log_ins_are_told_when_to_come_again(tmp_path):
    office = Office(founded(), tmp_path)
    with TestClient(create_app(office.issuer), base_url="https://gz.gd.example") as client:
        for number in range(11):
            headers = {"authorization": f"Bearer {number:043}"}
            answer = client.get("/agencies/a/office/applications", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
        assert int(answer.headers["retry-after"]) > 0
        headers = {"authorization": f"Bearer {TOKENS['li']}"}
        assert client.get("/agencies/a/office/applications", headers=headers).is_success


def test_a_revocation_without_a_log_is_a_503_that_says_so(web):
    credential = web.issue()["credential"]
    web.office.fed.tick()
    web.office.log.down = True
    path = f"/office/credentials/{credential['id']}/revoke"
    try:
        status, problem, headers = web.ask("POST", path, WHY, login="qian")
    finally:
        web.office.log.down = False
    assert (status, problem["code"]) == (503, "status_pending")
    assert int(headers["retry-after"]) > 0
    assert web.ask("POST", path, WHY, login="qian")[1] == {"state": "revoked"}
    assert index_of(credential) in web.office.bits()


def test_the_did_log_is_where_resolvers_look(web):
    status, log, headers = web.ask("GET", "https://gz.gd.example/.well-known/did.jsonl")
    assert (status, headers["content-type"]) == (200, "text/jsonl; charset=utf-8")
    now = web.office.edge.clock()
    history = verify_history(log, witness_file=None, did=web.office.actor.did, now=now)
    assert (history.fault, history.states[-1].version.number) == (None, 2)


def test_ready_once_the_lists_are_anchored(web):
    status, members, _ = web.ask("GET", "https://gz.gd.example/ready")
    assert (status, members["status"]) == (200, "ready")
    metrics = web.ask("GET", "https://gz.gd.example/metrics")[1]
    assert b"didsvc_issuer_pending_entries 0" in metrics


# --- logins -----------------------------------------------------------------------------------

OFFICE_CALLS = [
    ("GET", "/office/applications", "qian"),
    ("POST", "/office/applications/x/accept", "zhao"),
    ("POST", "/office/applications/x/return", "zhao"),
    ("POST", "/office/applications/x/approve", "sun"),
    ("GET", "/office/credentials", "li"),
    ("POST", "/office/credentials/x/revoke", "li"),
    ("POST", "/office/credentials/x/suspend", "zhao"),
    ("POST", "/office/credentials/x/reinstate", "sun"),
    ("GET", "/office/indices", "li"),
    ("POST", "/office/indices/7/revoke", "zhao"),
]


@pytest.mark.parametrize(("method", "path", "wrong"), OFFICE_CALLS)
def test_every_office_call_needs_the_login_of_its_role(web, method, path, wrong):
    status, problem, headers = web.ask(method, path, b"{not json")
    assert (status, problem["code"]) == (401, "officer_unknown")
    assert headers["www-authenticate"] == "Bearer"
    expected = 403, "officer_role_missing"
    assert web.code(method, path, b"{not json", login=wrong) == expected


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Basic bGk6bGk=", "Bearer a b", TOKENS["li"]],
)
def test_other_logins_are_unknown(web, header):
    headers = {"authorization": header} if header else {}
    expected = 401, "officer_unknown"
    assert web.code("GET", "/office/applications", **headers) == expected


def test_an_officer_who_accepted_may_not_approve(web):
    handed_in = web.wallet.apply(web.office.application())
    web.do("li", f"applications/{handed_in.id}/accept")
    status, problem = web.do("li", f"applications/{handed_in.id}/approve")
    assert (status, problem["code"]) == (403, "same_officer")


def test_tokens_are_long():
    assert len(hash_token("x" * MIN_TOKEN_CHARACTERS)) == 32
    with refused("token_short"):
        hash_token("x" * (MIN_TOKEN_CHARACTERS - 1))


def test_roles_that_do_not_exist_are_refused(web):
    officer = web.office.agency.officers[0]
    with refused("role_unknown"):
        check_officers([type(officer)("wu", bytes(32), frozenset({"anchor"}))])


# --- whatever comes in ------------------------------------------------------------------------

BODIES = {
    "json_invalid": b"{",
    "member_invalid": b"[]",
    "duplicate_member": b'{"item":"a","item":"b"}',
    "number_refused": b'{"item":1.5}',
    "utf8_invalid": b'{"item":"\xff"}',
    "member_missing": b"{}",
    "too_deep": b'{"item":' + b"[" * 100 + b"]" * 100 + b"}",
}


@pytest.mark.parametrize("code", BODIES)
def test_malformed_bodies_have_stable_codes(web, code):
    status = 413 if code == "too_deep" else 400
    assert web.code("POST", "/applications", BODIES[code]) == (status, code)
    listed = web.office.apply()["id"]
    path = f"/office/applications/{listed}/return"
    assert web.code("POST", path, BODIES[code], login="sun") == (
        status,
        "member_missing" if code == "member_missing" else code,
    )


def test_what_an_officer_says_fits_every_kind_of_database(web):
    """SQLite would keep a zero character, and no server could ever take over that row."""
    listed = web.office.apply()["id"]
    path = f"/office/applications/{listed}/return"
    refused = (400, "member_invalid")
    assert web.code("POST", path, b'{"note":"a\\u0000b"}', login="sun") == refused
    path, said = "/office/credentials/x/revoke", b'{"reason":"\\u0000"}'
    assert web.code("POST", path, said, login="qian") == refused


def test_a_body_of_two_megabytes_is_not_read(web):
    assert web.code("POST", "/applications", b"x" * 2_000_000) == (413, "too_large")


@pytest.mark.parametrize(
    ("expected", "method", "path", "login"),
    [
        ((404, "pickup_unknown"), "GET", "/pickup/nobody", ""),
        ((404, "list_unknown"), "GET", "/status/3", ""),
        ((404, "list_unknown"), "GET", "/status/01", ""),
        ((404, "batch_unknown"), "GET", "/batches/" + "0" * 64, ""),
        ((400, "hex_invalid"), "GET", "/batches/" + "0" * 63, ""),
        ((400, "hex_invalid"), "GET", "/batches/" + "A" * 64, ""),
        ((400, "hex_invalid"), "GET", "/batches/" + "g" * 64, ""),
        ((404, "path_unknown"), "GET", "/nothing", ""),
        ((405, "method_not_allowed"), "GET", "/applications", ""),
        ((404, "application_unknown"), "POST", "/office/applications/x/accept", "sun"),
        ((404, "application_unknown"), "POST", "/office/applications/x/approve", "zhao"),
        ((404, "credential_unknown"), "POST", "/office/credentials/x/revoke", "qian"),
        ((400, "request_malformed"), "POST", "/office/credentials/x/forgive", "qian"),
        ((400, "request_malformed"), "GET", "/office/applications?state=lost", "sun"),
        ((400, "request_malformed"), "GET", "/office/credentials?start=-1", "qian"),
    ],
)
def test_unknown_names_have_stable_codes(web, expected, method, path, login):
    body = b"" if method == "GET" else WHY
    assert web.code(method, path, body, login=login) == expected


def test_a_used_challenge_is_a_conflict(web):
    application = web.office.application()
    challenge = application["proof"]["challenge"]
    other = web.office.application(challenge=challenge, holder=web.office.fed.device("zhao"))
    assert web.ask("POST", "/applications", jcs.encode(application))[0] == 201
    assert web.code("POST", "/applications", jcs.encode(other)) == (409, "challenge_unknown")


def test_refusals_and_logs_hold_no_personal_data(web, caplog):
    with caplog.at_level(logging.DEBUG):
        for claims in (
            {**CLAIMS, "citizenNumber": "王小明"},
            {**CLAIMS, "birthDate": "王小明"},
        ):
            body = web.office.application(claims=claims)
            status, problem, _ = web.ask("POST", "/applications", jcs.encode(body))
            assert (status, problem["code"]) == (422, "claims_invalid")
            assert "王" not in json.dumps(problem, ensure_ascii=False)
        web.issue()
        web.ask("POST", "/applications", jcs.encode({**body, "王小明": 1}))
    assert "王" not in caplog.text
    assert "11010519491231002X" not in caplog.text
    assert not [r for r in caplog.records if r.name.startswith("did_service")]


def test_personal_data_is_never_cached(web):
    for path, login in (("/challenge", ""), ("/office/applications", "sun")):
        assert web.ask("GET", path, login=login)[2]["cache-control"] == "no-store"
    body = jcs.encode(web.office.application())
    assert web.ask("POST", "/applications", body)[2]["cache-control"] == "no-store"


# --- the API document -------------------------------------------------------------------------


def test_every_call_describes_its_body_and_its_answers(web):
    document = create_app(web.office.issuer).openapi()
    calls = {
        (method, path.removeprefix("/agencies/{agency}")): call
        for path, methods in document["paths"].items()
        for method, call in methods.items()
        if path.startswith("/agencies/{agency}")
    }
    assert len(calls) == 14
    assert "Problem" in document["components"]["schemas"]
    assert "HTTPValidationError" not in document["components"]["schemas"]
    for (_, path), call in calls.items():
        good = [s for s in call["responses"] if s.startswith("2") and s != "204"]
        assert good or "204" in call["responses"], path
        for status in good:
            assert any(
                content.get("schema") or kind == "application/vc"
                for kind, content in call["responses"][status]["content"].items()
            ), path
        if path.startswith("/office"):
            assert {"401", "403"} <= call["responses"].keys()
            assert call["security"] == [{"HTTPBearer": []}]
    for path in ("/applications", "/office/applications/{identifier}/return"):
        body = calls["post", path]["requestBody"]["content"]["application/json"]["schema"]
        assert body["additionalProperties"] is False
        assert set(body["required"]) == set(body["properties"])


# --- a real registry --------------------------------------------------------------------------


def test_an_agency_works_with_a_running_registry(tmp_path):
    with running(tmp_path / "fed") as fed:
        office = Office(fed, tmp_path, log_of=fed.client)
        office.issuer.tick()
        credential = office.issue()["credential"]
        fed.tick()
        office.issuer.tick()
        office.issuer.statuses.change(credential["id"], "revoke", "qian")
        fed.publish("gd")
        newest = office.fed.logs[EV].newest(
            "status", office.agency.list_url(Purpose.REVOCATION)
        )
        reader = fed.reader(EV)
        assert reader.content(newest.entry.digest) == office.issuer.statuses.served("1")
        place = office.issuer.evidence.proof(record_of(credential))
        entry = office.fed.logs[EV].placed(place["index"])
        assert entry.entry.type == "evidence"
        verified = fed.policy.log_policy(EV).verify(reader.checkpoint())
        assert verified.checkpoint.size > newest.index


def test_a_registry_that_comes_back_has_what_was_on_its_way(tmp_path):
    with running(tmp_path / "fed") as fed:
        office = Office(fed, tmp_path, log_of=fed.client)
        office.issuer.tick()
        _, credential = office.approve()
        fed.stop("gd")
        fed.tick()
        with refused("status_pending"):
            office.issuer.statuses.change(credential, "revoke", "qian")
        fed.start("gd")
        office.restart()
        office.issuer.tick()
        rows = office.issuer.statuses.listed(0)
        assert [(row["state"], row["published"]) for row in rows] == [("revoked", True)]
