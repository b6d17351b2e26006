"""deploy/nginx: a service behind Debian's nginx, asked over TLS by a peer's client."""

import json
import re
import socket
import ssl

import httpx
import pytest

from did_service.core import limits
from did_service.core.errors import LimitError, UnavailableError
from did_service.web.problems import BY_CODE, problem_of
from scripts import make_nginx_problems
from tests.support.live import running
from tests.support.proxy import FILES, Authority, proxied

pytestmark = [pytest.mark.clock, pytest.mark.xdist_group("proxy")]

HOST = "gd.example"
# verify(1ssl), "Diagnostics"
HAS_EXPIRED, ISSUER_UNKNOWN, HOSTNAME_MISMATCH = 10, 20, 62
PROBLEM = "application/problem+json"
SECRET = "pick-up-code-of-wang-fang"
ALLOWED = "        allow 127.0.0.1;\n"
SLOW = {"zone=did_writes:10m rate=20r/s": "zone=did_writes:10m rate=1r/m"}


@pytest.fixture(scope="module")
def fed(tmp_path_factory):
    with running(tmp_path_factory.mktemp("fed")) as made:
        yield made


@pytest.fixture(scope="module")
def upstream(fed):
    return fed.sockets / "gd.sock"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "ca")


@pytest.fixture(scope="module")
def proxy(tmp_path_factory, upstream, authority):
    with proxied(tmp_path_factory.mktemp("proxy"), "region", upstream, authority) as made:
        yield made


@pytest.fixture(scope="module")
def agency(tmp_path_factory, upstream, authority):
    """An agency's site; a region stands behind it, for what the proxy does by itself."""
    place = tmp_path_factory.mktemp("agency")
    with proxied(place, "agency", upstream, authority) as made:
        yield made


def asked(proxy, ca, path, method="GET", body=b"", **headers):
    with proxy.transport(ca) as transport:
        url = f"https://{proxy.host}{path}"
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return transport.request(method, url, body=body, headers=names)


def problem(answer):
    assert answer.headers["content-type"] == PROBLEM
    return json.loads(answer.body)


def verified(error):
    """Return what the client's library found wrong with a certificate."""
    assert error.code == "peer_unreachable"
    refusal = error.__cause__.__cause__.args[0]
    assert isinstance(refusal, ssl.SSLCertVerificationError)
    return refusal.verify_code


# --- TLS ----------------------------------------------


def test_a_peer_with_the_authority_of_the_site_reaches_the_service(proxy, authority):
    answer = asked(proxy, authority.file, "/health")
    assert answer.status == 200
    assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["server"] == "nginx"


def test_no_header_is_said_twice(proxy, authority):
    for path in ("/health", "/docs", "/nothing"):
        names = asked(proxy, authority.file, path).headers
        assert "," not in names["x-content-type-options"], path
        assert "," not in names["referrer-policy"], path


def test_a_site_of_another_authority_is_refused(proxy, tmp_path):
    other = Authority(tmp_path / "other")
    with pytest.raises(UnavailableError) as caught:
        asked(proxy, other.file, "/health")
    assert verified(caught.value) == ISSUER_UNKNOWN


def test_a_certificate_that_has_ended_is_refused(tmp_path, upstream, authority):
    place = tmp_path / "late"
    with (
        proxied(place, "region", upstream, authority, days=0) as late,
        pytest.raises(UnavailableError) as caught,
    ):
        asked(late, authority.file, "/health")
    assert verified(caught.value) == HAS_EXPIRED


def test_a_name_without_a_site_gets_no_certificate(proxy, authority):
    host = "hb.example"
    with (
        proxy.transport(authority.file, host) as transport,
        pytest.raises(UnavailableError) as caught,
    ):
        transport.get(f"https://{host}/health")
    assert caught.value.code == "peer_unreachable"


def test_a_certificate_for_another_name_is_refused(tmp_path, upstream, authority):
    changes = {f"server_name {HOST}": "server_name hb.example"}
    place = tmp_path / "named"
    with (
        proxied(place, "region", upstream, authority, changes=changes) as named,
        named.transport(authority.file, "hb.example") as transport,
        pytest.raises(UnavailableError) as caught,
    ):
        transport.get("https://hb.example/health")
    assert verified(caught.value) == HOSTNAME_MISMATCH


# --- what passes, and what the proxy says by itself -------------------------


def test_what_the_service_refuses_passes_as_it_is(proxy, authority):
    answer = asked(proxy, authority.file, "/reg/tile/0/x", accept_language="zh-CN")
    direct = problem(answer)
    assert answer.status == direct["status"]
    assert "proxy" not in direct["detail"]
    assert answer.headers["content-language"] == "zh"


def test_a_body_above_the_bound_is_a_problem_document(proxy, authority):
    big = bytes(limits.MAX_BODY_BYTES + 1)
    said = problem(asked(proxy, authority.file, "/nothing", "POST", big))
    assert (said["status"], said["code"]) == (413, "too_large")
    with proxy.transport(authority.file) as transport, pytest.raises(LimitError):
        transport.post(f"https://{HOST}/nothing", big)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/reg/entries", limits.MAX_BATCH_BODY_BYTES),
        ("/witness/did-proof", limits.MAX_DID_LOG_BYTES),
        ("/witness/add-checkpoint", limits.MAX_BODY_BYTES),
        ("/elsewhere", limits.MAX_BODY_BYTES),
    ],
)
def test_the_proxy_takes_whatever_the_service_takes(proxy, authority, path, most):
    answer = asked(proxy, authority.file, path, "POST", b"x" * most)
    assert problem(answer)["detail"] != "refused by the proxy in front"


def test_a_body_that_passes_the_proxy_is_bounded_by_the_service(proxy, authority):
    body = b"x" * (limits.MAX_BODY_BYTES + 1)
    said = problem(asked(proxy, authority.file, "/witness/add-checkpoint", "POST", body))
    assert (said["status"], said["code"]) == (413, "too_large")
    assert "proxy" not in said["detail"]


def test_who_writes_too_fast_is_told_so(tmp_path, upstream, authority):
    place = tmp_path / "slow"
    with (
        proxied(place, "region", upstream, authority, changes=SLOW) as slow,
        slow.transport(authority.file) as transport,
    ):
        url = f"https://{HOST}/witness/add-checkpoint"
        headers = {"accept-language": "zh"}
        answers = [transport.request("POST", url, headers=headers) for _ in range(102)]
        reading = transport.get(f"https://{HOST}/health")
    *before, last = answers
    assert {each.status for each in before} == {400}
    said = problem(last)
    assert (said["status"], said["code"]) == (429, "too_many_requests")
    assert said == problem_of(LimitError("too_many_requests", said["detail"]), "zh")
    assert last.headers["retry-after"] == "2"
    assert last.headers["cache-control"] == "no-store"
    assert reading.status == 200  # who writes too fast may still read


def test_a_service_that_is_down_is_told_as_one(tmp_path, authority):
    place = tmp_path / "down"
    nobody = tmp_path / "nobody.sock"
    with proxied(place, "region", nobody, authority) as down:
        answer = asked(down, authority.file, "/health")
        said = problem(answer)
        assert (answer.status, said["code"]) == (503, "peer_unreachable")
        assert answer.headers["retry-after"] == "2"
        with (
            down.transport(authority.file) as transport,
            pytest.raises(UnavailableError),
        ):
            transport.get(f"https://{HOST}/health")


def test_plain_http_on_the_port_of_tls_is_a_problem_document(proxy):
    answer = httpx.get(f"http://{proxy.address}/health", headers={"host": HOST})
    assert (answer.status_code, answer.json()["code"]) == (400, "request_malformed")


# --- files that never change ----------------------------------------------


def test_what_never_changes_is_kept_by_the_proxy(proxy, authority, fed):
    fed.publish("gd")
    size = fed.logs[f"{HOST}/reg"].size()
    path = f"/reg/tile/0/000.p/{size}"
    first, again = (asked(proxy, authority.file, path) for _ in range(2))
    assert first.status == 200
    assert first.body == again.body
    assert "immutable" in again.headers["cache-control"]
    kept = [line for line in proxy.logged(path, 2).splitlines() if f" {path} " in line]
    assert [line.split()[-1] for line in kept] == ["MISS", "HIT"]


@pytest.mark.parametrize("path", ["/reg/checkpoint", "/reg/tile/0/000.p/1?x", "/ready"])
def test_nothing_else_is_kept(proxy, authority, path):
    for _ in range(2):
        asked(proxy, authority.file, path)
    logged = path.partition("?")[0]
    kept = [line for line in proxy.logged(logged, 2).splitlines() if f" {logged} " in line]
    assert kept
    assert {line.split()[-1] for line in kept} <= {"-", "BYPASS"}


def test_no_tile_is_found_by_a_query_or_in_another_spelling(proxy, authority, fed):
    """What is spelled in another way fills no room: it is asked of the service each time."""
    fed.publish("gd")
    path = f"/reg/tile/0/000.p/{fed.logs[f'{HOST}/reg'].size()}"
    assert asked(proxy, authority.file, path).status == 200
    before = sum(1 for _ in (proxy.place / "cache").rglob("*"))
    for odd in (f"{path}?1", f"{path}?2", path.replace("t", "%74"), path.replace("e", "%65")):
        assert asked(proxy, authority.file, odd).status == 200, odd
    assert sum(1 for _ in (proxy.place / "cache").rglob("*")) == before


def test_who_asks_for_another_host_than_he_shook_hands_with_is_told_so(proxy, authority):
    context = ssl.create_default_context(cafile=authority.file)
    host, _, port = proxy.address.partition(":")
    with (
        socket.create_connection((host, int(port))) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as secured,
    ):
        secured.sendall(b"GET /ready HTTP/1.1\r\nHost: hb.example\r\nConnection: close\r\n\r\n")
        answer = secured.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 421 ")
    assert b"nginx/" not in answer


# --- what is not for everybody ----------------------------------------------


@pytest.mark.parametrize("path", ["/metrics", "/agencies/a/office/applications"])
def test_calls_of_the_inside_are_not_there_for_strangers(tmp_path, upstream, authority, path):
    place = tmp_path / "inside"
    changes = {ALLOWED: ""}
    with proxied(place, "agency", upstream, authority, changes=changes) as strange:
        said = problem(asked(strange, authority.file, path))
        assert (said["status"], said["code"]) == (404, "path_unknown")
        assert said["detail"] == "refused by the proxy in front"


def test_metrics_are_there_for_this_machine(proxy, authority):
    assert b"didsvc_" in asked(proxy, authority.file, "/metrics").body


@pytest.mark.parametrize("is_up", [True, False])
def test_no_log_of_the_proxy_has_a_pick_up_code(tmp_path, upstream, authority, is_up):
    place = tmp_path / "pickup"
    behind = upstream if is_up else tmp_path / "nobody.sock"
    with proxied(place, "agency", behind, authority) as made:
        path = f"/agencies/a/pickup/{SECRET}"
        asked(made, authority.file, path)
        asked(made, authority.file, f"{path}?{SECRET}")
        told = made.logged("/agencies/a/pickup/-", 2)
    assert "/agencies/a/pickup/- " in told
    assert SECRET not in told


def test_no_log_of_the_proxy_has_an_address_of_who_asks(agency, authority):
    path = "/agencies/a/status/1"
    asked(agency, authority.file, path)
    line = next(each for each in agency.logged(path).splitlines() if f" {path} " in each)
    assert "127.0.0.1" not in line


# --- as it is written ----------------------------------------------


def directive(name):
    text = "".join(path.read_text() for path in sorted(FILES.glob("*/*.conf")))
    return re.findall(rf"^ *{name} ([^;]+);", text, re.MULTILINE)


def test_problem_documents_are_those_of_the_services():
    written = (FILES / "did-service" / "problems.conf").read_text()
    assert written == make_nginx_problems.text()
    assert BY_CODE["too_many_requests"] == 429


def test_claims_are_never_written_to_a_disk():
    """A body of an agency fits into memory, and its answers are not written either."""
    assert directive("client_body_buffer_size") == ["1m"]
    assert "client_max_body_size" not in (FILES / "sites-available/agency.conf").read_text()
    assert directive("proxy_max_temp_file_size") == ["0"]
    assert limits.MAX_BODY_BYTES == 2**20


def test_the_proxy_waits_longer_than_whoever_waits_for_it():
    (seconds,) = {int(each.removesuffix("s")) for each in directive("proxy_read_timeout")}
    assert seconds > max(limits.MAX_WAIT_SECONDS, limits.HTTP_TIMEOUT_SECONDS) * 2
